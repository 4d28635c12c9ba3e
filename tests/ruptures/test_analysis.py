"""What `manage.py analyse_series` answers to a line."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measures.statistics.control_chart import individuals
from measures.statistics.expectation import expectation
from measures.statistics.mann_kendall import mann_kendall
from measures.statistics.prior import Prior, starting_prior
from measures.statistics.reliable_change import criterion
from measures.statistics.theil_sen import theil_sen
from ruptures.analysis import answer

KEYS = [
    "n", "latest", "reliable_change", "control_chart", "trend", "expectation", "episodes", "signals", "notes",
]  # fmt: skip
COURSE = [8, 8.4, 7.6, 8, 8, None, 7.8, 8.2, 8, 8, 5, 8]
PRIOR = {
    "mean": 8,
    "sd_between": 1.2,
    "within_sd": 0.7,
    "within_sd_cv": 0.35,
    "rise": 0.1,
    "sd": 1.5,
    "reliability": 0.9,
}
steady = settings(deadline=None)


def analysed(scores, **more):
    found = answer(json.dumps({"scores": scores, **more}).encode())
    assert not found.is_error, found.line
    return json.loads(found.line)


def refusal(line):
    found = answer(line if isinstance(line, bytes) else json.dumps(line).encode())
    assert found.is_error
    [(key, reason)] = json.loads(found.line).items()
    assert key == "error"
    return reason


# A whole answer


def test_every_part_is_what_its_rule_says():
    # 8 8.4 7.6 8 8 . 7.8 8.2 8 8 |5| 8
    found = analysed(COURSE, range=[0, 10], prior=PRIOR)
    sessions = [t for t, score in enumerate(COURSE, start=1) if score is not None]
    scores = [score for score in COURSE if score is not None]
    assert list(found) == KEYS
    assert (found["n"], found["latest"], found["notes"]) == (11, 8, [])
    assert found["reliable_change"] == {"criterion": criterion(1.5, 0.9), "change": 0, "reliable": False}
    chart = individuals(scores)
    assert found["control_chart"] == {
        "centre": chart.centre,
        "sigma": chart.sigma,
        "lower": chart.lower,
        "upper": chart.upper,
        "baseline_n": 5,
        "signals": [11],
    }
    slope, test = theil_sen(sessions, scores), mann_kendall(scores)
    assert found["trend"] == {"slope": slope.slope, "low": slope.low, "high": slope.high, "s": test.s, "p": test.p}
    looks = expectation(sessions, scores, Prior(**PRIOR), value_range=(0, 10))
    assert found["expectation"] == [
        {"session": each.session, "low": each.low, "high": each.high, "observed": each.observed} for each in looks
    ]
    assert found["signals"] == [{"session": 11, "rule": "below-expected", "tail": looks[-2].tail}]
    assert found["episodes"] == [
        {"preset": preset, "session": 11, "peak": 8, "lowest": 5, "repaired_session": 12, "status": "repaired"}
        for preset in ("gumz-lenient", "gumz-strict", "own-series")
    ]


def test_the_service_s_sd_of_change_is_that_of_two_independent_sessions():
    # 8 8 8 |6.9| 8 8: √2 · .7 is .99, √2 · .8 is 1.13
    def lenient(within_sd):
        found = analysed([8, 8, 8, 6.9, 8, 8], range=[0, 10], prior={"within_sd": within_sd})
        return [each["session"] for each in found["episodes"] if each["preset"] == "gumz-lenient"]

    assert (lenient(0.7), lenient(0.8)) == ([4], [])


def test_what_the_prior_lacks_is_a_starting_value_scaled_to_the_range():
    fields = starting_prior((1, 5))
    whole = {"mean": fields.mean, "sd_between": fields.sd_between, "within_sd": fields.within_sd}
    scores = [4, 4.5, 4, 4.2, 4, 3]
    assert analysed(scores, range=[1, 5]) == analysed(scores, range=[1, 5], prior=whole)
    assert analysed(scores, range=[1, 5], prior={"mean": None, "rise": None, "colour": "red"}, x=1) == analysed(
        scores, range=[1, 5]
    )


def test_without_a_range_a_whole_prior_is_enough():
    found = analysed(COURSE, prior=PRIOR)
    assert found["notes"] == []
    assert found["signals"][0]["session"] == 11


def test_without_range_and_prior_the_parts_that_need_them_are_null():
    found = analysed(COURSE)
    assert [key for key in KEYS if found[key] is None] == ["expectation", "episodes", "signals"]
    assert found["reliable_change"] == {"criterion": None, "change": 0, "reliable": None}
    assert found["notes"] == [
        "reliable change: needs sd and reliability in the prior",
        "expectation, signals: need mean, sd_between and within_sd in the prior, or the range",
        "episodes, gumz-lenient: need within_sd in the prior, or the range",
        "episodes, gumz-strict: need within_sd in the prior, or the range",
        "episodes, own-series: need sd and reliability in the prior",
    ]


# Series that are short, flat or empty


@pytest.mark.parametrize("scores", [[], [None], [None] * 5])
def test_nothing_scored_is_no_error(scores):
    found = analysed(scores, range=[0, 10], prior=PRIOR)
    assert (found["n"], found["latest"]) == (0, None)
    assert all(found[key] is None for key in KEYS[2:8])
    assert found["notes"]


def test_each_length_has_the_parts_it_can_have():
    def parts(n):
        found = analysed([8, 7.5] * 5 if n == 10 else ([8, 7.5] * 5)[:n], range=[0, 10], prior=PRIOR)
        return [key for key in KEYS[2:8] if found[key] is not None]

    assert parts(1) == []
    assert parts(2) == parts(4) == ["reliable_change"]
    assert parts(5) == parts(10) == KEYS[2:8]
    assert analysed([8, 7.5], prior=PRIOR)["reliable_change"]["reliable"] is None
    assert analysed([8, 7.5, 8], prior=PRIOR)["reliable_change"]["reliable"] is False
    assert analysed([8, 7.5] * 4, prior=PRIOR)["control_chart"]["signals"] is None
    assert analysed([8, 7.5] * 5, prior=PRIOR)["control_chart"]["signals"] == []


def test_equal_first_scores_give_a_chart_without_signals_and_say_so():
    found = analysed([8] * 10, range=[0, 10], prior=PRIOR)
    assert found["control_chart"]["signals"] is None
    assert found["signals"] == found["episodes"] == []
    assert found["notes"] == [
        "signals of the control chart: the first five scores are equal, so its limits have no width"
    ]


# Lines that cannot be analysed


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        ([], "must be an object"),
        ({}, "scores must be a list"),
        ({"scores": {"1": 8}}, "scores must be a list"),
        ({"scores": "8"}, "scores must be a list"),
        ({"scores": [8, "8"]}, "scores: session 2 must be a number"),
        ({"scores": [True]}, "scores: session 1 must be a number"),
        (b'{"scores": [NaN]}', "scores: session 1 must be a finite number"),
        (b'{"scores": [1, 1e999]}', "scores: session 2 must be a finite number"),
        ({"scores": [10**400]}, "scores: session 1 must be a finite number"),
        (b'{"scores": [' + b"9" * 5_000 + b"]}", "too far apart"),
        ({"scores": [1] * 1_001}, "at most 1000 sessions"),
        ({"scores": [1, 11], "range": [0, 10]}, "scores: session 2 must be within the range, 0 to 10"),
        ({"scores": [1], "range": [10, 0]}, "range must rise"),
        ({"scores": [1], "range": [1, 1]}, "range must rise"),
        ({"scores": [1], "range": [0]}, "range must be a list of two numbers"),
        ({"scores": [1], "range": [0, None]}, "range: each end must be a number"),
        ({"scores": [1], "prior": [1]}, "prior must be an object"),
        ({"scores": [1], "prior": {"mean": "8"}}, "prior: mean must be a number"),
        ({"scores": [1], "prior": {"within_sd": 0}}, "prior: within_sd must be greater than 0"),
        ({"scores": [1], "prior": {"sd_between": -1}}, "prior: sd_between must be greater than 0"),
        ({"scores": [1], "prior": {"within_sd_cv": -1}}, "prior: within_sd_cv must be between"),
        ({"scores": [1], "prior": {"sd": 0}}, "prior: sd must be greater than 0"),
        ({"scores": [1], "prior": {"reliability": 1}}, "prior: reliability must be"),
        (b'{"scores": [1], "prior": {"rise": Infinity}}', "prior: rise must be a finite number"),
    ],
)
def test_a_bad_line_is_answered_by_the_field_and_what_it_must_be(line, reason):
    assert reason in refusal(line)


def test_numbers_too_far_apart_to_compute_with_are_said_to_be():
    scores = [1e100, -1e100, 1, 2, 3, 4, 5]
    assert "too far apart" in refusal({"scores": scores, "prior": PRIOR | {"within_sd": 1e100, "sd_between": 1e-100}})


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
numbers = st.none() | st.floats() | st.integers(-10, 10)
documents = st.fixed_dictionaries(
    {"scores": anything | st.lists(numbers, max_size=12)},
    optional={
        "range": anything | st.tuples(numbers, numbers),
        "prior": anything | st.dictionaries(st.sampled_from([*PRIOR, "other"]), numbers | st.just(1e-300)),
    },
)


def strict(text):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


@steady
@given(st.binary() | (documents | anything).map(lambda document: json.dumps(document).encode()))
def test_whatever_the_line_there_is_one_strict_answer(line):
    found = answer(line)
    assert "\n" not in found.line and found.line.isascii()
    document = strict(found.line)
    assert list(document) == (["error"] if found.is_error else KEYS)


# Properties

eighths = st.integers(0, 80).map(lambda eighth: eighth / 8)
series = st.lists(st.none() | eighths, max_size=14)


def structure(found):
    """What was found, without the numbers that carry a unit."""
    return (
        found["n"],
        found["reliable_change"] and found["reliable_change"]["reliable"],
        found["control_chart"] and found["control_chart"]["signals"],
        found["trend"] and (found["trend"]["s"], found["trend"]["p"]),
        found["episodes"]
        and [(e["preset"], e["session"], e["repaired_session"], e["status"]) for e in found["episodes"]],
        found["signals"] and [each["session"] for each in found["signals"]],
        found["notes"],
    )


@steady
@given(series, st.sampled_from([0.25, 0.5, 2, 16]), st.integers(-64, 64))
def test_scores_prior_and_range_move_together(scores, a, b):
    # Powers of two and whole numbers, so that the arithmetic moves exactly but for the last digit.
    prior = PRIOR | {"within_sd": 0.71828, "sd": 1.61803}
    moved = {name: a * prior[name] for name in ("sd_between", "within_sd", "rise", "sd")} | {"mean": a * 8 + b}
    before = analysed(scores, range=[0, 10], prior=prior)
    after = analysed(
        [None if score is None else a * score + b for score in scores], range=[b, 10 * a + b], prior=prior | moved
    )
    assert structure(before) == structure(after)
    for old, new in zip(before["expectation"] or [], after["expectation"] or [], strict=True):
        assert new["low"] == pytest.approx(a * old["low"] + b, abs=1e-9)
        assert new["high"] == pytest.approx(a * old["high"] + b, abs=1e-9)


@steady
@given(eighths, st.integers(0, 20))
def test_a_constant_series_is_silent(score, n):
    found = analysed([score] * n, range=[0, 10], prior=PRIOR)
    assert not found["signals"] and not found["episodes"]
    assert not (found["control_chart"] and found["control_chart"]["signals"])


@steady
@given(series, st.integers(0, 5))
def test_nulls_at_the_end_change_nothing(scores, extra):
    assert analysed(scores + [None] * extra, range=[0, 10]) == analysed(scores, range=[0, 10])


@steady
@given(st.lists(eighths, min_size=5, max_size=12), st.integers(0, 80))
def test_a_lower_last_score_never_loses_the_signal(scores, eighth):
    def last(*values):
        found = analysed(values, range=[0, 10], prior=PRIOR)
        return len(values) in [each["session"] for each in found["signals"]]

    lower = min(scores[-1], eighth / 8)
    assert last(*scores[:-1], lower) or not last(*scores)


def test_a_trend_of_huge_and_tiny_numbers_is_still_strict_json():
    found = analysed([1e-90, 2e-90, 1e90, -1e90, 0, 5])
    assert math.isfinite(found["trend"]["slope"])
