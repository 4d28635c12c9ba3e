import uuid

from jobs.tasks import job_task

from . import actions


@job_task("accounts.remove_old_submissions")
def remove_old_submissions(organisation_id: uuid.UUID) -> None:
    actions.remove_old_submissions(organisation_id=organisation_id)
