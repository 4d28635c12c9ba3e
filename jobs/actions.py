"""Everything that writes to the outbox, and the only place that talks to Celery."""

import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import structlog
from celery import current_app
from django.contrib.sessions.backends.db import SessionStore
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now
from kombu.exceptions import OperationalError as BrokerError
from psycopg2.errors import LockNotAvailable, UniqueViolation
from redis.exceptions import RedisError

from .models import Job, PeriodicRun, Route
from .organisation import acting_in, days_of

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 5
# Longer than a task may run (60 s), shorter than the two minutes in which a trend must be right again.
LOST_AFTER = timedelta(seconds=75)
# Of putting a job back while others ask for the same; each waits a second at most.
TRIES = 5


def request_job(*, task: str, object_id: uuid.UUID, organisation_id: uuid.UUID) -> None:
    """Ask for follow-up work in the transaction that makes it necessary; see `request_jobs`."""
    request_jobs(task=task, object_ids=[object_id], organisation_id=organisation_id)


def request_jobs(*, task: str, object_ids: Collection[uuid.UUID], organisation_id: uuid.UUID) -> None:
    """Ask for the same work on each of some objects.

    Work that already waits for the same object is not asked for twice. Touching its row holds it back until
    this transaction has ended: the job that runs then sees what was written here. Rows are touched in one order, so
    that two who ask for the same wait for each other and never lock each other out.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO jobs_job (id, organisation_id, task, object_id)
            SELECT gen_random_uuid(), %s, %s, object_id FROM unnest(%s::uuid[]) AS object_id ORDER BY object_id
            ON CONFLICT (task, object_id) WHERE handed_at IS NULL AND finished_at IS NULL AND failed_at IS NULL
            DO UPDATE SET requested_at = now()
            """,
            [organisation_id, task, list(object_ids)],
        )


def take_waiting_jobs(*, limit: int = 50) -> list[Job]:
    """Mark due jobs as handed over, and return them. Two relays never take the same one."""
    with transaction.atomic():
        due = (
            Job.objects.waiting()
            .filter(available_at__lte=Now())
            .order_by("available_at")
            .select_for_update(skip_locked=True)
        )
        jobs = list(due[:limit])
        if jobs:
            Job.objects.filter(pk__in=[job.pk for job in jobs]).update(handed_at=Now())
    return jobs


def hand_over(jobs: list[Job]) -> int:
    """Send jobs to Celery; give back those that the broker did not take. Returns how many it took."""
    for position, job in enumerate(jobs):
        try:
            current_app.send_task(job.task, args=[str(job.pk)], task_id=f"{job.pk}:{job.attempts}")
        except (BrokerError, RedisError, OSError) as error:
            log.warning("broker out of reach", error=type(error).__name__, count=len(jobs) - position)
            put_back(jobs[position:])
            return position
    return len(jobs)


def put_back(jobs: list[Job], *, error: str = "", delay: timedelta = timedelta(0)) -> None:
    """Let jobs wait again. One that has a twin waiting by now is finished: the twin does its work.

    A twin that is being asked for meets the job in the index, and is seen once its transaction has ended. Whatever
    becomes of one job, the others are put back, too.
    """
    for job in jobs:
        for _ in range(TRIES):
            try:
                with transaction.atomic():
                    put_one_back(job, error=error, delay=delay)
                break
            except (IntegrityError, OperationalError) as met:
                if not isinstance(met.__cause__, UniqueViolation | LockNotAvailable):
                    raise
        else:
            log.warning("job not put back", job=str(job.pk), task=job.task)  # it is missed after LOST_AFTER


def put_one_back(job: Job, *, error: str, delay: timedelta) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE jobs_job j
            SET handed_at = CASE WHEN twin.found THEN j.handed_at END,
                started_at = NULL,
                finished_at = CASE WHEN twin.found THEN now() END,
                available_at = now() + make_interval(secs => %s),
                last_error = %s
            FROM (SELECT EXISTS (
                    SELECT 1 FROM jobs_job w
                    WHERE w.task = %s AND w.object_id = %s AND w.id <> %s
                      AND w.handed_at IS NULL AND w.finished_at IS NULL AND w.failed_at IS NULL) AS found) twin
            WHERE j.id = %s AND j.finished_at IS NULL AND j.failed_at IS NULL
            """,
            [delay.total_seconds(), error[:80], job.task, job.object_id, job.pk, job.pk],
        )


def put_back_lost_jobs() -> int:
    """Jobs handed over or started and not heard of since: the broker or the worker lost them.

    One that never started was only not served and waits again. One that started five times is given up: it may well
    be what ends its workers.
    """
    under_way = Job.objects.under_way().annotate(heard_of_at=Coalesce("started_at", "handed_at"))
    lost = list(under_way.filter(heard_of_at__lt=Now() - LOST_AFTER)[:500])
    given_up = [job for job in lost if job.started_at and job.attempts >= MAX_ATTEMPTS]
    put_back([job for job in lost if job not in given_up], error="lost")
    for job in given_up:
        log.error("job lost", job=str(job.pk), task=job.task, attempts=job.attempts)
        Job.objects.under_way().filter(pk=job.pk, started_at=job.started_at).update(failed_at=Now(), last_error="lost")
    return len(lost)


def start_job(job_id: uuid.UUID) -> bool:
    """Count an attempt, and keep that whatever becomes of the work. False when it is not this worker's to do.

    Delivered twice, a job starts once for each time that it was handed over.
    """
    with transaction.atomic():
        waiting_for_us = (
            Job.objects.filter(pk=job_id, started_at=None, finished_at=None, failed_at=None)
            .select_for_update(skip_locked=True)
            .first()
        )
        if waiting_for_us is None:
            return False
        Job.objects.filter(pk=job_id).update(started_at=Now(), attempts=F("attempts") + 1)
    return True


def run_job(job_id: uuid.UUID, work: Callable[[uuid.UUID], object]) -> None:
    """Do a job's work inside its organisation, once. What goes wrong is tried again; after five attempts it fails."""
    if not start_job(job_id):
        return
    with failures_recorded(job_id), transaction.atomic():
        job = (
            Job.objects.filter(pk=job_id, finished_at=None, failed_at=None).select_for_update(skip_locked=True).first()
        )
        if job is None:
            return
        with days_of(job.organisation_id), acting_in(job.organisation_id):
            work(job.object_id)
        finish(job)


def run_job_in_steps(job_id: uuid.UUID, work: Callable[[uuid.UUID, uuid.UUID], object]) -> None:
    """As `run_job`, for work that does something outside the database which can't be taken back.

    It is given the organisation, too, and opens its transactions itself: what must not be done twice is on record
    before it is done.
    """
    if not start_job(job_id):
        return
    with failures_recorded(job_id):
        job = Job.objects.get(pk=job_id)
        with days_of(job.organisation_id):
            work(job.object_id, job.organisation_id)
        finish(job)


def finish(job: Job) -> None:
    """The work is done: what was given up of the same before is so no more."""
    Job.objects.filter(pk=job.pk).update(finished_at=Now(), last_error="")
    Job.objects.failed().filter(task=job.task, object_id=job.object_id).delete()


@contextmanager
def failures_recorded(job_id: uuid.UUID) -> Iterator[None]:
    with structlog.contextvars.bound_contextvars(job=str(job_id)):
        try:
            yield
        except Exception as error:
            record_failure(job_id=job_id, error=error)


def record_failure(*, job_id: uuid.UUID, error: Exception) -> None:
    """Only the error's kind is kept: its message may quote what a person wrote."""
    job = Job.objects.get(pk=job_id)
    log.error(
        "job failed",
        job=str(job_id),
        task=job.task,
        organisation=str(job.organisation_id),
        attempts=job.attempts,
        error=type(error).__name__,
    )
    if job.attempts >= MAX_ATTEMPTS:
        Job.objects.filter(pk=job_id).update(failed_at=Now(), last_error=type(error).__name__[:80])
    else:
        put_back([job], error=type(error).__name__, delay=timedelta(seconds=2**job.attempts))


def ask_again(*, task: str, organisation_id: uuid.UUID) -> int:
    """Ask anew for all work of one kind that an organisation's jobs gave up; returns on how many objects."""
    given_up = Job.objects.failed().filter(organisation_id=organisation_id, task=task)
    object_ids = set(given_up.values_list("object_id", flat=True))
    given_up.delete()
    request_jobs(task=task, object_ids=object_ids, organisation_id=organisation_id)
    return len(object_ids)


def forget_given_up(*, task: str, organisation_id: uuid.UUID) -> int:
    """Remove an organisation's jobs of one kind that were given up, undone; returns how many."""
    return Job.objects.failed().filter(organisation_id=organisation_id, task=task).delete()[0]


def start_period(*, name: str, task: str, seconds: int, now: datetime) -> bool:
    """Ask once per period for a periodic job in every organisation. False when this period has its run."""
    start = datetime.fromtimestamp(now.timestamp() // seconds * seconds, tz=UTC)
    with transaction.atomic():
        _run, is_new = PeriodicRun.objects.get_or_create(name=name, period_start=start)
        if is_new:
            for organisation_id in organisation_ids():
                request_job(task=task, object_id=organisation_id, organisation_id=organisation_id)
    return is_new


def organisation_ids() -> list[uuid.UUID]:
    return list(
        Route.objects.filter(kind=Route.Kind.ORGANISATION)
        .order_by("organisation_id")
        .values_list("organisation_id", flat=True)
    )


def remove_finished(*, older_than: timedelta = timedelta(days=7)) -> None:
    """Finished jobs and old periods have told all they know; sessions that ran out let nobody in."""
    Job.objects.filter(finished_at__lt=Now() - older_than).delete()
    PeriodicRun.objects.filter(period_start__lt=Now() - older_than).delete()
    SessionStore.clear_expired()


def set_route(*, kind: str, value: str, organisation_id: uuid.UUID) -> None:
    """Lead from an address, a link or a person to the organisation. Raises IntegrityError when it is taken."""
    Route.objects.create(kind=kind, key=Route.key_of(value), organisation_id=organisation_id)


def remove_route(*, kind: str, value: str) -> None:
    Route.objects.filter(kind=kind, key=Route.key_of(value)).delete()


def organisation_of(*, kind: str, value: str) -> uuid.UUID | None:
    return Route.objects.filter(kind=kind, key=Route.key_of(value)).values_list("organisation_id", flat=True).first()
