"""Questionnaires as data: one TOML file each, read once, checked on reading.

An instrument has one edition per rater. An edition holds everything a score depends on: the range of an answer, the
reversed items, the scales, how a score is formed and what happens when items are missing. Wording ships only where it
is ours; ``Item.text`` is ``None`` otherwise.
"""

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

TOTAL = "total"
RATERS = ("client", "therapist", "observer")
CONSTRUCTS = ("alliance", "outcome")
SCORINGS = ("sum", "mean")
METRICS = ("mean", "score")
# Name of each rule for missing items, in words. `measures.scoring` carries the rules out.
MISSING_RULES: Mapping[str, str] = MappingProxyType(
    {
        "complete": "Scored only when every item of the scale is answered.",
        "tenth": "Pro-rated when at most a tenth of the scale's items are missing, rounded down: "
        "3 of 36, 1 of 12, none of 4.",
    }
)


class UnknownInstrument(LookupError):
    """There is no such instrument, or it has no edition for this rater."""


class InstrumentError(ValueError):
    """An instrument's file is malformed; the message names the file and the field."""


@dataclass(frozen=True)
class Item:
    """One question. `low` and `high` are the words at the ends of the answer line."""

    number: int
    scale: str | None
    text: str | None
    low: str | None
    high: str | None


@dataclass(frozen=True)
class Edition:
    """One instrument as one kind of rater fills it in.

    `scales` leaves out the total, which is always formed over all items. `sd` and `reliability` are per scale
    (including "total") and hold only what `psychometrics_source` supports; `psychometrics_metric` says whether the SD
    is that of the item mean ("mean") or of the published score ("score").
    """

    instrument: str
    rater: str
    version: str
    items: tuple[Item, ...]
    minimum: float
    maximum: float
    step: float
    reversed: frozenset[int]
    scales: Mapping[str, tuple[int, ...]]
    scoring: str
    missing: str
    higher_is_better: bool
    sd: Mapping[str, float]
    reliability: Mapping[str, float]
    psychometrics_source: str | None
    psychometrics_metric: str

    @property
    def key(self) -> str:
        return f"{self.instrument}/{self.rater}/{self.version}"

    @property
    def number_of_items(self) -> int:
        return len(self.items)

    @property
    def has_wording(self) -> bool:
        return all(item.text is not None for item in self.items)

    def item(self, number: int) -> Item:
        """The item of this number, counted from 1; raises LookupError when there is none."""
        if not 1 <= number <= len(self.items):
            raise LookupError(f"{self.key} has no item {number}")
        return self.items[number - 1]

    def numbers(self, scale: str) -> tuple[int, ...]:
        """The items a scale is formed from; raises LookupError for an unknown scale."""
        if scale == TOTAL:
            return tuple(item.number for item in self.items)
        if scale not in self.scales:
            raise LookupError(f"{self.key} has no scale {scale!r}")
        return self.scales[scale]

    def score_range(self, scale: str) -> tuple[float, float]:
        """Lowest and highest published score of a scale."""
        factor = self._score_per_mean(scale)
        return self.minimum * factor, self.maximum * factor

    def sd_of_score(self, scale: str) -> float | None:
        """The scale's SD in the metric of its published score, or None where no SD is known."""
        known = self.sd.get(scale)
        if known is None or self.psychometrics_metric == "score":
            return known
        return known * self._score_per_mean(scale)

    def _score_per_mean(self, scale: str) -> int:
        count = len(self.numbers(scale))
        return count if self.scoring == "sum" else 1


@dataclass(frozen=True)
class Instrument:
    code: str
    name: str
    construct: str
    licence: str
    editions: Mapping[str, Edition]


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


def parse_instrument(text: str, file: str) -> Instrument:
    """Read one instrument from TOML. `file` is its name, for messages; raises InstrumentError."""
    try:
        table = _Table(tomllib.loads(text), file, "")
    except tomllib.TOMLDecodeError as error:
        raise InstrumentError(f"{file}: not valid TOML: {error}") from error
    table.allow("code", "name", "construct", "licence", "edition")
    code = table.text("code")
    if file != f"{code}.toml":
        raise table.error("code", f"{code!r} must be the file's name without .toml")
    editions: dict[str, Edition] = {}
    for part in table.tables("edition"):
        for built in _editions(part, code):
            if built.rater in editions:
                raise part.error("raters", f"there are two editions for the rater {built.rater!r}")
            editions[built.rater] = built
    if not editions:
        raise table.error("edition", "at least one is needed")
    return Instrument(
        code=code,
        name=table.text("name"),
        construct=table.choice("construct", CONSTRUCTS),
        licence=table.text("licence"),
        editions=MappingProxyType(editions),
    )


def _editions(table: "_Table", code: str) -> list[Edition]:
    table.allow(
        *("raters", "version", "number_of_items", "minimum", "maximum", "step", "reversed", "scales"),
        *("scoring", "missing", "higher_is_better", "wording", "psychometrics"),
    )
    count = table.whole("number_of_items")
    if not 1 <= count <= 500:
        raise table.error("number_of_items", "must be between 1 and 500")
    minimum, maximum, step = table.number("minimum"), table.number("maximum"), table.number("step")
    if not minimum < maximum:
        raise table.error("maximum", "must be greater than the minimum")
    if step <= 0:
        raise table.error("step", "must be greater than 0")
    steps = (maximum - minimum) / step
    if abs(steps - round(steps)) > 1e-9:
        raise table.error("step", "must divide the range from minimum to maximum into whole steps")
    scales = _scales(table, count)
    reverse = table.item_numbers("reversed", count)
    psychometrics = table.table("psychometrics")
    psychometrics.allow("metric", "sd", "reliability", "source")
    sd, reliability = psychometrics.numbers("sd"), psychometrics.numbers("reliability")
    for field, values in (("sd", sd), ("reliability", reliability)):
        for name, value in values.items():
            if name != TOTAL and name not in scales:
                raise psychometrics.error(field, f"there is no scale {name!r}")
            if value <= 0 or (field == "reliability" and value >= 1):
                raise psychometrics.error(field, f"{value} is out of range for {name!r}")
    known = bool(sd or reliability)
    raters = table.choices("raters", RATERS)
    return [
        Edition(
            instrument=code,
            rater=rater,
            version=table.text("version"),
            items=_items(table, count, scales),
            minimum=minimum,
            maximum=maximum,
            step=step,
            reversed=frozenset(reverse),
            scales=MappingProxyType(scales),
            scoring=table.choice("scoring", SCORINGS),
            missing=table.choice("missing", tuple(MISSING_RULES)),
            higher_is_better=table.boolean("higher_is_better"),
            sd=MappingProxyType(sd),
            reliability=MappingProxyType(reliability),
            psychometrics_source=psychometrics.text("source") if known else None,
            psychometrics_metric=psychometrics.choice("metric", METRICS) if known else "mean",
        )
        for rater in raters
    ]


def _scales(table: "_Table", count: int) -> dict[str, tuple[int, ...]]:
    part = table.table("scales")
    scales: dict[str, tuple[int, ...]] = {}
    owner: dict[int, str] = {}
    for name in part.data:
        if name == TOTAL:
            raise part.error(name, "the total is formed over all items and is not listed")
        numbers = part.item_numbers(name, count)
        if not numbers:
            raise part.error(name, "has no items")
        for number in numbers:
            if number in owner:
                raise part.error(name, f"item {number} is already in the scale {owner[number]!r}")
            owner[number] = name
        scales[name] = numbers
    return scales


def _items(table: "_Table", count: int, scales: Mapping[str, tuple[int, ...]]) -> tuple[Item, ...]:
    scale_of = {number: name for name, numbers in scales.items() for number in numbers}
    words: dict[int, tuple[str, str, str]] = {}
    for part in table.tables("wording"):
        part.allow("item", "text", "low", "high")
        number = part.whole("item")
        if not 1 <= number <= count:
            raise part.error("item", f"there is no item {number}")
        if number in words:
            raise part.error("item", f"item {number} has two wordings")
        words[number] = part.text("text"), part.text("low"), part.text("high")
    if words and len(words) < count:
        raise table.error("wording", "give it for every item or for none")
    return tuple(
        Item(number, scale_of.get(number), *words.get(number, (None, None, None))) for number in range(1, count + 1)
    )


class _Table:
    """A TOML table whose readers raise InstrumentError with the file and the path of the field."""

    def __init__(self, data: dict[str, Any], file: str, path: str) -> None:
        self.data, self.file, self.path = data, file, path

    def error(self, field: str, message: str) -> InstrumentError:
        return InstrumentError(f"{self.file}: {self.path}{field}: {message}")

    def allow(self, *fields: str) -> None:
        for field in self.data:
            if field not in fields:
                raise self.error(field, "is not a known field")

    def get(self, field: str) -> Any:
        if field not in self.data:
            raise self.error(field, "is missing")
        return self.data[field]

    def text(self, field: str) -> str:
        value = self.get(field)
        if not isinstance(value, str) or not value.strip():
            raise self.error(field, "must be text")
        return value.strip()

    def boolean(self, field: str) -> bool:
        value = self.get(field)
        if not isinstance(value, bool):
            raise self.error(field, "must be true or false")
        return value

    def whole(self, field: str) -> int:
        value = self.get(field)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.error(field, "must be a whole number")
        return value

    def number(self, field: str) -> float:
        value = self.get(field)
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise self.error(field, "must be a number")
        return float(value)

    def choice(self, field: str, allowed: tuple[str, ...]) -> str:
        value = self.text(field)
        if value not in allowed:
            raise self.error(field, f"must be one of {', '.join(allowed)}")
        return value

    def choices(self, field: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
        values = self.get(field)
        if not isinstance(values, list) or not values or any(value not in allowed for value in values):
            raise self.error(field, f"must be a list drawn from {', '.join(allowed)}")
        if len(set(values)) < len(values):
            raise self.error(field, "names one twice")
        return tuple(values)

    def item_numbers(self, field: str, count: int) -> tuple[int, ...]:
        values = self.get(field)
        if not isinstance(values, list):
            raise self.error(field, "must be a list of item numbers")
        for value in values:
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= count:
                raise self.error(field, f"there is no item {value}")
        if len(set(values)) < len(values):
            raise self.error(field, "names an item twice")
        return tuple(values)

    def numbers(self, field: str) -> dict[str, float]:
        part = self.table(field)
        return {name: part.number(name) for name in part.data}

    def table(self, field: str) -> "_Table":
        """A table within this one; an absent one reads as empty."""
        value = self.data.get(field, {})
        if not isinstance(value, dict):
            raise self.error(field, "must be a table")
        for name in value:
            if not re.fullmatch(r"[a-z_]+", name):
                raise self.error(field, f"{name!r} must be lower-case letters")
        return _Table(value, self.file, f"{self.path}{field}.")

    def tables(self, field: str) -> list["_Table"]:
        values = self.data.get(field, [])
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            raise self.error(field, f"must be written as [[{field}]]")
        return [_Table(value, self.file, f"{self.path}{field}[{n}].") for n, value in enumerate(values, start=1)]
