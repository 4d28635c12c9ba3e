from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from accounts.access import check_own
from accounts.audit import changed_fields, record_event
from accounts.idempotency import taken_means
from accounts.models import User
from clients.actions import StaleVersion
from clients.models import Episode

from .models import Phase, TherapySession


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
    return session
