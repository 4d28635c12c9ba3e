"""Does a series rise or fall more often than chance would have it?

Mann (1945), Econometrica 13:245-259; Kendall (1938), Biometrika 30:81-93, for the exact distribution. The variance with
ties is Kendall's. Successive sessions of one client depend on each other, which this test ignores: its p is a guide.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from measures.statistics import finite
from measures.statistics.minimum_n import MINIMUM_N

EXACT_UP_TO = 10


@dataclass(frozen=True)
class MannKendall:
    """`s`: rising pairs minus falling pairs; `tau`: s over all pairs; `variance`: of s by chance, ties allowed for;
    `p`: two-sided; `method`: "exact" (every order of these values counted) or "normal" (approximation)."""

    s: int
    variance: float
    tau: float
    p: float
    n: int
    method: str


def mann_kendall(values: Sequence[float]) -> MannKendall | None:
    """Test a series in its order of sessions, or None for fewer than five values.

    Up to ten values the p is exact, also with ties; above ten it is the normal approximation with continuity
    correction. Raises ValueError for a value that is not finite.
    """
    series = finite(values)
    n = len(series)
    if n < MINIMUM_N["mann_kendall"].n:
        return None
    s = sum((later > earlier) - (later < earlier) for t, later in enumerate(series) for earlier in series[:t])
    ties = tuple(Counter(series).values())
    variance = s_variance(n, ties)
    exact = n <= EXACT_UP_TO
    p = exact_p(s, ties) if exact else normal_p(s, variance)
    return MannKendall(s, variance, s / math.comb(n, 2), p, n, "exact" if exact else "normal")


def s_variance(n: int, ties: Sequence[int]) -> float:
    """Variance of S by chance; `ties` are the sizes of the groups of equal values (1 for a value that is alone)."""
    return (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18


def normal_p(s: int, variance: float) -> float:
    """Two-sided p of S by the normal approximation, moved one towards 0 for continuity."""
    if s == 0 or variance == 0:
        return 1.0
    return min(1.0, 2 * NormalDist().cdf(-(abs(s) - 1) / math.sqrt(variance)))


def exact_p(s: int, ties: Sequence[int]) -> float:
    """Two-sided p of S: the share of the distinct orders of these values whose S is at least as far from 0.

    Putting the groups of equal values together one by one, the number of orders with k falling pairs is the
    coefficient of q^k in a product of Gaussian binomials (MacMahon 1916). S is (pairs that differ) minus 2k.
    """
    falls = [1]
    placed = 0
    for size in ties:
        placed += size
        falls = _times(falls, _gaussian_binomial(placed, size))
    pairs = len(falls) - 1
    extreme = sum(orders for k, orders in enumerate(falls) if abs(pairs - 2 * k) >= abs(s))
    return extreme / sum(falls)


def _gaussian_binomial(n: int, k: int) -> list[int]:
    """Coefficients of the Gaussian binomial, by [n, k] = [n−1, k−1] + q^k [n−1, k]."""
    if k in (0, n):
        return [1]
    low, high = _gaussian_binomial(n - 1, k - 1), _gaussian_binomial(n - 1, k)
    total = [0] * (k * (n - k) + 1)
    for power, coefficient in enumerate(low):
        total[power] += coefficient
    for power, coefficient in enumerate(high):
        total[power + k] += coefficient
    return total


def _times(a: Sequence[int], b: Sequence[int]) -> list[int]:
    product = [0] * (len(a) + len(b) - 1)
    for i, left in enumerate(a):
        for j, right in enumerate(b):
            product[i + j] += left * right
    return product
