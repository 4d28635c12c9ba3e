"""The real relay and the real worker, on the tests' own engines. Each is a child of the test, ended and waited for."""

import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client as DjangoClient
from django.urls import reverse

from jobs.actions import MAX_ATTEMPTS
from jobs.models import Job
from jobs.organisation import acting_in
from measures import actions as measures
from measures.models import Score, Trend
from tests import factories, processes
from tests.parallel import wait_until
from tests.processes import (
    DRAINED_WITHIN,
    a_worker_waits,
    end,
    hold_back,
    make_rated_episode,
    open_jobs,
    stale_series,
    wait_until_drained,
    worker,
)


@pytest.fixture
def relay(committed):
    with processes.relay():
        yield


@pytest.fixture
def service(committed):
    return factories.make_service()


def test_submitted_rating_becomes_a_trend(service, relay):
    episode = make_rated_episode(service)
    with worker():
        wait_until_drained(service)
    with acting_in(service.organisation.pk):
        assert Trend.objects.get(episode=episode, rater="client", scale="bond").latest == 8.0
    assert not Job.objects.failed().exists()


def test_worker_killed_in_the_middle_of_a_job_loses_nothing(service, relay):
    episodes = [make_rated_episode(service, f"R-{number:04}") for number in range(12)]
    with worker() as killed, acting_in(service.organisation.pk):
        hold_back(episodes[6])
        wait_until(a_worker_waits, what="the worker is in the middle of its work", seconds=DRAINED_WITHIN)
        end(killed, signal.SIGKILL)
    interrupted = open_jobs()
    assert interrupted, "the worker was killed too late to interrupt anything"
    assert stale_series(service)
    # What the dead worker held is looked for after 75 seconds; for these rows they pass now.
    long_ago = Now() - timedelta(seconds=80)
    Job.objects.under_way().update(handed_at=long_ago)
    Job.objects.under_way().filter(started_at__isnull=False).update(started_at=long_ago)
    with worker():
        wait_until_drained(service)
    with acting_in(service.organisation.pk):
        latest = Trend.objects.filter(rater="client", scale="bond").values_list("episode_id", "latest")
        assert sorted(latest) == sorted((episode.pk, 8.0) for episode in episodes)
    assert not Job.objects.failed().exists()


@pytest.fixture
def hung_broker():
    """The tests' own broker, stopped: it accepts connections and never answers."""
    broker = processes.broker()

    @contextmanager
    def hang() -> Iterator[None]:
        broker.suspend()
        try:
            yield
        finally:
            broker.resume()

    return hang


def test_saving_works_while_the_broker_hangs_and_the_backlog_drains_afterwards(service, relay, hung_broker):
    with acting_in(service.organisation.pk):
        episode = factories.make_episode(service.ada)
    browser = DjangoClient()
    factories.sign_in(browser, service.ada)
    url = reverse("sessions_app:session-log", args=[episode.pk])
    with worker():
        with hung_broker():
            began = time.monotonic()
            for number in (1, 2, 3):
                form = {
                    "submission": str(uuid.uuid4()),
                    "number": number,
                    "held_on": episode.started_on.isoformat(),
                    "attendance": "attended",
                    "format": "in-person",
                    "item-1": 7,
                    "item-2": 7,
                    "item-3": 6,
                }
                assert browser.post(url, form).status_code == 302
            assert time.monotonic() - began < 30, "saving waited for the broker"
            assert browser.get(reverse("dashboards:episode", args=[episode.pk])).status_code == 200
            time.sleep(3)  # long enough for the relay to have tried
            assert stale_series(service) == 1
            assert open_jobs() == 2, "the trends and the summary"
        wait_until_drained(service)
    with acting_in(service.organisation.pk):
        trend = Trend.objects.get(episode=episode, rater="therapist", scale="bond")
        assert trend.points == [[1, 6.0], [2, 6.0], [3, 6.0]]


def test_poisoned_job_ends_among_the_failed_and_lets_the_others_pass(service, relay):
    poisoned = make_rated_episode(service, "R-0001")
    with acting_in(service.organisation.pk):
        # An item mean that no answers can give, as only a damaged database could hold it.
        Score.objects.filter(rating__session__episode=poisoned).update(mean=99)
    healthy = make_rated_episode(service, "R-0002")

    def has_failed() -> Job | None:
        Job.objects.waiting().update(available_at=Now())  # the pauses between the attempts pass now
        return Job.objects.failed().first()

    with worker():
        failed = wait_until(has_failed, what="the job is given up", seconds=DRAINED_WITHIN)
        wait_until(lambda: stale_series(service) == 1, what="the healthy one is computed", seconds=DRAINED_WITHIN)
    assert (failed.object_id, failed.attempts, failed.last_error) == (poisoned.pk, MAX_ATTEMPTS, "ValueError")
    with acting_in(service.organisation.pk):
        assert Trend.objects.filter(episode=healthy).exists()
        assert not Trend.objects.filter(episode=poisoned).exists()
    asked_again = Job.objects.filter(object_id=poisoned.pk, finished_at=None, failed_at=None)
    with acting_in(service.organisation.pk):
        measures.sweep_trends(organisation_id=service.organisation.pk)
        assert not asked_again.exists(), "the sweep asks for ever for what fails"
        factories.rate_as_therapist(factories.make_session(poisoned))
    assert asked_again.exists(), "a new rating asks again"
