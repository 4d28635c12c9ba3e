import uuid

from jobs.tasks import job_task, stepwise_job_task

from . import actions, chain


@job_task("accounts.remove_old_submissions")
def remove_old_submissions(organisation_id: uuid.UUID) -> None:
    actions.remove_old_submissions(organisation_id=organisation_id)


@stepwise_job_task("accounts.seal_audit_trail")
def seal_audit_trail(_object_id: uuid.UUID, organisation_id: uuid.UUID) -> None:
    chain.seal_events(organisation_id)
