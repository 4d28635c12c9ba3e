"""What the documents on safety and security say is shown by tests that exist and run."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LOG = tomllib.loads((ROOT / "docs" / "hazards.toml").read_text())
HAZARDS: list[dict[str, Any]] = LOG["hazard"]
SECURITY = (ROOT / "docs" / "security.md").read_text()
WORDS = ("id", "happens", "harm", "cause", "severity", "likelihood")
KEYS = {*WORDS, "controls", "tests", "remaining", "not_controlled"}
NODE = re.compile(r"tests/[\w/]+\.py::test_\w+")
# Marks by which a test that exists does not have to pass.
EXCUSED = re.compile(r"\b(skip|skipif|xfail|importorskip)\b")
# What needs the files or the superuser of the database can't be tried on one that was given to the tests.
NOT_OURS = re.compile(r"pytest\.skip\('the [\w ]+ of this PostgreSQL (is|are) not ours'\)$")
# Taken by themselves alone, when somebody asks for pictures.
ON_DEMAND = re.compile(r"\bscreenshots\b")


@cache
def collected_in(path: str) -> dict[str, str]:
    """By name every test that pytest collects in a file, with the source of what decides whether it runs: the marks of
    the file, the test with its decorators, and the fixtures of the file that it asks for."""
    tree = ast.parse((ROOT / path).read_text())
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    marks = [
        node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
    ]

    def with_fixtures(name: str) -> list[ast.FunctionDef]:
        asked_for = [one.arg for one in functions[name].args.args if one.arg in functions and one.arg != name]
        return [functions[name], *(node for one in asked_for for node in with_fixtures(one))]

    return {
        name: "\n".join(map(ast.unparse, [*marks, *with_fixtures(name)]))
        for name in functions
        if name.startswith("test_")
    }


def fault_of(test: str) -> str:
    """Why a named test shows nothing, or nothing."""
    path, _, name = test.partition("::")
    if not NODE.fullmatch(test):
        return f"{test} is not file::test"
    if not (ROOT / path).is_file():
        return f"{path} does not exist"
    if not Path(path).name.startswith("test_"):
        return f"{path} is not collected"
    source = collected_in(path).get(name)
    if source is None:
        return f"{test} does not exist"
    code = without_strings(source)
    if EXCUSED.search(code):
        return f"{test} may be skipped or fail"
    return f"{test} runs only on demand" if ON_DEMAND.search(code) else ""


def without_strings(source: str) -> str:
    """Code alone: what a test looks for on a page is no mark of the test, and where the engines are its own, as in CI,
    nothing is skipped for want of them."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and NOT_OURS.match(ast.unparse(node)):
            node.value = ast.Constant(None)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.unparse(tree)


def test_ci_runs_on_engines_of_its_own():
    for path in (".ci/run", "Makefile"):
        assert "DATABASE_URL" not in (ROOT / path).read_text()


def test_enough_hazards_are_known_and_each_once():
    ids = [hazard["id"] for hazard in HAZARDS]
    assert len(set(ids)) == len(ids)
    assert sum(bool(hazard["tests"]) for hazard in HAZARDS) >= 25


@pytest.mark.parametrize("hazard", HAZARDS, ids=lambda hazard: hazard["id"])
def test_a_hazard_is_told_in_full(hazard):
    assert set(hazard) <= KEYS
    assert all(isinstance(hazard[word], str) and hazard[word].strip() for word in WORDS)
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", hazard["id"])
    for scale in ("severity", "likelihood"):
        assert hazard[scale] in LOG["scheme"][scale]


@pytest.mark.parametrize("hazard", HAZARDS, ids=lambda hazard: hazard["id"])
def test_a_hazard_has_a_control_and_a_test_or_says_that_it_has_none(hazard):
    if "not_controlled" in hazard:
        assert hazard["not_controlled"].strip() and not hazard["tests"] and not hazard.get("controls")
        return
    assert hazard["tests"] and hazard["controls"]
    assert [fault for test in hazard["tests"] if (fault := fault_of(test))] == []
    for control in hazard["controls"]:
        assert control["what"].strip()
        assert (ROOT / control["where"]).exists(), control["where"]


def test_every_test_that_the_security_page_names_exists_and_runs():
    named = NODE.findall(SECURITY)
    assert len(named) > 60
    assert [fault for test in named if (fault := fault_of(test))] == []
    # No name stands there in a form that this test would read past.
    assert len(re.findall(r"tests/[\w/]+\.py", SECURITY)) == len(named)


def test_the_security_page_has_every_promise_once():
    rows = re.findall(r"^\| (\d+) \|", SECURITY, re.M)
    assert rows == [str(number) for number in range(1, 21)]


def test_the_security_page_says_as_many_hazards_as_there_are():
    controlled = sum("not_controlled" not in hazard for hazard in HAZARDS)
    assert f"{len(HAZARDS)} hazards, {len(HAZARDS) - controlled} of them not controlled yet" in SECURITY


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("def test_a():\n    assert True\n", ""),
        ("@pytest.mark.skip\ndef test_a():\n    pass\n", "may be skipped"),
        ("@pytest.mark.xfail(strict=True)\ndef test_a():\n    pass\n", "may be skipped"),
        ("pytestmark = [pytest.mark.django_db, pytest.mark.skipif(True)]\ndef test_a():\n    pass\n", "may be skipped"),
        ("def test_a():\n    pytest.skip()\n", "may be skipped"),
        ("@pytest.fixture\ndef page():\n    pytest.skip()\n\ndef test_a(page):\n    pass\n", "may be skipped"),
        ("def b():\n    pytest.skip('the key of this PostgreSQL is not ours')\n\ndef test_a(b):\n    b\n", ""),
        ("@pytest.fixture\ndef b():\n    pytest.skip()\n\ndef test_a():\n    pass\n", ""),
        ("def test_a():\n    assert 'skip to the content'\n", ""),
        ("pytestmark = pytest.mark.screenshots\ndef test_a():\n    pass\n", "on demand"),
        ("def a():\n    def test_a():\n        pass\n", "does not exist"),
    ],
)
def test_a_test_that_shows_nothing_would_be_found(monkeypatch, tmp_path, source, fault):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    collected_in.cache_clear()
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_one.py").write_text(source)
    found = fault_of("tests/test_one.py::test_a")
    collected_in.cache_clear()
    assert fault in found and bool(found) == bool(fault)
