"""Questionnaires as data: one TOML file each, read once, checked on reading.

An instrument has one edition per rater. An edition holds everything a score depends on: the range of an answer, the
reversed items, the scales, how a score is formed and what happens when items are missing; and what is published about
its scores, each number with its source. Wording ships only where it is ours; ``Item.text`` is ``None`` otherwise.
"""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

from .model import (
    COMPONENTS,
    CONSTRUCTS,
    ENGLISH,
    METRICS,
    MISSING_RULES,
    RATERS,
    SCORINGS,
    TOTAL,
    Band,
    Edition,
    Instrument,
    InstrumentError,
    Item,
    Published,
    UnknownInstrument,
)
from .reader import parse_instrument

__all__ = [
    "COMPONENTS",
    "CONSTRUCTS",
    "ENGLISH",
    "METRICS",
    "MISSING_RULES",
    "RATERS",
    "SCORINGS",
    "TOTAL",
    "Band",
    "Edition",
    "Instrument",
    "InstrumentError",
    "Item",
    "Published",
    "UnknownInstrument",
    "edition",
    "instruments",
    "parse_instrument",
]


@cache
def instruments() -> Mapping[str, Instrument]:
    """Every shipped instrument by code."""
    found = {}
    for path in sorted(resources.files(__name__).iterdir(), key=lambda path: path.name):
        if path.name.endswith(".toml"):
            instrument = parse_instrument(path.read_text(encoding="utf-8"), path.name)
            found[instrument.code] = instrument
    return MappingProxyType(found)


def edition(code: str, rater: str) -> Edition:
    """The edition of one instrument for one kind of rater; raises UnknownInstrument."""
    instrument = instruments().get(code)
    if instrument is None:
        raise UnknownInstrument(f"there is no instrument {code!r}")
    if rater not in instrument.editions:
        raise UnknownInstrument(f"{code} has no edition for the rater {rater!r}")
    return instrument.editions[rater]
