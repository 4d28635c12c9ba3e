"""Goal attainment scaling: Kiresuk & Sherman (1968), Community Ment Health J 4:443-453."""

import math
from collections.abc import Sequence

CORRELATION = 0.3  # assumed between goals, as in the paper
LEVELS = range(-2, 3)


def attainment_t(levels: Sequence[int], weights: Sequence[float] | None = None) -> float | None:
    """T = 50 + 10 · Σwx / √((1 − ρ) Σw² + ρ (Σw)²), ρ = .3; 50 is what was expected. None without a goal.

    `levels` are −2 to +2, one per goal whose five levels were written beforehand; `weights` their importance, all 1
    unless given. Raises ValueError for another level, a weight ≤ 0, or lengths that differ.
    """
    if any(level not in LEVELS for level in levels):
        raise ValueError("a level must be a whole number from -2 to 2")
    chosen = [1.0] * len(levels) if weights is None else [float(weight) for weight in weights]
    if len(chosen) != len(levels):
        raise ValueError("every goal needs its weight")
    if not all(math.isfinite(weight) and weight > 0 for weight in chosen):
        raise ValueError("a weight must be greater than 0")
    if not chosen:
        return None
    spread = (1 - CORRELATION) * sum(w * w for w in chosen) + CORRELATION * sum(chosen) ** 2
    return 50 + 10 * sum(w * x for w, x in zip(chosen, levels, strict=True)) / math.sqrt(spread)
