"""Arrows point one way: rules import nothing, the core follows the order of the apps, nobody imports the root."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What a later app may import of an earlier one, and never back.
ORDER = ["jobs", "accounts", "clients", "sessions_app", "measures", "ruptures", "dashboards", "supervision", "reports",
         "administration"]  # fmt: skip
RULES = (
    "accounts.cells",
    "clients.engagement",
    "clients.states",
    "clients.targets",
    "clients.wording",
    "sessions_app.rhythm",
    "measures.instruments",
    "measures.quality",
    "measures.scoring",
    "measures.statistics",
    "ruptures.aftermath",
    "measures.timing",
    "measures.battery",
    "measures.languages",
    "measures.totals",
    "ruptures.analysis",
    "ruptures.detection",
    "ruptures.lifecycle",
    "ruptures.states",
    "ruptures.suggestions",
    "ruptures.vocabulary",
    "ruptures.wording",
    "dashboards.course",
    "dashboards.figures",
    "dashboards.methods",
    "dashboards.need",
    "dashboards.printed.document",
    "dashboards.printed.drawings",
    "dashboards.sentences",
    "dashboards.service_charts",
    "dashboards.service_facts",
    "dashboards.service_figures",
    "dashboards.service_periods",
    "dashboards.service_summaries",
    "dashboards.service_words",
    "dashboards.sparkline",
    "supervision.agenda",
    "supervision.practice",
    "supervision.rehearsal",
    "supervision.shape",
    "supervision.since",
    "supervision.states",
    "reports.reading",
    "reports.mapping",
    "reports.fhir",
    "reports.trail_words",
    "administration.effects",
    "administration.words",
)
CORE = {
    "models", "actions", "selectors", "access", "audit", "idempotency", "classification", "tokens", "organisation",
    "catalogue", "plan", "priors", "risk", "evidence", "origins", "encryption", "rotation", "comments", "mail",
    "schedule", "wordings", "exports", "printed",
    "privacy", "trail", "signed_in", "passwords", "reads", "second_factor", "chain",
}  # fmt: skip
EDGES = {
    "views", "forms", "api", "tasks", "management", "templatetags", "demo", "demo_past", "urls", "context", "http",
    "middleware", "views_of_sign_in",
}  # fmt: skip
NOT_PURE = {
    "django", "rest_framework", "allauth", "celery", "redis", "psycopg2", "structlog", "requests", "http", "urllib",
    "socket", "ssl", "random", "secrets", "uuid", "time", "zoneinfo", "os", "subprocess", "threading",
}  # fmt: skip
CLOCKS = {"now", "today", "utcnow", "fromtimestamp"}
MAY_IMPORT_THE_ROOT = {"manage", "jobs.management.commands.beat", "jobs.management.commands.relay"}
SENDS_TO_CELERY = {"send_task", "delay", "apply_async"}


@cache
def modules() -> dict[str, Path]:
    found = {"manage": ROOT / "manage.py"}
    for app in [*ORDER, "alliance_site"]:
        for path in (ROOT / app).rglob("*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text())


def imports_of(module: str) -> set[str]:
    """Everything a module imports, anywhere in it; a name that is itself a module counts as that module."""
    package = module if modules()[module].name == "__init__.py" else module.rpartition(".")[0]
    found = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            source = ".".join(part for part in (base, node.module) if part)
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                found.add(inner if inner in modules() else source)
    return found


def app_of(module: str) -> str:
    return module.split(".")[0]


def part_of(module: str) -> str:
    """The kind of room a module stands in: accounts.management.commands.x is "management"."""
    return module.split(".")[1] if "." in module else ""


def is_rule(module: str) -> bool:
    return module in RULES or module.startswith(tuple(f"{rule}." for rule in RULES))


def is_core(module: str) -> bool:
    return app_of(module) in ORDER and part_of(module) in CORE


def is_edge(module: str) -> bool:
    return app_of(module) in ORDER and part_of(module) in EDGES


def ours(imported: set[str]) -> set[str]:
    return {name for name in imported if app_of(name) in {*ORDER, "alliance_site"}}


def of_kind(kind) -> list[str]:
    return sorted(module for module in modules() if kind(module))


def test_the_rooms_are_not_empty():
    assert {"measures.scoring", "measures.statistics.theil_sen", "dashboards.sentences"} <= set(of_kind(is_rule))
    assert {"clients.actions", "accounts.access", "measures.models"} <= set(of_kind(is_core))
    assert {"clients.views.episodes", "accounts.forms", "jobs.management.commands.relay"} <= set(of_kind(is_edge))


def test_every_module_of_an_app_has_a_room():
    known = CORE | EDGES | {"", "apps", "migrations"}
    # Parts of the frame around pages and jobs: they belong to no page and hold no rows of their own.
    frame = {"accounts.backends", "jobs.routers", "jobs.security", "dashboards.plotly_bundle"}
    homeless = [
        module
        for module in modules()
        if app_of(module) in ORDER and not is_rule(module) and part_of(module) not in known and module not in frame
    ]
    assert not homeless


@pytest.mark.parametrize("module", of_kind(is_rule))
def test_rules_import_only_rules_and_no_clock_chance_or_network(module):
    imported = imports_of(module)
    assert not {name for name in imported if app_of(name) in NOT_PURE}
    assert not {name for name in ours(imported) if not is_rule(name)}
    assert not clocks_read(tree(module))


def clocks_read(source: ast.AST) -> list[str]:
    """Days may be reckoned with; which day it is comes from outside."""
    return [node.attr for node in ast.walk(source) if isinstance(node, ast.Attribute) and node.attr in CLOCKS]


def test_a_clock_in_a_rule_would_be_seen():
    assert clocks_read(ast.parse("date.today()")) == ["today"]


@pytest.mark.parametrize("module", of_kind(is_core))
def test_core_imports_only_core_and_rules_of_its_own_and_earlier_apps(module):
    earlier = ORDER[: ORDER.index(app_of(module)) + 1]
    for name in ours(imports_of(module)):
        assert app_of(name) in earlier, f"{module} imports {name}, which comes later"
        assert is_core(name) or is_rule(name) or "." not in name, f"{module} imports {name}, an edge"


@pytest.mark.parametrize("module", of_kind(is_edge))
def test_edges_reach_later_apps_only_by_their_core_rules_and_pages(module):
    """A page may show what a later app knows; a later app's tasks, commands and frame are not its business."""
    later = ORDER[ORDER.index(app_of(module)) + 1 :]
    for name in ours(imports_of(module)):
        if app_of(name) in later:
            allowed = is_core(name) or is_rule(name) or part_of(name) in {"forms", "views"}
            assert allowed, f"{module} imports {name}"


def test_nobody_imports_the_root():
    importers = {
        module
        for module in modules()
        if app_of(module) != "alliance_site" and any(app_of(name) == "alliance_site" for name in imports_of(module))
    }
    assert importers <= MAY_IMPORT_THE_ROOT


def test_actions_never_import_tasks():
    for module in of_kind(lambda module: part_of(module) in {"actions", "origins"}):
        assert not {name for name in imports_of(module) if name.split(".")[-1] == "tasks"}, module


def calls_to_celery(source: ast.AST) -> list[str]:
    return [
        node.func.attr
        for node in ast.walk(source)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SENDS_TO_CELERY
    ]


def test_only_the_outbox_hands_work_to_celery():
    assert calls_to_celery(tree("jobs.actions")) == ["send_task"]
    assert calls_to_celery(ast.parse("tasks.compute.delay(1)")) == ["delay"]
    others = {module: calls_to_celery(tree(module)) for module in modules() if module != "jobs.actions"}
    assert not {module: calls for module, calls in others.items() if calls}


@pytest.mark.parametrize("module", of_kind(is_edge))
def test_edges_never_ask_a_manager(module):
    managers = {"objects", "_default_manager", "_base_manager"}
    lines = [
        node.lineno for node in ast.walk(tree(module)) if isinstance(node, ast.Attribute) and node.attr in managers
    ]
    assert not lines, f"{modules()[module]} asks a manager in lines {lines}; ask a selector"


def asks_whose_it_was(source: ast.AST) -> list[int]:
    """Lines that ask for the right to write in the name of an episode's therapist."""
    return [
        node.lineno
        for node in ast.walk(source)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"check_own", "may_write"}
        and any(isinstance(part, ast.Attribute) and part.attr == "therapist_id" for part in node.args)
    ]


def test_writing_is_allowed_by_who_is_responsible_and_not_by_who_once_was():
    """An episode that was handed over keeps its therapist, and nobody writes in it: `responsible_id` knows."""
    assert asks_whose_it_was(ast.parse("check_own(by, session.episode.therapist_id)")) == [1]
    found = {module: asks_whose_it_was(tree(module)) for module in modules()}
    assert not {module: lines for module, lines in found.items() if lines}
