"""The summaries worked out from real rows, in steps, and held against a count by hand."""

import json
import uuid

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from clients.models import Client, Episode
from dashboards import actions
from dashboards.demo_past import load_past
from dashboards.models import EpisodeFacts, ServiceRun, ServiceSummary
from dashboards.selectors.facts import facts_of
from jobs import actions as jobs
from jobs import tasks
from jobs.models import Job
from measures.models import Rating
from ruptures.actions import repair
from sessions_app.models import TOOK_PLACE, TherapySession
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def past(service):
    """Forty-five ended courses of therapy of Ada's and Tom's."""
    load_past([service.ada, service.tom], today=timezone.localdate(), clients=45)


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


def whole():
    return ServiceSummary.objects.get(kind="all", modality="").body


def test_numbers_of_all_years_are_those_of_a_count_by_hand(service, past):
    factories.make_summaries(service)
    held = TherapySession.objects.filter(attendance__in=TOOK_PLACE)
    rated = {rater: set() for rater in ("client", "therapist")}
    for rating in Rating.objects.filter(instrument="session-check-in"):
        rated[rating.rater].add(rating.session_id)
    both = rated["client"] & rated["therapist"]
    counted = whole()["completeness"]
    assert counted["n"] == held.count()
    assert counted["rows"]["both"] == len(both)
    assert ServiceSummary.objects.get(kind="all", modality="").n == Episode.objects.count() == 45
    first = next(row for row in whole()["alliance"]["rows"] if row["session"] == 1)["stayed"]
    scored = [
        rating.scores.get(scale="bond").mean
        for rating in Rating.objects.filter(session__number=1, rater="client", instrument="session-check-in")
        if rating.session.episode.ending != "client"
    ]
    assert first["n"] == len(scored) and first["means"][2] == pytest.approx(sum(scored) / len(scored), abs=0.006)
    began = {(one.started_on.year, one.modality) for one in Episode.objects.all()}
    of_years = ServiceSummary.objects.filter(kind="year").exclude(modality="")
    assert {(one.starts_on.year, one.modality) for one in of_years} == began


def test_a_rating_that_was_corrected_counts_once_and_as_it_is_now(service, episode):
    session = factories.make_session(episode, number=1)
    factories.rate_as_therapist(session)
    factories.rate_as_client(session, bond=2)
    old = Rating.objects.get(session=session, rater="client", instrument="session-check-in")
    assert facts_of([episode.pk])[episode.pk].alliance[0][3] == 2
    new = Rating.objects.get(pk=old.pk)
    new.pk, new._state.adding = uuid.uuid4(), True
    Rating.objects.filter(pk=old.pk).update(superseded_at=timezone.now())
    new.save()
    found = facts_of([episode.pk])[episode.pk]
    assert found.alliance == () and found.by_client == 1


def test_other_ranges_are_placed_on_0_to_10_and_turned_so_that_more_is_better(service, episode):
    session = factories.make_session(episode, number=1)
    factories.rate_by_phq_9(session, harm=0, other=3)
    [(number, value)] = facts_of([episode.pk])[episode.pk].outcome
    assert number == 1 and value == pytest.approx(10 - 10 * 24 / 27, abs=0.01)


def test_sessions_that_did_not_take_place_are_not_asked_for_a_rating(service, episode):
    factories.make_session(episode, number=1, attendance="did-not-attend")
    factories.make_session(episode, number=2)
    assert facts_of([episode.pk])[episode.pk].held == 1


def test_ruptures_count_once_somebody_said_they_were_one(service, episode):
    sessions = factories.make_course(episode, [8, 8, 3, 8])
    rupture = factories.make_rupture(sessions[2], component="bond")
    factories.make_attempt(rupture, sessions[3])
    actions_of_trends(episode)
    [found] = facts_of([episode.pk])[episode.pk].ruptures
    assert (found.was_tried, found.is_followed, found.back_after) == (True, True, 1)
    repair.change_state(rupture=rupture, to="dismissed", reason="talked", by=service.ada)
    assert facts_of([episode.pk])[episode.pk].ruptures == ()


def actions_of_trends(episode):
    from ruptures.actions import judge_episode

    judge_episode(episode_id=episode.pk)


def test_facts_of_many_need_as_many_queries_as_of_one(service, past, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        found = facts_of(list(Episode.objects.values_list("pk", flat=True)))
    assert len(found) == 45


def test_it_goes_on_step_by_step_from_where_it_was(service, past, monkeypatch):
    monkeypatch.setattr("dashboards.actions.service.EPISODES_IN_A_STEP", 25)
    run = actions.start_service_run(organisation_id=service.organisation.pk)
    seen = []
    while not run.finished_at:
        actions.service_run_next(run_id=run.pk)
        run.refresh_from_db()
        seen.append((run.done, run.tables is not None))
    assert seen == [(25, False), (45, False), (45, True), (45, False)]
    assert EpisodeFacts.objects.count() == 45
    before = whole()
    actions.service_run_next(run_id=run.pk)  # delivered twice
    assert whole() == before
    before = {(one.period, one.modality): one.body for one in ServiceSummary.objects.all()}
    factories.make_summaries(service)
    assert {(one.period, one.modality): one.body for one in ServiceSummary.objects.all()} == before
    assert ServiceRun.objects.count() == 2


def test_asking_while_it_is_under_way_lets_it_go_on(service, past, monkeypatch):
    monkeypatch.setattr("dashboards.actions.service.EPISODES_IN_A_STEP", 25)
    run = actions.work_out_now(by=service.ruth)
    actions.service_run_next(run_id=run.pk)
    again = actions.work_out_now(by=service.sam)
    assert (again.pk, again.done) == (run.pk, 25)
    assert Job.objects.waiting().filter(task="dashboards.service_run_next").count() == 1
    assert AuditEvent.objects.filter(action="service.work-out-asked").count() == 2


def test_it_is_asked_for_every_night_and_done_through_the_outbox(service, past):
    assert tasks.PERIODIC["service"] == "dashboards.start_service_run"
    now = timezone.now()
    jobs.start_period(name="service", task=tasks.PERIODIC["service"], seconds=86_400, now=now)
    assert Job.objects.waiting().filter(task="dashboards.start_service_run").exists()


def test_one_service_is_never_counted_into_another(service, other_service, past):
    from jobs.organisation import acting_in

    with acting_in(other_service.organisation.pk):
        factories.make_summaries(other_service)
        assert not ServiceSummary.objects.exists()


def test_no_client_is_named_in_a_summary(service, past):
    factories.make_summaries(service)
    stored = json.dumps(list(ServiceSummary.objects.values_list("body", flat=True)))
    for code, pk in Client.objects.values_list("code", "pk"):
        assert code not in stored and str(pk) not in stored
