import threading
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from celery import Celery
from celery import current_app as celery_app
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.functions import Now

from accounts.actions import remove_old_submissions
from accounts.models import Submission
from jobs import actions, tasks
from jobs.models import Job, PeriodicRun
from jobs.organisation import acting_in
from tests.parallel import at_once, meanwhile, somebody_waits_for_a_lock, wait_until

TASK = "ruptures.judge_episode"
ORGANISATION = uuid.uuid4()


class Regret(Exception):
    pass


def ask(object_id: uuid.UUID | None = None) -> uuid.UUID:
    object_id = object_id or uuid.uuid4()
    actions.request_job(task=TASK, object_id=object_id, organisation_id=ORGANISATION)
    return object_id


def handed_over_long_ago(seconds: int) -> None:
    Job.objects.under_way().update(handed_at=Now() - timedelta(seconds=seconds))


def let_the_delay_pass() -> None:
    Job.objects.waiting().update(available_at=Now())


# --- Asking -----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_job_waits_once_its_transaction_is_kept():
    object_id = ask()
    job = Job.objects.get()
    assert (job.task, job.object_id, job.organisation_id) == (TASK, object_id, ORGANISATION)
    assert (job.handed_at, job.finished_at, job.failed_at, job.attempts) == (None, None, None, 0)


@pytest.mark.django_db
def test_job_disappears_with_the_transaction_that_asked_for_it():
    with suppress(Regret), transaction.atomic():
        ask()
        raise Regret
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_same_work_asked_for_twice_waits_once():
    object_id = ask()
    ask(object_id)
    assert Job.objects.waiting().count() == 1


@pytest.mark.django_db
def test_work_for_other_objects_and_other_tasks_waits_beside_it():
    object_id = ask()
    ask()
    actions.request_job(task="measures.sweep_trends", object_id=object_id, organisation_id=ORGANISATION)
    assert Job.objects.waiting().count() == 3


@pytest.mark.django_db
def test_work_asked_for_after_it_was_handed_over_is_a_second_job():
    object_id = ask()
    first = actions.take_waiting_jobs()
    ask(object_id)
    second = actions.take_waiting_jobs()
    assert len(first) == len(second) == 1
    assert first[0].pk != second[0].pk


# --- Taking -----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_taken_jobs_are_the_longest_due_and_no_more_than_asked_for():
    objects = [ask() for _ in range(5)]
    for age, object_id in enumerate(objects):
        Job.objects.filter(object_id=object_id).update(available_at=Now() - timedelta(minutes=age))
    taken = actions.take_waiting_jobs(limit=2)
    assert [job.object_id for job in taken] == [objects[4], objects[3]]


@pytest.mark.django_db
def test_job_that_has_to_wait_is_not_taken_before_its_time():
    ask()
    Job.objects.update(available_at=Now() + timedelta(seconds=30))
    assert actions.take_waiting_jobs() == []


def test_two_relays_never_take_the_same_job(committed):
    for _ in range(200):
        ask()

    def relay() -> list[uuid.UUID]:
        taken = []
        while jobs := actions.take_waiting_jobs(limit=7):
            taken += [job.pk for job in jobs]
        return taken

    first, second, third = at_once(relay, relay, relay)
    taken = [*first, *second, *third, *(job.pk for job in actions.take_waiting_jobs(limit=200))]
    assert len(taken) == len(set(taken)) == 200


def test_work_asked_for_while_a_relay_takes_the_job_is_not_lost(committed):
    object_id = ask()

    def ask_again_once_the_relay_holds_it() -> None:
        relay_holds_it.wait(30)
        ask(object_id)

    relay_holds_it = threading.Event()
    with meanwhile(ask_again_once_the_relay_holds_it) as asked:
        with transaction.atomic():
            (taken,) = actions.take_waiting_jobs()
            relay_holds_it.set()
            wait_until(somebody_waits_for_a_lock, what="the second request meets the relay's lock")
        asked()
    assert [job.pk for job in Job.objects.under_way()] == [taken.pk]
    (waiting,) = actions.take_waiting_jobs()
    assert waiting.object_id == object_id and waiting.pk != taken.pk


def test_job_asked_for_again_is_held_back_until_that_transaction_has_ended(committed):
    object_id = ask()

    def relay() -> list[Job]:
        return actions.take_waiting_jobs()

    with transaction.atomic():
        ask(object_id)
        with meanwhile(relay) as taken:
            assert taken() == [], "the job would run before what it was asked for is there"
    assert [job.object_id for job in actions.take_waiting_jobs()] == [object_id]


# --- Giving back ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_job_put_back_waits_again():
    ask()
    taken = actions.take_waiting_jobs()
    actions.put_back(taken, error="OSError")
    job = Job.objects.waiting().get()
    assert (job.pk, job.last_error, job.attempts) == (taken[0].pk, "OSError", 0)


@pytest.mark.django_db
def test_job_put_back_beside_its_twin_is_finished_and_the_twin_waits():
    object_id = ask()
    (old,) = actions.take_waiting_jobs()
    ask(object_id)
    actions.put_back([old])
    old.refresh_from_db()
    assert old.finished_at is not None
    twin = Job.objects.waiting().get()
    assert twin.object_id == object_id and twin.pk != old.pk


def test_job_put_back_while_its_twin_is_being_asked_for_waits_once_and_keeps_no_other_from_waiting(committed):
    object_id, other_id = ask(), ask()
    taken = actions.take_waiting_jobs()

    def put_back_once_the_twin_is_written() -> None:
        twin_is_written.wait(30)
        actions.put_back(taken)

    twin_is_written = threading.Event()
    with meanwhile(put_back_once_the_twin_is_written) as put_back:
        with transaction.atomic():
            ask(object_id)
            twin_is_written.set()
            wait_until(somebody_waits_for_a_lock, what="the job that is put back meets its twin")
        put_back()
    assert not Job.objects.under_way().exists()
    assert sorted(job.object_id for job in Job.objects.waiting()) == sorted([object_id, other_id])


@pytest.mark.django_db
def test_finished_job_is_not_put_back():
    ask()
    taken = actions.take_waiting_jobs()
    actions.run_job(taken[0].pk, lambda object_id: None)
    actions.put_back(taken)
    assert not Job.objects.waiting().exists()


@pytest.mark.django_db
def test_job_not_heard_of_for_long_waits_again():
    ask()
    (taken,) = actions.take_waiting_jobs()
    handed_over_long_ago(seconds=76)
    assert actions.put_back_lost_jobs() == 1
    job = Job.objects.waiting().get()
    assert (job.pk, job.last_error) == (taken.pk, "lost")


@pytest.mark.django_db
def test_job_that_may_still_be_running_is_left_alone():
    ask()
    actions.take_waiting_jobs()
    handed_over_long_ago(seconds=60)
    assert actions.put_back_lost_jobs() == 0
    assert not Job.objects.waiting().exists()


class WorkerKilled(BaseException):
    """Ends a job as a killed worker does: nothing after it runs."""


def kill(object_id: uuid.UUID) -> None:
    raise WorkerKilled


def start_and_lose(job: Job) -> None:
    with suppress(WorkerKilled):
        actions.run_job(job.pk, kill)
    Job.objects.under_way().update(handed_at=Now() - timedelta(seconds=99), started_at=Now() - timedelta(seconds=76))


@pytest.mark.django_db
def test_job_that_kills_its_worker_is_given_up_after_five_attempts():
    ask()
    for attempt in range(1, 6):
        (job,) = actions.take_waiting_jobs()
        start_and_lose(job)
        assert actions.put_back_lost_jobs() == 1
        job.refresh_from_db()
        assert (job.attempts, job.last_error) == (attempt, "lost")
        assert bool(job.failed_at) == (attempt == 5)
        assert bool(job.started_at) == (attempt == 5)
    assert actions.take_waiting_jobs() == []


@pytest.mark.django_db
def test_job_that_nobody_started_waits_again_however_often_and_counts_nothing():
    ask()
    for _ in range(8):
        assert len(actions.take_waiting_jobs()) == 1
        handed_over_long_ago(seconds=76)
        assert actions.put_back_lost_jobs() == 1
    job = Job.objects.waiting().get()
    assert (job.attempts, job.failed_at) == (0, None)


@pytest.mark.django_db
def test_job_that_waited_long_in_the_queue_and_has_just_started_is_not_lost():
    ask()
    (job,) = actions.take_waiting_jobs()
    assert actions.start_job(job.pk)
    handed_over_long_ago(seconds=600)
    assert actions.put_back_lost_jobs() == 0


def test_an_attempt_is_counted_before_the_work_and_stays_so(committed):
    ask()
    (job,) = actions.take_waiting_jobs()
    seen = []

    def look(object_id: uuid.UUID) -> None:
        with meanwhile(lambda: Job.objects.values_list("attempts", "started_at").get()) as elsewhere:
            seen.append(elsewhere())
        raise WorkerKilled

    with suppress(WorkerKilled):
        actions.run_job(job.pk, look)
    ((attempts, started_at),) = seen
    assert attempts == 1 and started_at is not None
    job.refresh_from_db()
    assert (job.attempts, job.started_at) == (1, started_at)


@pytest.mark.django_db
def test_started_job_delivered_again_is_left_to_whoever_looks_for_lost_ones():
    ask()
    (job,) = actions.take_waiting_jobs()
    start_and_lose(job)
    done: list[uuid.UUID] = []
    actions.run_job(job.pk, done.append)
    job.refresh_from_db()
    assert (done, job.attempts) == ([], 1)


# --- Running ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_job_is_done_once_however_often_it_is_delivered():
    object_id = ask()
    (job,) = actions.take_waiting_jobs()
    done: list[uuid.UUID] = []
    actions.run_job(job.pk, done.append)
    actions.run_job(job.pk, done.append)
    assert done == [object_id]
    job.refresh_from_db()
    assert job.finished_at is not None and job.attempts == 1


def test_job_delivered_to_two_workers_at_once_is_done_by_one(committed):
    ask()
    (job,) = actions.take_waiting_jobs()
    done: list[uuid.UUID] = []

    def work(object_id: uuid.UUID) -> None:
        done.append(object_id)
        with meanwhile(lambda: actions.run_job(job.pk, done.append)) as other_worker:
            other_worker()

    actions.run_job(job.pk, work)
    assert len(done) == 1
    job.refresh_from_db()
    assert job.finished_at is not None


@pytest.mark.django_db
def test_job_that_no_longer_exists_is_nothing_to_do():
    done: list[uuid.UUID] = []
    actions.run_job(uuid.uuid4(), done.append)
    assert done == []


def fail_quoting_somebody(object_id: uuid.UUID) -> None:
    ask()
    raise ValueError("the client wrote: CANARY")


def test_job_in_steps_keeps_what_it_wrote_before_it_broke_and_is_tried_again(committed):
    first = ask()
    (job,) = actions.take_waiting_jobs()
    told = []

    def step_and_break(object_id: uuid.UUID, organisation_id: uuid.UUID) -> None:
        told.append((object_id, organisation_id))
        with acting_in(organisation_id):
            ask()
        raise ValueError

    actions.run_job_in_steps(job.pk, step_and_break)
    assert told == [(first, ORGANISATION)]
    assert Job.objects.exclude(pk=job.pk).count() == 1, "the step was taken back"
    job.refresh_from_db()
    assert (job.handed_at, job.attempts, job.last_error) == (None, 1, "ValueError")


def test_job_in_steps_is_done_once_however_often_it_is_delivered(committed):
    ask()
    (job,) = actions.take_waiting_jobs()
    done: list[uuid.UUID] = []

    def work(object_id: uuid.UUID, organisation_id: uuid.UUID) -> None:
        done.append(object_id)
        with meanwhile(lambda: actions.run_job_in_steps(job.pk, work)) as other_worker:
            other_worker()

    actions.run_job_in_steps(job.pk, work)
    actions.run_job_in_steps(job.pk, work)
    assert len(done) == 1
    job.refresh_from_db()
    assert job.finished_at is not None and job.attempts == 1


@pytest.mark.django_db
def test_failure_is_counted_and_tried_again_later_with_its_writes_taken_back(caplog):
    ask()
    (job,) = actions.take_waiting_jobs()
    actions.run_job(job.pk, fail_quoting_somebody)
    job = Job.objects.get()
    assert (job.attempts, job.last_error, job.failed_at) == (1, "ValueError", None)
    assert actions.take_waiting_jobs() == [], "it is tried again at once"
    let_the_delay_pass()
    assert [job.pk for job in actions.take_waiting_jobs()] == [job.pk]
    assert "job failed" in caplog.text
    assert "CANARY" not in caplog.text


@pytest.mark.django_db
def test_job_fails_for_good_after_five_attempts_and_keeps_only_the_kind_of_error():
    object_id = ask()
    for attempt in range(1, 6):
        let_the_delay_pass()
        (job,) = actions.take_waiting_jobs()
        actions.run_job(job.pk, fail_quoting_somebody)
        job.refresh_from_db()
        assert job.attempts == attempt
        assert bool(job.failed_at) == (attempt == 5)
    assert job.last_error == "ValueError"
    let_the_delay_pass()
    assert actions.take_waiting_jobs() == []
    handed_over_long_ago(seconds=1000)
    assert actions.put_back_lost_jobs() == 0
    ask(object_id)
    assert len(actions.take_waiting_jobs()) == 1, "a failure must not stand in the way of later work"


@pytest.mark.django_db
def test_job_that_succeeds_at_the_second_attempt_is_finished():
    ask()
    (job,) = actions.take_waiting_jobs()
    actions.run_job(job.pk, fail_quoting_somebody)
    let_the_delay_pass()
    actions.take_waiting_jobs()
    actions.run_job(job.pk, lambda object_id: None)
    job = Job.objects.get()
    assert job.finished_at is not None
    assert (job.attempts, job.last_error, job.failed_at) == (2, "", None)


# --- Periods ----------------------------------------------------------------------------------------

NOON = datetime(2026, 3, 29, 12, 0, 30, tzinfo=UTC)


def start(now: datetime) -> bool:
    return actions.start_period(name="sweep", task="measures.sweep_trends", seconds=60, now=now)


@pytest.mark.django_db
def test_period_starts_once_and_asks_in_every_organisation(service, other_service):
    assert start(NOON)
    assert not start(NOON + timedelta(seconds=20))
    asked = set(Job.objects.filter(task="measures.sweep_trends").values_list("object_id", "organisation_id"))
    assert asked == {(s.organisation.pk, s.organisation.pk) for s in (service, other_service)}


@pytest.mark.django_db
def test_next_period_starts_again():
    assert start(NOON)
    assert start(NOON + timedelta(seconds=30))
    assert [run.period_start.minute for run in PeriodicRun.objects.order_by("period_start")] == [0, 1]


def test_two_beats_start_a_period_once(committed):
    started = at_once(*[lambda: start(NOON)] * 8)
    assert sorted(started) == [False] * 7 + [True]
    assert PeriodicRun.objects.count() == 1


@pytest.mark.django_db
def test_finished_jobs_and_old_periods_are_removed_after_a_week_and_failed_ones_stay():
    for _ in range(3):
        ask()
    finished_long_ago, finished, failed = Job.objects.all()
    Job.objects.filter(pk=finished_long_ago.pk).update(finished_at=Now() - timedelta(days=8))
    Job.objects.filter(pk=finished.pk).update(finished_at=Now())
    Job.objects.filter(pk=failed.pk).update(failed_at=Now() - timedelta(days=80))
    start(datetime.now(UTC) - timedelta(days=8))
    start(datetime.now(UTC))
    actions.remove_finished()
    assert set(Job.objects.values_list("pk", flat=True)) == {finished.pk, failed.pk}
    assert PeriodicRun.objects.count() == 1


@pytest.mark.django_db
def test_housekeeping_is_done_once_an_hour_and_not_with_every_beat(service, monkeypatch):
    cleaned = []
    monkeypatch.setattr("jobs.actions.remove_finished", lambda: cleaned.append(True))
    for _ in range(3):
        tasks.start_period("sweep", 60)
        tasks.start_period("housekeeping", 3600)
    assert cleaned == [True]
    assert Job.objects.filter(task="accounts.remove_old_submissions", object_id=service.organisation.pk).count() == 1


@pytest.mark.django_db
def test_every_period_that_beats_is_known_and_its_task_exists():
    names = {entry["args"][0] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert names == set(tasks.PERIODIC)
    celery_app.loader.import_default_modules()
    assert set(tasks.PERIODIC.values()) <= set(celery_app.tasks)


@pytest.mark.django_db
def test_sessions_that_ran_out_are_removed():
    for key, days in (("out", -1), ("on", 1)):
        Session.objects.create(session_key=key, session_data="", expire_date=Now() + timedelta(days=days))
    actions.remove_finished()
    assert [session.pk for session in Session.objects.all()] == ["on"]


@pytest.mark.django_db
def test_forms_sent_long_ago_are_forgotten_in_their_own_service_alone(service, other_service):
    for where in (service, other_service):
        with acting_in(where.organisation.pk):
            for days in (31, 29):
                Submission.objects.create(
                    organisation=where.organisation,
                    key=uuid.uuid4(),
                    digest="0" * 64,
                    location="/",
                    created_at=Now() - timedelta(days=days),
                    created_by=where.ada,
                )
    remove_old_submissions(organisation_id=service.organisation.pk)
    assert Submission.objects.count() == 1
    with acting_in(other_service.organisation.pk):
        assert Submission.objects.count() == 2


# --- Handing over -----------------------------------------------------------------------------------


@pytest.fixture
def empty_queue():
    celery_app.control.purge()
    yield
    celery_app.control.purge()


@pytest.fixture
def unreachable_broker():
    """The application's Celery settings with an address at which nobody answers."""
    before = celery_app._get_current_object()
    unreachable = Celery("unreachable", set_as_current=True)
    unreachable.config_from_object("django.conf:settings", namespace="CELERY")
    unreachable.conf.broker_url = "redis://127.0.0.1:1/0"
    yield
    unreachable.close()
    before.set_current()


@pytest.mark.django_db
def test_hand_over_tells_how_many_the_broker_took(empty_queue):
    for _ in range(3):
        ask()
    jobs = actions.take_waiting_jobs()
    assert actions.hand_over(jobs) == 3
    with celery_app.connection_for_read() as connection:
        queue = connection.SimpleQueue("celery")
        message = queue.get(timeout=10)
        assert message.payload[0] == [str(jobs[0].pk)], "a message carries the id of its job and nothing else"
        message.ack()
        assert queue.qsize() == 2
        queue.close()
    assert Job.objects.under_way().count() == 3


@pytest.mark.django_db
def test_jobs_that_a_dead_broker_did_not_take_wait_again(unreachable_broker):
    for _ in range(3):
        ask()
    jobs = actions.take_waiting_jobs()
    assert actions.hand_over(jobs) == 0
    assert Job.objects.waiting().count() == 3
    assert set(Job.objects.values_list("attempts", "last_error")) == {(0, "")}
