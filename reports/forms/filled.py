"""What a form of columns is filled in with: from a mapping that fits the file, and else from the columns' names."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from measures.instruments import instruments
from reports.mapping import Mapping, MappingError, OwnMeasureSpec, mapping_of, shipped_mappings, template_mapping
from reports.mapping.suggestion import folded, item_columns, looks_wide, named_columns, occasions, score_columns, stems
from reports.models import ImportBatch

from .choosing import LONG, MOST_NEW, WIDE, Measure, new_measures

NUMBERS = ("low", "high", "sd", "reliability")
TEMPLATE, SHIPPED, BEFORE = "template", "shipped", "before"


@dataclass(frozen=True)
class Known:
    """A mapping that fits the columns of a file, and where it comes from."""

    source: str
    mapping: dict[str, Any]
    name: str = ""
    batch: ImportBatch | None = None


@dataclass
class Filled:
    """Shape, measures and first values of a form of columns."""

    shape: str
    measures: list[Measure]
    initial: dict[str, Any] = field(default_factory=dict)


def known_mapping(columns: Sequence[str], earlier: ImportBatch | None) -> Known | None:
    """What is known of a file with these columns: its last import, that it is a template, or a shipped mapping."""
    if earlier is not None:
        return Known(BEFORE, earlier.mapping, earlier.file_name, earlier)
    if (made := template_mapping(columns, instruments())) is not None:
        return Known(TEMPLATE, made)
    for text in shipped_mappings().values():
        mapping = tomllib.loads(text)
        if set(mapping_of(mapping).columns()) <= set(columns):
            return Known(SHIPPED, mapping, mapping["name"])
    return None


def filled_from(mapping: dict[str, Any], columns: Sequence[str], known: Sequence[Measure]) -> Filled | None:
    """What the form says when it says this mapping; None when it can't say it."""
    try:
        found = mapping_of(mapping)
    except MappingError:
        return None
    if not set(found.columns()) <= set(columns):
        return None
    initial: dict[str, Any] = {
        "client": found.client,
        "code_prefix": found.client_prefix,
        "therapist_column": found.therapist or "",
        "missing": ", ".join(sorted(found.missing)),
        "decimal_comma": found.decimal_comma,
        "number": found.session_number or "",
        "date": found.session_date or "",
        "order": found.date_order or "",
    }
    by_code = {(one.code, one.rater): one for one in known}
    unknown = [spec for spec in found.own_measures if (spec.code, "client") not in by_code]
    if len(unknown) > MOST_NEW:
        return None
    for spec, measure in zip(unknown, new_measures(len(unknown)), strict=True):
        by_code[spec.code, "client"] = measure
        initial |= {f"{measure.key}-{part}": value for part, value in defined(spec).items()}
    filled = Filled(WIDE if found.series else LONG, [], initial)
    is_said = say_series(found, filled, by_code, columns) if found.series else say_ratings(found, filled, by_code)
    return filled if is_said else None


def defined(spec: OwnMeasureSpec) -> dict[str, Any]:
    numbers = {part: "" if value is None else f"{value:g}" for part, value in vars(spec).items() if part in NUMBERS}
    return {**vars(spec), **numbers, "higher_is_better": "yes" if spec.higher_is_better else "no"}


def say_ratings(found: Mapping, filled: Filled, by_code: dict[tuple[str, str], Measure]) -> bool:
    for rating in found.ratings:
        measure = by_code.get((rating.instrument, rating.rater))
        if measure is None or rating.when or measure in filled.measures or (rating.totals and rating.expect):
            return False
        filled.measures.append(measure)
        key = measure.key
        filled.initial |= {f"{key}-item-{n}": column for n, column in enumerate(rating.items, start=1)}
        filled.initial |= {f"{key}-score-{scale}": name for scale, name in (rating.totals or rating.expect).items()}
        filled.initial[f"{key}-takes_scores"] = bool(rating.items and rating.totals)
        filled.initial[f"{key}-values"] = "\n".join(f"{word} = {number:g}" for word, number in rating.values.items())
    return True


def say_series(found: Mapping, filled: Filled, by_code: dict[tuple[str, str], Measure], columns: Sequence[str]) -> bool:
    places = {column: number for number, column in enumerate(columns)}
    taken: set[str] = set()
    for series in found.series:
        measure = by_code.get((series.instrument, series.rater))
        if measure is None or taken & {point.column for point in series.points}:
            return False
        if measure not in filled.measures:
            filled.measures.append(measure)
        values = "\n".join(f"{word} = {number:g}" for word, number in series.values.items())
        if filled.initial.setdefault(f"{measure.key}-values", values) != values:
            return False
        for point in series.points:
            taken.add(point.column)
            said = (f"{measure.key}|{series.scale}", point.session, point.phase, point.label or "")
            filled.initial |= row_values(places[point.column], *said)
    return True


def row_values(number: int, measure: str, session: int, phase: str, label: str) -> dict[str, Any]:
    values = {"measure": measure, "session": session, "phase": phase, "label": label}
    return {f"c{number}-{part}": value for part, value in values.items()}


def suggested_shape(columns: Sequence[str], known: Sequence[Measure]) -> str:
    return WIDE if looks_wide(columns, {one.items for one in known}) else LONG


def suggested(columns: Sequence[str], shape: str, measures: Sequence[Measure]) -> dict[str, Any]:
    """First values by the names of the columns."""
    named = named_columns(columns)
    initial: dict[str, Any] = {
        "client": named.get("client", ""),
        "therapist_column": named.get("therapist", ""),
        "number": named.get("number", ""),
        "date": named.get("date", ""),
    }
    return initial | (suggested_rows(columns, measures) if shape == WIDE else suggested_items(columns, measures))


def suggested_items(columns: Sequence[str], measures: Sequence[Measure]) -> dict[str, Any]:
    initial: dict[str, Any] = {}
    taken: set[str] = set()
    for measure in measures:
        items = item_columns(columns, measure.items, taken)
        taken |= set(items)
        initial |= {f"{measure.key}-item-{n}": column for n, column in enumerate(items, start=1)}
        words = [measure.code, f"{measure.code} {measure.rater}", measure.name]
        scores = score_columns([name for name in columns if name not in taken], measure.scales, words)
        taken |= set(scores.values())
        initial |= {f"{measure.key}-score-{scale}": column for scale, column in scores.items()}
    return initial


def suggested_rows(columns: Sequence[str], measures: Sequence[Measure]) -> dict[str, Any]:
    """Each stem goes to the measure that is called so; what is left goes to the others in the order of the file."""
    found = occasions(columns)
    free = stems(found)
    held: dict[str, Measure] = {}
    for measure in measures:
        names = {folded(measure.code), folded(measure.name)} - {""}
        stem = next((stem for stem in free if folded(stem) in names), None)
        if stem is not None:
            free.remove(stem)
            held[stem] = measure
    initial: dict[str, Any] = {}
    for measure in [one for one in measures if one not in held.values()]:
        if free:
            stem = free.pop(0)
            held[stem] = measure
            if not measure.code:
                code = "-".join(part for part in stem.casefold().replace("_", "-").split("-") if part)
                initial |= {f"{measure.key}-name": stem, f"{measure.key}-code": code}
    for number, column in enumerate(columns):
        one = found.get(column)
        if one and one.stem in held:
            measure = held[one.stem]
            initial |= row_values(number, f"{measure.key}|total", one.session, one.phase, one.label)
    return initial
