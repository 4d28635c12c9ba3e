"""What the caseload asks of each episode, worked out when something changed and not when somebody looks."""

import uuid
from collections.abc import Collection

from django.db import transaction
from django.db.models.functions import Now

from clients.models import Episode
from jobs import actions as jobs
from jobs.organisation import acting_in

from ..models import EpisodeSummary
from ..selectors.summaries import SWEPT, stale_summaries, summaries_of, versions_of

SWEEP = "dashboards.sweep_summaries"
EPISODES_IN_A_STEP = 200


@transaction.atomic
def keep_summaries(*, episode_ids: Collection[uuid.UUID]) -> None:
    """Work out the summaries of some episodes, in a number of queries that does not grow with them.

    Doing it twice changes nothing. The versions are read first, so that what changes meanwhile leaves a summary marked
    as older.
    """
    versions = versions_of(episode_ids)
    episodes = list(Episode.objects.filter(pk__in=versions).select_related("client"))
    for episode_id, values in summaries_of(episodes).items():
        sessions, series = versions[episode_id]
        EpisodeSummary.objects.filter(episode=episode_id, computed_version__lte=sessions).update(
            computed_version=sessions, series_version=series, computed_at=Now(), **values
        )


def sweep_summaries(*, organisation_id: uuid.UUID) -> int:
    """Work out whatever is older than its sessions and trends, each step kept by itself; returns how many there were.

    Where there are more than one run takes, the next one is asked for.
    """
    with acting_in(organisation_id):
        stale = stale_summaries(organisation_id)
    for start in range(0, len(stale), EPISODES_IN_A_STEP):
        with acting_in(organisation_id):
            keep_summaries(episode_ids=stale[start : start + EPISODES_IN_A_STEP])
    if len(stale) == SWEPT:
        jobs.request_job(task=SWEEP, object_id=organisation_id, organisation_id=organisation_id)
    return len(stale)
