"""An exponentially weighted moving average: slow erosion that no single session shows.

Roberts (1959), Technometrics 1:239-250; the exact SD of the first averages as in Lucas & Saccucci (1990), Technometrics
32:1-12. λ = .3 and L = 3 are our choice for series this short.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from measures.statistics import finite
from measures.statistics.control_chart import individuals
from measures.statistics.minimum_n import MINIMUM_N

WEIGHT = 0.3
REACH = 3.0


@dataclass(frozen=True)
class Ewma:
    """`averages` and the SD of each, `sds`, in units of the score; `below` and `above` are the indices (from 0) of the
    averages more than L of their SDs from `centre`."""

    centre: float
    averages: tuple[float, ...]
    sds: tuple[float, ...]
    below: tuple[int, ...]
    above: tuple[int, ...]


def averages(
    values: Sequence[float], *, centre: float, sd: float, weight: float = WEIGHT, reach: float = REACH
) -> Ewma:
    """z(t) = λ x(t) + (1 − λ) z(t−1) from z(0) = centre; its SD is sd · √(λ / (2 − λ) · (1 − (1 − λ)^2t)).

    `weight` is λ, `reach` is L. Raises ValueError for a value that is not finite, sd < 0, and λ outside 0 < λ ≤ 1.
    """
    series = finite(values)
    if not (math.isfinite(centre) and math.isfinite(sd) and sd >= 0):
        raise ValueError("the centre must be finite and the SD at least 0")
    if not 0 < weight <= 1:
        raise ValueError("the weight must be greater than 0 and at most 1")
    found, sds, average = [], [], centre
    for t, value in enumerate(series, start=1):
        average = weight * value + (1 - weight) * average
        found.append(average)
        sds.append(sd * math.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * t))))
    apart = [average - centre for average in found]
    return Ewma(
        centre,
        tuple(found),
        tuple(sds),
        tuple(i for i, (d, s) in enumerate(zip(apart, sds, strict=True)) if d < -reach * s),
        tuple(i for i, (d, s) in enumerate(zip(apart, sds, strict=True)) if d > reach * s),
    )


def ewma(values: Sequence[float], *, within_sd: float | None = None) -> Ewma | None:
    """The averages of a series in its order of sessions, or None below ten values or without any spread.

    Their centre is the mean of the frozen baseline, the first five values; `within_sd` is the client's usual SD as the
    service knows it, else that of the baseline's moving ranges.
    """
    series = finite(values)
    chart = individuals(series)
    if chart is None or len(series) < MINIMUM_N["ewma"].n:
        return None
    sd = chart.sigma if within_sd is None else within_sd
    if sd == 0:
        return None
    return averages(series, centre=chart.centre, sd=sd)
