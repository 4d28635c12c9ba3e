import uuid

from dashboards.actions import keep_summaries
from jobs.tasks import job_task

from . import actions


@job_task("ruptures.judge_episode")
def judge_episode(episode_id: uuid.UUID) -> None:
    actions.judge_episode(episode_id=episode_id)
    keep_summaries(episode_ids=[episode_id])


@job_task("ruptures.start_recompute")
def start_recompute(organisation_id: uuid.UUID) -> None:
    actions.start_recompute(organisation_id=organisation_id)


@job_task("ruptures.recompute_next")
def recompute_next(recompute_id: uuid.UUID) -> None:
    actions.recompute_next(recompute_id=recompute_id)
