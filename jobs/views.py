"""Two answers for whoever watches the machines; neither names a person or a record."""

from datetime import timedelta

from django.db import DatabaseError, connection
from django.db.models import Max
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from .models import Job, PeriodicRun

BEAT_IS_LATE_AFTER = timedelta(minutes=5)


@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "alive"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """The database answers; says how much work waits, how much has failed and whether the clock beats."""
    try:
        connection.ensure_connection()
        last = PeriodicRun.objects.aggregate(last=Max("started_at"))["last"]
        return JsonResponse(
            {
                "status": "ready",
                "jobs_waiting": Job.objects.waiting().count(),
                "jobs_failed": Job.objects.failed().count(),
                "beat": "beating" if last and timezone.now() - last < BEAT_IS_LATE_AFTER else "not heard of",
            }
        )
    except DatabaseError:
        return JsonResponse({"status": "database out of reach"}, status=503)
