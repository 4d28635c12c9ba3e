"""Cells of files that people open with a spreadsheet: none is taken for a formula."""

import re
import unicodedata

# What a spreadsheet calculates begins so, whatever blank or control character stands before it.
FORMULA = frozenset("=+-@|")
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?", re.ASCII)
BREAKS = frozenset("\t\r\n")


def harmless(cell: str) -> str:
    """A cell that a spreadsheet would calculate, be it behind spaces or in wide letters, begins with an apostrophe."""
    if not cell or (cell[0].isascii() and cell[0].isalnum()) or NUMBER.fullmatch(cell):
        return cell
    shown = unicodedata.normalize("NFKC", cell)
    text = shown.lstrip("".join({sign for sign in shown if unicodedata.category(sign)[0] in "CZ"}))
    before = shown[: len(shown) - len(text)]
    return f"'{cell}" if (text[:1] in FORMULA and text) or BREAKS & set(before) else cell
