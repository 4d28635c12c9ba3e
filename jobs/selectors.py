"""How the outbox is doing, in numbers alone."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Max
from django.utils import timezone

from .models import Job, PeriodicRun

BEAT_IS_LATE_AFTER = timedelta(minutes=5)


@dataclass(frozen=True)
class Outbox:
    waiting: int
    failed: int
    is_beating: bool


def outbox() -> Outbox:
    last = PeriodicRun.objects.aggregate(last=Max("started_at"))["last"]
    return Outbox(
        waiting=Job.objects.waiting().count(),
        failed=Job.objects.failed().count(),
        is_beating=bool(last and timezone.now() - last < BEAT_IS_LATE_AFTER),
    )
