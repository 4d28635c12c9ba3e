"""docs/ruptures.md says what the tables say."""

from pathlib import Path

import pytest

from ruptures import lifecycle
from ruptures import vocabulary as words
from ruptures.suggestions import ALL_COMPONENTS, ALL_TYPES, SOURCES, SUGGESTIONS

DOC = (Path(__file__).parents[2] / "docs" / "ruptures.md").read_text("utf-8")


def test_diagram_and_table_are_those_of_the_lifecycle():
    assert f"```mermaid\n{lifecycle.diagram()}\n```" in DOC
    assert f"\n\n{lifecycle.table()}\n\n" in DOC


@pytest.mark.parametrize("terms", [words.TYPES, words.MARKERS, words.STRATEGIES, words.RESPONSES])
def test_every_term_has_its_row(terms):
    for term in terms:
        assert f"\n| `{term.code}` | {term.words} | {term.meaning or '–'} |\n" in DOC


def test_every_suggestion_has_its_row_in_order():
    def of(chosen, every):
        return "any" if chosen == every else ", ".join(one or "not said" for one in chosen)

    def cells(one):
        return one.when, one.text, of(one.types, ALL_TYPES), of(one.components, ALL_COMPONENTS), f"`{one.source}`"

    assert "\n".join(f"| {' | '.join(cells(one))} |" for one in SUGGESTIONS) in DOC


def test_every_source_says_how_sure_it_is():
    for key, source in SOURCES.items():
        assert f"\n| `{key}` | {source.words} | **{source.certainty}**: {source.of} |\n" in DOC
