"""How often two people usually meet, told from the days of their meetings; when the next one would be due.

Ours, to put a list in order, and no more: no clinical meaning is claimed for a longer gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

# The latest gaps that count, and how few tell nothing.
GAPS = 6
FEWEST_GAPS = 2
# Of the usual gap; without one, this many days.
LONGER_THAN_USUAL = 2
DAYS_WITHOUT_RHYTHM = 14


def usual_gap(days: Sequence[date]) -> int | None:
    """The median number of days between the latest planned meetings; None where there were fewer than three."""
    gaps = [(later - day).days for day, later in pairwise(sorted(set(days)))][-GAPS:]
    return max(1, round(median(gaps))) if len(gaps) >= FEWEST_GAPS else None


@dataclass(frozen=True)
class Rhythm:
    """`last` is the latest planned meeting, `last_seen` the latest that took place, or the day the episode began."""

    last: date | None
    last_seen: date
    gap: int | None

    @property
    def next_on(self) -> date | None:
        """When they would meet again, if they met as they usually do."""
        return None if self.last is None or self.gap is None else self.last + timedelta(days=self.gap)

    @property
    def most_days(self) -> int:
        """More days than these are longer than usual."""
        return DAYS_WITHOUT_RHYTHM if self.gap is None else LONGER_THAN_USUAL * self.gap

    def is_missed(self, today: date) -> bool:
        return (today - self.last_seen).days > self.most_days

    def is_due(self, today: date) -> bool:
        """From the day before, so that one can prepare, until it has become longer than usual."""
        return self.next_on is not None and self.next_on - timedelta(days=1) <= today and not self.is_missed(today)

    def due_in_words(self, today: date) -> str:
        if self.next_on is None:
            return ""
        days = (self.next_on - today).days
        when = {1: "tomorrow", 0: "today", -1: "yesterday"}.get(days, f"{-days} days ago")
        return f"due {when}: usually {every(self.gap)}"

    @property
    def usual_in_words(self) -> str:
        return f"usually {every(self.gap)}" if self.gap else ""


def every(days: int | None) -> str:
    if days == 1:
        return "every day"
    return "every week" if days == 7 else f"every {days} days"
