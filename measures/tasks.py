import uuid

from jobs.tasks import job_task, stepwise_job_task

from . import actions, priors
from .actions import risk


@job_task("measures.sweep_trends")
def sweep_trends(organisation_id: uuid.UUID) -> None:
    actions.sweep_trends(organisation_id=organisation_id)


@job_task("measures.estimate_priors")
def estimate_priors(organisation_id: uuid.UUID) -> None:
    priors.estimate_priors(organisation_id=organisation_id)


@job_task("measures.pass_on_risk_answers")
def pass_on_risk_answers(organisation_id: uuid.UUID) -> None:
    risk.pass_on_risk_answers(organisation_id=organisation_id)


@stepwise_job_task("measures.send_invitation")
def send_invitation(invitation_id: uuid.UUID, organisation_id: uuid.UUID) -> None:
    actions.send_invitation(invitation_id=invitation_id, organisation_id=organisation_id)


@job_task("measures.sweep_invitations")
def sweep_invitations(organisation_id: uuid.UUID) -> None:
    actions.sweep_invitations(organisation_id=organisation_id)
