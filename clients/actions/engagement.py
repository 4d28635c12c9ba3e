"""What is written down in the engagement phase. Each part is there once, and keeps who wrote it."""

from collections.abc import Collection
from datetime import date
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.audit import changed_fields, record_event
from accounts.idempotency import StaleVersion
from accounts.models import User

from .. import engagement
from ..models import EngagementObjective, Episode, Expectations, NeedsAssessment
from .agreements import check_day, check_open

Part = TypeVar("Part", EngagementObjective, Expectations, NeedsAssessment)


def kept(part: Part, version: int, values: dict[str, Any]) -> tuple[Part, list[str]]:
    """The part of the episode as it is saved now, or `part` where there is none yet, with `values`; and what changed.

    `version` is 0 for one that was not there. Raises StaleVersion when somebody saved it meanwhile.
    """
    # Whoever else writes a part of this episode waits, also for the first time.
    Episode.objects.select_for_update(no_key=True).get(pk=part.episode_id)
    same: dict[str, str] = {"objective": part.objective} if isinstance(part, EngagementObjective) else {}
    saved: Part | None = type(part)._default_manager.filter(episode=part.episode_id, **same).first()
    if saved and version != saved.version:
        raise StaleVersion(saved)
    row = saved or part
    changed: list[str] = changed_fields(row, values) if saved else list(values)
    for name in changed:
        setattr(row, name, values[name])
    row.check_values()
    if saved:
        row.version += 1
        row.save(update_fields=[*changed, "version"])
    else:
        row.save(force_insert=True)
    return row, changed


def about(episode: Episode) -> dict[str, Any]:
    return {"organisation_id": episode.organisation_id, "client_id": episode.client_id}


@transaction.atomic
def assess_objective(
    *,
    episode: Episode,
    objective: str,
    version: int,
    level: int,
    assessed_on: date,
    evidence: str = "",
    barriers: Collection[str] = (),
    by: User,
) -> EngagementObjective:
    """Say how far an objective is there, by what evidence, and what stands in its way. Raises StaleVersion."""
    check_open(episode, by)
    check_day(episode, assessed_on, "assessed_on")
    if set(barriers) - set(engagement.BY_CODE[objective].barriers):
        raise ValidationError({"barriers": "Choose among the barriers of this objective."})
    values = {
        "level": level,
        "evidence": evidence.strip(),
        "barriers": sorted(barriers),
        "assessed_on": assessed_on,
        "assessed_by": by,
    }
    new = EngagementObjective(organisation_id=episode.organisation_id, episode=episode, objective=objective)
    row, changed = kept(new, version, values)
    record_event("objective.assessed", row, by=by, fields=changed, **about(episode))
    return row


@transaction.atomic
def save_expectations(*, episode: Episode, version: int, by: User, **values: Any) -> Expectations:
    """Write down both roles and what each expects of the other. Raises StaleVersion."""
    check_open(episode, by)
    if values.get("agreed_on"):
        check_day(episode, values["agreed_on"], "agreed_on")
    new = Expectations(organisation_id=episode.organisation_id, episode=episode, created_by=by)
    row, changed = kept(new, version, values)
    record_event("expectations.saved", row, by=by, fields=changed, **about(episode))
    return row


@transaction.atomic
def save_needs(*, episode: Episode, version: int, assessed_on: date, by: User, **values: Any) -> NeedsAssessment:
    """Write down what is needed and what there is to build on. Raises StaleVersion."""
    check_open(episode, by)
    check_day(episode, assessed_on, "assessed_on")
    new = NeedsAssessment(organisation_id=episode.organisation_id, episode=episode, created_by=by)
    row, changed = kept(new, version, {**values, "assessed_on": assessed_on})
    record_event("needs.assessed", row, by=by, fields=changed, **about(episode))
    return row
