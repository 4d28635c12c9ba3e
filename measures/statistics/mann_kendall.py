"""Does a series rise or fall more often than chance would have it?

Mann (1945), Econometrica 13:245-259; Kendall (1938), Biometrika 30:81-93, for the exact distribution. The variance with
ties is Kendall's. Successive sessions of one client depend on each other, which this test ignores: its p is a guide.
"""

import math
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

from measures.statistics import finite
from measures.statistics.minimum_n import MINIMUM_N

EXACT_UP_TO = 10


@dataclass(frozen=True)
class MannKendall:
    """`s`: rising pairs minus falling pairs; `tau`: s over all pairs; `variance`: of s by chance, ties allowed for;
    `p`: two-sided; `method`: "exact" (every order of the values counted) or "normal" (approximation)."""

    s: int
    variance: float
    tau: float
    p: float
    n: int
    method: str


def mann_kendall(values: Sequence[float]) -> MannKendall | None:
    """Test a series in its order of sessions, or None for fewer than five values.

    Up to ten values without ties the p is exact; with ties, and above ten, it is the normal approximation with
    continuity correction. Raises ValueError for a value that is not finite.
    """
    series = finite(values)
    n = len(series)
    if n < MINIMUM_N["mann_kendall"].n:
        return None
    s, earlier = 0, list[float]()
    for value in series:
        s += bisect_left(earlier, value) + bisect_right(earlier, value) - len(earlier)
        insort(earlier, value)
    ties = tuple(Counter(series).values())
    variance = s_variance(n, ties)
    exact = n <= EXACT_UP_TO and len(ties) == n
    p = exact_p(s, n) if exact else normal_p(s, variance)
    return MannKendall(s, variance, s / math.comb(n, 2), p, n, "exact" if exact else "normal")


def s_variance(n: int, ties: Sequence[int]) -> float:
    """Variance of S by chance; `ties` are the sizes of the groups of equal values (1 for a value that is alone)."""
    return (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18


def normal_p(s: int, variance: float) -> float:
    """Two-sided p of S by the normal approximation, moved one towards 0 for continuity."""
    if s == 0 or variance == 0:
        return 1.0
    return min(1.0, 2 * NormalDist().cdf(-(abs(s) - 1) / math.sqrt(variance)))


def exact_p(s: int, n: int) -> float:
    """Two-sided p of S for `n` different values: the share of their orders whose S is at least as far from 0.

    S is all pairs minus twice the falling ones.
    """
    orders = orders_by_falls(n)
    pairs = len(orders) - 1
    return sum(count for falls, count in enumerate(orders) if abs(pairs - 2 * falls) >= abs(s)) / math.factorial(n)


@cache
def orders_by_falls(n: int) -> tuple[int, ...]:
    """How many orders of `n` different values have 0, 1, 2 … falling pairs (MacMahon 1916): the n-th value put into an
    order of the others makes 0 to n − 1 of them."""
    if n == 0:
        return (1,)
    fewer = orders_by_falls(n - 1)
    return tuple(sum(fewer[max(0, falls - n + 1) : falls + 1]) for falls in range(len(fewer) + n - 1))
