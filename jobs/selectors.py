"""How the outbox is doing, in numbers alone."""

import uuid
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Count, Max, Min, Q, Value
from django.db.models.functions import Now
from django.utils import timezone

from .models import Job, PeriodicRun

BEAT_IS_LATE_AFTER = timedelta(minutes=5)
# Longer than the longest period, and not longer than finished jobs are kept.
LOOKED_BACK = timedelta(days=2)


@dataclass(frozen=True)
class Figures:
    """What a monitor draws. Ages are in seconds, by the database's clock; None where there is nothing to be old."""

    waiting: int
    under_way: int
    failed: int
    oldest_age: float | None
    beat_age: float | None


def figures() -> Figures:
    now = Now()
    is_open = Q(finished_at=None, failed_at=None)
    found = Job.objects.aggregate(
        waiting=Count("pk", filter=is_open & Q(handed_at=None)),
        under_way=Count("pk", filter=is_open & Q(handed_at__isnull=False)),
        failed=Count("pk", filter=Q(failed_at__isnull=False)),
        oldest=now - Min("available_at", filter=is_open & Q(available_at__lte=now)),
    )
    beat = PeriodicRun.objects.aggregate(age=now - Max("started_at"))["age"]
    return Figures(
        waiting=found["waiting"],
        under_way=found["under_way"],
        failed=found["failed"],
        oldest_age=found["oldest"].total_seconds() if found["oldest"] is not None else None,
        beat_age=beat.total_seconds() if beat is not None else None,
    )


@dataclass(frozen=True)
class Outbox:
    waiting: int
    failed: int
    is_beating: bool


def outbox() -> Outbox:
    return Outbox(waiting=Job.objects.waiting().count(), failed=Job.objects.failed().count(), is_beating=is_beating())


# --- Of one organisation. The table stands outside row-level security, so each of these names it -------------


@dataclass(frozen=True)
class Wrong:
    """What ended attempts: the kind of an error, or "lost"; how many jobs, and the latest time."""

    error: str
    count: int
    at: datetime | None


@dataclass(frozen=True)
class Standing:
    """The work of one kind that is not done.

    `since` is when the oldest that waits or is under way was asked for; `again` is why some of these are being tried
    again, `given_up` what was given up after five attempts.
    """

    task: str
    waiting: int = 0
    under_way: int = 0
    since: datetime | None = None
    again: tuple[Wrong, ...] = ()
    given_up: tuple[Wrong, ...] = ()

    @property
    def open(self) -> int:
        return self.waiting + self.under_way

    @property
    def number_given_up(self) -> int:
        return sum(wrong.count for wrong in self.given_up)

    @property
    def latest(self) -> datetime | None:
        """When one was given up last."""
        return max((wrong.at for wrong in self.given_up if wrong.at), default=None)


class Row(NamedTuple):
    """Jobs of one kind and error, all open or all given up; `handed` are those of the open ones that do not wait."""

    task: str
    error: str
    is_given_up: bool
    handed: int
    number: int
    since: datetime
    at: datetime | None


def standing(organisation_id: uuid.UUID) -> list[Standing]:
    """What an organisation's background work has before it, by kind, in one query."""
    of = Job.objects.filter(organisation_id=organisation_id)
    # Each half is found by its own index; of the finished, of which there are most, none is looked at.
    open_, given_up = (
        half.values("task", "last_error")
        .annotate(
            is_given_up=Value(is_given_up),
            handed=Count("handed_at"),
            number=Count("pk"),
            since=Min("requested_at"),
            at=Max("failed_at"),
        )
        .values_list("task", "last_error", "is_given_up", "handed", "number", "since", "at")
        .order_by()
        for half, is_given_up in ((of.filter(finished_at=None, failed_at=None), False), (of.failed(), True))
    )
    rows: dict[str, list[Row]] = defaultdict(list)
    for found in open_.union(given_up, all=True):
        row = Row(*found)
        rows[row.task].append(row)
    return [standing_of(task, rows[task]) for task in sorted(rows)]


def standing_of(task: str, rows: list[Row]) -> Standing:
    open_ = [row for row in rows if not row.is_given_up]
    under_way = sum(row.handed for row in open_)
    return Standing(
        task,
        waiting=sum(row.number for row in open_) - under_way,
        under_way=under_way,
        since=min((row.since for row in open_), default=None),
        again=tuple(Wrong(row.error, row.number, None) for row in open_ if row.error),
        given_up=tuple(Wrong(row.error, row.number, row.at) for row in rows if row.is_given_up),
    )


@dataclass(frozen=True)
class Heart:
    """When the clock last asked for each periodic job, by name, and when each was last done here, by task."""

    asked: dict[str, datetime]
    done: dict[str, datetime]

    @property
    def beat_at(self) -> datetime | None:
        return max(self.asked.values(), default=None)

    @property
    def worked_at(self) -> datetime | None:
        return max(self.done.values(), default=None)

    @property
    def is_beating(self) -> bool:
        return is_recent(self.beat_at)

    @property
    def is_working(self) -> bool:
        return is_recent(self.worked_at)


def is_recent(at: datetime | None) -> bool:
    return at is not None and timezone.now() - at < BEAT_IS_LATE_AFTER


def heart(organisation_id: uuid.UUID, tasks: Collection[str]) -> Heart:
    """The clock of the whole product, and the periodic `tasks` of one organisation, in two queries.

    Some run every minute, so that a worker that did none for long is not at work.
    """
    asked = PeriodicRun.objects.order_by().values_list("name").annotate(last=Max("started_at"))
    done = (
        Job.objects.filter(organisation_id=organisation_id, task__in=tasks, finished_at__gt=Now() - LOOKED_BACK)
        .order_by()
        .values_list("task")
        .annotate(last=Max("finished_at"))
    )
    return Heart(dict(asked), dict(done))


def is_beating() -> bool:
    return is_recent(PeriodicRun.objects.aggregate(last=Max("started_at"))["last"])


@dataclass(frozen=True)
class Work:
    """The latest piece of one kind of work on one object."""

    is_under_way: bool
    is_given_up: bool
    finished_at: datetime | None


def work_on(*, task: str, object_id: uuid.UUID, organisation_id: uuid.UUID) -> Work:
    found = Job.objects.filter(organisation_id=organisation_id, task=task, object_id=object_id)
    job = found.order_by("-requested_at", "-available_at").first()
    if job is None:
        return Work(is_under_way=False, is_given_up=False, finished_at=None)
    is_open = job.finished_at is None and job.failed_at is None
    return Work(is_open, job.failed_at is not None, job.finished_at)
