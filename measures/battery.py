"""What is rated when: the rule of a battery. Entries in, entries out.

every session           1 2 3 4 5 6 7 8 9
every 4th session       1       5       9
first and last          1                 (last)
before the session      1 2 3 4 5 6 7 8 9, answered before it begins
at the ending                             (last)
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

# Who of the three raters a battery asks. An observer rates when there is one.
ASKED = ("client", "therapist")
LEAST, MOST = 2, 26
Pair = tuple[str, str]


class Rhythm(StrEnum):
    EVERY = "every"
    NTH = "nth"
    FIRST_AND_LAST = "first-last"
    BEFORE = "before"
    ENDING = "ending"
    # For one client only: left out of what the service rates.
    NEVER = "never"


WORDS: Mapping[Rhythm, str] = MappingProxyType(
    {
        Rhythm.EVERY: "every session",
        Rhythm.NTH: "every n-th session",
        Rhythm.FIRST_AND_LAST: "first and last session",
        Rhythm.BEFORE: "before every session",
        Rhythm.ENDING: "at the ending",
        Rhythm.NEVER: "not at all",
    }
)


@dataclass(frozen=True)
class Entry:
    """One instrument, rated by the client or the therapist in a rhythm. `every` is n, and set for every n-th alone."""

    instrument: str
    rater: str
    rhythm: Rhythm
    every: int | None = None

    @property
    def pair(self) -> Pair:
        return self.instrument, self.rater

    @property
    def in_words(self) -> str:
        return f"every {ordinal(self.every)} session" if self.every else WORDS[self.rhythm]

    @property
    def is_before(self) -> bool:
        return self.rhythm is Rhythm.BEFORE


# What a service rates until it chooses.
DEFAULT = (
    Entry("session-check-in", "client", Rhythm.EVERY),
    Entry("outcome-check-in", "client", Rhythm.EVERY),
    Entry("session-check-in", "therapist", Rhythm.EVERY),
)


def ordinal(number: int) -> str:
    suffix = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def is_due(entry: Entry, number: int, is_last: bool) -> bool:
    return {
        Rhythm.EVERY: True,
        Rhythm.NTH: (number - 1) % (entry.every or 1) == 0,
        Rhythm.FIRST_AND_LAST: number == 1 or is_last,
        Rhythm.BEFORE: True,
        Rhythm.ENDING: is_last,
        Rhythm.NEVER: False,
    }[entry.rhythm]


def due(entries: Iterable[Entry], number: int, is_last: bool = False) -> list[Entry]:
    """What is rated at the session of this number, in the order of the battery, each instrument once by each rater."""
    found: dict[Pair, Entry] = {}
    for entry in entries:
        if is_due(entry, number, is_last):
            found.setdefault(entry.pair, entry)
    return list(found.values())


def overridden(entries: Sequence[Entry], own: Sequence[Entry]) -> list[Entry]:
    """The service's battery as it is for one client: what was chosen for them takes the place of the service's."""
    chosen = {entry.pair: entry for entry in own}
    merged = [chosen.get(entry.pair, entry) for entry in entries]
    there = {entry.pair for entry in merged}
    return list(dict.fromkeys([*merged, *(entry for entry in own if entry.pair not in there)]))


@dataclass(frozen=True)
class Stretch:
    """Neighbouring sessions in which the same is rated."""

    first: int
    last: int
    entries: tuple[Entry, ...]

    @property
    def in_words(self) -> str:
        if self.first == self.last:
            return f"Session {self.first}"
        return f"Sessions {self.first} {'and' if self.last == self.first + 1 else 'to'} {self.last}"


def preview(entries: Sequence[Entry]) -> list[Stretch]:
    """The first sessions of a course, up to where the longest rhythm begins anew; at least five."""
    horizon = max([5, *((entry.every or 0) + 1 for entry in entries)])
    found: list[Stretch] = []
    for number in range(1, horizon + 1):
        now = tuple(due(entries, number))
        if found and found[-1].entries == now:
            found[-1] = Stretch(found[-1].first, number, now)
        else:
            found.append(Stretch(number, number, now))
    return found


def at_the_last(entries: Iterable[Entry]) -> list[Entry]:
    """What the last session asks for besides."""
    return [entry for entry in entries if entry.rhythm in {Rhythm.FIRST_AND_LAST, Rhythm.ENDING}]
