import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.instruments import TOTAL, edition
from measures.scoring import AnswerProblem, score
from measures.totals import check_totals, score_of_total

WAI, PHQ = edition("wai-sr", "client"), edition("phq-9", "client")


def test_totals_are_taken_as_numbers_and_what_is_empty_is_none():
    assert check_totals(WAI, {"goal": "17", "task": " ", "bond": None, "total": "45.5"}) == {"goal": 17, "total": 45.5}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("61", "must be between 12 and 60"),
        ("11", "must be between 12 and 60"),
        ("many", "must be a number"),
        ("NaN", "must be a number"),
        ("1e1", "must be a number"),
    ],
)
def test_a_total_that_cannot_be_is_named_by_its_scale(given, words):
    with pytest.raises(AnswerProblem) as refused:
        check_totals(WAI, {"total": given})
    assert refused.value.problems == {"total": words}


def test_sums_that_are_all_given_add_up():
    with pytest.raises(AnswerProblem, match="is 54, and the scales add up to 45"):
        check_totals(WAI, {"goal": "15", "task": "15", "bond": "15", "total": "54"})
    assert check_totals(WAI, {"goal": "15", "task": "15", "bond": "15", "total": "46"})[TOTAL] == 46, "pro-rated"
    assert check_totals(WAI, {"goal": "15", "task": "15", "total": "54"})[TOTAL] == 54, "one scale is not known"


def test_scales_that_are_formed_over_others_are_not_added_up():
    core = edition("core-om", "client")
    assert len(check_totals(core, dict.fromkeys(core.scored_scales, "12"))) == 6


@given(st.lists(st.integers(0, 3), min_size=9, max_size=9))
def test_a_total_alone_stands_where_the_same_total_by_its_items_does(answers):
    by_items = score(PHQ, answers).scores[TOTAL]
    alone = score_of_total(PHQ, TOTAL, by_items.value)
    assert alone.value == by_items.value and alone.mean == pytest.approx(by_items.mean)
