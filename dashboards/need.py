"""Why an episode is worth talking about, in one fixed order. Need before name; people are never put in order.

    risk answer · possible rupture · open rupture, longest first · engagement · not seen · ratings missing · the rest

The order is the service's working order, ours, and no measure of anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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


def of_risk(has_risk: bool) -> list[Reason]:
    return [Reason(RISK, "A risk answer waits to be acknowledged.")] if has_risk else []


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


def of_engagement(sentence: str, *, session: int, of: int, is_looked_at: bool, is_missing: bool) -> list[Reason]:
    """At the gate and after it, while an objective is missing; long after it only where somebody has looked at one."""
    is_at_gate = session in (of, of + 1)
    is_told = is_missing and session >= of and (is_at_gate or is_looked_at)
    return [Reason(ENGAGEMENT, sentence)] if is_told else []


def of_absence(since: int, usual: str) -> list[Reason]:
    """`since` in days, `usual` how often the two meet, in words; 0 where it is not longer than usual."""
    return [Reason(NOT_SEEN, f"Not seen for {days(since)}{', ' + usual if usual else ''}.", since)] if since else []


def of_missing(rated: Sequence[bool]) -> list[Reason]:
    """Whether the client has rated each of the sessions that asked for it, in their order."""
    latest = rated[-LATEST:]
    without = sum(not is_rated for is_rated in latest)
    if without < FEWEST_MISSING:
        return []
    of = f"the last {len(latest)} sessions" if len(latest) > without else "those"
    words = f"{without} of {of} without" if of != "those" else f"The last {without} sessions are without"
    return [Reason(MISSING, f"{words} a rating by the client.", without)]


def place(reasons: Sequence[Reason], code: str) -> tuple[int, int, str]:
    """Where an episode stands in the list: by its first kind of reason, the weightier first, then by code."""
    if not reasons:
        return (len(ORDER), 0, code)
    first = min(reasons, key=lambda reason: ORDER.index(reason.kind))
    return (ORDER.index(first.kind), -first.weight, code)


def for_days(count: int) -> str:
    return days(count) if count else "since today"


def days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
