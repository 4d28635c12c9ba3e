"""Early alliance and later change, held against a second library."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from measures.statistics.early_alliance import early_alliance, early_and_later, later_change, retention_by_third, thirds


def test_early_is_sessions_three_to_five():
    assert early_alliance([1, 2, 3, 5, 6], [0.1, 0.1, 0.6, 0.8, 0.1]) == pytest.approx(0.7)
    assert early_alliance([1, 2, 6], [0.1, 0.2, 0.3]) is None
    with pytest.raises(ValueError, match="between 0 and 1"):
        early_alliance([3], [5])


def test_later_change_starts_where_early_ends_and_more_is_better():
    assert later_change([1, 4, 9, 7], [20, 14, 6, 10], higher_is_better=False) == 8
    assert later_change([1, 5, 6], [4, 5, 7], higher_is_better=True) == 2
    assert later_change([1, 5], [4, 5], higher_is_better=True) is None
    assert later_change([6, 7], [4, 5], higher_is_better=True) is None


def test_early_and_later_equal_scipy_s_correlation_and_leave_out_who_lacks_one():
    chance = random.Random(5)
    early = [chance.random() for _ in range(40)]
    later = [3 * e + chance.gauss(0, 2) for e in early]
    found = early_and_later([*early, None, 0.5], [*later, 1.0, None])
    expected = stats.pearsonr(early, later)
    assert (found.r, found.low, found.high, found.n) == pytest.approx(
        (expected.statistic, *expected.confidence_interval(0.95), 40)
    )


def test_nine_clients_show_no_correlation_and_ten_one_only_above_63():
    assert early_and_later([i / 10 for i in range(9)], list(range(9))) is None
    assert early_and_later([i / 10 for i in range(10)], list(range(10))).r == 1
    assert early_and_later([0.5] * 10, list(range(10))) is None
    # The figure in the table of minimum n.
    assert math.tanh(stats.norm.ppf(0.975) / math.sqrt(7)) == pytest.approx(0.63, abs=0.005)


def test_thirds_are_the_service_s_own():
    values = [i / 20 for i in range(15)]
    found = thirds([None, *values])
    assert found[0] is None
    assert found[1:] == ("low",) * 5 + ("middle",) * 5 + ("high",) * 5
    assert thirds(values[:14]) is None


@settings(deadline=None)
@given(st.lists(st.none() | st.integers(0, 10).map(lambda value: value / 10), min_size=15, max_size=60))
def test_equal_clients_are_in_the_same_third_and_thirds_are_in_order(early):
    found = thirds(early)
    if found is None:
        assert sum(value is not None for value in early) < 15
        return
    of_value = {}
    for value, third in zip(early, found, strict=True):
        assert of_value.setdefault(value, third) == third
    ranks = [("low", "middle", "high").index(of_value[value]) for value in sorted(v for v in of_value if v is not None)]
    assert ranks == sorted(ranks)


def test_retention_by_third_begins_where_the_thirds_are_known():
    # Twenty who came to session 5 or further, the low third leaving sooner; nine who left before, or were not rated.
    early = [i / 20 for i in range(20)]
    sessions = [5 + i for i in range(20)]
    found = retention_by_third([*sessions, *[3] * 6, *[9] * 3], [True] * 29, [*early, *[0.1] * 6, *[None] * 3])
    assert [found[third].n for third in ("low", "middle", "high")] == [7, 6, 7]
    assert all(curve.at_risk(5) == curve.n for curve in found.values())
    assert found["low"].median < found["middle"].median < found["high"].median
    assert retention_by_third(sessions[:14], [True] * 14, early[:14]) is None


def test_a_third_of_fewer_than_five_has_no_curve():
    # Twelve at the maximum are one third, and there is none above them.
    found = retention_by_third([8] * 18, [False] * 18, [0.2] * 6 + [1.0] * 12)
    assert (found["low"].n, found["high"]) == (6, None)
