"""From a TOML file to an Instrument. Whatever is wrong is refused with the name of the file and of the field."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from .model import (
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
)
from .table import Table


def parse_instrument(text: str, file: str) -> Instrument:
    """Read one instrument from TOML. `file` is its name, for messages; raises InstrumentError."""
    try:
        table = Table(tomllib.loads(text), file, "")
    except tomllib.TOMLDecodeError as error:
        raise InstrumentError(f"{file}: not valid TOML: {error}") from error
    table.allow("code", "name", "construct", "licence", "on_by_default", "edition")
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
        is_on_by_default=table.boolean("on_by_default", default=True),
    )


def _editions(table: Table, code: str) -> list[Edition]:
    table.allow(
        *("raters", "version", "number_of_items", "minimum", "maximum", "step", "reversed", "scales", "combined"),
        *("has_total", "opposite", "scoring", "missing", "missing_source", "may_not_apply", "higher_is_better"),
        *("risk", "bands", "cutoff", "reliable_change", "loinc", "psychometrics", "wording"),
    )
    count = table.whole("number_of_items")
    if not 1 <= count <= 500:
        raise table.error("number_of_items", "must be between 1 and 500")
    own_scales = _scales(table, count)
    combined = _combined(table, own_scales)
    fields = {
        "instrument": code,
        "version": table.text("version"),
        **_items(table, count, own_scales),
        "scales": MappingProxyType({**own_scales, **combined}),
        "combined": frozenset(combined),
        "higher_is_better": table.boolean("higher_is_better"),
        **_range(table),
        **_rules(table, count, own_scales),
    }
    fields["opposite"] = frozenset(table.names("opposite", fields["scales"]))
    fields |= _psychometrics(table.table("psychometrics"), fields["scales"])
    fields |= _risk(table.table("risk"), count, fields["reversed"])
    loinc = table.table("loinc")
    loinc.allow("panel", "total")
    fields |= {f"loinc_{name}": loinc.text(name) for name in loinc.data}
    editions = [Edition(rater=rater, **fields) for rater in table.choices("raters", RATERS)]
    return [replace(edition, **_about_total(table, edition)) for edition in editions]


def _range(table: Table) -> dict[str, Any]:
    minimum, maximum, step = table.number("minimum"), table.number("maximum"), table.number("step")
    if not minimum < maximum:
        raise table.error("maximum", "must be greater than the minimum")
    if step <= 0:
        raise table.error("step", "must be greater than 0")
    steps = (maximum - minimum) / step
    if abs(steps - round(steps)) > 1e-9:
        raise table.error("step", "must divide the range from minimum to maximum into whole steps")
    return {"minimum": minimum, "maximum": maximum, "step": step}


def _rules(table: Table, count: int, scales: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """How scores are formed, and what happens without an answer."""
    scoring, missing = table.choice("scoring", SCORINGS), table.choice("missing", tuple(MISSING_RULES))
    if missing == "answered" and (scoring != "mean" or scales):
        raise table.error("missing", "'answered' goes with a mean and without scales")
    if missing == "rounded_mean" and not scales:
        raise table.error("missing", "'rounded_mean' fills gaps within scales, and there are none")
    has_total = table.boolean("has_total", default=True)
    if not has_total and not scales:
        raise table.error("has_total", "can be false only where there are scales")
    return {
        "reversed": frozenset(table.item_numbers("reversed", count)),
        "scoring": scoring,
        "missing": missing,
        "missing_source": table.text("missing_source") if "missing_source" in table.data else None,
        "may_not_apply": frozenset(table.item_numbers("may_not_apply", count, default=[])),
        "has_total": has_total,
    }


def _scales(table: Table, count: int) -> dict[str, tuple[int, ...]]:
    """Scales that share no item and leave none out."""
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
    without = [number for number in range(1, count + 1) if number not in owner]
    if scales and without:
        raise table.error("scales", f"no scale has {', '.join(f'item {number}' for number in without)}")
    return scales


def _combined(table: Table, scales: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    part = table.table("combined")
    combined = {}
    for name in part.data:
        if name == TOTAL or name in scales:
            raise part.error(name, "is the name of another scale")
        parts = part.names(name, scales)
        if len(parts) < 2:
            raise part.error(name, "must name at least two scales")
        combined[name] = tuple(sorted(number for each in parts for number in scales[each]))
    return combined


def _items(table: Table, count: int, scales: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """The items in English, or without words; and the same items in each other language there is."""
    scale_of = {number: name for name, numbers in scales.items() for number in numbers}
    words: dict[str, dict[int, tuple[str, str, str]]] = {ENGLISH: {}}
    for part in table.tables("wording"):
        part.allow("item", "language", "text", "low", "high")
        number = part.whole("item")
        if not 1 <= number <= count:
            raise part.error("item", f"there is no item {number}")
        language = part.text("language") if "language" in part.data else ENGLISH
        of_language = words.setdefault(language, {})
        if number in of_language:
            raise part.error("item", f"item {number} has two wordings")
        of_language[number] = part.text("text"), part.text("low"), part.text("high")
    if any(of_language and len(of_language) < count for of_language in words.values()):
        raise table.error("wording", "give it for every item or for none")
    if len(words) > 1 and not words[ENGLISH]:
        raise table.error("wording", "give it in English too")
    items = {
        language: tuple(
            Item(number, scale_of.get(number), *of_language.get(number, (None, None, None)))
            for number in range(1, count + 1)
        )
        for language, of_language in words.items()
    }
    return {"items": items.pop(ENGLISH), "translations": MappingProxyType(items)}


def _psychometrics(part: Table, scales: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    part.allow("metric", "sd", "reliability", "source")
    sd, reliability = part.numbers("sd"), part.numbers("reliability")
    for field, values in (("sd", sd), ("reliability", reliability)):
        for name, value in values.items():
            if name != TOTAL and name not in scales:
                raise part.error(field, f"there is no scale {name!r}")
            if value <= 0 or (field == "reliability" and value >= 1):
                raise part.error(field, f"{value} is out of range for {name!r}")
    known = bool(sd or reliability)
    return {
        "sd": MappingProxyType(sd),
        "reliability": MappingProxyType(reliability),
        "psychometrics_source": part.text("source") if known else None,
        "psychometrics_metric": part.choice("metric", METRICS) if known else "mean",
    }


def _risk(part: Table, count: int, reverse: frozenset[int]) -> dict[str, Any]:
    part.allow("items", "above")
    if not part.data:
        return {}
    numbers = part.item_numbers("items", count)
    for number in numbers:
        if number in reverse:
            raise part.error("items", f"item {number} is reversed; a risk is read from the answer as given")
    return {"risk_items": tuple(sorted(numbers)), "risk_above": part.number("above")}


def _about_total(table: Table, edition: Edition) -> dict[str, Any]:
    """What is published about the total: each number within its range and with its source."""
    found: dict[str, Any] = {}
    for field in ("cutoff", "reliable_change", "bands"):
        if field in table.data and not edition.has_total:
            raise table.error(field, "is about the total, and there is none")
    if not edition.has_total:
        return found
    low, high = edition.score_range(TOTAL)
    for field, top in (("cutoff", high), ("reliable_change", high - low)):
        part = table.table(field)
        part.allow("value", "source")
        if part.data:
            value = part.number("value")
            if not (low if field == "cutoff" else 0) < value <= top:
                raise part.error("value", f"{value:g} is out of the total's range")
            found[field] = Published(value, part.text("source"))
    part = table.table("bands")
    part.allow("source", "levels")
    if part.data:
        source = part.text("source")
        bands = []
        for level in part.tables("levels"):
            level.allow("from", "label")
            bands.append(Band(level.number("from"), level.text("label"), source))
        starts = [band.low for band in bands]
        if len(bands) < 2 or starts[0] != low or starts != sorted(set(starts)) or starts[-1] > high:
            raise part.error("levels", f"must rise from {low:g} and stay within {high:g}")
        found["bands"] = tuple(bands)
    return found
