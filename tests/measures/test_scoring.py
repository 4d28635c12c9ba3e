"""Scores against worked examples, and what must hold for every answer."""

import csv
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measures.instruments import MISSING_RULES, TOTAL, edition, instruments
from measures.scoring import ITEMS_MAY_BE_MISSING, AnswerProblem, check_answers, rescaled, reverse, score

DATA = Path(__file__).parents[1] / "data"
VECTORS = {vector["id"]: vector for vector in json.loads((DATA / "vectors.json").read_text("utf-8"))}
WAI = edition("wai-36", "client")
SHORT = edition("wai-sr", "client")
SESSION = edition("session-check-in", "client")
OUTCOME = edition("outcome-check-in", "client")
steady = settings(deadline=None)  # a busy machine is not a failing test
EDITIONS = [e for i in instruments().values() for e in i.editions.values()]


def values(scoring):
    return {scale: result.value for scale, result in scoring.scores.items()}


# Worked examples


@pytest.mark.parametrize("name", [name for name in VECTORS if name.startswith("wai36_") and "trap" not in name])
def test_wai_36_worked_examples(name):
    assert values(score(WAI, VECTORS[name]["input"])) == VECTORS[name]["expected"]


def test_wai_36_reverses_item_29_and_not_28():
    vector = VECTORS["wai36_trap28"]
    bond = score(WAI, vector["input"]).scores["bond"].value
    assert bond == vector["expected"]["bond_right"] != vector["expected"]["bond_wrong"]


def test_wai_36_every_simulated_rating_scores_to_the_totals_of_the_right_key():
    with (DATA / "wai36_items_simulated.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 277
    for row in rows:
        scoring = score(WAI, [row[f"i{number}"] for number in range(1, 37)])
        assert values(scoring) == {scale: float(row[scale]) for scale in ("goal", "task", "bond", "total")}


def test_wai_sr_worked_example():
    vector = VECTORS["waisr_1"]["expected"]
    scores = score(SHORT, VECTORS["waisr_1"]["input"]).scores
    assert {scale: scores[scale].value for scale in vector["mean"]} == {
        scale: vector[scale] for scale in vector["mean"]
    }
    for scale, mean in vector["mean"].items():
        assert scores[scale].mean == pytest.approx(mean, abs=1e-6)


def test_wai_sr_is_not_scored_by_position_nor_by_the_36_item_key():
    # Items 8 and 1 changed scale against the long form, and the scales are not 1-4, 5-8, 9-12.
    assert (SHORT.item(8).scale, SHORT.item(1).scale) == ("goal", "task")
    assert SHORT.scales["task"] == (1, 2, 10, 12)
    assert SHORT.reversed == frozenset()


def test_session_check_in_means_per_scale_and_over_all():
    #                       goal   task   bond
    scoring = score(SESSION, [8, 7, 5, 6, 10, 3])
    assert values(scoring) == {"goal": 7.5, "task": 5.5, "bond": 6.5, "total": 6.5}
    assert list(scoring.scores) == ["goal", "task", "bond", "total"]
    assert scoring.edition == "session-check-in/client/1"


def test_outcome_check_in_has_one_score():
    assert values(score(OUTCOME, {1: 4, 2: 5, 3: 6, 4: 7})) == {"total": 5.5}


# Missing items


def test_nothing_answered_is_no_score_and_not_0():
    for shipped in EDITIONS:
        scoring = score(shipped, {})
        assert scoring.answered == 0
        assert len(scoring.missing) == (shipped.number_of_items if shipped.missing != "answered" else 0)
        for result in scoring.scores.values():
            assert (result.value, result.mean, result.reason) == (None, None, "no item answered")


@pytest.mark.parametrize(
    ("shipped", "gone", "total", "prorated"),
    [(WAI, 3, 36 * 4, True), (WAI, 4, None, False), (SHORT, 1, 12 * 4, True), (SHORT, 2, None, False)],
)
def test_a_total_is_pro_rated_up_to_a_tenth_missing(shipped, gone, total, prorated):
    # After reversal every answer counts 4, so the pro-rated total is known.
    answers = {n: reverse(shipped, 4) if n in shipped.reversed else 4 for n in shipped.numbers(TOTAL) if n > gone}
    result = score(shipped, answers).scores[TOTAL]
    assert (result.value, result.prorated, result.of - result.answered) == (total, prorated, gone)
    assert (result.reason is None) == (total is not None)


def test_a_scale_of_twelve_bears_one_missing_item_and_one_of_four_bears_none():
    long = score(WAI, {n: 4 for n in range(1, 37) if n != 2}).scores["task"]
    assert (long.value, long.prorated) == (48, True)
    short = score(SHORT, {n: 4 for n in range(1, 13) if n != 2}).scores["task"]
    assert (short.value, short.prorated) == (None, False)
    assert short.reason == "1 of 4 items missing; at most a tenth may be missing (our rule)"


def test_a_check_in_scale_is_scored_only_when_complete():
    scores = score(SESSION, [8, None, 5, 6, "", 3]).scores
    assert scores["task"].value == 5.5
    assert scores["goal"].reason == "1 of 2 items missing; no published rule for missing items"
    assert scores["total"].reason == "2 of 6 items missing; no published rule for missing items"
    assert score(SESSION, [8, None, 5, 6, "", 3]).missing == (2, 5)


# What is refused


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (11, "must be between 0 and 10"),
        (-1, "must be between 0 and 10"),
        ("10.5", "must be between 0 and 10"),
        (7.5, "must be a whole number"),
        ("7.5", "must be a whole number"),
        (True, "must be a number"),
        (float("nan"), "must be a number"),
        (float("inf"), "must be a number"),
        (10**400, "must be a number"),
        (Decimal("sNaN"), "must be a number"),
        ("nan", "must be a number"),
        ("1e1", "must be a number"),
        ("1_0", "must be a number"),
        ("٣", "must be a number"),
        ("often", "must be a number"),
        ([7], "must be a number"),
        (7j, "must be a number"),
    ],
)
def test_an_answer_that_cannot_be_taken_is_named_in_words(answer, message):
    with pytest.raises(AnswerProblem) as caught:
        score(SESSION, {3: answer})
    assert caught.value.problems == {3: message}


@pytest.mark.parametrize("answer", [7, 7.0, "7", " 7 ", "7.0", Decimal(7)])
def test_a_number_may_come_in_these_ways(answer):
    assert check_answers(SESSION, {"1": answer}) == {1: 7.0, 2: None, 3: None, 4: None, 5: None, 6: None}


@pytest.mark.parametrize(
    ("answers", "problems"),
    [
        ({13: 5}, {13: "there is no item 13"}),
        ({"13": 5, "0": 5}, {13: "there is no item 13", "0": "is not an item number"}),
        ({0: 5}, {0: "there is no item 0"}),
        ({"one": 5}, {"one": "is not an item number"}),
        ({True: 5}, {"True": "is not an item number"}),
        ({1: 5, "1": 6}, {1: "is answered twice"}),
        ([5] * 7, {7: "there is no item 7"}),
        ([5] * 5, {"answers": "must be 6, one for each item; there are 5"}),
        ("555555", {"answers": "must be a list, or a mapping from item number to answer"}),
        (None, {"answers": "must be a list, or a mapping from item number to answer"}),
    ],
)
def test_answers_addressed_wrongly_are_named(answers, problems):
    with pytest.raises(AnswerProblem) as caught:
        check_answers(SESSION, answers)
    assert caught.value.problems == problems


def test_every_problem_is_reported_at_once():
    with pytest.raises(AnswerProblem) as caught:
        check_answers(SESSION, [11, 5, "x", 5, 5, None])
    assert set(caught.value.problems) == {1, 3}
    assert "1: must be between 0 and 10" in str(caught.value)


def test_a_finer_step_is_kept_on_its_grid(fine):
    assert check_answers(fine, [0.1 + 0.2])[1] == 0.3
    with pytest.raises(AnswerProblem) as caught:
        check_answers(fine, [0.25])
    assert caught.value.problems == {1: "must be in steps of 0.1 from 0"}


@pytest.fixture
def fine():
    from measures.instruments import parse_instrument

    return parse_instrument(
        'code="fine"\nname="Fine"\nconstruct="outcome"\nlicence="ours"\n[[edition]]\nraters=["client"]\n'
        'version="1"\nnumber_of_items=1\nminimum=0\nmaximum=10\nstep=0.1\nreversed=[]\nscoring="sum"\n'
        'missing="complete"\nhigher_is_better=true\n',
        "fine.toml",
    ).editions["client"]


# What holds for every answer

editions = st.sampled_from(EDITIONS)


def grid(shipped):
    """Any answer that the edition takes."""
    steps = round((shipped.maximum - shipped.minimum) / shipped.step)
    return st.integers(0, steps).map(lambda n: round(shipped.minimum + n * shipped.step, 9))


def numbers_of(shipped):
    return range(1, shipped.number_of_items + 1)


complete = editions.flatmap(
    lambda e: st.tuples(st.just(e), st.lists(grid(e), min_size=len(e.items), max_size=len(e.items)))
)
partial = editions.flatmap(lambda e: st.tuples(st.just(e), st.dictionaries(st.sampled_from(numbers_of(e)), grid(e))))


@steady
@given(complete)
def test_complete_answers_always_score_and_the_scales_of_a_sum_add_up(case):
    shipped, answers = case
    scoring = score(shipped, answers)
    assert scoring.missing == ()
    for scale, result in scoring.scores.items():
        low, high = shipped.score_range(scale)
        assert result.value is not None and low <= result.value <= high
        assert not result.prorated
        assert 0 <= rescaled(shipped, result.mean) <= 1
    parts = [scale for scale in shipped.scales if scale not in shipped.combined]
    if shipped.has_total and parts:
        items = sum(scoring.scores[scale].mean * scoring.scores[scale].of for scale in parts)
        assert items == pytest.approx(scoring.scores[TOTAL].mean * shipped.number_of_items)
        if shipped.scoring == "sum":
            assert sum(scoring.scores[scale].value for scale in parts) == pytest.approx(scoring.scores[TOTAL].value)


@steady
@given(complete)
def test_reversing_twice_changes_nothing(case):
    shipped, answers = case
    assert [reverse(shipped, reverse(shipped, answer)) for answer in answers] == pytest.approx(answers)


@steady
@given(complete)
def test_a_list_and_a_mapping_score_alike(case):
    shipped, answers = case
    by_name = {str(number): str(answer) for number, answer in enumerate(answers, start=1)}
    assert score(shipped, answers) == score(shipped, by_name)


@steady
@given(partial)
def test_any_pattern_of_missing_items_scores_by_rule_or_gives_a_reason(case):
    shipped, answers = case
    scoring = score(shipped, answers)
    assert scoring.answered == len(answers)
    if shipped.missing == "answered":
        assert scoring.missing == ()
    else:
        assert scoring.answered + len(scoring.missing) == shipped.number_of_items
    for scale, result in scoring.scores.items():
        assert (result.value is None) == (result.mean is None) == (result.reason is not None)
        if result.value is None:
            assert not result.prorated
        else:
            low, high = shipped.score_range(scale)
            assert low - 1e-9 <= result.value <= high + 1e-9
            assert result.prorated == (result.answered < result.of and shipped.missing != "answered")
        if result.answered == 0 or shipped.missing == "rounded_mean":
            continue
        missing = result.of - result.answered
        assert (result.value is not None) == (missing <= ITEMS_MAY_BE_MISSING[shipped.missing](result.of))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.decimals() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3) | st.integers(), inner),
    max_leaves=20,
)


@steady
@given(
    editions,
    anything | st.dictionaries(st.integers(0, 13) | st.text("0123456789", max_size=2), anything),
    st.just([]) | anything | st.lists(st.integers(0, 5)),
)
def test_nothing_crashes_but_with_an_answer_problem(shipped, answers, not_applicable):
    try:
        scoring = score(shipped, answers, not_applicable)
    except AnswerProblem as problem:
        assert problem.problems
        assert all(isinstance(message, str) and message for message in problem.problems.values())
    else:
        assert list(scoring.scores) == list(shipped.scored_scales)


def test_the_rules_allow_what_their_words_say():
    assert [ITEMS_MAY_BE_MISSING["tenth"](of) for of in (36, 12, 4)] == [3, 1, 0]
    assert "3 of 36, 1 of 12, none of 4" in MISSING_RULES["tenth"]
    assert ITEMS_MAY_BE_MISSING["complete"](36) == 0
