"""What a summary of an episode holds, from its sessions, ratings and trends."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from clients.models import Episode
from measures.instruments import Instrument
from measures.models import Rater, Rating, Trend
from measures.schedule import STILL_DUE, owed
from measures.selectors import alliance_of, waiting_ratings
from ruptures.models import Signal
from ruptures.selectors import standing_signals
from sessions_app.models import TOOK_PLACE, Phase, TherapySession
from sessions_app.rhythm import usual_gap

from ..models import EpisodeSummary
from ..need import LATEST
from ..sentences import CHANGE_N, change_in_words
from .episode import noticed_of, scale_trends, stands, value_range

SWEPT = 2_000


class Meeting(NamedTuple):
    """What is asked of every session; to load all of each would be most of the time."""

    pk: uuid.UUID
    number: int
    held_on: date
    attendance: str
    phase: str


# The version of the trends that are there now.
SERIES_NOW = Coalesce(F("episode__series__computed_version"), 0)


def versions_of(episode_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, tuple[int, int]]:
    """By episode the versions of its sessions and of its trends."""
    found = EpisodeSummary.objects.filter(episode__in=episode_ids)
    return {
        episode: (sessions, series)
        for episode, sessions, series in found.values_list("episode_id", "input_version", SERIES_NOW)
    }


def stale_summaries(organisation_id: uuid.UUID) -> list[uuid.UUID]:
    """Open episodes whose summary is older than their sessions or trends, as many as one run takes."""
    of_open = EpisodeSummary.objects.filter(organisation_id=organisation_id, episode__ended_on=None)
    older = Q(computed_version__lt=F("input_version")) | ~Q(series_version=SERIES_NOW)
    return list(of_open.filter(older).values_list("episode_id", flat=True)[:SWEPT])


def summaries_of(episodes: Sequence[Episode]) -> dict[uuid.UUID, dict[str, Any]]:
    """The values of each episode's summary, in ten queries however many there are."""
    meetings = meetings_of(episodes)
    asked = ratings_asked(episodes, meetings)
    ids = [episode.pk for episode in episodes]
    alliance, waiting, signals = alliance_of(ids), waiting_ratings(ids), standing_signals(ids)
    return {
        episode.pk: of_meetings(meetings[episode.pk])
        | {"asked": asked[episode.pk]}
        | of_trends(*alliance[episode.pk], signals[episode.pk], waiting=waiting[episode.pk])
        for episode in episodes
    }


def meetings_of(episodes: Sequence[Episode]) -> dict[uuid.UUID, list[Meeting]]:
    found: dict[uuid.UUID, list[Meeting]] = defaultdict(list)
    planned = TherapySession.objects.filter(episode__in=episodes).order_by("number")
    for episode_id, *values in planned.values_list("episode_id", *Meeting._fields):
        found[episode_id].append(Meeting(*values))
    return found


def of_meetings(meetings: Sequence[Meeting]) -> dict[str, Any]:
    days = [meeting.held_on for meeting in meetings]
    return {
        "session_count": len(meetings),
        "session_number": max((one.number for one in meetings if one.phase == Phase.THERAPY), default=0),
        "last_planned_on": max(days, default=None),
        "last_seen_on": max((one.held_on for one in meetings if one.attendance in TOOK_PLACE), default=None),
        "usual_gap": usual_gap(days),
    }


def ratings_asked(
    episodes: Sequence[Episode], meetings: Mapping[uuid.UUID, Sequence[Meeting]]
) -> dict[uuid.UUID, list[tuple[str, bool | None]]]:
    """By episode the days of its latest sessions that took place, and whether there is anything by the client of what
    they asked for; None where they asked for nothing.

    As many as are looked at, and all those whose ratings may still be on their way.
    """
    settled = timezone.localdate() - STILL_DUE
    latest = []
    for held in meetings.values():
        took_place = [one for one in held if one.attendance in TOOK_PLACE]
        latest += [one.pk for one in took_place if one.held_on < settled][-LATEST:]
        latest += [one.pk for one in took_place if one.held_on >= settled]
    by_id = {episode.pk: episode for episode in episodes}
    sessions = list(TherapySession.objects.filter(pk__in=latest).defer("note").order_by("number"))
    for session in sessions:
        session.episode = by_id[session.episode_id]
    entries = owed(sessions)
    rated = Rating.objects.current().filter(rater=Rater.CLIENT, session__in=latest)
    given = set(rated.values_list("session_id", "instrument"))
    found: dict[uuid.UUID, list[tuple[str, bool | None]]] = defaultdict(list)
    for session in sessions:
        instruments = [entry.instrument for entry in entries[session.pk] if entry.rater == Rater.CLIENT]
        is_rated = any((session.pk, instrument) in given for instrument in instruments) if instruments else None
        found[session.episode_id].append((session.held_on.isoformat(), is_rated))
    return found


def of_trends(
    instrument: Instrument, trends: Mapping[str, Trend], signals: Sequence[Signal], *, waiting: int
) -> dict[str, Any]:
    low, high = value_range(instrument)
    told = scale_trends(trends, (low, high))
    # In the row its headline alone, which calls nobody by a code or a name.
    of_itself = change_in_words(told, client="the client")
    standing = [noticed_of(one) for one in signals if stands(one, instrument.code) and not is_settled(one)]
    change = change_in_words(told, client="the client", waiting=waiting, noticed=standing)
    scale = change.scale or "bond"
    values = {
        "worth_a_look": of_itself.headline if of_itself.tone == "attention" else "",
        "bond": None,
        "bond_change": None,
        "shown": {
            "instrument": instrument.code,
            "latest": [trend.latest for trend in told],
            "scale": scale,
            "points": [value for _, value in trends[scale].points] if scale in trends else [],
            "headline": change.headline,
        },
    }
    bond = trends.get("bond")
    if bond is None or bond.n < CHANGE_N or bond.latest is None or bond.change is None:
        return values
    per_unit = 10 / (high - low)
    return values | {"bond": (bond.latest - low) * per_unit, "bond_change": bond.change * per_unit}


def is_settled(signal: Signal) -> bool:
    return signal.rupture is not None and not signal.rupture.is_open
