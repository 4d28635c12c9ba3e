"""How many scored sessions, or clients, each method needs before it says anything; docs/measures.md prints them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Minimum:
    """Smallest number for a method, of what it counts, and where that number comes from."""

    method: str
    n: int
    source: str
    of: str = "scored sessions"

    @property
    def reason(self) -> str:
        """Why a method says nothing. It never tells how many there are: a page that did would give away what
        `suppression` keeps."""
        return f"Shown from {self.n} {self.of} on."


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

FEW = "our rule: a group of fewer than five is shown nowhere"
# Of a whole service.
SERVICE_N: Mapping[str, Minimum] = MappingProxyType(
    {
        "retention": Minimum("how long clients stay", 5, FEW, "clients"),
        "by_session": Minimum("the mean of a session number", 5, FEW, "clients"),
        "proportion": Minimum("a share", 5, FEW, "of them"),
        "to_return": Minimum("the median of the sessions to return", 5, FEW, "ruptures"),
        "early_alliance": Minimum(
            "early alliance and later outcome",
            10,
            "our rule; the interval of a correlation from ten pairs leaves out 0 only above .63 (Fisher 1921)",
            "clients",
        ),
        "thirds": Minimum("thirds of the early alliance", 15, "three groups of five", "clients"),
        "within_client": Minimum(
            "a slope within clients",
            10,
            "our rule; with few clients a clustered interval is too narrow (Cameron & Miller 2015)",
            "clients",
        ),
        "pooled_means": Minimum(
            "a therapist's partially pooled mean", 10, "our rule: fewer say little of a therapist", "clients"
        ),
    }
)
