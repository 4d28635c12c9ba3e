"""The target of a goal, a number or a change in per cent of the baseline, and how far on the way to it somebody is.

A baseline of 8 with the target "−50 %" leads to 4, half of what there was; who is at 6 now is half-way. Measures count
from 0: times a week, minutes, a rating.
"""

import re
from dataclasses import dataclass

# What a target may be written as: "4", "2.5", "−50 %", "50 % fewer", "half".
WRITTEN = re.compile(r"(?P<sign>[+\-−–]?) ?(?P<number>\d{1,6}(?:[.,]\d{1,3})?) ?(?P<relative>%)? ?(?P<way>[a-z]*)")
LESS, MORE = {"-", "−", "–", "less", "fewer", "lower"}, {"+", "more", "higher"}
HALF = {"half", "halve", "half as many", "half as much"}
NOT_A_TARGET = "Write a number such as 4, or a change such as −50 %."
WHICH_WAY = "Say which way: −{0} % is less than at the start, +{0} % is more."
BELOW_NOTHING = "−100 % leaves nothing; a target is not below that."


@dataclass(frozen=True)
class Target:
    """What is aimed for on a goal's measure; a relative one is a change in per cent of the baseline."""

    value: float
    is_relative: bool = False

    def __str__(self) -> str:
        return f"{signed(self.value)} %" if self.is_relative else plain(self.value)


def read_target(text: str) -> Target:
    """The target that somebody wrote. Raises ValueError, in words for that person."""
    words = " ".join(text.lower().split())
    if words in HALF:
        return Target(-50.0, is_relative=True)
    found = WRITTEN.fullmatch(words)
    if found is None:
        raise ValueError(NOT_A_TARGET)
    value, way = float(found["number"].replace(",", ".")), found["sign"] or found["way"]
    if not found["relative"]:
        if way:
            raise ValueError(NOT_A_TARGET)
        return Target(value)
    if (found["sign"] and found["way"]) or way not in LESS | MORE | {""}:
        raise ValueError(NOT_A_TARGET)
    if value and not way:
        raise ValueError(WHICH_WAY.format(plain(value)))
    if way in LESS and value > 100:
        raise ValueError(BELOW_NOTHING)
    return Target(-value if way in LESS and value else value, is_relative=True)


def number_of(target: Target | None, baseline: float | None) -> float | None:
    """The number aimed for; None without a target, or where a change has no baseline to start from."""
    if target is None or not target.is_relative:
        return target.value if target else None
    return None if baseline is None else round(baseline * (1 + target.value / 100), 3)


def change_of(number: float, baseline: float) -> Target | None:
    """What a number is as a change in per cent of the baseline, to the nearest one; None from a baseline of 0."""
    return Target(float(round(100 * (number - baseline) / baseline)), is_relative=True) if baseline else None


def aim_in_words(target: Target | None, *, baseline: float | None, metric: str) -> str:
    """Start and target in one line: "panic attacks a week: from 8 to 4 (−50 %)". Empty where neither is known."""
    number = number_of(target, baseline)
    if target is None:
        words = "" if baseline is None else f"{plain(baseline)} at the start"
    elif number is None:
        words = f"target {target} of the start, which is not known yet"
    elif baseline is None:
        words = f"target {plain(number)}"
    else:
        change = target if target.is_relative else change_of(number, baseline)
        words = f"from {plain(baseline)} to {plain(number)}{f' ({change})' if change and change.value else ''}"
    return ": ".join(part for part in (metric, words) if part)


@dataclass(frozen=True)
class Progress:
    """The share of the way from baseline to target, 1 at the target, below 0 further away; or None and the reason."""

    share: float | None
    reason: str = ""

    @property
    def words(self) -> str:
        if self.share is None:
            return self.reason
        if self.share >= 1:
            return "at the target" if self.share == 1 else "past the target"
        if self.share < 0:
            return "further away than at the start"
        return "where it started" if self.share == 0 else f"{100 * self.share:.0f} % of the way"


def progress_towards(target: Target | None, *, baseline: float | None, now: float | None) -> Progress:
    """How far `now` is on the way. None where start, target or now is missing, or where there is no way to go."""
    number = number_of(target, baseline)
    if target is None:
        return Progress(None, "no target yet")
    if baseline is None or number is None:
        return Progress(None, "where it started is not known yet")
    if number == baseline:
        return Progress(None, "the target is where it started")
    if now is None:
        return Progress(None, "not measured since")
    return Progress((now - baseline) / (number - baseline))


def plain(value: float) -> str:
    """As few digits as the number has, with a true minus sign."""
    return f"{value:.3f}".rstrip("0").rstrip(".").replace("-", "−")


def signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{plain(value)}"
