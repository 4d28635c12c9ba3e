"""Whatever somebody does is one function: named arguments, `by` last, one transaction, one audit event."""

import ast
import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

APPS = ["accounts", "clients", "sessions_app", "measures", "ruptures", "dashboards", "supervision",
        "administration"]  # fmt: skip
# Write the event for the actions that call them.
WRITE_THE_EVENT = {"measures.actions.store", "measures.actions.new_request"}
# Joins the transaction of the action, or of the client's link, that records the rating.
IN_THE_CALLERS_TRANSACTION = {"measures.actions.record_rating"}

# A draft is not on record: it is its author's alone until it is saved as a session, every few seconds another.
NOT_ON_RECORD = {"sessions_app.actions.drafts.save_draft", "sessions_app.actions.drafts.discard_draft"}


def modules() -> list[ModuleType]:
    """The actions of each app; where they are a folder, each module in it."""
    found = []
    for app in APPS:
        try:
            module = importlib.import_module(f"{app}.actions")
        except ModuleNotFoundError:
            continue
        inner = pkgutil.iter_modules(getattr(module, "__path__", []), f"{module.__name__}.")
        found += [module, *(importlib.import_module(each.name) for each in inner)]
    return found


def deeds() -> dict[str, object]:
    """Public functions with `by`, under their full names."""
    found = {}
    for module in modules():
        for name, function in inspect.getmembers(module, inspect.isfunction):
            is_ours = f"{function.__module__}.".startswith(f"{module.__name__}.") and not name.startswith("_")
            if is_ours and "by" in inspect.signature(function).parameters:
                found[f"{module.__name__}.{name}"] = function
    return found


def names_called(function) -> set[str]:
    source = ast.parse(inspect.getsource(inspect.unwrap(function)))
    return {node.func.id for node in ast.walk(source) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}


def test_the_known_actions_are_found():
    assert {
        "clients.actions.create_client",
        "measures.actions.submit_rating",
        "measures.actions.clients.set_override",
        "measures.actions.risk.acknowledge_risk",
    } <= set(deeds())
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
    through = {other.rpartition(".")[2] for other in [*deeds(), *WRITE_THE_EVENT]}
    writes = names_called(deeds()[name]) & {"record_event", "record_events", *through}
    assert bool(writes) != (name in NOT_ON_RECORD)


@pytest.mark.parametrize("name", sorted(WRITE_THE_EVENT))
def test_what_writes_the_event_for_others_does(name):
    module, _, function = name.rpartition(".")
    assert "record_event" in names_called(getattr(importlib.import_module(module), function))
