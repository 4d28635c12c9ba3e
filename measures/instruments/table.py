"""Reading TOML with messages that name the file and the path of the field."""

import math
import re
from collections.abc import Mapping
from typing import Any

from .model import InstrumentError


class Table:
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

    def boolean(self, field: str, *, default: bool | None = None) -> bool:
        value = self.get(field) if default is None else self.data.get(field, default)
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

    def names(self, field: str, known: Mapping[str, object]) -> tuple[str, ...]:
        """Names out of those that are known; an absent field reads as none."""
        values = self.data.get(field, [])
        if not isinstance(values, list) or any(not isinstance(value, str) for value in values):
            raise self.error(field, "must be a list of names")
        for value in values:
            if value not in known:
                raise self.error(field, f"there is no scale {value!r}")
        if len(set(values)) < len(values):
            raise self.error(field, "names one twice")
        return tuple(values)

    def item_numbers(self, field: str, count: int, *, default: list[int] | None = None) -> tuple[int, ...]:
        values = self.get(field) if default is None else self.data.get(field, default)
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

    def table(self, field: str) -> "Table":
        """A table within this one; an absent one reads as empty."""
        value = self.data.get(field, {})
        if not isinstance(value, dict):
            raise self.error(field, "must be a table")
        for name in value:
            if not re.fullmatch(r"[a-z_]+", name):
                raise self.error(field, f"{name!r} must be lower-case letters")
        return Table(value, self.file, f"{self.path}{field}.")

    def tables(self, field: str) -> list["Table"]:
        values = self.data.get(field, [])
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            raise self.error(field, f"must be written as [[{field}]]")
        return [Table(value, self.file, f"{self.path}{field}[{n}].") for n, value in enumerate(values, start=1)]
