"""A small series as points of an SVG: numbers in, coordinates out. Nothing is drawn where there is no value."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, EDGE = 120, 28, 4


@dataclass(frozen=True)
class Sparkline:
    """`lines` are runs of neighbouring values as the `points` of a polyline; `dots` are single ones, and the last."""

    lines: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]


def sparkline(values: Sequence[float | None], *, low: float, high: float) -> Sparkline:
    """One place from left to right per value, `low` at the bottom and `high` at the top of 120 by 28."""
    step = (WIDTH - 2 * EDGE) / max(len(values) - 1, 1)
    runs: list[list[tuple[float, float]]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            part = (value - low) / (high - low)
            runs[-1].append((round(EDGE + place * step, 1), round(HEIGHT - EDGE - part * (HEIGHT - 2 * EDGE), 1)))
    drawn = [run for run in runs if run]
    return Sparkline(
        lines=tuple(" ".join(f"{x:g},{y:g}" for x, y in run) for run in drawn if len(run) > 1),
        dots=tuple(dict.fromkeys([run[0] for run in drawn if len(run) == 1] + [run[-1] for run in drawn[-1:]])),
    )
