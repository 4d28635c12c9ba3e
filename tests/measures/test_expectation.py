"""What the next rating should be: one series alone, and what a service knows beforehand."""

import math
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from measures.statistics.expectation import PRIOR_WEIGHT, degrees_of_freedom, expectation, mean_sd
from measures.statistics.prior import STARTING_VALUES, Prior, starting_prior
from measures.statistics.rates import DEFAULT_RATE, RATES
from measures.statistics.service_prior import (
    CORRELATION_BETWEEN,
    MINIMUM_CLIENTS,
    Series,
    estimate_prior,
    within_correlation,
)

DOC = Path(__file__).parents[2] / "docs" / "signals.md"
steady = settings(deadline=None)
USUAL = starting_prior((0, 10))


def looks(*scores, prior=USUAL, value_range=(0, 10), **more):
    """Looks at scores by session from 1; None is a missed rating."""
    scored = [(session, score) for session, score in enumerate(scores, start=1) if score is not None]
    sessions, values = [s for s, _ in scored], [v for _, v in scored]
    return expectation(sessions, values, prior, value_range=value_range, **more)


def signals(*scores, **more):
    return [look.session for look in looks(*scores, **more) if look.is_signal]


# The starting values


def test_the_starting_values_are_fractions_of_the_range():
    assert dict(STARTING_VALUES) == {
        "mean": 0.80,
        "sd_between": 0.12,
        "within_sd": 0.07,
        "within_sd_cv": 0.35,
        "rise": 0.0,
    }
    item_mean = starting_prior((1, 5))
    assert (item_mean.mean, item_mean.sd_between, item_mean.within_sd) == pytest.approx((4.2, 0.48, 0.28))
    assert (item_mean.within_sd_cv, item_mean.rise, item_mean.sd, item_mean.reliability) == (0.35, 0, None, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mean", math.nan),
        ("sd_between", 0),
        ("within_sd", -1),
        ("within_sd", math.inf),
        ("within_sd_cv", -0.1),
        ("within_sd_cv", 6),
        ("rise", math.inf),
        ("sd", 0),
        ("reliability", 1),
    ],
)
def test_a_prior_that_cannot_be_is_refused_by_the_field_s_name(field, value):
    with pytest.raises(ValueError, match=rf"^{field} must be"):
        replace(USUAL, **{field: value})


# One look


def test_the_interval_is_student_s_t_around_what_was_learnt():
    # 7 8 7 8 | 7.5, worked by hand: level shrunk to the mean, variance from the differences within the series
    prior = Prior(mean=8, sd_between=1.4, within_sd=0.7)
    [look] = looks(7, 8, 7, 8, 7.5, prior=prior)
    weight = 0.25 + 4
    centre = (0.25 * 8 + 30) / weight
    prior_degrees = degrees_of_freedom(0.35)
    degrees = PRIOR_WEIGHT * prior_degrees + 3
    squares = PRIOR_WEIGHT * prior_degrees * (0.7 / mean_sd(prior_degrees)) ** 2 + 1
    predictive = stats.t(degrees, loc=centre, scale=math.sqrt(squares / degrees * (1 + 1 / weight)))
    assert look.low == pytest.approx(predictive.ppf(DEFAULT_RATE.tail))
    assert look.high == pytest.approx(predictive.isf(DEFAULT_RATE.tail))
    assert look.tail == pytest.approx(predictive.cdf(7.5))
    assert (look.observed, look.earlier_n, look.is_signal) == (7.5, 4, False)


def test_clients_sds_have_the_spread_that_was_asked_for():
    for cv in (0.1, 0.35, 0.8):
        degrees = degrees_of_freedom(cv)
        of_squares = stats.invgamma(degrees / 2, scale=degrees / 2)
        mean = of_squares.expect(math.sqrt)
        assert mean == pytest.approx(mean_sd(degrees))
        assert math.sqrt(of_squares.mean() / mean**2 - 1) == pytest.approx(cv, rel=1e-3)


def test_the_first_look_is_at_the_fifth_scored_session():
    assert looks(8, 8, 8, 8) == ()
    # 8 . 8 8 8 |8|
    assert [look.session for look in looks(8, None, 8, 8, 8, 8)] == [6]


def test_a_fall_below_the_interval_is_a_signal_with_its_tail():
    # 8 8.5 7.5 8 8 |5| 8
    found = looks(8, 8.5, 7.5, 8, 8, 5, 8)
    assert [look.is_signal for look in found] == [False, True, False]
    assert found[1].observed < found[1].low
    assert found[1].tail < DEFAULT_RATE.tail


def test_the_usual_rise_is_expected():
    # 6 6.7 7.1 7.4 |7.1|: no fall for a client who stays, but one where a rise is usual
    scores = (6, 6.7, 7.1, 7.4, 7.1)
    [where_none_is_usual], [where_it_is] = looks(*scores), looks(*scores, prior=replace(USUAL, rise=1.0))
    assert where_it_is.tail < where_none_is_usual.tail
    assert where_it_is.low > where_none_is_usual.low


def test_a_first_9_after_nothing_but_10s_is_no_signal():
    # 10 10 10 10 10 10 10 10 |9| and |5|
    assert signals(*[10] * 8, 9) == []
    assert signals(*[10] * 8, 5) == [9]


def test_scores_at_the_maximum_leave_the_variance():
    open_end = looks(*[10] * 9, value_range=(0, 20), prior=replace(USUAL, mean=10))[-1]
    ceiling = looks(*[10] * 9, value_range=(0, 10), prior=replace(USUAL, mean=10))[-1]
    assert ceiling.low < open_end.low


# What is learnt from


def test_a_signal_is_not_learnt_from():
    # 8 8.5 7.5 8 8 |2| 8: the session after it expects what it would have without it
    after, without = looks(8, 8.5, 7.5, 8, 8, 2, 8)[-1], looks(8, 8.5, 7.5, 8, 8, None, 8)[-1]
    assert after == without


def test_a_second_signal_confirms_a_new_level_which_is_then_expected():
    # 8 8.5 7.5 8 8 |4 4.2| 4.1 3.9
    found = looks(8, 8.5, 7.5, 8, 8, 4, 4.2, 4.1, 3.9)
    assert [look.session for look in found if look.is_signal] == [6, 7]
    assert found[-2].low < 4.1 < found[-2].high
    assert found[-2].earlier_n == 7


def test_one_return_between_two_falls_confirms_nothing():
    # 8 8.5 7.5 8 8 |4| 8 |4| 8
    assert signals(8, 8.5, 7.5, 8, 8, 4, 8, 4, 8) == [6, 8]


# Refusals


def test_an_expectation_refuses_what_it_cannot_use():
    with pytest.raises(ValueError, match="its session"):
        expectation([1], [1, 2], USUAL)
    for sessions in ([0, 1], [1, 1], [2, 1]):
        with pytest.raises(ValueError, match="rise from 1"):
            expectation(sessions, [1, 2], USUAL)
    with pytest.raises(ValueError, match="finite"):
        expectation([1], [math.nan], USUAL)
    for tail in (0, 0.5, math.nan):
        with pytest.raises(ValueError, match="tail"):
            expectation([1], [1], USUAL, tail=tail)


# Properties

tenths = st.integers(0, 100).map(lambda tenth: tenth / 10)
series = st.lists(st.one_of(st.none(), tenths), min_size=1, max_size=15)
priors = st.builds(
    Prior,
    mean=st.floats(0, 10),
    sd_between=st.floats(0.1, 5),
    within_sd=st.floats(0.1, 3),
    within_sd_cv=st.floats(0, 1),
    rise=st.floats(-2, 2),
)


def moved(prior, a, b):
    return replace(
        prior,
        mean=a * prior.mean + b,
        sd_between=a * prior.sd_between,
        within_sd=a * prior.within_sd,
        rise=a * prior.rise,
    )


@steady
@given(series, priors, st.floats(0.01, 100), st.floats(-100, 100))
def test_scores_prior_and_range_move_together(scores, prior, a, b):
    before = looks(*scores, prior=prior)
    after = looks(
        *[None if score is None else a * score + b for score in scores],
        prior=moved(prior, a, b),
        value_range=(b, a * 10 + b),
    )
    for old, new in zip(before, after, strict=True):
        close = pytest.approx(a * old.low + b, abs=1e-6 * (a + abs(b)))
        if new.low != close or old.is_signal != new.is_signal:
            # A score that rounding moved across its threshold decides what is learnt from afterwards.
            assert abs(old.observed - old.low) < 1e-6
            return
        assert new.high == pytest.approx(a * old.high + b, abs=1e-6 * (a + abs(b)))
        assert new.tail == pytest.approx(old.tail, abs=1e-6)


@steady
@given(st.lists(tenths, min_size=5, max_size=15), priors, st.floats(0, 10))
def test_a_lower_last_score_never_loses_the_signal(scores, prior, lower):
    last, lowered = looks(*scores, prior=prior)[-1], looks(*scores[:-1], min(lower, scores[-1]), prior=prior)[-1]
    assert lowered.tail <= last.tail
    assert lowered.is_signal or not last.is_signal


@steady
@given(tenths, st.integers(1, 40), priors)
def test_a_constant_series_is_silent(score, n, prior):
    assert signals(*[score] * n, prior=prior) == []


@steady
@given(series, st.integers(0, 5), priors)
def test_nulls_at_the_end_change_nothing(scores, extra, prior):
    assert looks(*scores, *[None] * extra, prior=prior) == looks(*scores, prior=prior)


@steady
@given(series, priors)
def test_a_signal_lies_below_an_interval_inside_the_range(scores, prior):
    for look in looks(*scores, prior=prior):
        assert 0 <= look.low <= look.high <= 10
        assert look.is_signal == (look.observed < look.low)


# Rates


def test_the_three_rates_are_ordered_and_one_is_the_default():
    assert RATES["stricter"].tail < DEFAULT_RATE.tail < RATES["looser"].tail
    assert DEFAULT_RATE.one_in == 120
    for rate in RATES.values():
        assert rate.joint_tail <= rate.tail < 1 / rate.one_in


def test_a_stricter_rate_has_a_wider_interval():
    scores = (8, 8.5, 7.5, 8, 8, 7.8)
    strict, usual, loose = (looks(*scores, tail=RATES[name].tail)[-1] for name in ("stricter", "default", "looser"))
    assert strict.low < usual.low < loose.low


def test_the_doc_prints_the_shipped_tails():
    printed = re.findall(r"^\| (\w+) \| 1 in (\d+) \| ([\d.]+) \| ([\d.]+) \|$", DOC.read_text("utf-8"), re.M)
    assert printed == [
        (rate.name, str(rate.one_in), f"{rate.tail:.4f}", f"{rate.joint_tail:.4f}") for rate in RATES.values()
    ]


# What a service knows


def service(clients, *, sessions=12, seed=1):
    chance = random.Random(seed)
    found = []
    for _ in range(clients):
        level, sd = chance.gauss(6, 1), 0.5 * math.exp(chance.gauss(-0.045, 0.3))
        numbers = range(1, sessions + 1)
        found.append(Series(list(numbers), [level + 0.3 * math.log(t) + chance.gauss(0, sd) for t in numbers]))
    return found


def test_a_service_s_prior_is_recovered_from_its_clients():
    prior = estimate_prior(service(1_500), maximum=10, sd=1.1, reliability=0.9)
    assert prior.mean == pytest.approx(6, abs=0.1)
    assert prior.sd_between == pytest.approx(1, abs=0.05)
    assert prior.within_sd == pytest.approx(0.5, abs=0.02)
    assert prior.within_sd_cv == pytest.approx(0.31, abs=0.04)
    assert prior.rise == pytest.approx(0.3, abs=0.02)
    assert (prior.sd, prior.reliability) == (1.1, 0.9)


def test_too_few_clients_give_no_prior():
    assert estimate_prior(service(29), maximum=10) is None
    assert estimate_prior(service(30), maximum=10) is not None
    assert estimate_prior(service(60, sessions=4), maximum=10) is None


def test_clients_at_the_ceiling_do_not_make_the_typical_sd_smaller():
    mixed = service(60)
    ceiling = [Series(range(1, 7), [10, 10, 10, 10, 10, 9.9])] * 40
    assert estimate_prior([*mixed, *ceiling], maximum=10).within_sd == pytest.approx(
        estimate_prior(mixed, maximum=10).within_sd, rel=0.1
    )


# --- Two scales within a client ------------------------------------------------------------------------


def test_within_correlation_leaves_out_levels_and_the_common_rise():
    """Levels that agree between clients, and a rise both scales share, are no correlation from session to session."""
    chance = random.Random(5)
    pairs = []
    for _ in range(400):
        level = chance.gauss(7, 2)
        one, other = (
            Series(range(1, 13), [level + math.log(t) + chance.gauss(0, 0.5) for t in range(1, 13)]) for _ in range(2)
        )
        pairs.append((one, other))
    assert within_correlation(pairs) == pytest.approx(0, abs=0.04)


def test_within_correlation_takes_sessions_that_both_rated():
    """One scale twice as high as the other in every session that both rated, whatever the others hold."""
    one = Series([1, 2, 3, 4, 5, 7], [1, 3, 2, 5, 4, 9])
    other = Series([1, 2, 3, 4, 5, 6], [2, 6, 4, 10, 8, 0])
    assert within_correlation([(one, other)] * MINIMUM_CLIENTS) == CORRELATION_BETWEEN[1]


def test_within_correlation_needs_thirty_clients_who_vary():
    varied = Series(range(1, 6), [1, 3, 2, 5, 4])
    level = Series(range(1, 6), [3, 3, 3, 3, 3])
    assert within_correlation([(varied, varied)] * (MINIMUM_CLIENTS - 1) + [(varied, level)]) is None
    assert within_correlation([]) is None
