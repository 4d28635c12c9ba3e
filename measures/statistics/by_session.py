"""The mean of a service by session number, those who stayed apart from those who left alone, with how many are in it.

Later means are of those who are still there: they may rise while every client falls. So no mean without its n, none of
fewer than five clients, and beside the means how much clients change within themselves from session to session.
Intervals of the means are Student's (1908), Biometrika 6:1-25; `within_client` gives the change.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from measures.statistics import finite
from measures.statistics.expectation import quantile
from measures.statistics.minimum_n import SERVICE_N
from measures.statistics.within_client import WithinSlope, within_slope


@dataclass(frozen=True)
class Rated:
    """One client: the numbers of the rated sessions, their item means rescaled to 0..1, and whether they left alone."""

    sessions: Sequence[int]
    values: Sequence[float]
    left: bool


@dataclass(frozen=True)
class SessionMean:
    """The mean of one session number, rescaled, with its 95 % interval within 0..1, from `n` clients. With fewer than
    five all four are None and `reason` says from how many on it is shown."""

    session: int
    mean: float | None
    low: float | None
    high: float | None
    n: int | None
    reason: str | None


@dataclass(frozen=True)
class BySession:
    """`stayed` and `left` have the same sessions. `change` is the change per session within clients, rescaled, of all
    and of either group; None for fewer than ten clients."""

    stayed: tuple[SessionMean, ...]
    left: tuple[SessionMean, ...]
    change: WithinSlope | None
    change_stayed: WithinSlope | None
    change_left: WithinSlope | None


def by_session(clients: Sequence[Rated], *, last: int) -> BySession:
    """Means of sessions 1 to `last`. Raises ValueError for lengths that differ, a session twice, and values outside
    0..1."""
    for client in clients:
        if len(client.sessions) != len(client.values):
            raise ValueError("every session needs its value")
        if len(set(client.sessions)) < len(client.sessions):
            raise ValueError("there are two values for one session")
        if not all(0 <= value <= 1 for value in finite(client.values)):
            raise ValueError("rescaled scores must be between 0 and 1")
    stayed, left = [client for client in clients if not client.left], [client for client in clients if client.left]
    return BySession(_means(stayed, last), _means(left, last), _change(clients), _change(stayed), _change(left))


def _means(clients: Sequence[Rated], last: int) -> tuple[SessionMean, ...]:
    values: dict[int, list[float]] = {session: [] for session in range(1, last + 1)}
    for client in clients:
        for session, value in zip(client.sessions, client.values, strict=True):
            if session in values:
                values[session].append(value)
    return tuple(_mean(session, found) for session, found in values.items())


def _mean(session: int, values: Sequence[float]) -> SessionMean:
    n = len(values)
    if n < SERVICE_N["by_session"].n:
        return SessionMean(session, None, None, None, None, SERVICE_N["by_session"].reason)
    mean = fmean(values)
    reach = quantile(float(n - 1), 0.025) * stdev(values) / math.sqrt(n)
    return SessionMean(session, mean, max(0.0, mean - reach), min(1.0, mean + reach), n, None)


def _change(clients: Sequence[Rated]) -> WithinSlope | None:
    return within_slope([list(zip(client.sessions, client.values, strict=True)) for client in clients])
