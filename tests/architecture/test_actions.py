"""Whatever somebody does is one function: named arguments, `by` last, one transaction, one audit event."""

import ast
import importlib
import inspect

import pytest

APPS = ["accounts", "clients", "sessions_app", "measures", "ruptures", "dashboards"]
# Joins the transaction of the action, or of the client's link, that records the rating.
IN_THE_CALLERS_TRANSACTION = {"measures.actions.record_rating"}

# A draft is not on record: it is its author's alone until it is saved as a session, every few seconds another.
NOT_ON_RECORD = {"sessions_app.actions.save_draft", "sessions_app.actions.discard_draft"}


def deeds() -> dict[str, object]:
    """Public functions with `by`, under their full names."""
    found = {}
    for app in APPS:
        try:
            module = importlib.import_module(f"{app}.actions")
        except ModuleNotFoundError:
            continue
        for name, function in inspect.getmembers(module, inspect.isfunction):
            is_ours = function.__module__ == module.__name__ and not name.startswith("_")
            if is_ours and "by" in inspect.signature(function).parameters:
                found[f"{module.__name__}.{name}"] = function
    return found


def names_called(function) -> set[str]:
    source = ast.parse(inspect.getsource(inspect.unwrap(function)))
    return {node.func.id for node in ast.walk(source) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}


def test_the_known_actions_are_found():
    assert {"clients.actions.create_client", "measures.actions.submit_rating"} <= set(deeds())
    assert len(deeds()) >= 15


@pytest.mark.parametrize("name", deeds())
def test_action_takes_named_arguments_with_by_last(name):
    parameters = list(inspect.signature(deeds()[name]).parameters.values())
    if parameters[-1].kind is inspect.Parameter.VAR_KEYWORD:
        parameters.pop()
    assert parameters[-1].name == "by"
    assert {parameter.kind for parameter in parameters} == {inspect.Parameter.KEYWORD_ONLY}
    assert parameters[-1].default is inspect.Parameter.empty, "nobody acts without saying who"


@pytest.mark.parametrize("name", deeds())
def test_action_is_one_transaction(name):
    is_atomic = hasattr(deeds()[name], "__wrapped__")
    assert is_atomic != (name in IN_THE_CALLERS_TRANSACTION)


@pytest.mark.parametrize("name", deeds())
def test_action_leaves_an_audit_event(name):
    by_itself_or_through = {"record_event", *(other.rpartition(".")[2] for other in deeds())}
    assert bool(names_called(deeds()[name]) & by_itself_or_through) != (name in NOT_ON_RECORD)
