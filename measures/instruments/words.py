"""The wording of a questionnaire as somebody pastes it or keeps it in a file: one line an item.

    I feel hopeful.                              the text
    I feel hopeful. | not at all | very much     the text, and the words at both ends of its answer line

A tab does as well as " | ": it is what a spreadsheet copies.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from .model import Edition

LONGEST_TEXT, LONGEST_END = 400, 80
LARGEST_FILE = 200_000
NUMBERED = re.compile(r"(\d{1,3})(?:[.):]\s*|\s+)(?=\S)")
HEADINGS = {"", "nr", "no", "number", "item", "text", "wording", "question", "low", "high", "lowest", "highest"}
DELIMITERS = ("\t", ";", ",")


class UnreadableFile(ValueError):
    """A file that holds no wording; the message says what to do instead."""


@dataclass(frozen=True)
class Line:
    """What is to be the wording of one item, and what is wrong with it. Without a line for it the text is empty."""

    number: int
    text: str = ""
    low: str = ""
    high: str = ""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pasted:
    """The lines, and what was noticed about them as a whole."""

    lines: tuple[Line, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        return not self.problems and not any(line.problems for line in self.lines)


def read_wording(text: str, edition: Edition, *, low: str = "", high: str = "") -> Pasted:
    """The wording of an edition's items. `low` and `high` are the ends of every line that has none of its own."""
    given = [line.strip() for line in re.split(r"\r\n|\r|\n", text) if line.strip()]
    bare = without_numbers(given)
    notes = ["The numbers at the beginning of the lines were taken off."] if bare != given else []
    count = edition.number_of_items
    problems = []
    if len(given) != count:
        there = "There is 1 line" if len(given) == 1 else f"There are {len(given)} lines"
        problems.append(f"{there}; the questionnaire has {count} item{'s' if count > 1 else ''}, one line for each.")
    lines = [_line(number, line, (low.strip(), high.strip())) for number, line in enumerate(bare, start=1)]
    return Pasted(tuple(_held_together(lines, count)), tuple(problems), tuple(notes))


def without_numbers(lines: Sequence[str]) -> list[str]:
    """The lines without the numbers that stand before them, where every line begins with its own."""
    found = [NUMBERED.match(line) for line in lines]
    if not lines or any(match is None or int(match[1]) != place for place, match in enumerate(found, start=1)):
        return list(lines)
    return [line[match.end() :] for line, match in zip(lines, found, strict=True) if match]


def _line(number: int, line: str, usual: tuple[str, str]) -> Line:
    parts = [part.strip() for part in (line.split("\t") if "\t" in line else re.split(r"(?:^| )\|(?: |$)", line))]
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    text, *ends = parts
    problems = []
    if len(ends) == 1 or (len(ends) == 2 and not all(ends)):
        problems.append("has the words of one end only. Give both, or neither.")
    if len(ends) > 2:
        problems.append("has more than a text and two ends.")
    if not text:
        problems.append("has no text before its ends.")
    if any(unicodedata.category(sign) == "Cc" for part in parts for sign in part):
        problems.append("holds a sign that cannot be shown. Type the line anew.")
    low, high = (*ends, "", "")[:2] if ends else usual
    if len(text) > LONGEST_TEXT or max(len(low), len(high)) > LONGEST_END:
        problems.append(f"is too long: {LONGEST_TEXT} signs for the text, {LONGEST_END} for an end.")
    return Line(number, text, low, high, tuple(problems))


def _held_together(lines: Sequence[Line], count: int) -> list[Line]:
    """The lines with what only shows beside the others: doubles, one too many, none at all."""
    first: dict[str, int] = {}
    found = []
    for line in lines:
        problems = list(line.problems)
        if line.number > count:
            problems.append("is one too many.")
        if line.text and first.setdefault(line.text, line.number) != line.number:
            problems.append(f"says the same as line {first[line.text]}.")
        found.append(Line(line.number, line.text, line.low, line.high, tuple(problems)))
    return [*found, *(Line(number, problems=("has no line yet.",)) for number in range(len(lines) + 1, count + 1))]


def lines_of_file(content: bytes, name: str) -> tuple[str, list[str]]:
    """A text or CSV file as it would have been pasted, and what was noticed in reading it. Raises UnreadableFile."""
    if content[:4] == b"PK\x03\x04":
        raise UnreadableFile("This is a workbook or a document. Copy its cells and paste them, or save it as CSV.")
    if content[:5] == b"%PDF-":
        raise UnreadableFile("This is a PDF. Copy its lines and paste them, and look them over.")
    if len(content) > LARGEST_FILE:
        raise UnreadableFile(f"The file has more than {LARGEST_FILE // 1000} kB. Give one questionnaire, as text.")
    text, notes = _decoded(content)
    if "\0" in text:
        raise UnreadableFile("This is not a text file. Save it as text or CSV.")
    if not text.strip():
        raise UnreadableFile("The file is empty.")
    return (_pasted(text) if name.lower().endswith(".csv") else text), notes


def _decoded(content: bytes) -> tuple[str, list[str]]:
    try:
        if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            return content.decode("utf-16"), []
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        read = content.decode("cp1252", errors="replace")
        return read, ["The file is not in UTF-8; it was read as Windows text. Look at the accents."]


def _pasted(text: str) -> str:
    """A CSV's rows as lines with tabs between their cells; a row of headings is left out."""
    delimiter = max(DELIMITERS, key=lambda sign: sum(sign in line for line in text.splitlines()))
    try:
        read = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise UnreadableFile("This CSV can’t be read; a quotation mark may be open. Paste the lines.") from error
    rows = [row for cells in read if any(row := [" ".join(cell.split()) for cell in cells])]
    if rows and {cell.lower().strip(".:#") for cell in rows[0]} <= HEADINGS:
        rows = rows[1:]
    return "\n".join("\t".join(row).rstrip("\t") for row in rows)
