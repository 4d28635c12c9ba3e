"""Ruptures and what is tried about them: noted, answered, mended, closed. `lifecycle` says who may what.

All of it can run inside a caller's transaction: the log of a session writes several at once.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F

from accounts.access import check_own
from accounts.audit import changed_fields, record_event
from accounts.idempotency import StaleVersion
from accounts.models import User
from measures.actions import locked_session
from sessions_app.models import TherapySession

from .. import lifecycle, vocabulary
from ..lifecycle import CONFIRMED, DISMISSED, IN_REPAIR, OPEN, SUSPECTED, UNRESOLVED
from ..models import Reason, RepairAttempt, Rupture, Signal, State
from ..origins import (
    UNANSWERED,
    ChangedMeanwhile,
    about,
    answer_signals,
    its_signals,
    move,
    new_rupture,
)

Row = TypeVar("Row", Rupture, RepairAttempt)


class EpisodeEnded(ValidationError):
    def __init__(self) -> None:
        super().__init__("This episode has ended, so nothing more is noted in it.")


# --- Ruptures -------------------------------------------------------------------------------------------


@transaction.atomic
def note_rupture(
    *,
    session: TherapySession,
    type: str,
    markers: Sequence[str],
    component: str | None = None,
    intensity: int | None = None,
    noticed_by: str,
    what_happened: str = "",
    by: User,
) -> Rupture:
    """Put a rupture on record as confirmed. A suspected one of the session becomes it; unanswered signals go with it.

    Raises EpisodeEnded, or ValidationError naming the field.
    """
    check_open(session, by)
    session = locked_session(session.pk)
    values = fitting(type, markers) | {
        "component": component or "",
        "intensity": intensity,
        "noticed_by": noticed_by,
        "what_happened": what_happened.strip(),
    }
    rupture = Rupture.objects.filter(session=session, state=SUSPECTED).first()
    if rupture is None:
        rupture = new_rupture(session, by=by, **values)
    else:
        for name, value in values.items():
            setattr(rupture, name, value)
        rupture.check_values()
        rupture.save(update_fields=list(values))
        move(rupture, CONFIRMED, by=by)
    answer_signals(Signal.objects.filter(session=session, state__in=UNANSWERED), rupture, State.CONFIRMED, by=by)
    record_event("rupture.noted", rupture, by=by, **about(rupture))
    return rupture


@transaction.atomic
def update_rupture(*, rupture: Rupture, version: int, by: User, **values: Any) -> Rupture:
    """Change what is said of a rupture. Raises StaleVersion, or ValidationError naming the field."""
    check_own(by, rupture.session.episode.responsible_id)
    values |= fitting(values.get("type", rupture.type), values.get("markers", rupture.markers))
    names = save_changed(rupture, version, values)
    record_event("rupture.changed", rupture, by=by, fields=names, **about(rupture))
    return rupture


@transaction.atomic
def change_state(*, rupture: Rupture, to: str, reason: str = "", by: User) -> None:
    """What its therapist says of a rupture: that it was one, has settled, was none (with the reason), is open again.

    Raises ChangedMeanwhile, or ValidationError without a reason where one is needed.
    """
    check_own(by, rupture.session.episode.responsible_id)
    if not lifecycle.may(rupture.state, to, lifecycle.THERAPIST):
        raise ChangedMeanwhile
    if to == DISMISSED and reason not in Reason.values:
        raise ValidationError({"reason": "Choose why this was no rupture."})
    move(rupture, to, reason=reason if to == DISMISSED else "", by=by)
    if to in (CONFIRMED, DISMISSED):
        answer = State.CONFIRMED if to == CONFIRMED else State.DISMISSED
        answer_signals(its_signals(rupture), rupture, answer, by=by)
    record_event(f"rupture.{to}", rupture, by=by, **about(rupture))


@transaction.atomic
def close_at_ending(*, rupture: Rupture, by: User) -> None:
    """What is still open when an episode ends stays unresolved. Raises ChangedMeanwhile."""
    check_own(by, rupture.session.episode.responsible_id)
    if not lifecycle.may(rupture.state, UNRESOLVED, lifecycle.ENDING):
        raise ChangedMeanwhile
    move(rupture, UNRESOLVED, by=by)
    record_event("rupture.unresolved", rupture, by=by, **about(rupture))


# --- Repair attempts ------------------------------------------------------------------------------------


@transaction.atomic
def add_attempt(
    *,
    rupture: Rupture,
    session: TherapySession,
    strategies: Sequence[str],
    acknowledged_own_contribution: bool = False,
    talked_about_relationship: bool = False,
    client_response: str = "",
    resolved: int | None = None,
    note: str = "",
    by: User,
) -> RepairAttempt:
    """Note what was tried in a session; a rupture that was suspected or confirmed is in repair from then on.

    Raises EpisodeEnded, ChangedMeanwhile for a rupture that is closed, or ValidationError naming the field.
    """
    check_open(rupture.session, by)
    if rupture.state not in OPEN:
        raise ChangedMeanwhile
    attempt = RepairAttempt(
        organisation_id=rupture.organisation_id,
        rupture=rupture,
        session=session,
        client_response=client_response,
        resolved=resolved,
        note=note.strip(),
        created_by=by,
        **tried(strategies, acknowledged_own_contribution, talked_about_relationship),
    )
    check_attempt(attempt)
    attempt.save(force_insert=True)
    if rupture.state != IN_REPAIR:
        move(rupture, IN_REPAIR, by=by)
        answer_signals(its_signals(rupture), rupture, State.CONFIRMED, by=by)
    record_event("repair.noted", attempt, by=by, **about(rupture))
    return attempt


@transaction.atomic
def update_attempt(*, attempt: RepairAttempt, version: int, by: User, **values: Any) -> RepairAttempt:
    """Change what is said of an attempt. Raises StaleVersion, or ValidationError naming the field."""
    rupture = attempt.rupture
    check_own(by, rupture.session.episode.responsible_id)
    names = ("strategies", "acknowledged_own_contribution", "talked_about_relationship")
    values |= tried(*(values.get(name, getattr(attempt, name)) for name in names))
    changed = save_changed(attempt, version, values, check=check_attempt)
    record_event("repair.changed", attempt, by=by, fields=changed, **about(rupture))
    return attempt


def check_attempt(attempt: RepairAttempt) -> None:
    of, session = attempt.rupture.session, attempt.session
    if session.episode_id != of.episode_id or session.number < of.number:
        raise ValidationError({"session": f"Choose {of} or a later one of this client."})
    if not session.took_place:
        raise ValidationError({"session": "This meeting did not take place, so nothing was tried in it."})
    attempt.check_values()


def tried(strategies: Sequence[str], owned: bool, talked: bool) -> dict[str, Any]:
    """Strategies in the order of the vocabulary, with what they say by themselves."""
    chosen = in_vocabulary("strategies", vocabulary.STRATEGIES, strategies)
    if not chosen:
        raise ValidationError({"strategies": "Choose at least one thing that was tried."})
    return {
        "strategies": chosen,
        "acknowledged_own_contribution": owned or vocabulary.OWNS_A_PART in chosen,
        "talked_about_relationship": talked or any(code in vocabulary.ABOUT_THE_RELATIONSHIP for code in chosen),
    }


# --- What they have in common ---------------------------------------------------------------------------


def check_open(session: TherapySession, user: User) -> None:
    check_own(user, session.episode.responsible_id)
    if not session.episode.is_open:
        raise EpisodeEnded


def fitting(type: str, markers: Sequence[str]) -> dict[str, Any]:
    """Type and markers that go together; where no type is given, the one that the markers make."""
    chosen = in_vocabulary("markers", vocabulary.MARKERS, markers)
    type = type or vocabulary.type_of(chosen)
    if odd := vocabulary.not_of_type(chosen, type):
        raise ValidationError({"markers": f"Choose “Both” as the type, or leave out: {', '.join(odd)}."})
    return {"type": type, "markers": chosen}


def in_vocabulary(field: str, terms: Iterable[vocabulary.Term], chosen: Collection[str]) -> list[str]:
    try:
        return vocabulary.in_order(terms, chosen)
    except ValueError:
        raise ValidationError({field: "Choose from the list."}) from None


def save_changed(row: Row, version: int, values: dict[str, Any], *, check: Any = None) -> list[str]:
    """Write what differs; the names of it. Raises StaleVersion when somebody saved the row after `version`."""
    names = changed_fields(row, values)
    for name in names:
        setattr(row, name, values[name])
    (check or type(row).check_values)(row)
    model = type(row)
    saved = model.objects.filter(pk=row.pk, version=version).update(
        version=F("version") + 1, **{name: values[name] for name in names}
    )
    if not saved:
        raise StaleVersion(model.objects.get(pk=row.pk))
    return names
