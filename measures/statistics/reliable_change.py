"""Is a change larger than the measurement error of the instrument would explain?

Jacobson & Truax (1991), J Consult Clin Psychol 59:12-19, with the standard error of a difference as corrected by
Christensen & Mendoza (1986), Behavior Therapy 17:305-308.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

# The two-sided 95 % point of the normal distribution; the papers print it rounded, 1.96.
Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class ReliableChange:
    """`change` is latest minus first and `criterion` what its size must exceed, both in units of the score."""

    criterion: float
    change: float
    reliable: bool


def criterion(sd: float, reliability: float) -> float:
    """Size that a change must exceed, in the units of `sd`: 1.96 · √2 · sd · √(1 − reliability).

    `sd` is that of the scores in the service's own group, `reliability` that of the same scale in the same metric.
    Raises ValueError for sd ≤ 0 or a reliability outside 0 ≤ r < 1.
    """
    if not (math.isfinite(sd) and sd > 0):
        raise ValueError("the SD must be greater than 0")
    if not 0 <= reliability < 1:
        raise ValueError("the reliability must be at least 0 and less than 1")
    return Z * math.sqrt(2) * sd * math.sqrt(1 - reliability)


def reliable_change(first: float, latest: float, sd: float, reliability: float) -> ReliableChange:
    """Hold the change from first to latest against the criterion; equal to it is not yet reliable.

    Scores and `sd` share one metric. Raises ValueError as `criterion` does, and for a score that is not finite.
    """
    change = latest - first
    if not math.isfinite(change):
        raise ValueError("both scores must be finite numbers")
    limit = criterion(sd, reliability)
    return ReliableChange(criterion=limit, change=change, reliable=abs(change) > limit)
