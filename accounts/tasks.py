import time
import uuid

from jobs import actions as jobs
from jobs.tasks import job_task, stepwise_job_task

from . import actions, chain

CHECK = "accounts.check_audit_trail"
SECONDS_AT_A_TIME = 10


@job_task("accounts.remove_old_submissions")
def remove_old_submissions(organisation_id: uuid.UUID) -> None:
    actions.remove_old_submissions(organisation_id=organisation_id)


@stepwise_job_task("accounts.seal_audit_trail")
def seal_audit_trail(_object_id: uuid.UUID, organisation_id: uuid.UUID) -> None:
    chain.seal_events(organisation_id)


@stepwise_job_task(CHECK)
def check_audit_trail(_object_id: uuid.UUID, organisation_id: uuid.UUID) -> None:
    """Each night; a step of some seconds after the other."""
    started = time.monotonic()
    goes_on = chain.check_next(organisation_id)
    while goes_on and time.monotonic() - started < SECONDS_AT_A_TIME:
        goes_on = chain.check_next(organisation_id)
    if goes_on:
        jobs.request_job(task=CHECK, object_id=organisation_id, organisation_id=organisation_id)
