"""How ruptures come on record and move, with what points to them: signals, and the client's strain check.

Everything here joins the transaction of an action or of a judgement.
"""

import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from accounts.audit import record_event
from accounts.models import User
from measures.actions import locked_session
from measures.models import Rater, Rating, Score
from sessions_app.actions import ask_for_summary
from sessions_app.models import TOOK_PLACE, TherapySession

from . import lifecycle
from .lifecycle import CONFIRMED, DISMISSED, IN_REPAIR, RESOLVED, SUSPECTED
from .models import CORRECTED, Rupture, Signal, State
from .states import EXPIRES_AFTER, answerable

STRAIN_CHECK = "strain-check"
TENSION = "tension"
UNANSWERED = (State.NEW, State.EXPIRED)
Answers = dict[str, float]


class ChangedMeanwhile(ValidationError):
    """The rupture is no longer in the state from which this change was meant."""

    def __init__(self) -> None:
        super().__init__("This rupture stands differently meanwhile. Look at how it stands now.")


def new_rupture(session: TherapySession, *, by: User, **values: Any) -> Rupture:
    rupture = Rupture(
        organisation_id=session.organisation_id,
        session=session,
        state=CONFIRMED,
        confirmed_at=timezone.now(),
        confirmed_by=by,
        created_by=by,
        **values,
    )
    rupture.check_values()
    rupture.save(force_insert=True)
    return rupture


def move(rupture: Rupture, to: str, *, reason: str = "", by: User | None) -> None:
    """Into another state, unless somebody has moved it meanwhile; the caller has asked the table."""
    values: dict[str, Any] = {"state": to, "reason": reason, "closed_at": None, "closed_by": None}
    if to in lifecycle.CLOSED:
        values |= {"closed_at": timezone.now(), "closed_by": by}
    if to in (CONFIRMED, IN_REPAIR, RESOLVED) and rupture.confirmed_at is None:
        values |= {"confirmed_at": timezone.now(), "confirmed_by": by}
    if not Rupture.objects.filter(pk=rupture.pk, state=rupture.state).update(**values):
        raise ChangedMeanwhile
    ask_for_summary(rupture.session.episode)
    for name, value in values.items():
        setattr(rupture, name, value)


def about(rupture: Rupture) -> dict[str, Any]:
    return {"organisation_id": rupture.organisation_id, "client_id": rupture.session.episode.client_id}


# --- Signals: what is said of a rupture is said of them ------------------------------------------------


def its_signals(rupture: Rupture) -> QuerySet[Signal]:
    """The signals of a rupture, and what nobody has answered of its session."""
    return Signal.objects.filter(Q(rupture=rupture) | Q(session=rupture.session_id, state__in=UNANSWERED))


def answer_signals(signals: QuerySet[Signal], rupture: Rupture, answer: State, *, by: User) -> None:
    for signal in signals.filter(state__in=answerable(answer)):
        signal.rupture, signal.state, signal.reason = rupture, answer, rupture.reason
        signal.answered_at, signal.answered_by = timezone.now(), by
        signal.save(update_fields=["rupture", "state", "reason", "answered_at", "answered_by"])
        fill_in_component(rupture, signal)
        ask_for_summary(rupture.session.episode)
        record_event(f"signal.{answer}", signal, by=by, **about(rupture))


def fill_in_component(rupture: Rupture, signal: Signal) -> None:
    """The component of a signal is that of its rupture, where nobody has said another; a page that was opened before
    is out of date then."""
    if not rupture.component and signal.component:
        rupture.component = signal.component
        Rupture.objects.filter(pk=rupture.pk).update(component=signal.component, version=F("version") + 1)


def rupture_from(signal: Signal, *, by: User) -> Rupture:
    """The rupture that a signal is of, now that its therapist says it was one.

    The one it was of before, else one of the session that stands, else a new one with the signal's evidence.
    """
    session = locked_session(signal.session_id)
    rupture = signal.rupture or standing_rupture(session)
    if rupture is None:
        rupture = new_rupture(session, component=signal.component, noticed_by="score", by=by)
        record_event("rupture.noted", rupture, by=by, **about(rupture))
        return rupture
    fill_in_component(rupture, signal)
    if lifecycle.may(rupture.state, CONFIRMED, lifecycle.THERAPIST):
        move(rupture, CONFIRMED, by=by)
        record_event(f"rupture.{CONFIRMED}", rupture, by=by, **about(rupture))
    return rupture


def dismiss_suspected(signal: Signal, *, by: User) -> Rupture | None:
    """The suspected rupture of a signal's session, which is dismissed with it and for the same reason."""
    rupture = Rupture.objects.filter(session=locked_session(signal.session_id), state=SUSPECTED).first()
    if rupture is not None:
        move(rupture, DISMISSED, reason=signal.reason, by=by)
        record_event(f"rupture.{DISMISSED}", rupture, by=by, **about(rupture))
    return rupture


def join_signals(*, episode_id: uuid.UUID) -> None:
    """A signal of a session whose rupture the therapist has noted before it came: that answers it.

    Doing it twice changes nothing.
    """
    waiting = Signal.objects.filter(session__episode_id=episode_id, state__in=UNANSWERED)
    noted = Rupture.objects.filter(session__in=waiting.values("session_id"), confirmed_by__isnull=False)
    for rupture in noted.exclude(state=DISMISSED).select_related("session__episode", "confirmed_by"):
        assert rupture.confirmed_by is not None
        answer_signals(waiting.filter(session=rupture.session_id), rupture, State.CONFIRMED, by=rupture.confirmed_by)


# --- The client's strain check --------------------------------------------------------------------------


def note_strain(*, episode_id: uuid.UUID) -> None:
    """Bring ruptures in line with the client's strain checks. Doing it twice changes nothing.

    A judgement does it and not the transaction of the rating: a check that waits for the therapist's own rating must
    not be told by a rupture, and whatever ends the waiting asks for a judgement.
    """
    checks = strain_checks(episode_id)
    known = {
        rupture.session_id: rupture
        for rupture in Rupture.objects.filter(session__episode_id=episode_id, strain__isnull=False)
        .select_related("session__episode")
        .select_for_update(of=("self",))
    }
    for session_id, rupture in known.items():
        follow_strain(rupture, checks.get(session_id, {}))
    tense = [session_id for session_id, answers in checks.items() if answers.get(TENSION) and session_id not in known]
    if tense:
        for session_id in {*tense} & {*sessions_to_ask_about(episode_id)}:
            suspect(session_id, checks[session_id])


def strain_checks(episode_id: uuid.UUID) -> dict[uuid.UUID, Answers]:
    """What the client's strain checks say, by session; those that may not be seen yet are left out."""
    current = Rating.objects.current().filter(
        session__episode_id=episode_id, instrument=STRAIN_CHECK, rater=Rater.CLIENT
    )
    scores = Score.objects.filter(rating__in=current).exclude(rating__in=current.sealed().values("pk"))
    found: dict[uuid.UUID, Answers] = {}
    for session_id, scale, mean in scores.values_list("rating__session_id", "scale", "mean"):
        if mean is not None:
            found.setdefault(session_id, {})[scale] = mean
    return found


def sessions_to_ask_about(episode_id: uuid.UUID) -> list[uuid.UUID]:
    """The latest sessions of an open episode; about an older one nobody is asked any more, as with signals."""
    took_place = TherapySession.objects.filter(episode_id=episode_id, episode__ended_on=None, attendance__in=TOOK_PLACE)
    return list(took_place.order_by("-number").values_list("pk", flat=True)[:EXPIRES_AFTER])


def suspect(session_id: uuid.UUID, answers: Answers) -> None:
    """A suspected rupture; where one of the session stands already, the check is evidence of that one."""
    session = locked_session(session_id)
    rupture = standing_rupture(session)
    if rupture is not None:
        rupture.strain = answers
        rupture.save(update_fields=["strain"])
        return
    rupture = Rupture(
        organisation_id=session.organisation_id, session=session, noticed_by="client", strain=answers, state=SUSPECTED
    )
    rupture.save(force_insert=True)
    record_event("rupture.suspected", rupture, by=None, **about(rupture))


def follow_strain(rupture: Rupture, answers: Answers) -> None:
    """A correction changes only what no person has answered."""
    is_ours = rupture.state == SUSPECTED or rupture.reason == CORRECTED
    if not is_ours:
        return
    to = SUSPECTED if answers.get(TENSION) else DISMISSED
    if to == SUSPECTED and rupture.strain != answers:
        rupture.strain = answers
        rupture.save(update_fields=["strain"])
    if to != rupture.state:
        move(rupture, to, reason=CORRECTED if to == DISMISSED else "", by=None)
        record_event(f"rupture.{to}", rupture, by=None, **about(rupture))


def standing_rupture(session: TherapySession) -> Rupture | None:
    return Rupture.objects.filter(session=session).exclude(state=DISMISSED).first()
