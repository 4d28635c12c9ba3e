"""A chart for individual values with a frozen baseline: which later sessions lie outside the usual?

Shewhart (1931); the moving range as the measure of spread after ISO 7870-2:2023, 6.5, with d2 = 1.128 for two
neighbouring values. The baseline is frozen because limits computed from data that contain a rupture hide it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from measures.statistics import finite
from measures.statistics.minimum_n import MINIMUM_N

D2 = 1.128  # expected range of two values from a normal distribution with SD 1


@dataclass(frozen=True)
class ControlChart:
    """Limits in units of the score: `centre` ± 3 `sigma`, from the first `baseline_n` values.

    `signals` are the indices (from 0) of the values outside the limits. It is None where nothing was judged: fewer
    than ten values, or a baseline without any spread.
    """

    centre: float
    sigma: float
    lower: float
    upper: float
    baseline_n: int
    signals: tuple[int, ...] | None


def individuals(
    values: Sequence[float], baseline_n: int = MINIMUM_N["baseline"].n, *, step: float = 0.0
) -> ControlChart | None:
    """Chart a series in its order of sessions, or None when it is shorter than its baseline.

    `step` is the smallest difference two scores of the scale can have. A mean moving range below it is counted as one
    step (our rule): equal ratings do not mean that the next one must be equal, and a fall from them must show.

    Raises ValueError for a baseline of fewer than five values and for a value that is not finite.
    """
    if baseline_n < MINIMUM_N["baseline"].n:
        raise ValueError(f"a baseline needs at least {MINIMUM_N['baseline'].n} values")
    series = finite(values)
    if len(series) < baseline_n:
        return None
    baseline = series[:baseline_n]
    centre = fmean(baseline)
    sigma = max(step, fmean(abs(later - earlier) for earlier, later in pairwise(baseline))) / D2
    lower, upper = centre - 3 * sigma, centre + 3 * sigma
    judged = len(series) >= MINIMUM_N["control_chart"].n and sigma > 0
    signals = tuple(i for i, value in enumerate(series) if not lower <= value <= upper) if judged else None
    return ControlChart(centre, sigma, lower, upper, baseline_n, signals)
