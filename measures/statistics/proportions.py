"""A share of a service with its 95 % interval, and how many sessions something takes that has not come back everywhere.

Wilson (1927), J Am Stat Assoc 22:209-212: it stays within 0 and 1, and says something where none or all are of the
kind. It takes what is counted to be independent, which ratings of one client are not: for display.

A share tells its count. Where people or ruptures are counted, show it only where `suppression` shows both parts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from measures.statistics.minimum_n import SERVICE_N
from measures.statistics.retention import retention

Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Proportion:
    """`share` of `n` with its 95 % interval `low`..`high`, from 0 to 1."""

    share: float
    low: float
    high: float
    n: int


def proportion(count: int, n: int) -> Proportion | None:
    """The share `count` is of `n`; None where `n` is under five (`SERVICE_N["proportion"].reason`).

    Raises ValueError for a count that is not between 0 and n.
    """
    if not 0 <= count <= n:
        raise ValueError("a count must be between 0 and n")
    if n < SERVICE_N["proportion"].n:
        return None
    share, z2 = count / n, Z * Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    # At none and at all the end is the share itself, but for the last bit.
    return Proportion(share, 0.0 if count == 0 else middle - reach, 1.0 if count == n else middle + reach, n)


@dataclass(frozen=True)
class ToReturn:
    """After how many sessions a quarter, half and three quarters of `n` ruptures were back; None where that many never
    were. `returned` of them have come back, `not_returned` not so far."""

    quarter: int | None
    median: int | None
    three_quarters: int | None
    n: int
    returned: int
    not_returned: int


def sessions_to_return(sessions: Sequence[int], returned: Sequence[bool]) -> ToReturn | None:
    """The median of the sessions until the rating was back, with its quartiles, by the estimate of `retention`.

    One entry per rupture: sessions from it to the return or, where there was none, to the last rating so far; that one
    is censored, not dropped, or the slow ones would count less. None for fewer than five ruptures
    (`SERVICE_N["to_return"].reason`). Raises ValueError as `retention` does.
    """
    found = retention(sessions, returned)
    if found is None:
        return None
    quarter, half, three_quarters = (found.quantile(gone) for gone in (0.25, 0.5, 0.75))
    return ToReturn(quarter, half, three_quarters, found.n, found.left, found.n - found.left)
