"""What the thresholds do, in figures that docs/signals.md prints; a test holds these tables to it.

Nothing here is measured in a service. The figures are simulated, and belong to the populations named there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SOURCE = "make bench-signals; docs/signals.md"


@dataclass(frozen=True)
class Effect:
    """Of steady courses of `n` = 10 and 20 sessions the share in which something is pointed out although nothing
    happened, and of sudden falls by three of the client's own SD in session 10 the share that is found. As printed."""

    wrong_at_10: str
    wrong_at_20: str
    found: str


# The default rate in the three populations it was set on. For the other two rates only false alarms are known.
DEFAULT_RATE = Effect(".028–.035", ".085–.103", ".49–.50")

# By the name of the preset, for one series of the first of these populations.
PRESETS: Mapping[str, Effect] = MappingProxyType(
    {
        "gumz-lenient": Effect(".73", ".87", ".70"),
        "gumz-strict": Effect(".12", ".25", ".49"),
        "own-series": Effect(".16", ".27", ".51"),
    }
)
