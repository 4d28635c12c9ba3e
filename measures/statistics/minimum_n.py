"""How many scored sessions each method needs before it says anything; docs/measures.md prints this table."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Minimum:
    """Smallest number of scored sessions for a method, and where that number comes from."""

    method: str
    n: int
    source: str


MINIMUM_N: Mapping[str, Minimum] = MappingProxyType(
    {
        "value": Minimum("a score and its sub-scales", 1, "nothing to estimate"),
        "change": Minimum("change from one score to another", 2, "a difference needs two"),
        "reliable_change": Minimum(
            "change held against the reliable change",
            3,
            "our rule; the formula itself needs two scores (Jacobson & Truax 1991)",
        ),
        "baseline": Minimum(
            "baseline, its band, and the frozen control limits",
            5,
            "our rule: the baseline is the first five scored sessions; no published value for series this short",
        ),
        "theil_sen": Minimum(
            "Theil–Sen slope with its interval",
            5,
            "the interval inverts Kendall's test (Sen 1968), so it needs as many as that",
        ),
        "mann_kendall": Minimum(
            "Mann–Kendall test of a trend",
            5,
            "smallest possible two-sided p is 2/4! = .083 at four and 2/5! = .017 at five (Kendall 1938); "
            "recomputed by test_four_values_cannot_show_a_trend",
        ),
        "control_chart": Minimum(
            "signals of the control chart",
            10,
            "our rule: as many sessions after the baseline as in it; no published value for series this short",
        ),
    }
)
