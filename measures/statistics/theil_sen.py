"""A slope that one odd session does not move: the median of the slopes between all pairs of sessions.

Theil (1950), Proc. Koninklijke Nederlandse Akademie van Wetenschappen 53:386-392; interval after Sen (1968), J Am Stat
Assoc 63:1379-1389, with ties in both. Equal to scipy.stats.theilslopes, which a test holds it against and which is too
slow to load and to call for every series of a service.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median

from measures.statistics import finite
from measures.statistics.mann_kendall import s_variance
from measures.statistics.minimum_n import MINIMUM_N

Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Slope:
    """Change of the score per unit of x, with its 95 % interval `low`..`high`, from `n` points."""

    slope: float
    low: float
    high: float
    n: int


def theil_sen(x: Sequence[float], y: Sequence[float]) -> Slope | None:
    """The slope of y over x, or None for fewer than five points.

    `x` is a session number (or days since the first session), `y` the score. The interval is Sen's large-sample one:
    rough for short series. Raises ValueError when the lengths differ, a value is not finite, or every x is the same.
    """
    xs, ys = finite(x), finite(y)
    if len(xs) != len(ys):
        raise ValueError("x and y must have the same length")
    if len(xs) < MINIMUM_N["theil_sen"].n:
        return None
    if len(set(xs)) == 1:
        raise ValueError("every x is the same")
    points = list(zip(xs, ys, strict=True))
    slopes = [(y2 - y1) / (x2 - x1) for j, (x2, y2) in enumerate(points) for x1, y1 in points[:j] if x1 != x2]
    slopes.sort()
    # How many slopes may lie beyond the median's interval, by the normal approximation of Kendall's S.
    reach = Z * math.sqrt(max(0.0, s_variance(len(xs), _ties(xs) + _ties(ys))))
    upper = min(round((len(slopes) + reach) / 2), len(slopes) - 1)
    lower = max(round((len(slopes) - reach) / 2) - 1, 0)
    return Slope(slope=median(slopes), low=slopes[lower], high=slopes[upper], n=len(xs))


def _ties(values: Sequence[float]) -> tuple[int, ...]:
    return tuple(Counter(values).values())
