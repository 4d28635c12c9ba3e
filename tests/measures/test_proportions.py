"""Shares and returns: published values, a second library, and what must hold of any."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.stats.proportion import proportion_confint

from measures.statistics.minimum_n import SERVICE_N
from measures.statistics.proportions import proportion, sessions_to_return


@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    # Newcombe (1998), Stat Med 17:857-872, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_s_interval_is_the_published_one(count, n, low, high):
    found = proportion(count, n)
    assert found.share == count / n
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@settings(deadline=None)
@given(st.integers(5, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_s_interval_equals_that_of_statsmodels_and_holds_the_share(numbers):
    found = proportion(*numbers)
    assert (found.low, found.high) == pytest.approx(proportion_confint(*numbers, method="wilson"), abs=1e-12)
    assert 0 <= found.low <= found.share <= found.high <= 1
    other = proportion(numbers[1] - numbers[0], numbers[1])
    assert (other.low, other.high) == pytest.approx((1 - found.high, 1 - found.low))


def test_a_share_of_four_is_not_shown():
    assert proportion(2, 4) is None
    assert SERVICE_N["proportion"].reason == "Shown from 5 of them on."
    with pytest.raises(ValueError, match="between 0 and n"):
        proportion(6, 5)


# Sessions to return


def test_what_has_not_come_back_counts_as_not_yet():
    found = sessions_to_return([1, 1, 2, 3, 6, 8], [True, True, True, True, False, False])
    assert (found.quarter, found.median, found.three_quarters) == (1, 2, None)
    assert (found.n, found.returned, found.not_returned) == (6, 4, 2)
    # Left out, they would make it look faster.
    assert sessions_to_return([1, 1, 2, 3, 6], [True] * 5).median == 2
    assert sessions_to_return([1, 1, 1, 5, 5, 5, 5], [True] * 3 + [False] * 4).median is None


def test_quartiles_equal_those_of_statsmodels():
    chance = random.Random(3)
    sessions = [chance.randint(1, 12) for _ in range(80)]
    returned = [chance.random() < 0.8 for _ in sessions]
    found, expected = sessions_to_return(sessions, returned), SurvfuncRight(sessions, returned)
    assert [found.quarter, found.median, found.three_quarters] == [expected.quantile(p) for p in (0.25, 0.5, 0.75)]


def test_fewer_than_five_ruptures_have_no_median():
    assert sessions_to_return([1, 2, 3, 4], [True] * 4) is None
    assert SERVICE_N["to_return"].reason == "Shown from 5 ruptures on."
