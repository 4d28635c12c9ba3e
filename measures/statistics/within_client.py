"""How one thing goes with another within the same client, pooled over the clients of a service.

The slope of a regression with an intercept for every client (fixed effects, the "within" estimator): what clients
differ in on the whole cannot enter it. Its 95 % interval allows the errors of one client to be correlated and of any
size: the clustered sandwich, times clients / (clients − 1), with Student's t on clients − 1 degrees of freedom; Cameron
& Miller (2015), J Hum Resour 50:317-372. With few clients it is still too narrow.

For display, not for inference: deviations from a client's own mean contain the later sessions too, so where an outcome
feeds back into the next alliance the slope is biased, by about 1 over the number of sessions: Nickell (1981),
Econometrica 49:1417-1426. It says which goes with which, not which leads.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from measures.statistics import finite
from measures.statistics.expectation import quantile
from measures.statistics.minimum_n import SERVICE_N
from measures.statistics.within_between import Course, successive

Pairs = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class WithinSlope:
    """Units of y per unit of x, with its 95 % interval `low`..`high`, from `n` pairs of `clients` clients."""

    slope: float
    low: float
    high: float
    clients: int
    n: int


def within_slope(clients: Sequence[Pairs]) -> WithinSlope | None:
    """The slope of y on x within clients, from each client's pairs (x, y).

    A client counts whose x differ. None for fewer than ten such clients (`SERVICE_N["within_client"].reason`). Raises
    ValueError for a value that is not finite.
    """
    deviations = []
    for pairs in clients:
        xs, ys = finite([x for x, _ in pairs]), finite([y for _, y in pairs])
        if len(set(xs)) > 1:
            x_mean, y_mean = fmean(xs), fmean(ys)
            deviations.append([(x - x_mean, y - y_mean) for x, y in zip(xs, ys, strict=True)])
    count = len(deviations)
    if count < SERVICE_N["within_client"].n:
        return None
    spread = math.fsum(x * x for pairs in deviations for x, _ in pairs)
    slope = math.fsum(x * y for pairs in deviations for x, y in pairs) / spread
    scores = [math.fsum(x * (y - slope * x) for x, y in pairs) for pairs in deviations]
    error = math.sqrt(count / (count - 1) * math.fsum(score * score for score in scores)) / spread
    reach = quantile(float(count - 1), 0.025) * error
    return WithinSlope(slope, slope - reach, slope + reach, count, sum(map(len, deviations)))


def lagged_slope(courses: Sequence[Course]) -> WithinSlope | None:
    """How much the outcome of the next session differs with the alliance of this one, within clients; lag one.

    Of each course the pairs of successive sessions, never over a skipped or unscored one. `n` of the result is pairs.
    Call it for one component at a time.
    """
    return within_slope([successive(course) for course in courses])
