"""The periods for which the service sees itself: all, each calendar year, each quarter of this year and the last.

An episode belongs to the period in which it began, with all of its sessions: so periods of one kind never overlap, a
year is the sum of its quarters, and all is the sum of its years. Free ranges are not offered. Two of them could be
subtracted from each other until one person is left: docs/adr/0017-the-service-sees-itself.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

ALL, YEAR, QUARTER = "all", "year", "quarter"
KINDS = {ALL: "All years", YEAR: "Year", QUARTER: "Quarter"}


@dataclass(frozen=True, order=True)
class Period:
    """From the first day to the last, both included; neither where it is all there is."""

    kind: str
    starts_on: date | None = None
    ends_on: date | None = None

    @property
    def key(self) -> str:
        """As it stands in an address: all, 2026, 2026-q3."""
        if self.starts_on is None:
            return ALL
        year = str(self.starts_on.year)
        return year if self.kind == YEAR else f"{year}-q{quarter_of(self.starts_on)}"

    @property
    def label(self) -> str:
        if self.starts_on is None:
            return KINDS[ALL]
        if self.kind == YEAR:
            return str(self.starts_on.year)
        months = f"{self.starts_on:%B} to {self.ends_on:%B}"
        return f"{months} {self.starts_on.year}"

    def has(self, day: date) -> bool:
        return self.starts_on is None or self.ends_on is None or self.starts_on <= day <= self.ends_on


EVERYTHING = Period(ALL)


def quarter_of(day: date) -> int:
    return (day.month - 1) // 3 + 1


def year_period(year: int) -> Period:
    return Period(YEAR, date(year, 1, 1), date(year, 12, 31))


def quarter_period(year: int, quarter: int) -> Period:
    first = date(year, 3 * quarter - 2, 1)
    after = date(year + quarter // 4, 3 * quarter % 12 + 1, 1)
    return Period(QUARTER, first, after - timedelta(days=1))


def periods_of(days: Iterable[date], *, today: date) -> list[Period]:
    """Those in which something began, the latest first, all before everything else."""
    began = set(days)
    if not began:
        return []
    years = sorted({day.year for day in began}, reverse=True)
    found = [EVERYTHING, *map(year_period, years)]
    quarters = {(day.year, quarter_of(day)) for day in began if day.year >= today.year - 1}
    return found + [quarter_period(*one) for one in sorted(quarters, reverse=True)]


def parts_of(period: Period, periods: Iterable[Period]) -> list[Period]:
    """The periods of which this one is the sum; none for one that is not divided further."""
    inner = {ALL: YEAR, YEAR: QUARTER}.get(period.kind)
    return [one for one in periods if one.kind == inner and one.starts_on is not None and period.has(one.starts_on)]
