"""Trends computed again with the signals that follow from them, and what a therapist says of a signal."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now

from accounts.access import check_own
from accounts.audit import record_event
from accounts.models import User
from jobs import actions as jobs
from jobs.models import Job
from measures.actions import COMPUTE_TRENDS, compute_trends, make_all_stale
from measures.models import EpisodeSeries
from measures.priors import Judgement
from sessions_app.actions import ask_for_summary
from sessions_app.models import TherapySession

from ..evidence import Evidence, of_falls, of_looks, preset_of
from ..lifecycle import DISMISSED, SUSPECTED
from ..models import Reason, Recompute, Rupture, Signal, State
from ..origins import dismiss_suspected, join_signals, note_strain, rupture_from
from ..states import ANSWERED, answerable, state_now
from .repair import add_attempt as add_attempt
from .repair import close_at_ending as close_at_ending
from .repair import note_rupture as note_rupture

RECOMPUTE_NEXT = "ruptures.recompute_next"
EPISODES_IN_A_STEP = 200
CORRECTED = "The rating behind it was corrected, and the session no longer stands out."
JUDGED_ANEW = "Judged again with what is usual and with the rule in force now, the session no longer stands out."


class AnsweredMeanwhile(ValidationError):
    """Somebody else has answered this signal, or what it rested on is gone."""


class OnRecord(ValidationError):
    """The signal has become a rupture, which is more than an answer to a signal."""


@transaction.atomic
def judge_episode(*, episode_id: uuid.UUID) -> None:
    """Recompute an episode's trends and bring its signals and ruptures in line. Doing it twice changes nothing.

    `compute_trends` lets workers on one episode take turns until the end of the transaction.
    """
    judgements = compute_trends(episode_id=episode_id)
    bring_signals_in_line(episode_id, judgements)
    join_signals(episode_id=episode_id)
    note_strain(episode_id=episode_id)


def bring_signals_in_line(episode_id: uuid.UUID, judgements: list[Judgement]) -> None:
    series = EpisodeSeries.objects.filter(episode_id=episode_id).first()
    if series is None:
        return
    preset = preset_of(series.organisation_id)
    noticed = of_falls(preset, episode_id) if preset else of_looks(judgements)
    known = {
        (signal.session_id, signal.instrument, signal.rule): signal
        for signal in Signal.objects.filter(session__episode_id=episode_id)
        .select_related("session")
        .select_for_update(of=("self",))
    }
    if not known and not noticed:
        return
    sessions = dict(TherapySession.objects.filter(episode_id=episode_id).values_list("number", "pk"))
    found = {
        (sessions[evidence.session], evidence.instrument, evidence.rule): evidence
        for evidence in noticed
        if evidence.session in sessions
    }
    for key, evidence in found.items():
        signal = known.get(key) or Signal(session_id=key[0], organisation_id=series.organisation_id)
        note_evidence(signal, evidence)
    for key, signal in known.items():
        if key not in found:
            withdraw_evidence(signal, judgements)


def note_evidence(signal: Signal, evidence: Evidence) -> None:
    """Store what was noticed; of an answered signal the numbers stay those that were answered."""
    if signal.state in ANSWERED:
        if signal.note:
            signal.note = ""
            signal.save(update_fields=["note"])
        return
    values = evidence.values | {
        "state": state_now(signal.state, has_evidence=True, later_sessions=evidence.later),
        "note": "",
    }
    for name, value in values.items():
        setattr(signal, name, value)
    if signal._state.adding:
        signal.save(force_insert=True)
    else:
        signal.save(update_fields=list(values))


def withdraw_evidence(signal: Signal, judgements: Iterable[Judgement]) -> None:
    """Take back a signal that nothing speaks for any more; an answered one stays, with the note."""
    note = JUDGED_ANEW if is_rated_as_it_was(signal, judgements) else CORRECTED
    state = state_now(signal.state, has_evidence=False, later_sessions=0)
    if signal.state != state or not signal.note:
        signal.state, signal.note = state, note
        signal.save(update_fields=["state", "note"])


def is_rated_as_it_was(signal: Signal, judgements: Iterable[Judgement]) -> bool:
    before = {(number.rater, number.scale): number.observed for number in signal.looks}
    return any(
        before.items() <= {key: single.observed for key, single in look.looks.items()}.items()
        for judgement in judgements
        if judgement.instrument == signal.instrument
        for look in judgement.looks
        if look.session == signal.session.number
    )


@transaction.atomic
def confirm_signal(*, signal: Signal, by: User) -> None:
    """Say that it was a rupture, which is then on record with this evidence. Raises AnsweredMeanwhile."""
    _answer(signal, State.CONFIRMED, reason="", by=by)
    belong_to(signal, rupture_from(signal, by=by))
    record_event("signal.confirmed", signal, by=by, **about(signal))


@transaction.atomic
def dismiss_signal(*, signal: Signal, reason: str, by: User) -> None:
    """Say that it was none, and why; a suspected rupture of the session goes with it.

    Raises AnsweredMeanwhile, OnRecord, and ValidationError without a reason.
    """
    if reason not in Reason.values:
        raise ValidationError({"reason": "Choose why this was no rupture."})
    _answer(signal, State.DISMISSED, reason=reason, by=by)
    if signal.rupture is not None and signal.rupture.state not in (SUSPECTED, DISMISSED):
        raise OnRecord("This is on record as a rupture. If it was none, say so on the rupture’s own page.")
    belong_to(signal, dismiss_suspected(signal, by=by))
    record_event("signal.dismissed", signal, by=by, **about(signal))


def _answer(signal: Signal, state: State, *, reason: str, by: User) -> None:
    check_own(by, signal.session.episode.responsible_id)
    answered = Signal.objects.filter(pk=signal.pk, state__in=answerable(state)).update(
        state=state, reason=reason, answered_at=Now(), answered_by=by
    )
    if not answered:
        raise AnsweredMeanwhile("This has been answered, or taken back, meanwhile. Look at how it stands now.")
    ask_for_summary(signal.session.episode)
    signal.refresh_from_db()


def belong_to(signal: Signal, rupture: Rupture | None) -> None:
    if rupture is not None and signal.rupture_id != rupture.pk:
        signal.rupture = rupture
        signal.save(update_fields=["rupture"])


def about(signal: Signal) -> dict[str, Any]:
    return {"organisation_id": signal.organisation_id, "client_id": signal.session.episode.client_id}


# --- All trends of an organisation ----------------------------------------------------------------------


@transaction.atomic
def start_recompute(*, organisation_id: uuid.UUID) -> Recompute:
    """Ask for every trend again, in steps; one that is under way begins anew, as something has changed since."""
    recompute, _is_new = Recompute.objects.select_for_update().get_or_create(
        organisation_id=organisation_id, finished_at=None, defaults={"total": 0}
    )
    recompute.total = EpisodeSeries.objects.filter(organisation_id=organisation_id).count()
    recompute.done, recompute.last_episode = 0, None
    recompute.save(update_fields=["total", "done", "last_episode"])
    jobs.request_job(task=RECOMPUTE_NEXT, object_id=recompute.pk, organisation_id=organisation_id)
    return recompute


@transaction.atomic
def recompute_next(*, recompute_id: uuid.UUID) -> None:
    """One step: mark the next episodes as updating and ask for their trends, each a job of its own.

    The next step waits behind them, and a rating that comes meanwhile behind one step, not behind all. No row is held
    longer than one episode takes; one that cannot be computed becomes a failed job.
    """
    recompute = Recompute.objects.select_for_update().filter(pk=recompute_id, finished_at=None).first()
    if recompute is None:
        return
    series = EpisodeSeries.objects.filter(organisation_id=recompute.organisation_id).order_by("episode_id")
    if recompute.last_episode:
        series = series.filter(episode_id__gt=recompute.last_episode)
    episode_ids = list(series.values_list("episode_id", flat=True)[:EPISODES_IN_A_STEP])
    if not episode_ids:
        Recompute.objects.filter(pk=recompute.pk).update(finished_at=Now())
        return
    make_all_stale(episode_ids, organisation_id=recompute.organisation_id)
    recompute.done += len(episode_ids)
    recompute.total = max(recompute.total, recompute.done)
    recompute.last_episode = episode_ids[-1]
    recompute.save(update_fields=["done", "total", "last_episode"])
    jobs.request_job(task=RECOMPUTE_NEXT, object_id=recompute.pk, organisation_id=recompute.organisation_id)


@transaction.atomic
def recompute_all(*, by: User) -> Recompute:
    """An administrator's wish to have every trend computed again."""
    recompute = start_recompute(organisation_id=by.organisation_id)
    record_event("trends.recompute-asked", recompute, organisation_id=by.organisation_id, by=by)
    return recompute


@transaction.atomic
def try_set_aside_again(*, by: User) -> int:
    """Ask again for the trends of every episode that was given up; returns how many there are."""
    aside = EpisodeSeries.objects.filter(organisation_id=by.organisation_id, computed_version__lt=F("input_version"))
    given_up = Job.objects.failed().filter(task=COMPUTE_TRENDS, object_id=OuterRef("episode_id"))
    aside = aside.filter(Exists(given_up.filter(failed_at__gt=OuterRef("changed_at"))))
    episode_ids = list(aside.values_list("episode_id", flat=True))
    make_all_stale(episode_ids, organisation_id=by.organisation_id)
    record_event("trends.tried-again", by.organisation, organisation_id=by.organisation_id, by=by)
    return len(episode_ids)
