import uuid

from jobs.tasks import job_task

from . import actions, priors


@job_task("measures.sweep_trends")
def sweep_trends(organisation_id: uuid.UUID) -> None:
    actions.sweep_trends(organisation_id=organisation_id)


@job_task("measures.estimate_priors")
def estimate_priors(organisation_id: uuid.UUID) -> None:
    priors.estimate_priors(organisation_id=organisation_id)
