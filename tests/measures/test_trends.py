import threading

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.urls import reverse

from jobs.models import Job
from jobs.organisation import acting_in
from measures import actions, instruments
from measures.models import EpisodeSeries, Score, Trend
from measures.selectors import series_of, with_latest_change
from measures.statistics.summary import Point, summarise
from tests import factories
from tests.parallel import at_once, meanwhile, somebody_waits_for_a_lock, wait_until

SAME = ["n", "latest", "latest_session", "previous", "change", "change_from_first", "baseline", "baseline_low"]
SAME += ["baseline_high", "slope", "slope_low", "slope_high"]
COMPUTED = [field.name for field in Trend._meta.concrete_fields if field.name not in {"id", "updated_at"}]


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


def stored() -> list[dict[str, object]]:
    return list(Trend.objects.order_by("instrument", "rater", "scale").values(*COMPUTED))


def make_varied_course(episode) -> None:
    """Twelve meetings: alliance by both, outcome by the client, WAI by the therapist; some missed, some skipped."""
    for number in range(1, 13):
        if number == 6:
            factories.make_session(episode, attendance="did-not-attend")
            continue
        session = factories.make_session(episode)
        factories.rate_as_therapist(session, goal=number % 4, task=9, bond=10 - number // 3)
        if number != 4:
            factories.rate_as_client(session, goal=min(10, number), task=5 + number % 3, bond=8 - number // 4)
        actions.record_rating(
            session=session,
            instrument="outcome-check-in",
            rater="client",
            answers={1: number % 7, 2: 3, 3: 4, 4: 5 if number % 5 else None},
            by=None,
        )
        actions.submit_rating(
            session=session,
            instrument="wai-36",
            rater="therapist",
            answers={item: 1 + (item + number) % 7 for item in range(1, 37)},
            by=episode.therapist,
        )


# --- Computing --------------------------------------------------------------------------------------


def test_stored_trends_are_what_summarise_says_for_every_scale_rater_and_instrument(episode):
    make_varied_course(episode)
    actions.compute_trends(episode_id=episode.pk)
    trends = {(t.instrument, t.rater, t.scale): t for t in Trend.objects.all()}
    assert {key[:2] for key in trends} == {
        ("session-check-in", "client"),
        ("session-check-in", "therapist"),
        ("outcome-check-in", "client"),
        ("wai-36", "therapist"),
    }
    assert len(trends) == 4 + 4 + 1 + 4
    for (instrument, rater, scale), trend in trends.items():
        edition = instruments.edition(instrument, rater)
        numbers = [session.number for session in episode.sessions.all()]
        means = dict(
            Score.objects.filter(
                rating__instrument=instrument, rating__rater=rater, rating__superseded_at=None, scale=scale
            ).values_list("rating__session__number", "mean")
        )
        points = [Point(number, means.get(number)) for number in numbers]
        in_means = edition.psychometrics_metric == "mean"
        expected = summarise(
            points,
            value_range=(edition.minimum, edition.maximum),
            sd=edition.sd.get(scale) if in_means else None,
            reliability=edition.reliability.get(scale),
            step=edition.step / len(edition.numbers(scale)),
        )
        assert trend.points == [[point.session, point.value] for point in points]
        for name in SAME:
            assert getattr(trend, name) == getattr(expected, name), (instrument, rater, scale, name)
        assert trend.notes == list(expected.notes)
        assert trend.is_reliable == (expected.reliable.reliable if expected.reliable else None)
        assert trend.version == EpisodeSeries.objects.get().input_version


def test_computing_twice_changes_nothing(episode):
    make_varied_course(episode)
    actions.compute_trends(episode_id=episode.pk)
    once = stored()
    assert len(once) == 13
    actions.compute_trends(episode_id=episode.pk)
    assert stored() == once


def test_missed_and_unrated_meetings_are_gaps_and_never_zero(episode):
    factories.make_course(episode, [7, None])
    factories.make_session(episode, attendance="did-not-attend")
    factories.make_course(episode, [0])
    trend = Trend.objects.get(rater="client", scale="bond")
    assert trend.points == [[1, 7.0], [2, None], [3, None], [4, 0.0]]
    assert (trend.n, trend.latest, trend.previous) == (2, 0.0, 7.0)


def test_ratings_of_one_episode_are_in_no_other(service, episode):
    other = factories.make_episode(service.ada, code="R-0418")
    factories.make_course(episode, [7])
    factories.make_course(other, [3])
    assert Trend.objects.get(episode=episode, rater="client", scale="bond").points == [[1, 7.0]]
    assert set(series_of(other.pk)["session-check-in", "client", "bond"]) == {Point(1, 3.0)}


def test_episode_without_ratings_has_no_trends_to_compute(episode):
    factories.make_session(episode)
    actions.compute_trends(episode_id=episode.pk)
    assert not Trend.objects.exists() and not EpisodeSeries.objects.exists()


# --- Versions ---------------------------------------------------------------------------------------


def versions() -> tuple[int, int]:
    return EpisodeSeries.objects.values_list("input_version", "computed_version").get()


def test_every_rating_counts_up_the_version_and_asks_for_one_computation(episode):
    session = factories.make_session(episode)
    factories.rate_as_therapist(session)
    factories.rate_as_client(session)
    assert versions() == (2, 0)
    assert [job.object_id for job in Job.objects.waiting().filter(task="ruptures.judge_episode")] == [episode.pk]
    actions.compute_trends(episode_id=episode.pk)
    assert versions() == (2, 2)


def test_refused_rating_leaves_the_version_as_it_is(service, episode):
    factories.make_course(episode, [7])
    before = versions()
    with pytest.raises(PermissionDenied):
        actions.submit_rating(
            session=episode.sessions.get(), instrument="session-check-in", rater="therapist", answers={}, by=service.tom
        )
    assert versions() == before


def test_sweep_asks_again_for_a_forgotten_trend_and_for_no_other(service, episode):
    forgotten = factories.make_episode(service.ada, code="R-0418")
    factories.make_course(episode, [7])
    factories.rate_as_therapist(factories.make_session(forgotten))
    Job.objects.all().delete()
    assert actions.sweep_trends(organisation_id=service.organisation.pk) == 1
    assert [job.object_id for job in Job.objects.waiting()] == [forgotten.pk]


def test_sweep_leaves_other_services_alone(service, other_service, episode):
    with acting_in(other_service.organisation.pk):
        factories.rate_as_therapist(factories.make_session(factories.make_episode(other_service.ada)))
    Job.objects.all().delete()
    assert actions.sweep_trends(organisation_id=service.organisation.pk) == 0
    assert not Job.objects.exists()


# --- Two connections --------------------------------------------------------------------------------


@pytest.fixture
def committed_episode(committed):
    service = factories.make_service()
    with acting_in(service.organisation.pk):
        episode = factories.make_episode(service.ada)
        factories.make_course(episode, [7, 8])
    return episode


def in_organisation(episode, work):
    def run():
        with acting_in(episode.organisation_id):
            return work()

    return run


def test_rating_that_arrives_during_the_computation_leaves_the_trends_marked_as_older(committed_episode):
    """The computation has read its version and waits with its result; then the rating is committed."""
    episode = committed_episode
    with acting_in(episode.organisation_id):
        factories.rate_as_therapist(factories.make_session(episode), bond=3)
    holding, go_on = threading.Event(), threading.Event()

    def hold_the_old_trends() -> None:
        with transaction.atomic():
            with acting_in(episode.organisation_id):
                list(Trend.objects.select_for_update())
            holding.set()
            go_on.wait(30)

    def compute() -> None:
        with acting_in(episode.organisation_id), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '30s'")  # the test may be slower than a second
            actions.compute_trends(episode_id=episode.pk)

    with meanwhile(hold_the_old_trends) as held:
        holding.wait(30)
        with meanwhile(compute) as computed:
            wait_until(somebody_waits_for_a_lock, what="the computation wants to replace the old trends")
            with acting_in(episode.organisation_id):
                read_by_the_computation = versions()[0]
                factories.rate_as_therapist(factories.make_session(episode), bond=2)
            go_on.set()
            computed()
        held()
    with acting_in(episode.organisation_id):
        given, done = versions()
        assert (given, done) == (read_by_the_computation + 1, read_by_the_computation)
        assert Trend.objects.get(rater="therapist", scale="bond").points == [[1, 7.0], [2, 8.0], [3, 3.0]]
        assert EpisodeSeries.objects.get().is_updating
        actions.compute_trends(episode_id=episode.pk)
        assert not EpisodeSeries.objects.get().is_updating
        assert Trend.objects.get(rater="therapist", scale="bond").points[-1] == [4, 2.0]


def test_workers_on_one_episode_at_once_give_one_right_result(committed_episode):
    episode = committed_episode
    with acting_in(episode.organisation_id):
        factories.rate_as_therapist(factories.make_session(episode), bond=3)

    def compute() -> None:
        with acting_in(episode.organisation_id), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '30s'")
            actions.compute_trends(episode_id=episode.pk)

    assert at_once(*[compute] * 4) == [None] * 4
    with acting_in(episode.organisation_id):
        assert Trend.objects.count() == 8
        assert Trend.objects.get(rater="therapist", scale="bond").points == [[1, 7.0], [2, 8.0], [3, 3.0]]
        assert not EpisodeSeries.objects.get().is_updating


def test_ratings_and_computations_mixed_end_in_trends_that_are_right_or_marked(committed_episode):
    episode = committed_episode
    with acting_in(episode.organisation_id):
        sessions = [factories.make_session(episode) for _ in range(6)]

    def rate(session):
        return in_organisation(episode, lambda: factories.rate_as_therapist(session, bond=session.number))

    def compute() -> None:
        with acting_in(episode.organisation_id), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '30s'")
            actions.compute_trends(episode_id=episode.pk)

    at_once(*[work for session in sessions for work in (rate(session), compute)])
    with acting_in(episode.organisation_id):
        rated = Score.objects.filter(rating__rater="therapist", scale="bond").count()
        trend = Trend.objects.get(rater="therapist", scale="bond")
        assert trend.n == rated or EpisodeSeries.objects.get().is_updating
        actions.compute_trends(episode_id=episode.pk)
        assert Trend.objects.get(rater="therapist", scale="bond").n == rated
        assert not EpisodeSeries.objects.get().is_updating


# --- On the page ------------------------------------------------------------------------------------


def test_page_says_updating_while_the_trends_are_older_than_the_ratings(browser_of, service, episode):
    factories.make_course(episode, [7, 8])
    browser, url = browser_of(service.ada), reverse("dashboards:episode", args=[episode.pk])
    updating = '<span class="badge badge--accent">updating</span>'
    assert updating not in browser.get(url).content.decode()
    factories.rate_as_therapist(factories.make_session(episode))
    assert updating in browser.get(url).content.decode()
    actions.compute_trends(episode_id=episode.pk)
    assert updating not in browser.get(url).content.decode()


def test_open_page_is_told_nothing_until_something_has_changed(browser_of, service, episode):
    factories.make_course(episode, [7, 8])
    browser = browser_of(service.ada)
    seen = browser.get(reverse("dashboards:episode", args=[episode.pk])).context["state"].stamp
    url = reverse("dashboards:episode-change", args=[episode.pk])
    same = browser.get(url, {"seen": seen})
    assert (same.status_code, same.content, same["X-Record"]) == (204, b"", str(episode.pk))
    factories.rate_as_therapist(factories.make_session(episode))
    changed = browser.get(url, {"seen": seen})
    assert (changed.status_code, changed["X-Record"]) == (200, str(episode.pk))
    assert f'data-record="{episode.pk}"' in changed.content.decode()
    actions.compute_trends(episode_id=episode.pk)
    computed = browser.get(url, {"seen": changed.context["state"].stamp})
    assert computed.status_code == 200
    assert browser.get(url, {"seen": computed.context["state"].stamp}).status_code == 204


def test_row_of_a_list_shows_one_instrument_however_many_were_used(service):
    episode = factories.make_episode(service.ada)
    factories.make_course(episode, [7, 8])
    session = factories.make_session(episode)
    for rater, by in (("therapist", service.ada), ("client", None)):
        answers = dict.fromkeys(range(1, 37), 4)
        actions.record_rating(session=session, instrument="wai-36", rater=rater, answers=answers, by=by)
    actions.compute_trends(episode_id=episode.pk)
    assert Trend.objects.filter(rater="client", instrument="wai-36").exists()
    (row,) = with_latest_change([episode])
    assert {trend.instrument for trend in row.scales.values()} == {"session-check-in"}
    assert row.scales["bond"].latest == 8.0
