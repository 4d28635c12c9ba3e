"""A mapping as TOML, to keep, to change by hand or to hand to the command."""

import json
from collections.abc import Mapping as ReadOnly
from typing import Any

_PARTS = ("rating", "series", "measure")


def toml_of(mapping: ReadOnly[str, Any]) -> str:
    """The text that `load_mapping` reads as the same mapping."""
    lines = [f"{key} = {_value(value)}" for key, value in mapping.items() if key not in _PARTS]
    for part in _PARTS:
        for table in mapping.get(part, []):
            lines += ["", f"[[{part}]]", *(f"{_key(key)} = {_value(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, ReadOnly):
        return "{ " + ", ".join(f"{_key(str(key))} = {_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        if value and all(isinstance(inner, ReadOnly) for inner in value):
            return "[\n" + "".join(f"  {_value(inner)},\n" for inner in value) + "]"
        return "[" + ", ".join(_value(inner) for inner in value) + "]"
    # What JSON writes of a text, a number or a truth value is TOML too, but for the delete character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    is_bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if is_bare else _value(key)
