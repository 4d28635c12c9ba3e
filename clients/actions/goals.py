"""Goals: proposed, agreed, renegotiated, reached or dropped."""

from collections.abc import Collection
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.audit import changed_fields, record_event
from accounts.models import User

from .. import states
from ..models import AgreementKind, AttainmentScale, Episode, Goal
from .agreements import WHO_AGREED, MoveRefused, add_agreement, agree_on, check_day, check_open, locked, save

# Another one of these is another agreement; what else is known of a goal may change beside it.
TERMS_OF_GOAL = {"text", "metric", "baseline", "target", "is_target_relative"}


@transaction.atomic
def create_goal(
    *, episode: Episode, text: str, on: date, agreed_by: Collection[str] = (), by: User, **details: Any
) -> Goal:
    """Propose a goal, or write down one that one or both agree on already. Raises ValidationError naming the field."""
    check_open(episode, by)
    goal = Goal(organisation_id=episode.organisation_id, episode=episode, text=text.strip(), created_by=by, **details)
    agree_on(goal, on, agreed_by)
    goal.check_values()
    goal.save(force_insert=True)
    kind = AgreementKind.AGREED if goal.is_agreed else AgreementKind.PROPOSED
    add_agreement(subject=goal, kind=kind, on=on, agreed_by=agreed_by, by=by)
    return goal


@transaction.atomic
def change_goal(
    *, goal: Goal, version: int, on: date, agreed_by: Collection[str] = (), why: str = "", by: User, **values: Any
) -> Goal:
    """Change a goal. Other terms are a new agreement, which waits for both again. Raises StaleVersion."""
    goal = locked(goal, version)
    check_open(goal.episode, by)
    if not goal.is_open:
        raise MoveRefused("This goal is closed. Take it up again before changing it.")
    changed = changed_fields(goal, values)
    for name in changed:
        setattr(goal, name, values[name])
    is_renegotiated = bool(TERMS_OF_GOAL & set(changed))
    if is_renegotiated:
        goal.client_agreed_on = goal.therapist_agreed_on = None
    agree_on(goal, on, agreed_by)
    save(goal, *changed)
    if is_renegotiated or agreed_by:
        kind = AgreementKind.RENEGOTIATED if is_renegotiated else AgreementKind.AGREED
        add_agreement(subject=goal, kind=kind, on=on, agreed_by=agreed_by, why=why, by=by)
    else:
        record_event(
            "goal.changed",
            goal,
            organisation_id=goal.organisation_id,
            client_id=goal.episode.client_id,
            by=by,
            fields=changed,
        )
    return goal


@transaction.atomic
def agree_goal(*, goal: Goal, version: int, on: date, agreed_by: Collection[str], by: User) -> Goal:
    """Write down who agreed to a goal as it stands, and when. Raises StaleVersion."""
    if not agreed_by:
        raise ValidationError({"agreed_by": WHO_AGREED})
    return change_goal(goal=goal, version=version, on=on, agreed_by=agreed_by, by=by)


@transaction.atomic
def settle_goal(*, goal: Goal, version: int, status: str, on: date, why: str = "", by: User) -> Goal:
    """Close a goal as reached or dropped, or take it up again. Raises StaleVersion and MoveRefused."""
    goal = locked(goal, version)
    check_open(goal.episode, by)
    if status not in states.GOAL_NEXT[goal.status]:
        raise MoveRefused(f"This goal is {goal.get_status_display().lower()} already.")
    goal.status = status
    goal.ended_on = None if goal.is_open else on
    save(goal, "ended_on")
    kind = AgreementKind.TAKEN_UP if goal.is_open else AgreementKind(status)
    add_agreement(subject=goal, kind=kind, on=on, why=why, by=by)
    return goal


@transaction.atomic
def write_levels(*, goal: Goal, written_on: date, by: User, **levels: str) -> AttainmentScale:
    """Write the five levels of a goal. Levels that were written before stay what earlier sessions were judged by."""
    check_open(goal.episode, by)
    check_day(goal.episode, written_on, "written_on")
    scale = AttainmentScale(
        organisation_id=goal.organisation_id, goal=goal, written_on=written_on, created_by=by, **levels
    )
    scale.check_values()
    scale.save(force_insert=True)
    add_agreement(subject=goal, kind=AgreementKind.LEVELS, on=written_on, by=by)
    return scale
