"""What an administrator asks of the background work; the work itself belongs to the apps that do it."""

from django.db import transaction

from accounts.audit import record_event
from accounts.models import User
from jobs import actions as jobs

from .words import kind_of

PRIORS = "measures.estimate_priors"


@transaction.atomic
def work_out_priors(*, by: User) -> None:
    """Ask for what is usual in the service to be estimated now, and not only tonight."""
    jobs.request_job(task=PRIORS, object_id=by.organisation_id, organisation_id=by.organisation_id)
    record_event("priors.work-out-asked", by.organisation, organisation_id=by.organisation_id, by=by)


@transaction.atomic
def try_jobs_again(*, task: str, by: User) -> int:
    """Ask again for all work of one kind that was given up; returns for how many objects."""
    count = jobs.ask_again(task=task, organisation_id=by.organisation_id)
    if count:
        organisation = by.organisation
        record_event("jobs.tried-again", organisation, organisation_id=organisation.pk, by=by, fields=[task])
    return count


@transaction.atomic
def put_jobs_away(*, task: str, by: User) -> int:
    """Forget work of one kind that was given up, where nothing stays half done by it; returns how much.

    Raises ValueError for other kinds.
    """
    if not kind_of(task).loses:
        raise ValueError(f"{task} cannot be put away")
    count = jobs.forget_given_up(task=task, organisation_id=by.organisation_id)
    if count:
        organisation = by.organisation
        record_event("jobs.put-away", organisation, organisation_id=organisation.pk, by=by, fields=[task])
    return count
