"""How long clients stay: a published example, a second library, and what must hold of any service."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight

from measures.statistics.minimum_n import SERVICE_N
from measures.statistics.retention import retention

# Freireich et al. (1963), Blood 21:699-716: weeks in remission under 6-mercaptopurine, as in every textbook since; True
# relapsed, False was still in remission.
RELAPSED = [6, 6, 6, 7, 10, 13, 16, 22, 23]
CENSORED = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
FREIREICH = (RELAPSED + CENSORED, [True] * len(RELAPSED) + [False] * len(CENSORED))


def test_the_textbook_s_21_patients_give_the_textbook_s_curve():
    found = retention(*FREIREICH)
    fell = [(step.session, round(step.survival, 4), step.at_risk, step.left) for step in found.steps if step.left]
    assert fell == [
        (6, 0.8571, 21, 3),
        (7, 0.8067, 17, 1),
        (10, 0.7529, 15, 1),
        (13, 0.6902, 12, 1),
        (16, 0.6275, 11, 1),
        (22, 0.5378, 7, 1),
        (23, 0.4482, 6, 1),
    ]
    assert (found.median, found.n, found.left) == (23, 21, 9)


def test_the_textbook_s_intervals_are_those_of_the_log_log_scale():
    # As R's survfit prints them with conf.type = "log-log".
    found = {step.session: (step.low, step.high) for step in retention(*FREIREICH).steps}
    assert found[6] == pytest.approx((0.620, 0.952), abs=5e-4)
    assert found[10] == pytest.approx((0.503, 0.889), abs=5e-4)
    assert found[23] == pytest.approx((0.188, 0.680), abs=5e-4)


def simulated(seed, n=300):
    chance = random.Random(seed)
    stay, seen = [chance.randint(1, 40) for _ in range(n)], [chance.randint(1, 40) for _ in range(n)]
    return [min(pair) for pair in zip(stay, seen, strict=True)], [s <= c for s, c in zip(stay, seen, strict=True)]


@pytest.mark.parametrize("seed", range(5))
def test_curve_and_numbers_at_risk_equal_those_of_statsmodels(seed):
    sessions, left = simulated(seed)
    found, expected = retention(sessions, left), SurvfuncRight(sessions, left)
    fell = [step for step in found.steps if step.left]
    assert [step.session for step in fell] == list(expected.surv_times)
    assert [step.survival for step in fell] == pytest.approx(list(expected.surv_prob))
    assert [step.at_risk for step in fell] == list(expected.n_risk)
    assert [step.left for step in fell] == list(expected.n_events)
    assert found.median == expected.quantile(0.5)


@pytest.mark.parametrize("seed", range(5))
def test_intervals_are_those_of_the_standard_errors_of_statsmodels(seed):
    sessions, left = simulated(seed)
    expected = SurvfuncRight(sessions, left)
    fell = [step for step in retention(sessions, left).steps if step.left]
    for step, survival, error in zip(fell, expected.surv_prob, expected.surv_prob_se, strict=True):
        if survival == 0:
            assert step.low is None
            continue
        reach = 1.959964 * error / (survival * abs(math.log(survival)))
        assert (step.low, step.high) == pytest.approx(
            (survival ** math.exp(reach), survival ** math.exp(-reach)), abs=1e-6
        )


def test_a_planned_ending_takes_nobody_out_of_those_who_stayed():
    found = retention([3, 5, 5, 8, 10], [False, True, False, False, False])
    assert [(step.session, step.survival) for step in found.steps] == [(3, 1), (5, 0.75), (8, 0.75), (10, 0.75)]
    assert [(step.at_risk, step.left, step.censored) for step in found.steps] == [
        (5, 0, 1), (4, 1, 1), (2, 0, 1), (1, 0, 1),
    ]  # fmt: skip
    assert (found.steps[0].low, found.steps[0].high) == (None, None)
    assert found.median is None


def test_a_median_at_exactly_a_half_is_reached():
    assert retention([1, 2, 3, 4, 5, 6], [True] * 6).median == 3
    assert retention([2] * 3 + [7] * 3, [True] * 3 + [False] * 3).median == 2


def test_what_is_still_there_is_said_while_five_came():
    found = retention([2, 4, 6, 6, 8, 8, 8, 9], [True, True, False, True, True, False, False, False])
    assert found.still_there(1) == 1
    assert found.still_there(3) == pytest.approx(7 / 8)
    assert found.still_there(6) == pytest.approx(7 / 8 * 6 / 7 * 5 / 6)
    assert found.at_risk(7) == 4
    assert found.still_there(7) is None
    assert [step.session for step in found.shown] == [2, 4, 6]


def test_numbers_at_risk_tell_of_no_group_under_five_by_subtraction():
    found = retention([1] * 3 + [4] * 4 + [10] * 9 + [12] * 3, [True] * 19)
    # 19, 16, 12, 3, 0 came to them
    assert [found.at_risk(session) for session in (1, 2, 5, 11, 13)] == [19, 16, 12, 3, 0]
    assert found.numbers_at_risk([1, 2, 5, 11, 13]) == (19, None, 12, None, None)


def test_fewer_than_five_clients_have_no_curve_and_the_reason_does_not_tell_how_many():
    assert retention([1, 2, 3, 4], [True] * 4) is None
    assert retention([], []) is None
    assert SERVICE_N["retention"].reason == "Shown from 5 clients on."


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="same length"):
        retention([1], [])
    with pytest.raises(ValueError, match="at least 0"):
        retention([-1], [True])


clients = st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=5, max_size=40)


@settings(deadline=None)
@given(clients)
def test_a_curve_falls_only_where_somebody_left_and_its_interval_holds_it(group):
    found = retention(*zip(*group, strict=True))
    before = 1.0
    for step in found.steps:
        assert step.survival == pytest.approx(before * (1 - step.left / step.at_risk))
        assert (step.low is None) == (step.high is None) == (not 0 < step.survival < 1)
        if step.low is not None:
            assert 0 <= step.low <= step.survival <= step.high <= 1
        before = step.survival
    assert sum(step.left + step.censored for step in found.steps) == found.n == len(group)
    assert found.at_risk(0) == found.n


@settings(deadline=None)
@given(clients)
def test_without_anybody_censored_the_curve_is_the_share_still_there(group):
    sessions = [session for session, _ in group]
    found = retention(sessions, [True] * len(sessions))
    for step in found.steps:
        assert step.survival == pytest.approx(sum(s > step.session for s in sessions) / len(sessions))


@settings(deadline=None)
@given(clients, st.lists(st.integers(0, 30), max_size=8).map(sorted))
def test_no_two_printed_numbers_differ_by_one_to_four(group, sessions):
    found = retention(*zip(*group, strict=True))
    printed = [found.n, *(number for number in found.numbers_at_risk(sessions) if number is not None)]
    assert not [a - b for i, a in enumerate(printed) for b in printed[i:] if 0 < a - b < 5]
