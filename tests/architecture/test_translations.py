"""Every word on the clients' pages is translated, and what is compiled is what is written."""

import ast
import gettext
import re
import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from django.utils.translation import template as of_templates

from measures.http import PAGE_LANGUAGES

ROOT = Path(__file__).parents[2]
LANGUAGES = [language for language in PAGE_LANGUAGES if language != "en"]
APPS = ("accounts", "clients", "dashboards", "jobs", "measures", "reports", "ruptures", "sessions_app", "supervision")
MARKS = {"gettext": 1, "gettext_lazy": 1, "gettext_noop": 1, "ngettext": 2, "ngettext_lazy": 2}
PLACES = re.compile(r"%\(\w+\)[sd]|\{\w+\}|</?\w+>")
# The same word in both languages.
ALIKE = {("de", "Demo")}


def clients_templates() -> list[Path]:
    """Pages that stand on the clients' base, and whatever they include."""
    templates = ROOT / "templates"
    waiting = [path for path in templates.rglob("*.html") if 'extends "base_client.html"' in path.read_text()]
    waiting.append(templates / "base_client.html")
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        found.add(path)
        included = {templates / name for name in re.findall(r'{% include "([^"]+)"', path.read_text())}
        waiting += included - found
    return sorted(found)


@dataclass(frozen=True)
class Entry:
    """One message: its text, its plural where it has one, and the translation of each form."""

    text: str
    plural: str
    forms: tuple[str, ...]


def folder(language: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES"


def entries(language: str) -> list[Entry]:
    """What a .po file says, its header left out."""
    found = []
    for block in (folder(language) / "django.po").read_text("utf-8").split("\n\n")[1:]:
        assert "fuzzy" not in block and "#~" not in block, block
        said = {name: ast.literal_eval(text) for name, text in re.findall(r'^(msg\S+) (".*")$', block, re.M)}
        text, plural = said.pop("msgid"), said.pop("msgid_plural", "")
        found.append(Entry(text, plural, tuple(said[name] for name in sorted(said))))
    return found


def marked_in_template(text: str) -> set[tuple[str, ...]]:
    """Django turns a template into calls of gettext for the program that collects messages; so do we."""
    string = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    calls = re.findall(rf"\b(?:_|gettext|ngettext)\(({string}(?:,\s*{string})?)", of_templates.templatize(text))
    return {one if isinstance(one := ast.literal_eval(call), tuple) else (one,) for call in calls}


@cache
def marked() -> set[tuple[str, ...]]:
    """Every message that a module or a template marks, singular with its plural."""
    found = set()
    for path in (path for app in APPS for path in (ROOT / app).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
                found.add(tuple(ast.literal_eval(part) for part in node.args[: MARKS[node.func.id]]))
    for path in (ROOT / "templates").rglob("*.html"):
        found |= marked_in_template(path.read_text())
    return found


def test_messages_are_really_found():
    assert len(marked()) > 50
    assert ("Send",) in marked() and ("under a minute",) in marked()
    assert ("%(n)s question", "%(n)s questions") in marked()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated_and_nothing_is_left_over(language):
    assert {(e.text, e.plural) if e.plural else (e.text,) for e in entries(language)} == marked()
    assert len(entries(language)) == len(marked())
    for entry in entries(language):
        assert all(form.strip() for form in entry.forms), entry
        assert entry.text not in entry.forms or (language, entry.text) in ALIKE, entry


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_same_places_to_fill_in(language):
    for entry in entries(language):
        places = set(PLACES.findall(entry.text))
        for form in entry.forms:
            # "One question" needs no number.
            assert set(PLACES.findall(form)) == places or (entry.plural and set(PLACES.findall(form)) < places), entry


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language):
    compiled = (folder(language) / "django.mo").read_bytes()
    with (folder(language) / "django.mo").open("rb") as file:
        catalogue = gettext.GNUTranslations(file)
    assert struct.unpack("<I", compiled[8:12])[0] == len(entries(language)) + 1, "and the header"
    header = (folder(language) / "django.po").read_text("utf-8")
    assert catalogue.info()["plural-forms"] in header
    for entry in entries(language):
        if entry.plural:
            said = [catalogue.ngettext(entry.text, entry.plural, number) for number in range(201)]
            assert list(dict.fromkeys(said)) and set(said) == set(entry.forms), entry
        else:
            assert catalogue.gettext(entry.text) == entry.forms[0]


def test_the_clients_templates_are_found():
    names = {path.name for path in clients_templates()}
    assert {"base_client.html", "rate.html", "rating_item.html", "_languages.html", "hand_back.html"} <= names


@pytest.mark.parametrize("path", clients_templates(), ids=lambda path: path.name)
def test_no_word_of_a_clients_page_is_left_in_english(path):
    text = re.sub(r"{#.*?#}", "", path.read_text(), flags=re.S)
    # The part of the page that the therapist reads, whose pages are in English.
    text = re.sub(r'<form[^>]*lang="en".*?</form>', "", text, flags=re.S)
    text = re.sub(r"{%\s*blocktranslate.*?{%\s*endblocktranslate\s*%}", "", text, flags=re.S)
    words = re.findall(r'(?:aria-label|title|alt|placeholder)="([^"{]+)"', text)
    bare = re.sub(r"{%.*?%}|{{.*?}}", " ", text)
    bare = re.sub(r"<[^>]*>", " ", re.sub(r'"[^"]*"', "", bare))
    bare = re.sub(r"\b(no-referrer|same-origin|data-sent)\b", "", bare)  # what blocks put into attributes
    assert [*words, *re.findall(r"[A-Za-z]{2,}", bare)] == []
