"""A correlation of pairs with its 95 % interval: Fisher (1921), Metron 1:3-32."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from measures.statistics import finite

Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Correlation:
    """Pearson's `r` of `n` pairs with its 95 % interval `low`..`high`; no unit."""

    r: float
    low: float
    high: float
    n: int


def correlation(x: Sequence[float], y: Sequence[float], *, estimated_means: int = 1) -> Correlation | None:
    """Pearson's r, or None where it has no interval: too few pairs, or no spread on one side.

    `estimated_means` is how many means were taken off the pairs, more than one when clients are pooled. The interval is
    tanh(atanh r ± 1.96 / √(n − means − 2)) and takes the pairs to be independent, which sessions of one client are not:
    it is for display. Raises ValueError when the lengths differ or a value is not finite.
    """
    xs, ys = finite(x), finite(y)
    if len(xs) != len(ys):
        raise ValueError("x and y must have the same length")
    n = len(xs)
    if n - estimated_means - 2 < 1:
        return None
    x_mean, y_mean = math.fsum(xs) / n, math.fsum(ys) / n
    xx = math.fsum((a - x_mean) ** 2 for a in xs)
    yy = math.fsum((b - y_mean) ** 2 for b in ys)
    if xx == 0 or yy == 0:
        return None
    xy = math.fsum((a - x_mean) * (b - y_mean) for a, b in zip(xs, ys, strict=True))
    r = max(-1.0, min(1.0, xy / math.sqrt(xx) / math.sqrt(yy)))
    if abs(r) == 1:
        return Correlation(r, r, r, n)
    reach = Z / math.sqrt(n - estimated_means - 2)
    return Correlation(r, math.tanh(math.atanh(r) - reach), math.tanh(math.atanh(r) + reach), n)
