"""What Celery calls. A task carries a job's id; the job carries the rest."""

import uuid
from collections.abc import Callable
from typing import Any

from celery import shared_task
from django.utils import timezone

from . import actions

PERIODIC = {
    "sweep": "measures.sweep_trends",
    "summaries": "dashboards.sweep_summaries",
    "housekeeping": "accounts.remove_old_submissions",
    "old-files": "reports.forget_old_files",
    "priors": "measures.estimate_priors",
    "risk": "measures.pass_on_risk_answers",
    "invitations": "measures.sweep_invitations",
    "service": "dashboards.start_service_run",
    "retention": "reports.keep_retention",
    "audit": "accounts.seal_audit_trail",
    "audit-check": "accounts.check_audit_trail",
}


def job_task(name: str) -> Callable[[Callable[[uuid.UUID], object]], Any]:
    """Make a function of one object's id into a Celery task that is run through the outbox."""

    def decorate(work: Callable[[uuid.UUID], object]) -> Any:
        @shared_task(name=name)
        def task(job_id: str) -> None:
            actions.run_job(uuid.UUID(job_id), work)

        return task

    return decorate


def stepwise_job_task(name: str) -> Callable[[Callable[[uuid.UUID, uuid.UUID], object]], Any]:
    """As `job_task`, for work that opens its transactions itself: of the ids of an object and of its organisation."""

    def decorate(work: Callable[[uuid.UUID, uuid.UUID], object]) -> Any:
        @shared_task(name=name)
        def task(job_id: str) -> None:
            actions.run_job_in_steps(uuid.UUID(job_id), work)

        return task

    return decorate


@shared_task(name="jobs.start_period")
def start_period(name: str, seconds: int) -> None:
    is_first = actions.start_period(name=name, task=PERIODIC[name], seconds=seconds, now=timezone.now())
    if is_first and name == "housekeeping":
        actions.remove_finished()
