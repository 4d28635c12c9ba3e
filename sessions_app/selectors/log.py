"""The agreement log: everything agreed in an episode, by session."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from clients.models import Agreement, Episode
from clients.selectors import history_of

from ..models import GoalProgress, TaskOutcome, TherapySession
from .meetings import sessions_of


@dataclass(frozen=True)
class LogPart:
    """One session with what was agreed and told in it, or the days between two sessions."""

    place: int
    heading: str
    days: str
    session: TherapySession | None
    said: list[Agreement]
    outcomes: list[TaskOutcome]
    progress: list[GoalProgress]


def in_order(sessions: Iterable[TherapySession]) -> list[TherapySession]:
    """By day; an imported episode may count otherwise."""
    return sorted(sessions, key=lambda session: (session.held_on, session.number))


def agreement_log(episode: Episode, sessions: Iterable[TherapySession] | None = None) -> list[LogPart]:
    """Everything agreed in an episode by session, in order; parts in which nothing was are left out.

    `sessions` are all of the episode's, where the page has them already.
    """
    sessions = in_order(sessions_of(episode) if sessions is None else sessions)
    said = defaultdict(list)
    for agreement in history_of(episode):
        said[place_of(agreement.happened_on, sessions)].append(agreement)
    outcomes = defaultdict(list)
    for outcome in TaskOutcome.objects.filter(session__episode=episode).select_related("task"):
        outcomes[outcome.session_id].append(outcome)
    progress = defaultdict(list)
    for row in GoalProgress.objects.filter(session__episode=episode).select_related("goal", "scale"):
        progress[row.session_id].append(row)
    parts = []
    for place in range(2 * len(sessions) + 1):
        session = sessions[place // 2] if place % 2 else None
        told = (outcomes[session.pk], progress[session.pk]) if session else ([], [])
        if said[place] or any(told):
            parts.append(LogPart(place, heading_of(place, sessions), days_of(said[place]), session, said[place], *told))
    return parts


def place_of(day: date, sessions: Sequence[TherapySession]) -> int:
    """Odd for a session's own day, even for the days before it:  0 |1| 2 |3| 4 …"""
    on_the_day = [2 * index + 1 for index, session in enumerate(sessions) if session.held_on == day]
    return on_the_day[0] if on_the_day else 2 * sum(session.held_on < day for session in sessions)


def heading_of(place: int, sessions: Sequence[TherapySession]) -> str:
    before, after = sessions[: place // 2][-1:], sessions[place // 2 :][:1]
    if place % 2:
        return str(after[0])
    if before and after:
        return f"between {before[0]} and {after[0]}"
    return f"after {before[0]}" if before else f"before {after[0]}" if after else "no session yet"


def days_of(said: Sequence[Agreement]) -> str:
    days = sorted({agreement.happened_on for agreement in said})
    return " and ".join(f"{day:%-d %B %Y}" for day in dict.fromkeys((days[0], days[-1]))) if days else ""
