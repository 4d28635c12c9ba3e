"""Learning targets: how often what was to be learnt has been practised, counted from the record. Values in, words out.

A count of practice and no more: how well it was done, or whether it was enough, cannot be read from it, and it is held
against nobody else's.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from ruptures.vocabulary import MARKERS, STRATEGIES, Term

from .states import RECOGNISING, REPAIRING

VOCABULARY: dict[str, tuple[Term, ...]] = {RECOGNISING: MARKERS, REPAIRING: STRATEGIES}
COUNTED = {
    RECOGNISING: "Ruptures that you noticed yourself, or confirmed after a signal, with one of these markers",
    REPAIRING: "Repair attempts that you noted, with one of these kinds of repair",
}


@dataclass(frozen=True)
class Occasion:
    """One rupture that was recognised, or one repair that was tried: in whose therapy, when, what of the vocabulary."""

    code: str
    session: int
    day: date
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Practised:
    """The occasions since a target was set, the latest first, with what of the target each was."""

    since: date
    occasions: tuple[Occasion, ...]
    words: tuple[tuple[str, ...], ...]

    @property
    def count(self) -> int:
        return len(self.occasions)

    @property
    def rows(self) -> list[tuple[Occasion, tuple[str, ...]]]:
        return list(zip(self.occasions, self.words, strict=True))

    @property
    def sentence(self) -> str:
        since = f"{self.since:%-d %B %Y}"
        if not self.count:
            return f"No practice on record since {since}."
        occasions = "1 occasion" if self.count == 1 else f"{self.count} occasions"
        return f"{occasions} of practice on record since {since}."


def practised(kind: str, codes: Collection[str], occasions: Iterable[Occasion], *, since: date) -> Practised:
    """What of a target was practised since a day, that day included. Raises KeyError for a kind that there is not."""
    terms = VOCABULARY[kind]
    found = sorted(
        (one for one in occasions if one.day >= since and set(one.codes) & set(codes)),
        key=lambda one: (one.day, one.code, one.session),
        reverse=True,
    )
    words = tuple(named(terms, set(one.codes) & set(codes)) for one in found)
    return Practised(since, tuple(found), words)


def named(terms: Sequence[Term], codes: Collection[str]) -> tuple[str, ...]:
    return tuple(term.words for term in terms if term.code in codes)
