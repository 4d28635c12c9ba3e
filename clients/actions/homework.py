"""Tasks, here and in between: proposed, negotiated, agreed, made easier, dropped.

Not named after them, as `tasks` is what background work is called everywhere.
"""

from collections.abc import Collection
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.audit import changed_fields, record_event
from accounts.models import User

from .. import states
from ..models import AgreementKind, Episode, Task, TaskStatus
from .agreements import WHO_AGREED, MoveRefused, add_agreement, agree_on, check_open, locked, save


@transaction.atomic
def propose_task(
    *,
    episode: Episode,
    text: str,
    proposed_by: str,
    on: date,
    difficulty: int | None = None,
    agreed_by: Collection[str] = (),
    step_down_of: Task | None = None,
    by: User,
    **details: Any,
) -> Task:
    """Propose a task, or write down one that is agreed already. Raises ValidationError naming the field."""
    check_open(episode, by)
    task = Task(
        organisation_id=episode.organisation_id,
        episode=episode,
        text=text.strip(),
        proposed_by=proposed_by,
        difficulty_proposed=difficulty,
        step_down_of=step_down_of,
        created_by=by,
        **details,
    )
    if task.goal and task.goal.episode_id != episode.pk:
        raise ValidationError({"goal": "This goal belongs to another episode."})
    settle_terms(task, on, agreed_by)
    task.check_values()
    task.save(force_insert=True)
    kind = AgreementKind.AGREED if task.is_agreed else AgreementKind.PROPOSED
    add_agreement(
        subject=task, kind=AgreementKind.STEPPED_DOWN if step_down_of else kind, on=on, agreed_by=agreed_by, by=by
    )
    return task


def settle_terms(task: Task, on: date, agreed_by: Collection[str], difficulty: int | None = None) -> None:
    """What both have agreed to is agreed; a difficulty that only one of them named is proposed."""
    agree_on(task, on, agreed_by)
    wanted = task.difficulty if difficulty is None else difficulty
    if task.is_agreed:
        task.status = TaskStatus.AGREED
        task.difficulty_agreed = wanted
    else:
        task.difficulty_proposed = wanted


@transaction.atomic
def change_task(
    *, task: Task, version: int, on: date, agreed_by: Collection[str] = (), why: str = "", by: User, **values: Any
) -> Task:
    """Change a task. Another text or difficulty is a new agreement, which waits for both again. Raises StaleVersion."""
    task = locked(task, version)
    check_open(task.episode, by)
    difficulty = values.pop("difficulty", task.difficulty)
    changed = changed_fields(task, values)
    for name in changed:
        setattr(task, name, values[name])
    is_renegotiated = "text" in changed or difficulty != task.difficulty
    if is_renegotiated:
        task.difficulty_proposed = difficulty
        negotiate(task)
    is_agreed_anew = bool(agreed_by) and task.can_be_agreed
    if is_agreed_anew:
        settle_terms(task, on, agreed_by)
    save(task, *changed, "difficulty_proposed", "difficulty_agreed")
    if is_renegotiated or is_agreed_anew:
        kind = AgreementKind.RENEGOTIATED if is_renegotiated else AgreementKind.AGREED
        add_agreement(subject=task, kind=kind, on=on, agreed_by=agreed_by, why=why, by=by)
    else:
        record_event(
            "task.changed",
            task,
            organisation_id=task.organisation_id,
            client_id=task.episode.client_id,
            by=by,
            fields=changed,
        )
    return task


def negotiate(task: Task) -> None:
    """Whoever had agreed has not agreed to this."""
    task.status = states.after(task.status, states.NEGOTIATE) or task.status
    task.client_agreed_on = task.therapist_agreed_on = task.difficulty_agreed = None


@transaction.atomic
def agree_task(
    *, task: Task, version: int, on: date, agreed_by: Collection[str], difficulty: int | None = None, by: User
) -> Task:
    """Write down who agreed to a task and to which difficulty, and when. Raises StaleVersion and MoveRefused."""
    if not agreed_by:
        raise ValidationError({"agreed_by": WHO_AGREED})
    task = locked(task, version)
    check_open(task.episode, by)
    if not task.can_be_agreed:
        raise MoveRefused("Both have agreed to this task already, or it was dropped.")
    settle_terms(task, on, agreed_by, difficulty)
    save(task, "difficulty_proposed", "difficulty_agreed")
    add_agreement(subject=task, kind=AgreementKind.AGREED, on=on, agreed_by=agreed_by, by=by)
    return task


@transaction.atomic
def step_down(*, task: Task, text: str, on: date, difficulty: int | None = None, by: User, **details: Any) -> Task:
    """Make the easier task of one that is too hard, for the same goal; the harder one waits while it is open.

    Raises MoveRefused when the task is not open any more, ValidationError when the new one is not easier.
    """
    harder = locked(task)
    if not harder.is_open:
        raise MoveRefused("This task is done or dropped. Take it up again before making an easier one of it.")
    if difficulty is not None and harder.difficulty is not None and difficulty >= harder.difficulty:
        raise ValidationError({"difficulty": f"An easier task has a difficulty below {harder.difficulty}."})
    return propose_task(
        episode=harder.episode,
        text=text,
        on=on,
        difficulty=difficulty,
        goal=harder.goal,
        step_down_of=harder,
        by=by,
        **details,
    )


@transaction.atomic
def drop_task(*, task: Task, version: int, on: date, why: str = "", by: User) -> Task:
    """Leave an open task. Raises StaleVersion and MoveRefused."""
    task = locked(task, version)
    check_open(task.episode, by)
    if not task.can_be_dropped:
        raise MoveRefused("This task is done or dropped already.")
    task.status = TaskStatus.DROPPED
    save(task)
    add_agreement(subject=task, kind=AgreementKind.DROPPED, on=on, why=why, by=by)
    return task


@transaction.atomic
def take_up_task(*, task: Task, version: int, on: date, why: str = "", by: User) -> Task:
    """Bring back a task that was done or dropped, to be agreed on again. Raises StaleVersion and MoveRefused."""
    task = locked(task, version)
    check_open(task.episode, by)
    if task.is_open:
        raise MoveRefused("This task is open already.")
    negotiate(task)
    save(task, "difficulty_agreed")
    add_agreement(subject=task, kind=AgreementKind.TAKEN_UP, on=on, why=why, by=by)
    return task


def move_task(task: Task, status: str) -> None:
    """Let a task's status follow what a session says of it; the outcome of the session is on record there."""
    Task.objects.filter(pk=task.pk).update(status=status)
    task.status = status
