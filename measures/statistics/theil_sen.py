"""A slope that one odd session does not move: the median of the slopes between all pairs of sessions.

Theil (1950), Proc. Koninklijke Nederlandse Akademie van Wetenschappen 53:386-392; interval after Sen (1968), J Am Stat
Assoc 63:1379-1389. Computed by scipy.stats.theilslopes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from measures.statistics import finite
from measures.statistics.minimum_n import MINIMUM_N


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
    # Imported where it is needed: it takes seconds, and the web server only shows what the worker computed.
    from scipy import stats  # type: ignore[import-untyped, unused-ignore]

    result = stats.theilslopes(ys, xs, alpha=0.95)
    return Slope(slope=float(result.slope), low=float(result.low_slope), high=float(result.high_slope), n=len(xs))
