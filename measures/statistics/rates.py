"""How often the default signal may be wrong, and the tail of the expectation that keeps to it.

`make bench-signals ARGS=--calibrate` prints these tails: the predictive tail at which one look in so many gives a
signal in a stable course, in populations whose prior was estimated from other clients. They are smaller than one in so
many, because clients' scores follow the model only roughly. This is the one place that holds them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Rate:
    """One false alarm in `one_in` looks at a stable course: `tail` for a series judged alone, `joint_tail` for the
    scales and raters of a session judged together."""

    name: str
    one_in: int
    tail: float
    joint_tail: float


RATES: Mapping[str, Rate] = MappingProxyType(
    {
        rate.name: rate
        for rate in (
            Rate("stricter", 240, 0.0030, 0.0025),
            Rate("default", 120, 0.0059, 0.0054),
            Rate("looser", 60, 0.0118, 0.0111),
        )
    }
)
DEFAULT_RATE = RATES["default"]
