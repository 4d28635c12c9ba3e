"""The service that the benchmark measures: as large as it says, the same for a seed, and as the product leaves it."""

import os
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from bench import practices, service_data
from clients.models import Client, Ending, Episode, Modality
from jobs.models import Job
from jobs.organisation import acting_in
from measures.models import EpisodeSeries, Rating, Score, ServicePrior, Trend
from ruptures.models import RepairAttempt, Rupture, Signal, State
from sessions_app.models import Attendance, TherapySession
from tests.conftest import emptied_afterwards

TODAY = timezone.localdate()


@pytest.fixture(scope="module")
def service_of_two(django_db_setup, django_db_blocker):
    """One practice and one copy of it, written once for all tests here, which leave it as it is."""
    with emptied_afterwards(django_db_blocker), pytest.MonkeyPatch.context() as patch:
        patch.setattr(service_data, "PRACTICES", 1)
        yield service_data.fill("two", therapists=2, today=TODAY, owner_url=os.environ["DATABASE_OWNER_URL"])


@pytest.fixture
def filled(service_of_two):
    with transaction.atomic():
        with acting_in(service_of_two.organisation.pk):
            yield service_of_two
        transaction.set_rollback(True)


def test_a_practice_is_of_its_size_and_of_many_kinds():
    plans = practices.practice("1979-0", today=TODAY)
    meetings = [meeting for plan in plans for meeting in plan.meetings]
    assert (len({plan.client for plan in plans}), len(plans)) == (practices.CLIENTS, practices.EPISODES)
    assert (len(meetings), sum(plan.scores for plan in plans)) == (practices.SESSIONS, practices.SCORES)
    assert {meeting.attendance for meeting in meetings} == set(Attendance.values)
    assert {plan.modality for plan in plans} <= set(Modality.values)
    assert all(meeting.took_place for meeting in meetings if meeting.ratings)
    drawn = [plan for number in range(3) for plan in practices.practice(f"1979-{number}", today=TODAY)]
    assert {plan.ending for plan in drawn} == {"", *Ending.values}


def test_the_same_seed_gives_the_same_practice_and_another_seed_another():
    first, again, other = (practices.practice(seed, today=TODAY) for seed in ("1979-0", "1979-0", "1980-0"))
    assert said_of(first) == said_of(again)
    assert said_of(first) != said_of(other)


def said_of(plans):
    return [(plan.started_on, plan.modality, plan.ending, plan.levels, plan.meetings) for plan in plans]


def test_everything_is_there_respects_the_constraints_and_is_as_the_job_leaves_it(filled):
    assert filled.counts["clients"] == 2 * practices.CLIENTS
    assert filled.counts["therapy sessions"] == 2 * practices.SESSIONS
    assert filled.counts["scores"] == 2 * practices.SCORES
    assert Episode.objects.open().visible_to(filled.supervisor).count() == 2 * practices.OPEN
    assert not EpisodeSeries.objects.exclude(computed_version=1).exists()
    assert not ServicePrior.objects.filter(is_starting=True, version__gt=1).exists()
    assert set(Trend.objects.exclude(prior=None).values_list("prior__version", flat=True)) == {2}
    assert {State.NEW, State.CONFIRMED} <= set(Signal.objects.values_list("state", flat=True))
    assert Rupture.objects.exists() and RepairAttempt.objects.exists()
    assert not Rupture.objects.open().exclude(session__episode__ended_on=None).exists()
    assert not Job.objects.waiting().exists()
    # Deferred constraints were asked at the end of each transaction; the rest with every row.
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_constraint WHERE NOT convalidated")
        assert cursor.fetchone()[0] == 0
    assert service_data.check_sample(filled, size=10) == 10


def test_a_copy_is_another_therapists_with_days_of_its_own(filled):
    first, copy = filled.therapists
    assert content_of(copy) == content_of(first)
    ended = Episode.objects.exclude(ended_on=None)
    days = [
        ended.filter(therapist=one).order_by("client__code").values_list("ended_on", flat=True) for one in (first, copy)
    ]
    assert {early - late for late, early in zip(*days, strict=True)} <= {timedelta(days=-1), timedelta(days=-97)}
    assert not TherapySession.objects.filter(held_on__gt=TODAY).exists()
    assert not Client.objects.filter(code__startswith="001", episodes__therapist=first).exists()
    assert not Rating.objects.filter(session__episode__therapist=copy, submitted_by=first).exists()


def test_another_sample_would_not_pass_where_a_number_is_wrong(filled):
    Trend.objects.filter(rater="client").update(n=1)
    with pytest.raises(AssertionError, match="not as the job leaves it"):
        service_data.check_sample(filled, size=5)


def content_of(therapist):
    sessions = TherapySession.objects.filter(episode__therapist=therapist)
    scores = Score.objects.filter(rating__session__in=sessions)
    trends = Trend.objects.filter(episode__therapist=therapist)
    signals = Signal.objects.filter(session__in=sessions)
    return (
        sorted(sessions.values_list("number", "attendance", "format")),
        sorted(scores.values_list("rating__session__number", "rating__rater", "scale", "mean")),
        sorted(map(str, trends.values_list("instrument", "rater", "scale", "points", "latest", "slope"))),
        sorted(map(str, signals.values_list("session__number", "scale", "state", "numbers"))),
    )
