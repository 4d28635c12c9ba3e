import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ruptures import vocabulary as words
from ruptures.vocabulary import CONFRONTATION, EXPRESSIVE, IMMEDIATE, MARKERS, MIXED, STRATEGIES, WITHDRAWAL

LISTS = (words.TYPES, MARKERS, STRATEGIES, words.COMPONENTS, words.NOTICED_BY, words.RESPONSES)


@pytest.mark.parametrize("terms", LISTS)
def test_no_code_and_no_wording_stands_twice(terms):
    assert len({term.code for term in terms}) == len({term.words for term in terms}) == len(terms)


def test_wording_fits_a_chip():
    assert max(len(term.words) for term in itertools.chain(*LISTS)) <= 32


def test_every_marker_has_its_type_and_every_strategy_its_group():
    assert {term.kind for term in MARKERS} == {WITHDRAWAL, CONFRONTATION}
    assert {term.kind for term in STRATEGIES} == {IMMEDIATE, EXPRESSIVE}
    assert len(words.codes(MARKERS, WITHDRAWAL)) == 9 and len(words.codes(MARKERS, CONFRONTATION)) == 7
    assert words.codes(MARKERS) == words.codes(MARKERS, WITHDRAWAL) + words.codes(MARKERS, CONFRONTATION)


def test_strategies_that_say_more_than_themselves_are_expressive_ones():
    assert {words.OWNS_A_PART, *words.ABOUT_THE_RELATIONSHIP} <= set(words.codes(STRATEGIES, EXPRESSIVE))


@pytest.mark.parametrize(
    ("markers", "type"),
    [
        ([], ""),
        (["appeasing"], WITHDRAWAL),
        (["control", "complaint-task"], CONFRONTATION),
        (["appeasing", "control"], MIXED),
    ],
)
def test_markers_make_a_type(markers, type):
    assert words.type_of(markers) == type
    assert not words.not_of_type(markers, type)


def test_marker_of_the_other_kind_is_named():
    assert words.not_of_type(["appeasing", "control"], WITHDRAWAL) == ["Pressed the therapist"]
    assert words.not_of_type(["appeasing", "control"], CONFRONTATION) == ["Agreed too quickly"]


@given(st.lists(st.sampled_from(words.codes(MARKERS)), max_size=20))
def test_codes_are_kept_once_in_the_order_of_the_vocabulary(chosen):
    kept = words.in_order(MARKERS, chosen)
    assert kept == [code for code in words.codes(MARKERS) if code in chosen]
    assert words.words_of(MARKERS, chosen) == words.words_of(MARKERS, kept)
    assert not words.not_of_type(kept, words.type_of(kept))


def test_unknown_code_is_refused():
    with pytest.raises(ValueError, match="there is no resistance"):
        words.in_order(MARKERS, ["appeasing", "resistance"])
