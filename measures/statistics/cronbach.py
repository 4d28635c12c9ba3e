"""Internal consistency of a scale: Cronbach (1951), Psychometrika 16:297-334."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import variance

from measures.statistics import finite


@dataclass(frozen=True)
class Alpha:
    """`alpha` has no unit and is at most 1; None, with a `reason`, where it is not defined."""

    alpha: float | None
    ratings: int
    items: int
    reason: str | None


def alpha(matrix: Sequence[Sequence[float]]) -> Alpha:
    """k / (k − 1) · (1 − sum of the items' variances / variance of the sums).

    `matrix` has one row per rating and one column per item, after reversal and without gaps; variances are sample
    variances (n − 1). Raises ValueError for rows of different lengths and values that are not finite.
    """
    rows = [finite(row) for row in matrix]
    items = len(rows[0]) if rows else 0
    if any(len(row) != items for row in rows):
        raise ValueError("every rating must answer the same items")
    if len(rows) < 2 or items < 2:
        return Alpha(None, len(rows), items, "needs at least two ratings of at least two items")
    of_sums = variance([sum(row) for row in rows])
    if of_sums == 0:
        return Alpha(None, len(rows), items, "every rating has the same sum")
    of_items = sum(variance(column) for column in zip(*rows, strict=True))
    return Alpha(items / (items - 1) * (1 - of_items / of_sums), len(rows), items, None)
