"""What is usual in a service for one scale, as far as a series of scores needs to know it.

A service estimates it from its own clients. Until it can, the starting values stand in: fractions of the range of the
score, ours, chosen by judgement and labelled as such wherever they are used.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

# Fractions of the range, but for the last two: `within_sd_cv` has no unit and `rise` is none at all.
STARTING_VALUES: Mapping[str, float] = MappingProxyType(
    {"mean": 0.80, "sd_between": 0.12, "within_sd": 0.07, "within_sd_cv": 0.35, "rise": 0.0}
)
LARGEST_CV = 5.0


@dataclass(frozen=True)
class Prior:
    """In units of the score, unless said otherwise.

    `mean` and `sd_between`: clients' levels at the first session. `within_sd`: mean of the clients' own SDs, after
    their early rise; `within_sd_cv`: SD of those SDs over their mean, without unit. `rise`: usual change per natural
    logarithm of the session number. `sd`: SD of the scores of all clients, `reliability`: without unit; both None where
    the service does not know them. Raises ValueError that names the field for a value that cannot be.
    """

    mean: float
    sd_between: float
    within_sd: float
    within_sd_cv: float = STARTING_VALUES["within_sd_cv"]
    rise: float = STARTING_VALUES["rise"]
    sd: float | None = None
    reliability: float | None = None

    def __post_init__(self) -> None:
        for name in ("mean", "sd_between", "within_sd", "within_sd_cv", "rise", "sd", "reliability"):
            check_field(name, getattr(self, name))


def check_field(name: str, value: float | None) -> None:
    """Raise ValueError, in words, when `value` cannot be the `name` of a prior; None is what is not known."""
    if value is None:
        return
    if not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number")
    if name in {"sd_between", "within_sd", "sd"} and value <= 0:
        raise ValueError(f"{name} must be greater than 0")
    if name == "within_sd_cv" and not 0 <= value <= LARGEST_CV:
        raise ValueError(f"{name} must be between 0 and {LARGEST_CV:g}")
    if name == "reliability" and not 0 <= value < 1:
        raise ValueError(f"{name} must be at least 0 and less than 1")


def starting_value(name: str, value_range: tuple[float, float]) -> float:
    """One starting value in units of a score between the two ends of `value_range`."""
    low, high = value_range
    fraction = STARTING_VALUES[name]
    if name == "within_sd_cv":
        return fraction
    return low + fraction * (high - low) if name == "mean" else fraction * (high - low)


def starting_prior(value_range: tuple[float, float]) -> Prior:
    """The starting values for a score between the two ends of `value_range`."""
    return Prior(**{name: starting_value(name, value_range) for name in STARTING_VALUES})
