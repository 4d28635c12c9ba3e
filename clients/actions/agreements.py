"""What goals and tasks have in common: who may change them, on which day, and the history that keeps every word."""

from collections.abc import Collection
from datetime import date
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.access import check_own
from accounts.audit import record_event
from accounts.idempotency import StaleVersion
from accounts.models import User

from ..models import Agreement, Episode, Goal, Task

CLIENT, THERAPIST = "client", "therapist"
WHO_AGREED = "Choose who agreed."
SNAPSHOT_OF_GOAL = ("text", "metric", "baseline", "target", "is_target_relative", "importance")
SNAPSHOT_OF_TASK = ("text", "rationale", "difficulty")

Subject = TypeVar("Subject", Goal, Task)


class MoveRefused(ValidationError):
    """The goal or task is in a state from which this cannot be done, for example because it was done meanwhile."""


def check_open(episode: Episode, user: User) -> None:
    """Goals and tasks are the business of the episode's own therapist, and of an episode that has not ended."""
    check_own(user, episode.responsible_id)
    if not episode.is_open:
        raise ValidationError("This episode has ended. What was agreed in it stays readable.")


def check_day(episode: Episode, day: date, field: str = "on") -> None:
    if day > timezone.localdate():
        raise ValidationError({field: "This date is in the future. Choose today or an earlier day."})
    if day < episode.started_on:
        raise ValidationError({field: f"The episode started on {episode.started_on:%-d %B %Y}. Choose a later day."})


def locked(subject: Subject, version: int | None = None) -> Subject:
    """The row as it is now, held until the end. Raises StaleVersion when `version` is not the saved one."""
    rows = type(subject)._default_manager.select_related("episode").select_for_update(no_key=True, of=("self",))
    current: Subject = rows.get(pk=subject.pk)
    if version not in (None, current.version):
        raise StaleVersion(current)
    return current


def agree_on(subject: Goal | Task, day: date, agreed_by: Collection[str]) -> None:
    if CLIENT in agreed_by:
        subject.client_agreed_on = day
    if THERAPIST in agreed_by:
        subject.therapist_agreed_on = day


def save(subject: Goal | Task, *names: str) -> None:
    subject.check_values()
    subject.version += 1
    subject.save(update_fields=[*names, "client_agreed_on", "therapist_agreed_on", "status", "version"])


@transaction.atomic
def add_agreement(
    *, subject: Goal | Task, kind: str, on: date, agreed_by: Collection[str] = (), why: str = "", by: User
) -> Agreement:
    """Keep what was said of a goal or a task on a day, with its terms as they are now."""
    check_day(subject.episode, on)
    snapshot = SNAPSHOT_OF_GOAL if isinstance(subject, Goal) else SNAPSHOT_OF_TASK
    agreement = Agreement(
        organisation_id=subject.organisation_id,
        episode_id=subject.episode_id,
        goal=subject if isinstance(subject, Goal) else None,
        task=subject if isinstance(subject, Task) else None,
        kind=kind,
        happened_on=on,
        by_client=CLIENT in agreed_by,
        by_therapist=THERAPIST in agreed_by,
        why=why.strip(),
        created_by=by,
        **{name: getattr(subject, name) for name in snapshot},
    )
    agreement.check_values()
    agreement.save(force_insert=True)
    record_event(
        f"{subject._meta.model_name}.{kind}",
        subject,
        organisation_id=subject.organisation_id,
        client_id=subject.episode.client_id,
        by=by,
    )
    return agreement
