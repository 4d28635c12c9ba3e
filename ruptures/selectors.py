"""Signals as pages show them. What is not yours to see is not among them."""

import uuid
from collections import defaultdict
from collections.abc import Iterable

from django.db.models import QuerySet

from accounts.models import User
from clients.models import Episode

from .models import Signal, State

SHOWN = 20


def signals(user: User) -> QuerySet[Signal]:
    return Signal.objects.visible_to(user).select_related("session__episode__client", "answered_by")


def signal_of(user: User, signal_id: uuid.UUID) -> Signal | None:
    return signals(user).filter(pk=signal_id).first()


def new_signals(user: User) -> list[Signal]:
    """Signals of a therapist's own open episodes that nobody has answered, the latest session first."""
    own = signals(user).filter(state=State.NEW, session__episode__therapist=user, session__episode__ended_on=None)
    return list(own.order_by("-session__held_on", "-session__number")[:SHOWN])


def signals_of(episode: Episode) -> list[Signal]:
    """An episode's signals, the latest session first; those that were taken back only if somebody had answered."""
    found = Signal.objects.filter(session__episode=episode).exclude(state=State.WITHDRAWN)
    return list(found.select_related("session", "answered_by").order_by("-session__number"))


def standing_signals(episodes: Iterable[Episode]) -> dict[uuid.UUID, list[Signal]]:
    """By episode the signals that were neither dismissed nor taken back, in one query."""
    found = Signal.objects.filter(session__episode__in=episodes).exclude(state__in=(State.DISMISSED, State.WITHDRAWN))
    by_episode: dict[uuid.UUID, list[Signal]] = defaultdict(list)
    for signal in found.select_related("session"):
        by_episode[signal.session.episode_id].append(signal)
    return by_episode
