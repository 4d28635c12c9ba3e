"""What the episode page shows beside the ratings: goals, tasks, the engagement phase and the core conditions.

Two queries, or none where nothing was agreed, however long the episode is; sessions and series are those of the page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sessions_app.selectors import agreements, engagement_state, strains_among
from sessions_app.selectors.agreements import Agreements, PossibleStrain
from sessions_app.selectors.engagement import EngagementState, challenge_in

from ..figures import Engagement
from ..sparkline import Sparkline, sparkline
from .episode import EpisodeState, by_session, value_range

CONDITIONS = (("congruence", "Congruence"), ("regard", "Regard"), ("empathy", "Empathy"))


@dataclass(frozen=True)
class SmallSeries:
    """One line of the small chart, with its numbers by session."""

    name: str
    role: str
    values: Sequence[float | None]
    drawn: Sparkline

    @property
    def latest(self) -> float | None:
        return next((value for value in reversed(self.values) if value is not None), None)


@dataclass(frozen=True)
class Agreed:
    now: Agreements
    strains: list[PossibleStrain]
    phase: EngagementState
    sessions: list[str]
    conditions: list[SmallSeries]

    @property
    def rows(self) -> list[tuple[str, list[float | None]]]:
        """The numbers of the small chart by session, those left out in which only the bond was rated."""
        columns = zip(*(series.values for series in self.conditions), strict=True)
        rows = [(name, list(row)) for name, row in zip(self.sessions, columns, strict=True)]
        return [(name, row) for name, row in reversed(rows) if any(value is not None for value in row[1:])]


def agreed_of(state: EpisodeState, *, engagement_sessions: int) -> Agreed:
    now = agreements(state.episode) if state.beside.has_agreements else Agreements([], [])
    return Agreed(
        now=now,
        strains=strains_among(now.tasks, state.sessions),
        phase=engagement_state(state.sessions, state.beside.levels, of=engagement_sessions),
        sessions=[session.name for session in state.sessions],
        conditions=conditions_beside_bond(state, state.beside.conditions),
    )


def phase_of(state: EpisodeState, *, engagement_sessions: int) -> Engagement:
    """The engagement phase as the chart shows it, from the sessions of the page."""
    challenge = next((found for session in state.sessions if (found := challenge_in(session))), None)
    return Engagement(engagement_sessions, challenge.session.number if challenge else None)


def conditions_beside_bond(state: EpisodeState, rated: Mapping[int, Mapping[str, int | None]]) -> list[SmallSeries]:
    """The client's bond, then the three conditions as the therapist rates them; nothing where they never were."""
    if not rated:
        return []
    numbers = [session.number for session in state.sessions]
    bond = by_session(state.series, (state.alliance.code, "client", "bond"))
    low, high = value_range(state.alliance)
    found = [small("Bond", "bond", [bond.get(number) for number in numbers], low, high)]
    for field, name in CONDITIONS:
        values = [rated.get(number, {}).get(field) for number in numbers]
        found.append(small(name, "outcome", values, 0, 10))
    return found


def small(name: str, role: str, values: Sequence[float | None], low: float, high: float) -> SmallSeries:
    return SmallSeries(name, role, values, sparkline(values, low=low, high=high))
