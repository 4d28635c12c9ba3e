"""Two answers for whoever watches the machines; neither names a person or a record."""

from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from . import selectors


@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "alive"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """The database answers; says how much work waits, how much has failed and whether the clock beats."""
    try:
        connection.ensure_connection()
        outbox = selectors.outbox()
        return JsonResponse(
            {
                "status": "ready",
                "jobs_waiting": outbox.waiting,
                "jobs_failed": outbox.failed,
                "beat": "beating" if outbox.is_beating else "not heard of",
            }
        )
    except (DatabaseError, InterfaceError):
        return JsonResponse({"status": "database out of reach"}, status=503)
