"""What is said about how a rating was filled in. Courses are drawn above their test."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures import quality
from measures.instruments import edition
from measures.scoring import reverse
from measures.statistics.ceiling import is_at_ceiling

DOC = Path(__file__).parents[2] / "docs" / "measures.md"
CHECK_IN = edition("session-check-in", "client")
ARM = edition("arm-5", "client")  # 1 to 7, item 3 reversed
PHQ = edition("phq-9", "client")  # lower is better
STRAIN = edition("strain-check", "client")  # no total
BLAME = re.compile(r"careless|random|invalid|unreliable|wrong|should have|did not bother|lying|faked", re.I)


def same(of, answer):
    return {item.number: answer for item in of.items}


def notes(of=CHECK_IN, answers=None, seconds=None, **courses):
    return quality.notes(of, answers or same(of, 7), seconds=seconds, courses=courses)


# Very fast


@pytest.mark.parametrize(
    ("seconds", "answered", "expected"),
    [(5, 6, True), (6, 6, False), (0, 1, True), (1, 1, False), (0, 0, False), (None, 6, False)],
)
def test_under_a_second_an_item_is_very_fast_and_unknown_is_not(seconds, answered, expected):
    assert quality.is_very_fast(seconds, answered) is expected


def test_only_the_items_answered_count():
    assert not notes(answers={**same(CHECK_IN, None), 1: 7, 2: 7}, seconds=3)
    assert notes(answers={**same(CHECK_IN, None), 1: 7, 2: 7}, seconds=1)[0].startswith("Filled in within a second, 2")


# Contradictory


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([7, 7, 7, 7, 7], True),
        ([1, 1, 1, 1, 1], True),
        ([4, 4, 4, 4, 4], False),  # the middle of 1 to 7 is the same either way round
        ([7, 7, 1, 7, 7], False),
        ([7, 7, 7, 7, 6], False),
        ([7, 7, None, 7, 7], False),
        ([None, None, 7, None, None], False),
        ([None, None, 7, 7, None], True),
        ([None] * 5, False),
    ],
)
def test_identical_answers_over_reversed_items_contradict_each_other(answers, expected):
    assert quality.is_contradictory(ARM, dict(enumerate(answers, start=1))) is expected


@given(st.integers(0, 10))
def test_without_reversed_items_no_answer_contradicts_another(answer):
    assert not quality.is_contradictory(CHECK_IN, same(CHECK_IN, answer))


@given(st.lists(st.one_of(st.none(), st.integers(1, 7)), min_size=5, max_size=5))
def test_what_contradicts_itself_does_so_mirrored_too(answers):
    given_ = dict(enumerate(answers, start=1))
    mirrored = {number: None if answer is None else reverse(ARM, answer) for number, answer in given_.items()}
    assert quality.is_contradictory(ARM, given_) is quality.is_contradictory(ARM, mirrored)


# At the ceiling


@pytest.mark.parametrize(
    ("scores", "expected"), [([10, 10], False), ([10, 10, 9], True), ([10, 9, 9], False), ([10, 10, 10, 9, 9], False)]
)
def test_two_thirds_of_three_or_more_at_the_maximum_are_at_the_ceiling(scores, expected):
    assert is_at_ceiling(scores, 10) is expected


def test_a_scale_at_the_ceiling_is_named_with_its_count():
    # bond 10 9 |10|
    (said,) = notes(bond=[10, 9, 10], goal=[7, 7, 7], task=[10, 10, 10])
    assert said.startswith("At the maximum in most ratings so far: task (3 of 3), bond (2 of 3).")


def test_a_total_at_the_ceiling_stands_for_its_scales():
    (said,) = notes(total=[10, 10, 10], bond=[10, 10, 10], goal=[10, 10, 10])
    assert said.startswith("At the maximum in most ratings so far: the whole rating (3 of 3).")


def test_a_rating_below_the_ceiling_is_not_at_it_whatever_came_before():
    # 10 10 10 10 |9|
    assert not notes(bond=[10, 10, 10, 10, 9])


def test_the_top_of_a_symptom_scale_and_of_a_single_question_is_no_compliment():
    assert not notes(PHQ, same(PHQ, 3), total=[3, 3, 3])
    assert not notes(STRAIN, same(STRAIN, 10), talked_about=[10, 10, 10])


# Words


def test_everything_is_said_at_once_and_none_of_it_blames():
    arm = replace(ARM, reversed=frozenset({3}))
    said = notes(arm, same(arm, 7), seconds=4, total=[7, 7, 7])
    assert len(said) == 3
    assert not BLAME.search(" ".join(said))


def test_an_ordinary_rating_has_nothing_to_its_name():
    assert notes(seconds=41, total=[6, 7, 7], bond=[10, 8, 9]) == []


def test_the_doc_names_the_rules():
    text = DOC.read_text("utf-8")
    for rule in ("| very fast | under 1 second", "| contradictory |", "| ceiling |"):
        assert rule in text
