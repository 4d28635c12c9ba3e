import uuid

from jobs.tasks import job_task, stepwise_job_task

from . import actions


@job_task("dashboards.keep_summary")
def keep_summary(episode_id: uuid.UUID) -> None:
    actions.keep_summaries(episode_ids=[episode_id])


@stepwise_job_task("dashboards.sweep_summaries")
def sweep_summaries(object_id: uuid.UUID, organisation_id: uuid.UUID) -> None:
    actions.sweep_summaries(organisation_id=organisation_id)


@job_task("dashboards.start_service_run")
def start_service_run(organisation_id: uuid.UUID) -> None:
    actions.start_service_run(organisation_id=organisation_id)


@job_task("dashboards.service_run_next")
def service_run_next(run_id: uuid.UUID) -> None:
    actions.service_run_next(run_id=run_id)
