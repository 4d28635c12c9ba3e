"""How client and therapist see the same sessions: the gap between them, and whether they rise and fall together.

Both on item means rescaled to 0..1. Temporal congruence is the correlation of the two over the sessions of one pair,
one of the two accuracies of the truth and bias model (West & Kenny 2011, Psychol Rev 118:357-378); the gap is its
directional bias. A conversation starter, never a risk score.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from measures.statistics import finite
from measures.statistics.correlation import Correlation, correlation
from measures.statistics.expectation import quantile
from measures.statistics.minimum_n import MINIMUM_N

TAIL = 1 / 120


@dataclass(frozen=True)
class Congruence:
    """`gaps` are therapist minus client per session both rated, rescaled, so between −1 and 1; `mean_gap` their mean,
    `sd_gap` their sample SD, None for a single one. `temporal` is None below five such sessions or without spread."""

    gaps: tuple[float, ...]
    mean_gap: float
    sd_gap: float | None
    temporal: Correlation | None


def congruence(client: Sequence[float | None], therapist: Sequence[float | None]) -> Congruence | None:
    """Compare two series of rescaled scores, one entry per session, None where there is no rating.

    None where no session has both. Raises ValueError for lengths that differ and values outside 0..1.
    """
    if len(client) != len(therapist):
        raise ValueError("both need one entry per session")
    pairs = [(c, t) for c, t in zip(client, therapist, strict=True) if c is not None and t is not None]
    if not all(0 <= value <= 1 for pair in pairs for value in pair):
        raise ValueError("rescaled scores must be between 0 and 1")
    if not pairs:
        return None
    gaps = tuple(t - c for c, t in pairs)
    n = len(pairs)
    temporal = correlation(*zip(*pairs, strict=True)) if n >= MINIMUM_N["congruence"].n else None
    return Congruence(gaps, fmean(gaps), stdev(gaps) if n > 1 else None, temporal)


def usual_gap_limit(gaps: Sequence[float], *, tail: float = TAIL) -> float | None:
    """The largest gap to be expected of a pair's next session from its earlier `gaps`, in their unit.

    Upper end of the prediction interval of a normal sample, mean + t · SD · √(1 + 1/n); None below five gaps or where
    they are all equal. The tail, one in 120, is ours, the same as the default signal's.
    """
    earlier = finite(gaps)
    n = len(earlier)
    if n < MINIMUM_N["congruence"].n or min(earlier) == max(earlier):
        return None
    return fmean(earlier) + quantile(float(n - 1), tail) * stdev(earlier) * math.sqrt(1 + 1 / n)
