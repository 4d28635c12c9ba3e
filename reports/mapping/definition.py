"""What a mapping says, read from TOML; every mistake is named with its key.

name = "Our old spreadsheet"
client = { column = "code", prefix = "A-" }         # the prefix is optional
therapist = { column = "mail" }                     # optional: addresses; otherwise all go to the one named
session = { number = "nr", date = "day", order = "dmy" }   # a number, a date or both; a date needs its order
missing = ["NA", "-99"]                             # besides empty cells
decimal_comma = true

[[rating]]                                          # long: one row for each session
instrument = "wai-36"
rater = "client"
items = "i{n}"                                      # or a list of columns, in the order of the items
totals = { task = "task" }                          # instead, or as a check where a row has items
expect = { bond = "bond" }                          # computed scores must equal these; never written
values = { never = 1, always = 7 }                  # words for numbers
when = { column = "who", is = "client" }            # only rows where it says so

[[series]]                                          # wide: one row for each client
instrument = "bdi"
rater = "client"
columns = [{ column = "bdi_s0", session = 0, label = "Intake" }, { column = "bdi_s1", session = 1 }]

[[measure]]                                         # one that is not shipped, known by its total
code = "bdi"                                        # with name, construct, low, high, higher_is_better, licence
"""

import math
import re
import tomllib
from collections.abc import Collection
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from measures.instruments import CONSTRUCTS, RATERS, TOTAL, Edition, UnknownInstrument, edition, instruments

DATE_ORDERS = ("ymd", "dmy", "mdy", "excel-serial")
BEFORE, THERAPY, FOLLOW_UP = PHASES = ("before", "therapy", "follow-up")
LONGEST_CLIENT_CODE = 30
LAST_SESSION = 32_767
_LONGEST_LABEL = 20
_LONGEST_MEASURE_NAME = 80
_LONGEST_LICENCE = 400
_NUMBERED = re.compile(r"\{n(?::0?[1-9])?\}")


class MappingError(ValueError):
    """The mapping cannot be used. `mistakes` maps each key to what is wrong with it."""

    def __init__(self, mistakes: ReadOnly[str, str]) -> None:
        self.mistakes = dict(mistakes)
        super().__init__("The mapping cannot be used. " + " ".join(f"{k}: {m}." for k, m in self.mistakes.items()))


@dataclass(frozen=True)
class OwnMeasureSpec:
    """A measure that is not shipped: a total with its range, and what is known of it."""

    code: str
    name: str
    construct: str
    low: float
    high: float
    higher_is_better: bool
    sd: float | None
    reliability: float | None
    licence: str


@dataclass(frozen=True)
class RatingSpec:
    """One rating in a row: the columns of its items in order, or of its totals by scale. `when` picks the rows."""

    instrument: str
    rater: str
    items: tuple[str, ...]
    totals: ReadOnly[str, str]
    expect: ReadOnly[str, str]
    values: ReadOnly[str, float]
    when: tuple[str, str] | None


@dataclass(frozen=True)
class Point:
    """The session that one column of a wide file belongs to."""

    column: str
    session: int
    phase: str
    label: str | None


@dataclass(frozen=True)
class SeriesSpec:
    """The columns of a wide file that hold one scale of one instrument, in the order of the sessions."""

    instrument: str
    rater: str
    scale: str
    values: ReadOnly[str, float]
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Mapping:
    """A checked mapping. Long files have `ratings` and a session column, wide ones `series`."""

    name: str
    source: str | None
    client: str
    client_prefix: str
    therapist: str | None
    session_number: str | None
    session_date: str | None
    date_order: str | None
    missing: frozenset[str]
    decimal_comma: bool
    ratings: tuple[RatingSpec, ...]
    series: tuple[SeriesSpec, ...]
    own_measures: tuple[OwnMeasureSpec, ...]

    def columns(self) -> tuple[str, ...]:
        """Every column that the mapping reads, each once."""
        found = [self.client, self.therapist, self.session_number, self.session_date]
        for rating in self.ratings:
            found += [rating.when[0] if rating.when else None]
            found += [*rating.items, *rating.totals.values(), *rating.expect.values()]
        found += [point.column for series in self.series for point in series.points]
        return tuple(dict.fromkeys(column for column in found if column))


def load_mapping(text: str) -> Mapping:
    """The mapping in a TOML text; raises MappingError naming every mistake with its key."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise MappingError({"file": f"is not valid TOML ({error})"}) from None
    return mapping_of(data)


def mapping_of(data: dict[str, Any]) -> Mapping:
    """The mapping in a plain dict of the same shape as the TOML; raises MappingError."""
    mistakes: dict[str, str] = {}
    top = _Part(data, "", mistakes)
    top.allow(
        *("name", "source", "client", "therapist", "session", "missing", "decimal_comma"),
        *("rating", "series", "measure"),
    )
    client, session = top.part("client"), top.part("session", optional=True)
    therapist = top.part("therapist", optional=True)
    client.allow("column", "prefix")
    therapist.allow("column")
    session.allow("number", "date", "order")
    prefix = client.text("prefix", default="")
    if len(prefix) >= LONGEST_CLIENT_CODE:
        client.mistake("prefix", f"must leave room for the code within {LONGEST_CLIENT_CODE} characters")
    measures = [_measure(part) for part in top.parts("measure")]
    own = {measure.code: measure for measure in measures}
    if len(own) < len(measures):
        top.mistake("measure", "two have the same code")
    mapping = Mapping(
        name=top.text("name", default="") or "Mapping",
        source=top.text("source", default="") or None,
        client=client.text("column"),
        client_prefix=prefix,
        therapist=therapist.text("column") if therapist.data else None,
        session_number=session.text("number", default="") or None,
        session_date=session.text("date", default="") or None,
        date_order=session.choice("order", DATE_ORDERS) if "date" in session.data else None,
        missing=frozenset(top.texts("missing")),
        decimal_comma=top.boolean("decimal_comma", default=False),
        ratings=tuple(_rating(part, own) for part in top.parts("rating")),
        series=tuple(_series(part, own) for part in top.parts("series")),
        own_measures=tuple(measures),
    )
    _check_shape(mapping, top, session)
    if mistakes:
        raise MappingError(mistakes)
    return mapping


def _check_shape(mapping: Mapping, top: "_Part", session: "_Part") -> None:
    """What no single key can tell: long or wide, and that sessions mean the same everywhere."""
    if "order" in session.data and "date" not in session.data:
        session.mistake("order", "belongs to a date column, and none is named")
    if mapping.ratings and mapping.series:
        top.mistake("series", "a mapping has [[rating]] for long files or [[series]] for wide ones, not both")
    elif mapping.series:
        if session.data:
            top.mistake("session", "a wide file has its sessions in [[series]]; leave this out")
    elif not mapping.ratings:
        if "rating" not in top.mistakes and "series" not in top.mistakes:
            top.mistake("rating", "say what to read: at least one [[rating]], or [[series]] for a wide file")
    elif not (mapping.session_number or mapping.session_date):
        top.mistakes.setdefault("session", "name the column of the session's number, of its date, or both")
    ratings = [(spec.instrument, spec.rater, spec.when) for spec in mapping.ratings]
    scales = [(spec.instrument, spec.rater, spec.scale) for spec in mapping.series]
    for key, found in (("rating", ratings), ("series", scales)):
        for number in range(1, len(found)):
            if found[number] in found[:number]:
                top.mistake(f"{key}[{number + 1}]", "reads the same as one above; delete one, or tell them apart")
    meaning: dict[int, tuple[str, str | None]] = {}
    for number, series in enumerate(mapping.series, start=1):
        for point in series.points:
            if meaning.setdefault(point.session, (point.phase, point.label)) != (point.phase, point.label):
                top.mistake(
                    f"series[{number}].columns",
                    f"session {point.session} has another phase or label than elsewhere; write both the same",
                )


def edition_of(instrument: str, rater: str) -> Edition | None:
    """The shipped edition, or None for an own measure."""
    return edition(instrument, rater) if instrument in instruments() else None


def _measure(part: "_Part") -> OwnMeasureSpec:
    part.allow("code", "name", "construct", "low", "high", "higher_is_better", "sd", "reliability", "licence")
    code = part.text("code")
    if code and not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code):
        part.mistake("code", "use lower-case letters and digits, with single hyphens between them")
    if len(code) > 40:
        part.mistake("code", "must have at most 40 characters")
    if code in instruments():
        part.mistake("code", f"{code!r} is an instrument that is shipped; choose another code")
    low, high = part.number("low"), part.number("high")
    if low is not None and high is not None and not low < high:
        part.mistake("high", "must be greater than low")
    sd, reliability = part.number("sd", optional=True), part.number("reliability", optional=True)
    if sd is not None and sd <= 0:
        part.mistake("sd", "must be greater than 0; leave it out if it is not known")
    if reliability is not None and not 0 < reliability < 1:
        part.mistake("reliability", "must be between 0 and 1; leave it out if it is not known")
    return OwnMeasureSpec(
        code=code,
        name=part.text("name", longest=_LONGEST_MEASURE_NAME),
        construct=part.choice("construct", CONSTRUCTS),
        low=low or 0.0,
        high=high or 0.0,
        higher_is_better=part.boolean("higher_is_better"),
        sd=sd,
        reliability=reliability,
        licence=part.text("licence", longest=_LONGEST_LICENCE),
    )


def _instrument(part: "_Part", own: Collection[str]) -> tuple[str, str, Edition | None]:
    """Code, rater and edition, the last None for an own measure or a mistake."""
    code, rater = part.text("instrument"), part.choice("rater", RATERS)
    if code in own:
        if rater and rater != "client":
            part.mistake("rater", "a measure of one's own is rated by the client")
        return code, rater, None
    if code and rater:
        try:
            return code, rater, edition(code, rater)
        except UnknownInstrument as error:
            part.mistake("instrument", f"{error}; use {', '.join([*instruments(), *own])}, or add a [[measure]]")
    return code, rater, None


def _rating(part: "_Part", own: Collection[str]) -> RatingSpec:
    part.allow("instrument", "rater", "items", "totals", "expect", "values", "when")
    code, rater, known = _instrument(part, own)
    totals, expect = part.columns_by_scale("totals"), part.columns_by_scale("expect")
    scales = (TOTAL,) if known is None else known.scored_scales
    for key, columns in (("totals", totals), ("expect", expect)):
        for scale in columns:
            if (known or code in own) and scale not in scales:
                part.mistake(key, f"{code} has no scale {scale!r}; it has {', '.join(scales)}")
    if "items" in part.data and code in own:
        part.mistake("items", "a measure of one's own is known by its total; use totals = { total = … }")
    if "items" not in part.data and not totals:
        part.mistake("items", "say where the numbers are: items, or totals")
    if expect and "items" not in part.data:
        part.mistake("expect", "only scores that are computed from items can be compared; name the items")
    when = part.part("when", optional=True)
    when.allow("column", "is")
    return RatingSpec(
        instrument=code,
        rater=rater,
        items=_item_columns(part, known.number_of_items) if known else (),
        totals=MappingProxyType(totals),
        expect=MappingProxyType(expect),
        values=MappingProxyType(part.numbers("values")),
        when=(when.text("column"), when.text("is")) if when.data else None,
    )


def _item_columns(part: "_Part", count: int) -> tuple[str, ...]:
    given = part.data.get("items")
    if given is None:
        return ()
    if isinstance(given, str):
        if len(_NUMBERED.findall(given)) != 1 or given.count("{") != 1:
            part.mistake("items", 'must have {n} once for the item\'s number, as in "i{n}", or {n:02} for 01')
            return ()
        return tuple(given.format(n=number) for number in range(1, count + 1))
    if isinstance(given, list) and all(isinstance(column, str) and column.strip() for column in given):
        if len(given) != count:
            part.mistake("items", f"must name {count} columns, one for each item; there are {len(given)}")
        if len(set(given)) < len(given):
            part.mistake("items", "names a column twice")
        return tuple(column.strip() for column in given)
    part.mistake("items", 'must be a pattern such as "i{n}" or a list of column names')
    return ()


def _series(part: "_Part", own: Collection[str]) -> SeriesSpec:
    part.allow("instrument", "rater", "scale", "values", "columns")
    code, rater, known = _instrument(part, own)
    scale = part.text("scale", default=TOTAL)
    scales = (TOTAL,) if known is None else known.scored_scales
    if (known or code in own) and scale not in scales:
        part.mistake("scale", f"{code} has no scale {scale!r}; it has {', '.join(scales)}")
    points = tuple(_point(point) for point in part.parts("columns"))
    if not points and "columns" not in part.data:
        part.mistake("columns", "name at least one column with its session")
    for what, values in (("column", [p.column for p in points]), ("session", [p.session for p in points])):
        if len(set(values)) < len(values) and not any(key.startswith(f"{part.path}columns") for key in part.mistakes):
            part.mistake("columns", f"names a {what} twice")
    return SeriesSpec(code, rater, scale, MappingProxyType(part.numbers("values")), points)


def _point(part: "_Part") -> Point:
    part.allow("column", "session", "phase", "label")
    session = part.data.get("session")
    if not isinstance(session, int) or isinstance(session, bool) or not 0 <= session <= LAST_SESSION:
        part.mistake("session", "must be a whole number, 0 for a measurement before the therapy")
        session = 1
    phase = part.choice("phase", PHASES) if "phase" in part.data else phase_of(session)
    if session == 0 and phase != BEFORE:
        part.mistake("phase", f'session 0 is before the therapy: write "{BEFORE}" or leave this out')
    label = part.text("label", default="", longest=_LONGEST_LABEL) or None
    return Point(part.text("column"), session, phase, label)


def phase_of(session: int) -> str:
    return BEFORE if session == 0 else THERAPY


class _Part:
    """A table of the mapping whose readers note mistakes under the full key and go on."""

    def __init__(self, data: dict[str, Any], path: str, mistakes: dict[str, str]) -> None:
        self.data, self.path, self.mistakes = data, path, mistakes

    def mistake(self, key: str, message: str) -> None:
        self.mistakes.setdefault(f"{self.path}{key}", message)

    def allow(self, *keys: str) -> None:
        for key in self.data:
            if key not in keys:
                self.mistake(str(key), f"is not known here; there are {', '.join(keys)}")

    def text(self, key: str, *, default: str | None = None, longest: int = 200) -> str:
        value = self.data.get(key, default)
        if value is None:
            self.mistake(key, "is missing")
        elif not isinstance(value, str) or (default is None and not value.strip()):
            self.mistake(key, "must be text")
        elif len(value.strip()) > longest and key != "source":
            self.mistake(key, f"must have at most {longest} characters")
        else:
            return value.strip()
        return ""

    def texts(self, key: str) -> list[str]:
        values = self.data.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            self.mistake(key, 'must be a list of texts, as in ["NA", "-99"]')
            return []
        return [value.strip() for value in values]

    def boolean(self, key: str, *, default: bool | None = None) -> bool:
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            self.mistake(key, "is missing" if value is None else "must be true or false")
            return False
        return value

    def number(self, key: str, *, optional: bool = False) -> float | None:
        value = self.data.get(key)
        if value is None:
            if not optional:
                self.mistake(key, "is missing")
            return None
        number = _finite(value)
        if number is None:
            self.mistake(key, "must be a number")
        return number

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        value = self.data.get(key)
        if not isinstance(value, str) or value not in allowed:
            self.mistake(key, f"{'is missing; it' if value is None else 'it'} must be one of {', '.join(allowed)}")
            return ""
        return value

    def numbers(self, key: str) -> dict[str, float]:
        part = self.part(key, optional=True)
        found = {str(name).strip(): part.number(str(name)) for name in part.data}
        return {name: number for name, number in found.items() if number is not None}

    def columns_by_scale(self, key: str) -> dict[str, str]:
        part = self.part(key, optional=True)
        return {str(scale): part.text(str(scale)) for scale in part.data}

    def part(self, key: str, *, optional: bool = False) -> "_Part":
        value = self.data.get(key)
        if value is None and not optional:
            self.mistake(key, "is missing")
        elif value is not None and not isinstance(value, dict):
            self.mistake(key, "must be a table, as in { … = … }")
        found = value if isinstance(value, dict) else {}
        # One message for a whole part that is missing, not one for each of its keys.
        return _Part(found, f"{self.path}{key}.", self.mistakes if isinstance(value, dict) else {})

    def parts(self, key: str) -> list["_Part"]:
        values = self.data.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            self.mistake(key, f"must be a list of tables, written as [[{key}]]")
            return []
        return [_Part(value, f"{self.path}{key}[{n}].", self.mistakes) for n, value in enumerate(values, start=1)]


def _finite(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
