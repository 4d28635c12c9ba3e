"""Three answers for whoever watches the machines; none names a person or a record."""

import ipaddress
import secrets
from dataclasses import asdict

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound, JsonResponse
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


METRICS = {
    "waiting": ("alliance_jobs_waiting", "Jobs that no worker was given yet."),
    "under_way": ("alliance_jobs_under_way", "Jobs that were handed over and have not ended."),
    "failed": ("alliance_jobs_failed", "Jobs that were given up after five attempts."),
    "oldest_age": ("alliance_oldest_job_age_seconds", "For how long the oldest unfinished job could have run."),
    "beat_age": ("alliance_beat_age_seconds", "How long ago the clock last started anything."),
}


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The same in figures, as Prometheus reads them, for who has the token; without one, for this machine alone."""
    if not may_read_metrics(request):
        return HttpResponseNotFound()
    lines = []
    try:
        connection.ensure_connection()
        figures = asdict(selectors.figures())
    except (DatabaseError, InterfaceError):
        figures = {}
    for key, (name, words) in METRICS.items():
        if figures.get(key) is not None:
            lines += [f"# HELP {name} {words}", f"# TYPE {name} gauge", f"{name} {figures[key]:g}"]
    name = "alliance_database_up"
    lines += [f"# HELP {name} Whether the database answers.", f"# TYPE {name} gauge", f"{name} {int(bool(figures))}"]
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; version=0.0.4; charset=utf-8")


def may_read_metrics(request: HttpRequest) -> bool:
    """Behind a proxy everybody comes from this machine, or seems to: there it takes the token."""
    if settings.METRICS_TOKEN:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        is_it = secrets.compare_digest(given.strip().encode(), settings.METRICS_TOKEN.encode())
        return kind.lower() == "bearer" and is_it
    try:
        is_here = ipaddress.ip_address(request.META["REMOTE_ADDR"]).is_loopback
    except (KeyError, ValueError):
        is_here = False
    return is_here and not settings.BEHIND_PROXY
