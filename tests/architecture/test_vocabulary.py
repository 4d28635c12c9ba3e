"""The words of the product are the field's own, and none of them blames a person."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = (
    "accounts", "alliance_site", "clients", "dashboards", "jobs", "measures", "reports", "ruptures", "sessions_app",
    "supervision", "administration",
)  # fmt: skip
BLAMING = re.compile(
    r"\b(resistan\w*|resistant|non-?complian\w*|uncooperative|failed|failure|dropouts?|dropped out)\b", re.I
)
# Of programs, not of people.
TECHNICAL = {"jobs", "alliance_site"}


def texts_of_template(path: Path) -> str:
    """What a reader sees: without tags of Django, comments and attributes of elements that are not read."""
    text = re.sub(r'{%\s*translate\s+"([^"]*)".*?%}', r"\1", path.read_text(), flags=re.S)
    text = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}|<!--.*?-->", " ", text, flags=re.S)
    return re.sub(r"<[^>]*>", " ", text)


def texts_of_module(path: Path) -> str:
    """Strings that may be shown, which have a space in them; docstrings and names are for programmers."""
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    strings = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return "\n".join(node.value for node in strings if id(node) not in docstrings and " " in node.value)


def texts_of_toml(path: Path) -> str:
    def strings(value: object) -> list[str]:
        if isinstance(value, dict):
            return [text for inner in value.values() for text in strings(inner)]
        if isinstance(value, list):
            return [text for inner in value for text in strings(inner)]
        return [value] if isinstance(value, str) else []

    return "\n".join(strings(tomllib.loads(path.read_text())))


def shown_files() -> list[Path]:
    modules = [
        path
        for app in APPS
        if app not in TECHNICAL
        for path in (ROOT / app).rglob("*.py")
        if "migrations" not in path.parts
    ]
    return [
        *(ROOT / "templates").rglob("*.html"),
        *(ROOT / "templates").rglob("*.txt"),
        *(ROOT / "static" / "js").glob("*.js"),
        *(ROOT / "measures" / "instruments").glob("*.toml"),
        *modules,
    ]


def texts_of(path: Path) -> str:
    texts = {".html": texts_of_template, ".txt": texts_of_template, ".py": texts_of_module, ".toml": texts_of_toml}
    return texts.get(path.suffix, Path.read_text)(path)


@pytest.mark.parametrize("path", shown_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_blames_a_person(path):
    assert BLAMING.findall(texts_of(path)) == []


def test_blame_would_be_found(tmp_path):
    for name, content in {
        "a.html": "<p>The client failed to attend.</p>",
        "b.html": '<p>{% translate "The client dropped out." %}</p>',
        "a.py": 'WORDS = "a sign of resistance"\n',
        "a.toml": 'text = "I was non-compliant."\n',
    }.items():
        (tmp_path / name).write_text(content)
        assert len(BLAMING.findall(texts_of(tmp_path / name))) == 1


def test_files_are_really_read():
    assert len(shown_files()) > 80
    assert "possible rupture" in texts_of(ROOT / "dashboards" / "sentences.py")
    assert "Nothing is wrong on your side" in texts_of(ROOT / "templates" / "measures" / "link_unusable.html")
    assert "I am glad that this is the person I meet with." in texts_of(
        ROOT / "measures" / "instruments" / "session-check-in.toml"
    )
