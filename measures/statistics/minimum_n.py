"""How many scored sessions, or clients, each method needs before it says anything; docs/measures.md prints them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Minimum:
    """Smallest number of scored sessions, or of clients, for a method, and where that number comes from."""

    method: str
    n: int
    source: str

    @property
    def reason(self) -> str:
        """Why a method says nothing of a service. It never tells how many there are: fewer than five is nobody's
        business, and a page that told it would give away what `suppression` keeps."""
        return f"Shown from {self.n} clients on."


MINIMUM_N: Mapping[str, Minimum] = MappingProxyType(
    {
        "value": Minimum("a score and its sub-scales", 1, "nothing to estimate"),
        "change": Minimum("change from one score to another", 2, "a difference needs two"),
        "reliable_change": Minimum(
            "change held against the reliable change",
            3,
            "our rule; the formula itself needs two scores (Jacobson & Truax 1991)",
        ),
        "ceiling": Minimum(
            "ratings at the ceiling",
            3,
            "our rule: two thirds of them at the maximum",
        ),
        "baseline": Minimum(
            "baseline, its band, and the frozen control limits",
            5,
            "our rule: the baseline is the first five scored sessions; no published value for series this short",
        ),
        "expectation": Minimum(
            "expected range of a session and the default signal",
            5,
            "our rule: four scores before it; the rate of false alarms is set for looks from the fifth on",
        ),
        "rupture_episodes": Minimum(
            "rupture–repair episodes, gradual erosion",
            5,
            "our rule: the SD of a series needs some values; no published minimum",
        ),
        "congruence": Minimum(
            "client's and therapist's ratings rising and falling together; the pair's usual gap",
            5,
            "our rule; the interval of a correlation from five pairs leaves out 0 only above .88 (Fisher 1921)",
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
        "ewma": Minimum(
            "EWMA for slow erosion",
            10,
            "our rule, as for the control chart; its centre and spread come from the same frozen baseline",
        ),
        "lag_one": Minimum(
            "this session's alliance and the next session's outcome",
            10,
            "our rule: nine neighbouring pairs at most; for display, not for inference",
        ),
    }
)

# Of a whole service, counted in clients.
SERVICE_N: Mapping[str, Minimum] = MappingProxyType(
    {
        "retention": Minimum(
            "how long clients stay; the median of the sessions to return",
            5,
            "our rule: a group of fewer than five is shown nowhere",
        ),
    }
)
