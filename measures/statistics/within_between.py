"""What lies within clients and what between them, and what this session's alliance says of the next one's outcome.

Clients who rate higher on the whole are another matter than one client's better sessions: Curran & Bauer (2011), Annu
Rev Psychol 62:583-619. Deviations from a client's own mean are biased in short series (Nickell 1981, Econometrica
49:1417-1426), so the lagged view is for display, not for inference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from measures.statistics import finite
from measures.statistics.correlation import Correlation, correlation
from measures.statistics.minimum_n import MINIMUM_N


@dataclass(frozen=True)
class Decomposition:
    """Variances in squared units of the score, and `share_between`, their intraclass correlation, without unit.

    From `n` scores of `clients` clients; `between` is 0 where clients' means differ less than chance would have it.
    """

    within: float
    between: float
    share_between: float | None
    clients: int
    n: int


def decompose(clients: Sequence[Sequence[float]]) -> Decomposition | None:
    """One-way random effects by analysis of variance, clients of unequal length allowed (Searle et al. 1992).

    One sequence of scores per client. None with fewer than two clients, or no client with two scores. Raises ValueError
    for a value that is not finite.
    """
    series = [values for values in map(finite, clients) if values]
    n, k = sum(map(len, series)), len(series)
    if k < 2 or n == k:
        return None
    means = [fmean(values) for values in series]
    grand = sum(map(sum, series)) / n
    within = sum((value - mean) ** 2 for values, mean in zip(series, means, strict=True) for value in values) / (n - k)
    of_means = sum(len(values) * (mean - grand) ** 2 for values, mean in zip(series, means, strict=True)) / (k - 1)
    usual_length = (n - sum(len(values) ** 2 for values in series) / n) / (k - 1)
    between = max(0.0, (of_means - within) / usual_length)
    total = within + between
    return Decomposition(within, between, between / total if total else None, k, n)


@dataclass(frozen=True)
class Course:
    """One client: session numbers, the alliance and the outcome of each session; None where there is no score."""

    sessions: Sequence[int]
    alliance: Sequence[float | None]
    outcome: Sequence[float | None]


def successive(course: Course) -> list[tuple[float, float]]:
    """The alliance of each session with the outcome of the very next, never across a skipped or unscored session."""
    rows = list(zip(course.sessions, course.alliance, course.outcome, strict=True))
    by_session = {session: outcome for session, _, outcome in rows}
    return [(a, o) for session, a, _ in rows if a is not None and (o := by_session.get(session + 1)) is not None]


def lag_one(courses: Sequence[Course]) -> Correlation | None:
    """Alliance in one session with the outcome of the very next, as deviations from each client's own means.

    Never across clients nor across a skipped or unscored session; a client counts with ten scored sessions or more. `n`
    of the result is pairs. None without enough of them. Raises ValueError for lengths that differ.
    """
    xs: list[float] = []
    ys: list[float] = []
    counted = 0
    for course in courses:
        rows = list(zip(course.sessions, course.alliance, course.outcome, strict=True))
        if sum(a is not None and o is not None for _, a, o in rows) < MINIMUM_N["lag_one"].n:
            continue
        pairs = successive(course)
        if len(pairs) < 2:
            continue
        counted += 1
        x_mean, y_mean = (fmean(side) for side in zip(*pairs, strict=True))
        xs += [a - x_mean for a, _ in pairs]
        ys += [o - y_mean for _, o in pairs]
    return correlation(xs, ys, estimated_means=counted) if counted else None
