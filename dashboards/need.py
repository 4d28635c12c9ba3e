"""Why an episode is worth talking about, in one fixed order. Need before name; people are never put in order.

    risk answer · possible rupture · open rupture, longest first · engagement · not seen · ratings missing · the rest

The order is the service's working order, ours, and no measure of anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

RISK, SIGNAL, RUPTURE, ENGAGEMENT, NOT_SEEN, MISSING = "risk", "signal", "rupture", "engagement", "not-seen", "missing"
KINDS = {
    RISK: "Risk answer",
    SIGNAL: "Possible rupture",
    RUPTURE: "Open rupture",
    ENGAGEMENT: "Engagement",
    NOT_SEEN: "Not seen",
    MISSING: "Ratings missing",
}
ORDER = tuple(KINDS)
# Of the latest sessions that took place: how many are looked at, and how many without a client's rating are told of.
LATEST, FEWEST_MISSING = 5, 2


class Standing(NamedTuple):
    """What decides where an episode stands in the list. Days are counted until the day it is read."""

    has_risk: bool = False
    new_signals: int = 0
    is_worth_a_look: bool = False
    # Since the session of the rupture that has been open for longest; None where none is.
    rupture_days: int | None = None
    session: int = 0
    has_objective: bool = False
    lacks_objective: bool = True
    # 0 where it is not longer than usual.
    days_not_seen: int = 0
    missing: int = 0


def weights(standing: Standing, *, of: int) -> dict[str, int]:
    """The kinds of reason there are, in their order, each with what puts it before others of its kind."""
    found = {}
    if standing.has_risk:
        found[RISK] = 0
    if standing.new_signals or (standing.is_worth_a_look and standing.rupture_days is None):
        found[SIGNAL] = 0
    if standing.rupture_days is not None:
        found[RUPTURE] = standing.rupture_days
    if standing.lacks_objective and is_told_of_the_gate(standing.session, of=of, is_looked_at=standing.has_objective):
        found[ENGAGEMENT] = 0
    if standing.days_not_seen:
        found[NOT_SEEN] = standing.days_not_seen
    if standing.missing >= FEWEST_MISSING:
        found[MISSING] = standing.missing
    return found


def place(found: Mapping[str, int], code: str) -> tuple[int, int, str]:
    """Where an episode stands in the list: by its first kind of reason, the weightier first, then by code."""
    for kind, weight in found.items():
        return (ORDER.index(kind), -weight, code)
    return (len(ORDER), 0, code)


def is_told_of_the_gate(session: int, *, of: int, is_looked_at: bool) -> bool:
    """At the gate and after it; long after it only where somebody has looked at an objective."""
    return session >= of and (session <= of + 1 or is_looked_at)


# --- In words -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reason:
    """`weight` puts reasons of one kind in order, the greater first: for a rupture the days it has been open."""

    kind: str
    words: str
    weight: int = 0


@dataclass(frozen=True)
class OpenRupture:
    name: str
    session: str
    days: int
    state: str
    is_suspected: bool = False


def of_risk() -> list[Reason]:
    return [Reason(RISK, "A risk answer waits to be acknowledged.")]


def of_signals(sentences: Sequence[str]) -> list[Reason]:
    return [Reason(SIGNAL, sentence) for sentence in sentences]


def of_ruptures(ruptures: Sequence[OpenRupture]) -> list[Reason]:
    longest_first = sorted(ruptures, key=lambda rupture: -rupture.days)
    return [
        Reason(
            RUPTURE,
            f"{rupture.name} in {rupture.session}, {rupture.state.lower()}: open {for_days(rupture.days)}.",
            rupture.days,
        )
        for rupture in longest_first
    ]


def of_engagement(sentence: str) -> list[Reason]:
    return [Reason(ENGAGEMENT, sentence)]


def of_absence(since: int, usual: str) -> list[Reason]:
    """`since` in days, `usual` how often the two meet, in words."""
    return [Reason(NOT_SEEN, f"Not seen for {days(since)}{', ' + usual if usual else ''}.", since)]


def of_missing(rated: Sequence[bool]) -> list[Reason]:
    """Whether the client has rated each of the sessions that asked for it, in their order."""
    latest = rated[-LATEST:]
    without = sum(not is_rated for is_rated in latest)
    if without < FEWEST_MISSING:
        return []
    of = f"the last {len(latest)} sessions" if len(latest) > without else "those"
    words = f"{without} of {of} without" if of != "those" else f"The last {without} sessions are without"
    return [Reason(MISSING, f"{words} a rating by the client.", without)]


def for_days(count: int) -> str:
    return days(count) if count else "since today"


def days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
