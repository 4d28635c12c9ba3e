"""The service's summaries, worked out in steps: facts of the episodes first, then every chart of every period."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.db.models.functions import Now

from accounts.audit import record_event
from accounts.models import User
from clients.models import Episode
from jobs import actions as jobs

from ..models import EpisodeFacts, ServiceRun, ServiceSummary
from ..selectors.facts import facts_of
from ..selectors.service import RUN_NEXT
from ..service_facts import Facts
from ..service_summaries import as_json, of_json, summaries_of, tables_of

EPISODES_IN_A_STEP = 500
ROWS_AT_ONCE = 500


@transaction.atomic
def start_service_run(*, organisation_id: uuid.UUID) -> ServiceRun:
    """Ask for all summaries anew, in steps; a run that is under way begins anew, as something has changed since."""
    run, _is_new = ServiceRun.objects.select_for_update().get_or_create(
        organisation_id=organisation_id, finished_at=None, defaults={"total": 0}
    )
    run.total = Episode.objects.filter(organisation_id=organisation_id).count()
    run.done, run.last_episode, run.tables = 0, None, None
    run.save(update_fields=["total", "done", "last_episode", "tables"])
    jobs.request_job(task=RUN_NEXT, object_id=run.pk, organisation_id=organisation_id)
    return run


@transaction.atomic
def service_run_next(*, run_id: uuid.UUID) -> None:
    """One step: the facts of the next episodes; after the last of them, what may be seen; after that, the summaries.

    A step that is interrupted leaves nothing behind and is done again from where the last one ended.
    """
    run = ServiceRun.objects.select_for_update().filter(pk=run_id, finished_at=None).first()
    if run is None:
        return
    episodes = Episode.objects.filter(organisation_id=run.organisation_id).order_by("pk")
    if run.last_episode:
        episodes = episodes.filter(pk__gt=run.last_episode)
    episode_ids = list(episodes.values_list("pk", flat=True)[:EPISODES_IN_A_STEP])
    if episode_ids:
        keep_facts(episode_ids, organisation_id=run.organisation_id)
        run.done += len(episode_ids)
        run.total = max(run.total, run.done)
        run.last_episode, run.tables = episode_ids[-1], None
    elif run.tables is None:
        run.tables = as_json(tables_of(kept_facts(run.organisation_id), today=run.organisation.today))
    else:
        write_summaries(run)
        ServiceRun.objects.filter(pk=run.pk).update(finished_at=Now(), tables=None)
        return
    run.save(update_fields=["done", "total", "last_episode", "tables"])
    jobs.request_job(task=RUN_NEXT, object_id=run.pk, organisation_id=run.organisation_id)


def keep_facts(episode_ids: list[uuid.UUID], *, organisation_id: uuid.UUID) -> None:
    rows = [
        EpisodeFacts(organisation_id=organisation_id, episode_id=pk, body=facts.as_json())
        for pk, facts in facts_of(episode_ids).items()
    ]
    EpisodeFacts.objects.filter(episode__in=episode_ids).delete()
    EpisodeFacts.objects.bulk_create(rows, batch_size=ROWS_AT_ONCE)


def kept_facts(organisation_id: uuid.UUID) -> list[Facts]:
    bodies = EpisodeFacts.objects.filter(organisation_id=organisation_id).values_list("body", flat=True)
    return [Facts.of_json(body) for body in bodies.iterator(chunk_size=ROWS_AT_ONCE)]


def write_summaries(run: ServiceRun) -> None:
    """All of them in one transaction: what is left out of one depends on what the others show."""
    found = summaries_of(kept_facts(run.organisation_id), of_json(run.tables or {}), today=run.organisation.today)
    ServiceSummary.objects.filter(organisation_id=run.organisation_id).delete()
    ServiceSummary.objects.bulk_create(
        [
            ServiceSummary(
                organisation_id=run.organisation_id,
                kind=summary.period.kind,
                starts_on=summary.period.starts_on,
                ends_on=summary.period.ends_on,
                modality=summary.modality,
                n=summary.n,
                body=summary.body,
            )
            for summary in found
        ],
        batch_size=50,
    )


@transaction.atomic
def work_out_now(*, by: User) -> ServiceRun:
    """A supervisor's or an administrator's wish to have the summaries of now. One that is under way goes on from where
    it is, also where it was given up."""
    run = ServiceRun.objects.filter(organisation_id=by.organisation_id, finished_at=None).first()
    if run is None:
        run = start_service_run(organisation_id=by.organisation_id)
    else:
        jobs.request_job(task=RUN_NEXT, object_id=run.pk, organisation_id=run.organisation_id)
    record_event("service.work-out-asked", run, organisation_id=by.organisation_id, by=by)
    return run


def write_rows(rows: Mapping[type[Model], Sequence[Any]]) -> None:
    """New rows of several models, in few statements. For what is invented: no event, as nobody did it."""
    for kind, found in rows.items():
        kind._default_manager.bulk_create(found, batch_size=ROWS_AT_ONCE)
