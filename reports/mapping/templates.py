"""Empty tables to fill in: their columns say themselves what they are, so that nothing is left to ask."""

from collections.abc import Mapping as ReadOnly
from collections.abc import Sequence
from typing import Any

from measures.instruments import Edition, Instrument
from reports.mapping.definition import edition_of

CLIENT, SESSION, DATE, THERAPIST = "client", "session", "date (year-month-day)", "therapist address"
_FIRST = (CLIENT, SESSION, DATE, THERAPIST)
_EXAMPLE = ("EXAMPLE-1", "1", "2026-01-05", "")


def item_names(edition: Edition) -> list[str]:
    return [f"{edition.instrument} {edition.rater} item {item.number}" for item in edition.items]


def score_names(edition: Edition) -> dict[str, str]:
    return {scale: f"{edition.instrument} {edition.rater} {scale}" for scale in edition.scored_scales}


def template_rows(edition: Edition, *, holds_items: bool) -> list[list[str]]:
    """The names of the columns and one row as an example, with the middle of each range."""
    if holds_items:
        middle = edition.minimum + round((edition.maximum - edition.minimum) / 2 / edition.step) * edition.step
        names, values = item_names(edition), [f"{middle:g}"] * edition.number_of_items
    else:
        names = list(score_names(edition).values())
        values = [f"{sum(edition.score_range(scale)) / 2:g}" for scale in score_names(edition)]
    return [[*_FIRST, *names], [*_EXAMPLE, *values]]


def template_mapping(columns: Sequence[str], shipped: ReadOnly[str, Instrument]) -> dict[str, Any] | None:
    """The mapping of a file that was made from templates, also from several side by side; None for any other file."""
    there = set(columns)
    if not {CLIENT, SESSION, DATE} <= there:
        return None
    ratings: list[dict[str, Any]] = []
    for code in shipped:
        for rater in shipped[code].editions:
            edition = edition_of(code, rater)
            assert edition is not None
            scores = {scale: name for scale, name in score_names(edition).items() if name in there}
            if edition.items and there.issuperset(item_names(edition)):
                ratings.append({"instrument": code, "rater": rater, "items": item_names(edition)})
                if scores:
                    ratings[-1]["expect"] = scores
            elif scores:
                ratings.append({"instrument": code, "rater": rater, "totals": scores})
    if not ratings:
        return None
    mapping: dict[str, Any] = {
        "client": {"column": CLIENT},
        "session": {"number": SESSION, "date": DATE, "order": "ymd"},
        "rating": ratings,
    }
    if THERAPIST in there:
        mapping["therapist"] = {"column": THERAPIST}
    return mapping
