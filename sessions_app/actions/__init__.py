from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from accounts.access import check_own, may_write, supervised_by
from accounts.audit import changed_fields, record_event
from accounts.idempotency import taken_means
from accounts.models import User
from clients import states
from clients.actions import StaleVersion, locked, move_task
from clients.models import Episode, Goal, Task
from jobs import actions as jobs

from ..models import (
    ConditionsRater,
    CoreConditions,
    FirstChallenge,
    GoalProgress,
    Outcome,
    Phase,
    TaskOutcome,
    TherapySession,
)

KEEP_SUMMARY = "dashboards.keep_summary"


class NumberTaken(ValidationError):
    pass


def next_number(episode: Episode) -> int:
    return (episode.sessions.aggregate(last=Max("number"))["last"] or 0) + 1


@transaction.atomic
def log_session(
    *,
    episode: Episode,
    number: int,
    held_on: date,
    attendance: str,
    format: str,
    note: str = "",
    next_time: str = "",
    by: User,
) -> TherapySession:
    """Record a planned meeting, attended or not. Raises NumberTaken, or ValidationError naming the field."""
    check_own(by, episode.responsible_id)
    # Held until the end, so that nobody ends the episode or hands it over in the same moment.
    if Episode.objects.open().select_for_update(no_key=True).filter(pk=episode.pk).first() is None:
        raise ValidationError("This episode has ended. Start a new one to log more sessions.")
    session = TherapySession(
        organisation_id=episode.organisation_id,
        episode=episode,
        number=number,
        held_on=held_on,
        attendance=attendance,
        format=format,
        note=note,
        next_time=next_time.strip(),
        created_by=by,
    )
    check_session(session)
    with taken_means(number_taken(session)):
        session.save(force_insert=True)
    record_event("session.logged", session, organisation_id=session.organisation_id, client_id=episode.client_id, by=by)
    ask_for_summary(episode)
    return session


def ask_for_summary(episode: Episode) -> None:
    """The caseload shows an episode as updating from the change to its sessions on until this is done."""
    jobs.request_job(task=KEEP_SUMMARY, object_id=episode.pk, organisation_id=episode.organisation_id)


def check_session(session: TherapySession) -> None:
    today = timezone.localdate()
    if session.held_on > today:
        raise ValidationError({"held_on": "This date is in the future. Log a session on its day or later."})
    if session.held_on < session.episode.started_on:
        started = f"{session.episode.started_on:%-d %B %Y}"
        raise ValidationError({"held_on": f"The episode started on {started}. Choose that day or a later one."})
    if session.number == 0 and session.phase != Phase.BEFORE:
        raise ValidationError({"number": "Sessions of the therapy are counted from 1."})
    taken = TherapySession.objects.filter(episode=session.episode_id, number=session.number).exclude(pk=session.pk)
    if taken.exists():
        raise number_taken(session)
    session.check_values()


def number_taken(session: TherapySession) -> NumberTaken:
    return NumberTaken(
        {"number": f"Session {session.number} is already logged. Choose another number, or edit that session."}
    )


@transaction.atomic
def update_session(*, session: TherapySession, version: int, by: User, **values: Any) -> TherapySession:
    """Change what was logged. Raises StaleVersion when somebody saved it after `version` was read."""
    episode = session.episode
    check_own(by, episode.responsible_id)
    changed = changed_fields(session, values)
    for name in changed:
        setattr(session, name, values[name])
    check_session(session)
    with taken_means(number_taken(session)):
        saved = TherapySession.objects.filter(pk=session.pk, version=version).update(
            version=F("version") + 1, **{name: values[name] for name in changed}
        )
    if not saved:
        raise StaleVersion(TherapySession.objects.get(pk=session.pk))
    record_event(
        "session.changed",
        session,
        organisation_id=session.organisation_id,
        client_id=episode.client_id,
        by=by,
        fields=changed,
    )
    ask_for_summary(episode)
    return session


# --- What a session says of goals and tasks -------------------------------------------------------------


def about(session: TherapySession) -> dict[str, Any]:
    return {"organisation_id": session.organisation_id, "client_id": session.episode.client_id}


def check_of_session(subject: Goal | Task, session: TherapySession, user: User) -> None:
    check_own(user, session.episode.responsible_id)
    if subject.episode_id != session.episode_id:
        raise ValidationError({"session": "This session belongs to another episode."})


@transaction.atomic
def record_progress(*, goal: Goal, session: TherapySession, progress: int | None, by: User) -> GoalProgress | None:
    """Where a goal stands by a session, 0 to 10; None takes it back. The same again writes nothing."""
    return record_standing(goal=goal, session=session, by=by, progress=progress)


@transaction.atomic
def record_standing(*, goal: Goal, session: TherapySession, by: User, **values: Any) -> GoalProgress | None:
    """As `record_progress`, also of the number `measured` and the `level` of the five that were written before.

    Raises ValidationError for a level of a goal whose levels were not written before the day of the session: judged
    afterwards, they would say nothing.
    """
    check_of_session(goal, session, by)
    locked(goal)
    saved = GoalProgress.objects.filter(goal=goal, session=session).first()
    row = saved or GoalProgress(organisation_id=session.organisation_id, goal=goal, session=session)
    if "level" in values and values["level"] != row.level:
        values["scale"] = scale_for(goal, session) if values["level"] is not None else None
    changed = changed_fields(row, values)
    if not changed:
        return saved
    for name in changed:
        setattr(row, name, values[name])
    row.recorded_by, row.recorded_at = by, timezone.now()
    record_event("goal.progress-recorded", goal, by=by, fields=changed, **about(session))
    if row.progress is row.measured is row.level is None:
        if saved:
            saved.delete()
        return None
    row.check_values()
    row.save()
    return row


def scale_for(goal: Goal, session: TherapySession) -> Any:
    scale = goal.scales.last()
    if scale is None:
        raise ValidationError({"level": "The five levels of this goal have not been written yet."})
    if scale.written_on >= session.held_on:
        day = f"{scale.written_on:%-d %B %Y}"
        raise ValidationError({"level": f"The five levels were written on {day}. Choose a session after that day."})
    return scale


@transaction.atomic
def record_outcome(
    *, task: Task, session: TherapySession, outcome: str, got_in_the_way: str = "", by: User
) -> TaskOutcome:
    """What became of a task by a session. The same again writes nothing; the task's status follows the latest one.

    Raises ValidationError where the two have not both agreed to the task.
    """
    check_of_session(task, session, by)
    task = locked(task)
    values = {"outcome": outcome, "got_in_the_way": got_in_the_way.strip()}
    saved: TaskOutcome | None = TaskOutcome.objects.filter(task=task, session=session).first()
    if saved and not changed_fields(saved, values):
        return saved
    if not task.takes_outcomes and outcome != Outcome.NOT_ASKED:
        raise ValidationError({"outcome": "Both have to agree to this task before it can be asked about."})
    status = status_after(task, session, saved, outcome)
    row = saved or TaskOutcome(organisation_id=session.organisation_id, task=task, session=session)
    row.outcome, row.got_in_the_way = outcome, values["got_in_the_way"]
    row.recorded_by, row.recorded_at = by, timezone.now()
    row.check_values()
    row.save()
    move_task(task, status)
    record_event("task.outcome-recorded", task, by=by, fields=["outcome"], **about(session))
    return row


def status_after(task: Task, session: TherapySession, saved: TaskOutcome | None, outcome: str) -> str:
    """The status of a task once this is known of a session; a later session, or an agreement made since, stands."""
    told = TaskOutcome.objects.filter(task=task).exclude(outcome=Outcome.NOT_ASKED)
    is_moved_on = saved is not None and saved.outcome not in (task.status, Outcome.NOT_ASKED)
    if is_moved_on or told.filter(session__number__gt=session.number).exists():
        return task.status
    if outcome != Outcome.NOT_ASKED:
        return states.after(task.status, outcome) or task.status
    if saved is None or saved.outcome == Outcome.NOT_ASKED:
        return task.status
    before = told.filter(session__number__lt=session.number).order_by("-session__number").first()
    return before.outcome if before else states.AGREED


# --- The first challenge --------------------------------------------------------------------------------


@transaction.atomic
def mark_first_challenge(
    *, episode: Episode, session: TherapySession | None, version: int, what: str = "", by: User
) -> FirstChallenge | None:
    """Say in which session behaviour was challenged first; no session takes it back. Raises StaleVersion."""
    check_own(by, episode.responsible_id)
    if session and session.episode_id != episode.pk:
        raise ValidationError({"session": "This session belongs to another episode."})
    Episode.objects.select_for_update(no_key=True).get(pk=episode.pk)
    saved = FirstChallenge.objects.filter(episode=episode).first()
    if saved and version != saved.version:
        raise StaleVersion(saved)
    row = saved or FirstChallenge(organisation_id=episode.organisation_id, episode=episode, created_by=by)
    about_episode: dict[str, Any] = {"organisation_id": episode.organisation_id, "client_id": episode.client_id}
    if session is None:
        if saved:
            record_event("challenge.removed", saved, by=by, **about_episode)
            saved.delete()
        return None
    row.session, row.what = session, what.strip()
    row.version += 1 if saved else 0
    row.check_values()
    row.save()
    record_event("challenge.marked", row, by=by, **about_episode)
    return row


# --- Core conditions ------------------------------------------------------------------------------------


def conditions_rater(user: User, episode: Episode) -> ConditionsRater | None:
    """As whom somebody rates the core conditions in an episode: nobody in one that was handed over."""
    responsible = episode.responsible_id
    if may_write(user, responsible):
        return ConditionsRater.THERAPIST
    is_supervisor = responsible is not None and supervised_by(user).filter(pk=responsible).exists()
    return ConditionsRater.SUPERVISOR if is_supervisor else None


@transaction.atomic
def rate_conditions(
    *, session: TherapySession, congruence: int | None, regard: int | None, empathy: int | None, by: User
) -> CoreConditions | None:
    """Rate the three conditions of a session: its therapist, or a supervisor with whom it was discussed.

    One rating a person and session; rating again replaces one's own, three times no answer takes it back.
    """
    rater = conditions_rater(by, session.episode)
    if rater is None:
        raise PermissionDenied("Only the therapist of a session and their supervisor can rate it.")
    TherapySession.objects.select_for_update(no_key=True).get(pk=session.pk)
    values = {"congruence": congruence, "regard": regard, "empathy": empathy}
    saved = CoreConditions.objects.filter(session=session, rated_by=by).first()
    row = saved or CoreConditions(organisation_id=session.organisation_id, session=session, rated_by=by)
    changed = changed_fields(row, values)
    if not changed:
        return saved
    for name in changed:
        setattr(row, name, values[name])
    row.rater = rater
    row.rated_at = timezone.now()
    record_event("conditions.rated", session, by=by, fields=changed, **about(session))
    if all(value is None for value in values.values()):
        if saved:
            saved.delete()
        return None
    row.check_values()
    row.save()
    return row
