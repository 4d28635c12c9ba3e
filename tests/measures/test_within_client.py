"""Slopes within clients, and means by session number beside them, held against a second library."""

import random

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from measures.statistics.by_session import Rated, by_session
from measures.statistics.minimum_n import SERVICE_N
from measures.statistics.within_between import Course
from measures.statistics.within_client import lagged_slope, within_slope


def simulated(seed, clients=25):
    """Clients' pairs: levels that differ and go together, a slope of −0.3 within, errors that a client shares."""
    chance = random.Random(seed)
    found = []
    for _ in range(clients):
        level, steady = chance.gauss(0, 3), chance.gauss(0, 0.3)
        xs = [level + chance.gauss(0, 1) for _ in range(chance.randint(2, 12))]
        found.append([(x, 2 * level - 0.3 * (x - level) + steady * x + chance.gauss(0, 0.5)) for x in xs])
    return found


def flat(clients):
    ids = np.repeat(np.arange(len(clients)), [len(pairs) for pairs in clients])
    xs, ys = np.array([pair for pairs in clients for pair in pairs], dtype=float).T
    return ids, xs, ys


@pytest.mark.parametrize("seed", range(5))
def test_slope_and_interval_equal_those_of_ols_on_deviations_with_clustered_errors(seed):
    clients = simulated(seed)
    ids, xs, ys = flat(clients)
    means = [np.array([side[ids == i].mean() for i in ids]) for side in (xs, ys)]
    fitted = sm.OLS(ys - means[1], xs - means[0]).fit(cov_type="cluster", cov_kwds={"groups": ids}, use_t=True)
    found = within_slope(clients)
    assert found.slope == pytest.approx(fitted.params[0])
    assert (found.low, found.high) == pytest.approx(tuple(fitted.conf_int()[0]))
    assert (found.clients, found.n) == (len(clients), len(ys))


@pytest.mark.parametrize("seed", range(5))
def test_slope_and_standard_error_equal_those_of_ols_with_an_intercept_per_client(seed):
    clients = simulated(seed)
    ids, xs, ys = flat(clients)
    dummies = (ids[:, None] == np.arange(len(clients))).astype(float)
    kwds = {"groups": ids, "use_correction": False}
    fitted = sm.OLS(ys, np.column_stack([xs, dummies])).fit(cov_type="cluster", cov_kwds=kwds)
    found = within_slope(clients)
    k = len(clients)
    assert found.slope == pytest.approx(fitted.params[0])
    reach = stats.t(k - 1).ppf(0.975) * np.sqrt(k / (k - 1)) * fitted.bse[0]
    assert found.high - found.slope == pytest.approx(reach)


def test_clients_levels_do_not_enter():
    clients = simulated(1)
    shifted = [[(x + 10 * i, y - 7 * i) for x, y in pairs] for i, pairs in enumerate(clients)]
    found, moved = within_slope(clients), within_slope(shifted)
    assert (moved.slope, moved.low, moved.high) == pytest.approx((found.slope, found.low, found.high))
    # Over all sessions alike the two rise together; within clients they do not.
    assert np.polyfit(*flat(clients)[1:], 1)[0] > 1 > 0 > found.slope


def test_fewer_than_ten_clients_have_no_slope_and_who_never_changes_is_not_counted():
    moving, still = [(1, 2), (2, 3), (4, 4)], [(1, 2), (1, 5)]
    assert within_slope([moving] * 9 + [still, []]) is None
    assert within_slope([moving] * 10 + [still, []]).clients == 10
    assert SERVICE_N["within_client"].reason == "Shown from 10 clients on."


def test_the_lagged_slope_joins_no_skipped_session():
    alliance, outcome = [5, 7, 6, 8], [1, 9, 4, 6]
    whole = lagged_slope([Course([1, 2, 3, 4], alliance, outcome)] * 10)
    skipped = lagged_slope([Course([1, 2, 4, 5], alliance, outcome)] * 10)
    unscored = lagged_slope([Course([1, 2, 3, 4], [5, None, 6, 8], outcome)] * 10)
    assert (whole.n, skipped.n, unscored.n) == (30, 20, 20)
    # Pairs 5→9 and 6→6: a fall of three for a rise of one.
    assert skipped.slope == unscored.slope == pytest.approx(-3)


@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=2, max_size=6), min_size=10, max_size=14
    )
)
def test_a_slope_lies_in_its_interval_and_turns_with_its_sides(clients):
    found = within_slope(clients)
    if found:
        assert found.low <= found.slope <= found.high
        turned = within_slope([[(x, -2 * y) for x, y in pairs] for pairs in clients])
        assert (turned.slope, turned.low, turned.high) == pytest.approx(
            (-2 * found.slope, -2 * found.high, -2 * found.low), abs=1e-9
        )


# Means by session number


def falling(level, sessions, left):
    return Rated(range(1, sessions + 1), [level - 0.02 * t for t in range(sessions)], left)


def test_means_rise_while_every_client_falls():
    # Who rates low leaves early: the means of session numbers rise, and everybody falls by .02 a session.
    clients = [falling(0.3 + 0.06 * i, 1 + i, left=False) for i in range(12)]
    found = by_session(clients, last=8)
    means = [point.mean for point in found.stayed]
    assert means == sorted(means)
    assert found.change.slope == pytest.approx(-0.02)
    assert found.change_left is None


def test_a_mean_and_its_interval_are_student_s():
    values = [0.5, 0.6, 0.7, 0.4, 0.9, 0.55]
    (point,) = by_session([Rated([1], [value], left=True) for value in values], last=1).left
    expected = stats.t.interval(0.95, 5, loc=np.mean(values), scale=stats.sem(values))
    assert (point.mean, point.low, point.high, point.n) == pytest.approx((np.mean(values), *expected, 6))
    described = sm.stats.DescrStatsW(np.array(values)).tconfint_mean()
    assert (point.low, point.high) == pytest.approx(described)


def test_who_stayed_stands_apart_from_who_left_and_four_are_not_shown():
    found = by_session(
        [Rated([1, 2], [0.8, 0.9], left=False)] * 5 + [Rated([1], [0.2], left=True)] * 5 + [Rated([3], [1], False)] * 4,
        last=3,
    )
    assert [(point.mean, point.n) for point in found.stayed] == [(0.8, 5), (0.9, 5), (None, None)]
    assert [(point.mean, point.n) for point in found.left] == [(0.2, 5), (None, None), (None, None)]
    assert found.stayed[2].reason == found.left[1].reason == "Shown from 5 clients on."
    assert found.stayed[0].reason is None


def test_means_refuse_what_was_not_rescaled():
    with pytest.raises(ValueError, match="between 0 and 1"):
        by_session([Rated([1], [7], left=False)], last=1)
    with pytest.raises(ValueError, match="two values"):
        by_session([Rated([1, 1], [0.5, 0.5], left=False)], last=1)
    with pytest.raises(ValueError, match="needs its value"):
        by_session([Rated([1], [], left=False)], last=1)


@settings(deadline=None)
@given(
    st.lists(
        st.builds(lambda values, left: Rated(range(1, len(values) + 1), values, left),
                  st.lists(st.floats(0, 1), max_size=6), st.booleans()),
        max_size=30,
    )
)  # fmt: skip
def test_every_mean_lies_in_its_interval_and_counts_at_least_five(clients):
    found = by_session(clients, last=5)
    for group, left in ((found.stayed, False), (found.left, True)):
        assert [point.session for point in group] == [1, 2, 3, 4, 5]
        for point in group:
            n = sum(client.left == left and point.session in client.sessions for client in clients)
            assert (point.mean is None) == (n < 5) == (point.reason is not None)
            if point.mean is not None:
                assert point.n == n
                assert 0 <= point.low <= point.mean + 1e-12
                assert point.mean <= point.high + 1e-12 <= 1 + 1e-12
