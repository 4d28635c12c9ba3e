"""What is usual in the service: starting values first, its own as soon as there are courses enough."""

import random

import pytest
from django.core.exceptions import PermissionDenied

from accounts.models import SignalRate
from jobs.models import Job
from measures import actions, priors
from measures.instruments import instruments
from measures.models import EpisodeSeries, Score, ServicePrior, Trend
from measures.statistics.joint import Correlations
from measures.statistics.prior import starting_prior
from measures.statistics.rates import RATES
from measures.statistics.service_prior import MINIMUM_CLIENTS, Series
from tests import factories


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


def prior_of_bond() -> ServicePrior:
    return ServicePrior.objects.filter(rater="client", scale="bond").latest("version")


def some_courses(n: int, level: float = 7.0) -> dict[int, Series]:
    """Eight sessions of each of n clients, who differ by 1 and vary by half a point."""
    chance = random.Random(7)
    levels = [chance.gauss(level, 1) for _ in range(n)]
    courses = [Series(range(1, 9), [chance.gauss(mean, 0.5) for _ in range(8)]) for mean in levels]
    return dict(enumerate(courses))


def test_names_of_the_rates_are_those_of_the_statistics():
    assert set(SignalRate.values) == set(RATES)
    for rate in SignalRate:
        assert str(RATES[rate].one_in) in rate.label


def test_first_trend_is_judged_with_starting_values_labelled_as_such(episode):
    factories.make_course(episode, [7, 8])
    trend = Trend.objects.get(rater="client", scale="bond")
    assert (trend.prior.is_starting, trend.prior.version, trend.prior.n) == (True, 1, 0)
    assert trend.prior.mean == starting_prior((0, 10)).mean
    assert (trend.rate, trend.expected) == ("default", [])


def test_nothing_is_expected_of_totals_beside_components_and_of_outcome(episode):
    (session,) = factories.make_course(episode, [7])
    answers = dict.fromkeys(range(1, 5), 5)
    actions.record_rating(session=session, instrument="outcome-check-in", rater="client", answers=answers, by=None)
    actions.compute_trends(episode_id=episode.pk)
    assert set(Trend.objects.filter(prior=None).values_list("instrument", "rater", "scale")) == {
        ("session-check-in", "client", "total"),
        ("session-check-in", "therapist", "total"),
        ("outcome-check-in", "client", "total"),
    }


def test_trend_keeps_what_was_expected_from_the_fifth_rated_session_on(episode):
    """7 8 · 7 8 7 8: four to learn from, then a look at each."""
    factories.make_course(episode, [7, 8, None, 7, 8, 7, 8])
    expected = Trend.objects.get(rater="client", scale="bond").expected
    assert [session for session, _low, _high in expected] == [6, 7]
    assert all(0 < low < 7 <= 8 < high <= 10 for _session, low, high in expected)


def test_what_is_usual_is_estimated_beside_ratings_without_a_total(service, episode):
    """The strain check asks four things that add up to nothing."""
    (session,) = factories.make_course(episode, [7])
    factories.check_strain(session, 6)
    assert priors.estimate_priors(organisation_id=service.organisation.pk) == 0
    assert set(ServicePrior.objects.values_list("instrument", flat=True)) == {"session-check-in"}


def test_every_scale_that_is_judged_is_one_that_is_formed():
    for instrument in instruments().values():
        for edition in instrument.editions.values():
            for scale in priors.judged_scales(instrument):
                assert not priors.is_judged(instrument, edition, scale) or edition.numbers(scale)


def test_too_few_courses_leave_the_starting_values_and_are_counted(service, episode):
    factories.make_course(episode, [7, 8, 7, 8, 7])
    assert priors.estimate_priors(organisation_id=service.organisation.pk) == 0
    assert (prior_of_bond().version, prior_of_bond().is_starting, prior_of_bond().n) == (1, True, 1)
    assert not Job.objects.filter(task="ruptures.start_recompute").exists()


def test_enough_courses_give_a_new_version_and_ask_for_every_trend(service, episode, monkeypatch):
    factories.make_course(episode, [7, 8])
    monkeypatch.setattr(priors, "courses_of", lambda edition, scale: some_courses(MINIMUM_CLIENTS))
    assert priors.estimate_priors(organisation_id=service.organisation.pk) == 6
    prior = prior_of_bond()
    assert (prior.version, prior.is_starting, prior.n) == (2, False, MINIMUM_CLIENTS)
    assert prior.mean == pytest.approx(7, abs=0.5) and prior.within_sd == pytest.approx(0.5, abs=0.1)
    assert prior.sd > 0
    assert Job.objects.waiting().filter(task="ruptures.start_recompute").count() == 1
    assert Trend.objects.get(rater="client", scale="bond").prior.version == 1
    actions.compute_trends(episode_id=episode.pk)
    assert Trend.objects.get(rater="client", scale="bond").prior == prior


def test_estimate_that_hardly_moved_is_no_new_version(service, episode, monkeypatch):
    factories.make_course(episode, [7, 8])
    organisation = service.organisation.pk
    for level, new in ((7.0, 6), (7.0, 0), (7.05, 0), (7.5, 6)):
        monkeypatch.setattr(priors, "courses_of", lambda edition, scale, level=level: some_courses(40, level))
        assert priors.estimate_priors(organisation_id=organisation) == new
    assert prior_of_bond().version == 3


def test_courses_are_those_that_may_be_seen_in_the_order_of_sessions(service, episode):
    """A rating that waits for the therapist's own is not learnt from, and a corrected one once."""
    factories.make_course(episode, [7, None, 5])
    factories.rate_as_client(factories.make_session(episode), bond=1)
    factories.rate_as_client(episode.sessions.get(number=3), bond=6)
    edition = actions.instruments.edition("session-check-in", "client")
    (course,) = priors.courses_of(edition, "bond").values()
    assert (course.sessions, course.scores) == ([1, 3], [7.0, 6.0])
    assert Score.objects.filter(rating__rater="client", scale="bond").count() == 4


def courses_that_fall_together(n: int, shared: float) -> dict[str, dict[int, Series]]:
    """By scale, ten sessions of each of n clients; every session has a good or a bad day in common."""
    chance = random.Random(11)
    found: dict[str, dict[int, Series]] = {"goal": {}, "task": {}, "bond": {}}
    for client in range(n):
        days = [chance.gauss(0, shared) for _ in range(10)]
        for courses in found.values():
            courses[client] = Series(range(1, 11), [6 + day + chance.gauss(0, 0.5) for day in days])
    return found


def test_scales_that_fall_together_are_estimated_as_correlated_and_judged_so(service, episode, monkeypatch):
    """With days as wide as each scale's own chance, half of the variance within a client is common to the scales."""
    factories.make_course(episode, [7, 8])
    courses = courses_that_fall_together(200, shared=0.5)
    monkeypatch.setattr(priors, "courses_of", lambda edition, scale: courses[scale])
    priors.estimate_priors(organisation_id=service.organisation.pk)
    prior = prior_of_bond()
    assert prior.correlation_scales == pytest.approx(0.5, abs=0.05)
    assert prior.correlation_raters == pytest.approx(0.95)
    assert priors.correlations_of([prior]) == Correlations(scales=0.5, raters=0.95)


def test_correlations_are_ours_until_the_service_has_its_own():
    assert priors.correlations_of([ServicePrior()]) == Correlations()
    one_known = [ServicePrior(correlation_scales=0.62), ServicePrior()]
    assert priors.correlations_of(one_known) == Correlations(scales=0.6)


def test_reliability_is_estimated_from_each_clients_first_rating(service, monkeypatch):
    """Two items of bond that always agree: alpha is 1 but for a little chance; one rating a client counts."""
    monkeypatch.setattr(priors, "MINIMUM_CLIENTS", 3)
    edition = actions.instruments.edition("session-check-in", "client")
    one, other = edition.numbers("bond")
    for code, value, second in (("R-1", 2, 3), ("R-2", 5, 5), ("R-3", 9, 8)):
        session = factories.make_session(factories.make_episode(service.ada, code=code))
        factories.rate_as_therapist(session)
        answers = dict.fromkeys(range(1, 7), 5) | {one: value, other: second}
        actions.record_rating(session=session, instrument="session-check-in", rater="client", answers=answers, by=None)
    # Variances 12.33 and 6.33, of the sums 36.33: 2 · (1 − 18.67 / 36.33).
    assert priors.reliability_of(edition, "bond") == pytest.approx(0.9725, abs=0.0001)
    assert priors.reliability_of(edition, "goal") is None


# --- Setting the baseline anew ------------------------------------------------------------------------


def test_baseline_counts_from_the_session_that_the_therapist_chose(service, episode):
    """8 8 7 8 8 | 4 5 4 5 4 4: after a change of the therapy, what is usual is another."""
    sessions = factories.make_course(episode, [8, 8, 7, 8, 8, 4, 5, 4, 5, 4, 4])
    assert Trend.objects.get(rater="client", scale="bond").baseline == pytest.approx(7.8)
    actions.set_baseline(session=sessions[5], by=service.ada)
    assert EpisodeSeries.objects.get().is_updating
    actions.compute_trends(episode_id=episode.pk)
    assert Trend.objects.get(rater="client", scale="bond").baseline == pytest.approx(4.4)
    actions.set_baseline(session=sessions[0], by=service.ada)
    actions.compute_trends(episode_id=episode.pk)
    assert Trend.objects.get(rater="client", scale="bond").baseline == pytest.approx(7.8)


def test_what_is_expected_begins_anew_at_the_new_baseline(service, episode):
    """8 8 8 8 8 4 | 4 4 4 4 1: without a new baseline the fours are a fall, with it only the one is."""
    sessions = factories.make_course(episode, [8, 8, 8, 8, 8, 4, 4, 4, 4, 4, 1])
    actions.set_baseline(session=sessions[5], by=service.ada)
    (judgement,) = actions.compute_trends(episode_id=episode.pk)
    assert [look.session for look in judgement.looks] == [5, 10, 11]
    assert [look.session for look in judgement.looks if look.is_signal] == [11]


def test_baseline_without_five_ratings_since_says_so(service, episode):
    sessions = factories.make_course(episode, [8, 8, 7, 8, 8, 4])
    actions.set_baseline(session=sessions[5], by=service.ada)
    actions.compute_trends(episode_id=episode.pk)
    trend = Trend.objects.get(rater="client", scale="bond")
    assert trend.baseline is None
    assert "A baseline needs 5 scored sessions; there is 1." in trend.notes


def test_only_the_episodes_therapist_sets_its_baseline(service, episode):
    (session,) = factories.make_course(episode, [8])
    for person in (service.tom, service.ruth, service.sam):
        with pytest.raises(PermissionDenied):
            actions.set_baseline(session=session, by=person)
    assert EpisodeSeries.objects.get().baseline_from == 1
