"""How the columns of somebody else's file become ratings.

A mapping is a TOML text (`load_mapping`) or the same as a plain dict (`mapping_of`); `interpret` applies it to a table.
Two are shipped, for the files in tests/data, and show what one looks like.
"""

from importlib import resources

from reports.mapping.definition import (
    DATE_ORDERS,
    PHASES,
    Mapping,
    MappingError,
    OwnMeasureSpec,
    Point,
    RatingSpec,
    SeriesSpec,
    load_mapping,
    mapping_of,
)
from reports.mapping.interpretation import Gap, ImportedRating, Interpretation, Problem, interpret
from reports.mapping.templates import template_mapping, template_rows
from reports.mapping.writing import toml_of

__all__ = [
    "DATE_ORDERS",
    "PHASES",
    "Gap",
    "ImportedRating",
    "Interpretation",
    "Mapping",
    "MappingError",
    "OwnMeasureSpec",
    "Point",
    "Problem",
    "RatingSpec",
    "SeriesSpec",
    "interpret",
    "load_mapping",
    "mapping_of",
    "shipped_mappings",
    "template_mapping",
    "template_rows",
    "toml_of",
]


def shipped_mappings() -> dict[str, str]:
    """The text of every shipped mapping by its name."""
    return {
        path.name.removesuffix(".toml"): path.read_text(encoding="utf-8")
        for path in sorted((resources.files("reports") / "mappings").iterdir(), key=lambda path: path.name)
        if path.name.endswith(".toml")
    }
