"""The scales and raters of a session judged together, at one rate of false alarms."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from measures.statistics.expectation import expectation
from measures.statistics.joint import Correlations, effective_tests, groups_of, judge_together, tail_of_each
from measures.statistics.prior import starting_prior
from measures.statistics.rates import DEFAULT_RATE

PRIOR = starting_prior((0, 10))
USUAL = Correlations()
BOND, GOAL, TASK = ("client", "bond"), ("client", "goal"), ("client", "task")
SIX = tuple((rater, scale) for rater in ("client", "therapist") for scale in ("bond", "goal", "task"))
STEADY = [8, 8.5, 7.5, 8, 8]


def judged(scores, correlations=USUAL, **more):
    sessions = range(1, len(next(iter(scores.values()))) + 1)
    return judge_together(sessions, scores, dict.fromkeys(scores, PRIOR), correlations, value_range=(0, 10), **more)


def signals(scores, **more):
    return [look.session for look in judged(scores, **more) if look.is_signal]


def test_one_series_is_judged_as_if_alone():
    # 8 8.5 7.5 8 8 |5| 8
    scores = [*STEADY, 5, 8]
    alone = expectation(range(1, 8), scores, PRIOR, value_range=(0, 10), tail=DEFAULT_RATE.joint_tail)
    together = judged({BOND: scores})
    assert [look.looks[BOND] for look in together] == list(alone)
    assert [look.tail for look in together] == pytest.approx([look.tail for look in alone])


def test_falls_too_small_alone_are_a_signal_together():
    # 8 8.5 7.5 8 8 |6.6| in all six series
    scores = [*STEADY, 6.6]
    assert signals({BOND: scores}) == []
    [*_, look] = judged(dict.fromkeys(SIX, scores))
    assert look.is_signal and look.group == SIX
    assert not any(each.is_signal for each in look.looks.values())


def test_a_fall_in_one_scale_names_it():
    # bond 8 8.5 7.5 8 8 |4|, the others 8
    [*_, look] = judged({key: [*STEADY, 4 if key == BOND else 8] for key in SIX})
    assert look.is_signal and (look.group, look.lowest) == ((BOND,), BOND)


def test_what_did_not_fall_is_learnt_from_and_what_fell_is_held_back():
    # bond |3|, goal 8: the next session expects bond without that 3, and goal with that 8
    [*_, after] = judged({BOND: [*STEADY, 3, 8], GOAL: [*STEADY, 8, 8]})
    assert (after.looks[BOND].earlier_n, after.looks[GOAL].earlier_n) == (5, 6)


def test_a_rater_who_did_not_rate_is_left_out():
    [*_, look] = judged({BOND: [*STEADY, 5], ("therapist", "bond"): [*STEADY, None]})
    assert look.is_signal and set(look.looks) == {BOND}


def test_a_session_without_any_rating_or_with_too_few_before_it_is_no_look():
    assert judged({BOND: [8, 8, 8, 8], GOAL: [8, 8, 8, 8]}) == ()
    assert [look.session for look in judged({BOND: [*STEADY, None, 8]})] == [5, 7]


def test_the_groups_are_all_each_rater_each_scale_and_each_alone():
    assert len(groups_of(SIX, USUAL)) == 1 + 2 + 3 + 6
    assert dict(groups_of((BOND, GOAL), USUAL))[BOND, GOAL] == pytest.approx(math.sqrt(3))


def test_the_groups_are_worth_fewer_tests_than_there_are_and_more_than_one():
    assert effective_tests((BOND,), USUAL) == 1
    assert 1 < effective_tests((BOND, GOAL), USUAL) < 3
    assert 3 < effective_tests(SIX, USUAL) < 12
    assert effective_tests(SIX, Correlations(0.9, 0.9)) < effective_tests(SIX, USUAL)


@pytest.mark.parametrize("keys", [(BOND, GOAL), (BOND, GOAL, TASK), SIX])
def test_the_rate_of_all_is_the_rate_that_was_asked_for(keys):
    # Normal deviates with these correlations, drawn anew: their lowest group beyond the limit in one look of 120.
    matrix = [[USUAL.of(one, other) for other in keys] for one in keys]
    drawn = np.random.default_rng(7).multivariate_normal(np.zeros(len(keys)), matrix, size=400_000)
    sums = [drawn[:, [keys.index(k) for k in group]].sum(axis=1) / sd for group, sd in groups_of(keys, USUAL)]
    limit = stats.norm.ppf(tail_of_each(keys, USUAL, 1 / 120))
    assert (np.min(sums, axis=0) < limit).mean() == pytest.approx(1 / 120, rel=0.05)


def test_correlations_outside_0_to_1_and_uneven_series_are_refused():
    for impossible in (-0.1, 1, math.nan):
        with pytest.raises(ValueError, match="correlation of scales"):
            Correlations(scales=impossible)
    with pytest.raises(ValueError, match="one score"):
        judge_together([1, 2], {BOND: [8]}, {BOND: PRIOR}, USUAL)
    with pytest.raises(ValueError, match="finite"):
        judge_together([1], {BOND: [math.inf]}, {BOND: PRIOR}, USUAL)


tenths = st.integers(0, 100).map(lambda tenth: tenth / 10)
courses = st.integers(5, 9).flatmap(
    lambda n: st.lists(st.lists(tenths, min_size=n, max_size=n), min_size=3, max_size=3)
)


@settings(deadline=None)
@given(courses, st.floats(0, 10))
def test_a_lower_last_score_never_loses_the_signal(scores, lower):
    before = judged(dict(zip((BOND, GOAL, TASK), scores, strict=True)))[-1]
    scores[0][-1] = min(scores[0][-1], lower)
    after = judged(dict(zip((BOND, GOAL, TASK), scores, strict=True)))[-1]
    assert after.tail <= before.tail
    assert after.is_signal or not before.is_signal


@settings(deadline=None)
@given(tenths, st.integers(5, 20))
def test_constant_series_are_silent(score, n):
    assert signals(dict.fromkeys(SIX, [score] * n)) == []


@settings(deadline=None)
@given(courses)
def test_a_score_below_its_own_interval_is_always_a_signal(scores):
    for look in judged(dict(zip((BOND, GOAL, TASK), scores, strict=True))):
        assert look.is_signal or not any(each.is_signal for each in look.looks.values())
