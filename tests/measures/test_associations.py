"""Two series beside each other, and clients beside clients."""

import math
import random
from datetime import date, timedelta
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM

from measures.statistics.congruence import congruence, usual_gap_limit
from measures.statistics.correlation import correlation
from measures.statistics.partial_pooling import pooled_means, shuffled
from measures.statistics.within_between import Course, decompose, lag_one

# Correlation


def test_a_correlation_and_its_interval_equal_scipy_s():
    x, y = [62, 64, 63, 66, 58, 60, 65, 67], [5, 7, 6, 6, 4, 6, 5, 8]
    found, expected = correlation(x, y), stats.pearsonr(x, y)
    interval = expected.confidence_interval(0.95)
    assert (found.r, found.low, found.high, found.n) == pytest.approx((expected.statistic, *interval, 8))


def test_a_correlation_needs_four_pairs_and_spread():
    assert correlation([1, 2, 3], [1, 2, 3]) is None
    assert correlation([1, 2, 3, 4], [5, 5, 5, 5]) is None
    assert (correlation([1, 2, 3, 4], [2, 4, 6, 8]).r, correlation([1, 2, 3, 4], [8, 6, 4, 2]).low) == (1, -1)
    with pytest.raises(ValueError, match="same length"):
        correlation([1], [1, 2])


def test_five_pairs_show_a_correlation_only_above_88():
    # The figure in the table of minimum n.
    assert math.tanh(stats.norm.ppf(0.975) / math.sqrt(2)) == pytest.approx(0.88, abs=0.005)


# Congruence


def test_the_gap_is_therapist_minus_client_where_both_rated():
    # client .8 . .7, therapist .7 .6 .8
    found = congruence([0.8, None, 0.7], [0.7, 0.6, 0.8])
    assert found.gaps == pytest.approx((-0.1, 0.1))
    assert (found.mean_gap, found.sd_gap) == pytest.approx((0, math.sqrt(0.02)))
    assert found.temporal is None


def test_raters_who_rise_and_fall_together_are_congruent_however_far_apart():
    client = [0.6, 0.7, 0.65, 0.8, 0.75, 0.7]
    found = congruence(client, [value - 0.2 for value in client])
    assert found.temporal.r == pytest.approx(1)
    assert found.mean_gap == pytest.approx(-0.2)


def test_congruence_refuses_scores_that_were_not_rescaled():
    assert congruence([None], [0.5]) is None
    with pytest.raises(ValueError, match="between 0 and 1"):
        congruence([7], [0.5])
    with pytest.raises(ValueError, match="one entry per session"):
        congruence([0.7], [])


def test_the_usual_gap_s_limit_is_a_prediction_interval():
    gaps = [-0.2, -0.1, -0.15, -0.1, -0.2]
    t = stats.t(4).isf(1 / 120)
    assert usual_gap_limit(gaps) == pytest.approx(-0.15 + t * 0.05 * math.sqrt(1.2))
    assert usual_gap_limit(gaps[:4]) is None
    assert usual_gap_limit([-0.1] * 6) is None


# Within and between clients


def test_variance_is_split_as_by_analysis_of_variance():
    # 1 3 | 5 7: within 2, means 2 and 6 whose squares between are 16
    found = decompose([[1, 3], [5, 7]])
    assert (found.within, found.between, found.share_between) == pytest.approx((2, (16 - 2) / 2, 7 / 9))
    assert (found.clients, found.n) == (2, 4)


def test_clients_who_differ_less_than_chance_have_no_variance_between_them():
    assert decompose([[1, 9], [9, 1]]).between == 0
    assert decompose([[4, 4], [4, 4]]).share_between is None
    assert decompose([[1, 2, 3]]) is None
    assert decompose([[1], [2]]) is None


def course(alliance, outcome, sessions=None):
    return Course(sessions or range(1, len(alliance) + 1), alliance, outcome)


def test_a_better_session_before_a_better_week_is_an_association():
    alliance = [5, 7, 6, 8, 4, 6, 7, 5, 8, 6]
    found = lag_one([course(alliance, [0, *alliance[:-1]])])
    assert (found.r, found.n) == (pytest.approx(1), 9)


def test_nothing_is_joined_across_a_skipped_session_or_across_clients():
    alliance, outcome = [5, 7, 6, 8, 4, 6, 7, 5, 8, 6], [3, 5, 4, 4, 6, 3, 5, 6, 4, 5]
    whole = lag_one([course(alliance, outcome)])
    skipped = lag_one([course(alliance, outcome, [1, 2, 3, 4, 5, 7, 8, 9, 10, 11])])
    unscored = lag_one([course([*alliance[:5], None, *alliance[5:]], [*outcome[:5], None, *outcome[5:]])])
    two = lag_one([course(alliance, outcome), course([a + 20 for a in alliance], [o - 20 for o in outcome])])
    assert (whole.n, skipped.n, unscored.n, two.n) == (9, 8, 8, 18)
    assert skipped == unscored
    # The second client's level is another; the association within clients is the same.
    assert two.r == pytest.approx(whole.r)
    assert two.high - two.low < whole.high - whole.low


def test_the_lagged_view_comes_at_ten_sessions():
    assert lag_one([course([1, 2] * 4 + [1], [2, 1] * 4 + [2])]) is None
    assert lag_one([]) is None


# Partially pooled means


def test_a_small_caseload_is_drawn_further_to_the_mean_of_all():
    found = pooled_means({"A": [4, 5] * 5, "B": [6, 7] * 30, "C": [5, 6] * 30, "D": [5] * 9})
    assert set(found) == {"A", "B", "C"}
    assert found["A"].weight < found["B"].weight
    for mean in found.values():
        assert mean.low < mean.mean < mean.high
        assert mean.high - mean.mean == pytest.approx(mean.mean - mean.low)
    assert found["A"].own == 4.5 < found["A"].mean < 6


def test_caseloads_no_more_different_than_chance_share_one_mean():
    found = pooled_means({"A": [1, 9] * 5, "B": [9, 1] * 10})
    assert {mean.mean for mean in found.values()} == {5}
    assert {mean.weight for mean in found.values()} == {0}


def test_one_caseload_has_nothing_to_be_pooled_with():
    assert pooled_means({"A": [4, 5] * 5, "B": [5] * 9}) == {}
    assert {mean.mean for mean in pooled_means({"A": [5] * 10, "B": [5] * 10}).values()} == {5}


@pytest.mark.parametrize("seed", range(3))
def test_pooled_means_of_equal_caseloads_equal_the_mixed_model_s(seed):
    chance = random.Random(seed)
    groups = {}
    for name in "ABCDEFGH":
        level = chance.gauss(5, 2)
        groups[name] = [level + chance.gauss(0, 1.5) for _ in range(12)]
    names = [name for name, values in groups.items() for _ in values]
    flat = np.array([value for values in groups.values() for value in values])
    fitted = MixedLM(flat, np.ones((len(flat), 1)), groups=np.array(names)).fit(reml=True, method="lbfgs")
    found = pooled_means(groups)
    for name, effect in fitted.random_effects.items():
        assert found[name].mean == pytest.approx(fitted.fe_params[0] + effect.iloc[0], abs=1e-3)
        # On equal caseloads all are drawn towards the plain mean of all, by the same weight.
        assert found[name].weight == pytest.approx(found["A"].weight)
    assert fmean(mean.mean for mean in found.values()) == pytest.approx(flat.mean())


def test_the_order_of_therapists_tells_nothing_and_stays_for_the_day():
    names, today = ["A", "B", "C", "D", "E"], date(2026, 11, 30)
    order = shuffled(names, day=today, service="north")
    assert sorted(order) == names
    assert order == shuffled(reversed(names), day=today, service="north")
    assert {shuffled(names, day=today, service=service) for service in ("north", "south", "east")} != {order}
    first = [shuffled(names, day=today + timedelta(days=i), service="north")[0] for i in range(200)]
    # Everybody stands first on some days: 40 of 200 expected.
    assert all(20 < first.count(name) < 65 for name in names)


@settings(deadline=None)
@given(st.sets(st.text(min_size=1), max_size=12), st.dates(), st.text())
def test_nobody_is_lost_in_the_order(names, day, service):
    assert sorted(shuffled(names, day=day, service=service)) == sorted(names)
