"""All trends computed again while processes die: every trend right in the end, and no signal twice."""

import signal
from datetime import timedelta

import pytest
from celery import Celery
from django.db.models.functions import Now

from clients.models import Episode
from jobs.models import Job
from jobs.organisation import acting_in
from measures.models import Trend
from ruptures import actions
from ruptures.models import Recompute, Signal
from tests import factories, processes
from tests.parallel import wait_until
from tests.processes import DRAINED_WITHIN

EPISODES = 12
FELL = [7, 8, 7, 8, 7, 2, 7]


@pytest.fixture
def service(committed):
    return factories.make_service()


@pytest.fixture
def episodes(service) -> list[Episode]:
    """Each has a fall in session 6, which was noticed; of the trends nothing is left, so that what comes is new."""
    with acting_in(service.organisation.pk):
        made = [factories.make_episode(service.ada, code=f"R-{number:04}") for number in range(EPISODES)]
        for episode in made:
            factories.make_course(episode, FELL)
        Signal.objects.all().delete()
        Trend.objects.all().delete()
        Job.objects.all().delete()
        actions.start_recompute(organisation_id=service.organisation.pk)
    return made


@pytest.fixture
def broker(tmp_path):
    with processes.OwnBroker(tmp_path) as broker:
        yield broker


def one_long_ago() -> None:
    """What a dead worker or broker held is looked for after 75 seconds; for these rows they pass now."""
    long_ago = Now() - timedelta(seconds=80)
    Job.objects.under_way().update(handed_at=long_ago)
    Job.objects.under_way().filter(started_at__isnull=False).update(started_at=long_ago)


def assert_all_is_right(service, episodes) -> None:
    with acting_in(service.organisation.pk):
        assert Recompute.objects.get().finished_at is not None
        found = Trend.objects.filter(rater="client", scale="bond").values_list("episode_id", "points", "latest")
        points = [[session, float(value)] for session, value in enumerate(FELL, start=1)]
        assert sorted(found) == sorted((episode.pk, points, 7.0) for episode in episodes)
        signals = Signal.objects.values_list("session__episode_id", "session__number", "state")
        assert sorted(signals) == sorted((episode.pk, 6, "new") for episode in episodes)
        stored = list(
            Trend.objects.order_by("episode", "rater", "scale").values("points", "expected", "slope", "notes")
        )
        for episode in episodes:
            actions.judge_episode(episode_id=episode.pk)
        again = list(Trend.objects.order_by("episode", "rater", "scale").values("points", "expected", "slope", "notes"))
        assert stored == again
        assert Signal.objects.count() == EPISODES
    assert not Job.objects.failed().exists()


def test_worker_killed_in_the_middle_of_a_recompute_loses_nothing(service, episodes, broker):
    with processes.program("manage.py", "relay", REDIS_URL=broker.url):
        with processes.worker(REDIS_URL=broker.url) as killed, acting_in(service.organisation.pk):
            processes.hold_back(episodes[6])
            wait_until(processes.a_worker_waits, what="a worker is in the middle", seconds=DRAINED_WITHIN)
            processes.end(killed, signal.SIGKILL)
        assert processes.open_jobs() and processes.stale_series(service), "killed too late to interrupt anything"
        one_long_ago()
        with processes.worker(REDIS_URL=broker.url):
            processes.wait_until_drained(service)
    assert_all_is_right(service, episodes)


def test_broker_killed_in_the_middle_of_a_recompute_loses_nothing(service, episodes, broker):
    with (
        processes.program("manage.py", "relay", REDIS_URL=broker.url),
        processes.worker(REDIS_URL=broker.url),
    ):
        with acting_in(service.organisation.pk):
            processes.hold_back(episodes[6])
            wait_until(processes.a_worker_waits, what="a worker is in the middle", seconds=DRAINED_WITHIN)
            broker.kill()
        handed = Job.objects.under_way().count()
        assert handed, "the broker held nothing that it could lose"
        broker.start()
        one_long_ago()
        processes.wait_until_drained(service)
    assert_all_is_right(service, episodes)


def test_every_task_delivered_twice_to_two_workers_changes_nothing(service, episodes, broker):
    sender = Celery(broker=broker.url, set_as_current=False)
    with acting_in(service.organisation.pk):
        actions.recompute_next(recompute_id=Recompute.objects.get().pk)
        actions.recompute_next(recompute_id=Recompute.objects.get().pk)
    jobs = list(Job.objects.waiting().filter(task="ruptures.judge_episode"))
    Job.objects.exclude(pk__in=[job.pk for job in jobs]).delete()
    Job.objects.update(handed_at=Now())
    for _ in range(2):
        for job in jobs:
            sender.send_task(job.task, args=[str(job.pk)])
    sender.close()
    with processes.worker(REDIS_URL=broker.url), processes.worker(REDIS_URL=broker.url):
        processes.wait_until_drained(service)
    assert len(jobs) == EPISODES
    assert_all_is_right(service, episodes)
