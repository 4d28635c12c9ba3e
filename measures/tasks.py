import uuid

from jobs.tasks import job_task

from . import actions


@job_task("measures.compute_trends")
def compute_trends(episode_id: uuid.UUID) -> None:
    actions.compute_trends(episode_id=episode_id)


@job_task("measures.sweep_trends")
def sweep_trends(organisation_id: uuid.UUID) -> None:
    actions.sweep_trends(organisation_id=organisation_id)
