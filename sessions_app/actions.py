from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import F, Max
from django.db.models.functions import Now
from django.utils import timezone

from accounts.access import check_own
from accounts.audit import changed_fields, record_event
from accounts.idempotency import taken_means
from accounts.models import User
from clients.actions import StaleVersion
from clients.models import Episode

from .models import LogDraft, Phase, TherapySession


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
    by: User,
) -> TherapySession:
    """Record a planned meeting, attended or not. Raises NumberTaken, or ValidationError naming the field."""
    check_own(by, episode.therapist_id)
    if not episode.is_open:
        raise ValidationError("This episode has ended. Start a new one to log more sessions.")
    session = TherapySession(
        organisation_id=episode.organisation_id,
        episode=episode,
        number=number,
        held_on=held_on,
        attendance=attendance,
        format=format,
        note=note,
        created_by=by,
    )
    check_session(session)
    with taken_means(number_taken(session)):
        session.save(force_insert=True)
    record_event("session.logged", session, organisation_id=session.organisation_id, client_id=episode.client_id, by=by)
    return session


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
    check_own(by, episode.therapist_id)
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
    return session


@transaction.atomic
def save_draft(*, episode: Episode, content: dict[str, list[str]], version: int, by: User) -> LogDraft:
    """Keep what is typed of a log. `version` is the draft's that it began from, 0 where there was none.

    Raises StaleVersion with the draft there is (None: it was saved as a session, or thrown away) when another tab or
    device went on meanwhile. Saying the same again is no change. A draft is not on record: no event tells of it.
    """
    check_own(by, episode.therapist_id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", [f"{episode.pk}{by.pk}"])
    there = LogDraft.objects.filter(episode=episode, saved_by=by).first()
    if there is not None and there.content == content:
        return there
    if (there.version if there else 0) != version:
        raise StaleVersion(there)
    if there is None:
        draft = LogDraft(organisation_id=episode.organisation_id, episode=episode, content=content, saved_by=by)
        draft.save(force_insert=True)
    else:
        LogDraft.objects.filter(pk=there.pk).update(content=content, version=F("version") + 1, saved_at=Now())
    return LogDraft.objects.get(episode=episode, saved_by=by)


@transaction.atomic
def discard_draft(*, episode: Episode, by: User) -> None:
    """Throw away what was typed, or what has become a session."""
    LogDraft.objects.filter(episode=episode, saved_by=by).delete()
