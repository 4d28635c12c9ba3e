import uuid

from jobs.tasks import job_task

from . import actions


@job_task(actions.START_RUN)
def start_service_run(organisation_id: uuid.UUID) -> None:
    actions.start_service_run(organisation_id=organisation_id)


@job_task(actions.RUN_NEXT)
def service_run_next(run_id: uuid.UUID) -> None:
    actions.service_run_next(run_id=run_id)
