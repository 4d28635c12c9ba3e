"""SPSS files (.sav): what they say of their columns is written by pyreadstat, their rows by us.

pyreadstat writes a table that it has in memory as a whole: at half a million scores that is beyond what a worker may
take. So it writes each table with one row, from which the top of the file is kept, and the rows follow as it would
write them: the numbers and padded texts of each one after the other. A test holds the outcome against a file that
pyreadstat wrote alone, byte for byte.
"""

import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import IO, Any

from .files import Content, as_csv, member, rows_of, write_text
from .numbers import Variable, variables
from .tables import DATE, NUMBER, TEXT, WHOLE, YES_NO, Column, Table

# Stands for a missing number, and is declared as such; no score, answer or target comes near it.
MISSING = -9999
NOTHING = struct.unpack("<d", bytes.fromhex("ffffffffffffefff"))[0]  # the system's own missing value
# Days are seconds since the day on which the calendar was reformed.
DAY_ZERO, SECONDS = date(1582, 10, 14), 86_400
FORMATS = {DATE: "SDATE10", NUMBER: "F10.2", WHOLE: "F8.0", YES_NO: "F1.0"}
# A text of more bytes than fit into one variable stands in several, of which each takes 255 bytes of it and one more.
SEGMENT, SEGMENT_ROOM = 255, 252
# Where the number of rows stands in the file: in its head, and in a record of its own, after these four words.
ROWS_AT, ROWS_RECORD = 80, struct.pack("<4i", 7, 16, 8, 2)
LONGEST_LABEL, LONGEST_VALUE_LABEL = 255, 120


def has_missing(column: Column) -> bool:
    """Whether a missing value has a code: in numbers and codes. A day or a text without one is just empty."""
    return column.kind in (NUMBER, WHOLE, YES_NO) and bool(column.empty)


def told(columns: Iterable[Column]) -> list[Column]:
    """The columns as they stand in the file, for the codebook."""
    found = [variable.column for variable in variables(columns)]
    return [
        replace(column, codes={**column.codes, str(MISSING): column.empty}, empty="") if has_missing(column) else column
        for column in found
    ]


def write_spss(target: IO[bytes], content: Content) -> None:
    """A zip with a file for each table; the keys of the instruments and the codebook beside them, as with CSV."""
    with zipfile.ZipFile(target, "w") as archive:
        for table, columns in content.described:
            with archive.open(member(f"{table.name}.sav", content.moment), "w", force_zip64=True) as file:
                write_table(file, table, columns, partial(content.parts, table.name))
        for name, rows in content.small:
            archive.writestr(member(f"{name}.csv", content.moment), content.mark + as_csv(rows))
        write_text(archive, content)


def write_table(file: IO[bytes], table: Table, columns: Sequence[Column], parts: Callable[[], Iterable[bytes]]) -> None:
    """Reads the rows twice: for how wide the texts are and how many rows there are, and to write them."""
    found = [Field.of(variable) for variable in variables(columns)]
    texts = [field for field in found if field.is_text]
    count = 0
    for row in rows_of(parts()):
        count += 1
        for field in texts:
            field.width = max(field.width, len(field.reads(row).encode()))
    file.write(top_of_file(table, found, count))
    writes = [field.writes() for field in found]
    for part in parts():
        file.write(b"".join([write(row) for row in rows_of([part]) for write in writes]))


@dataclass
class Field:
    """A column on its way into the file; `width` is that of its longest text, in bytes of UTF-8."""

    column: Column
    reads: Callable[[Sequence[str]], str]
    width: int = 1

    @classmethod
    def of(cls, variable: Variable) -> "Field":
        return cls(variable.column, variable.reads)

    @property
    def is_text(self) -> bool:
        return self.column.kind == TEXT

    @property
    def room(self) -> int:
        """Bytes of one row, in eights."""
        if not self.is_text:
            return 8
        whole, last = divmod(self.width, SEGMENT_ROOM) if self.width > SEGMENT else (0, self.width)
        return whole * (SEGMENT + 1) + -(-last // 8) * 8

    def writes(self) -> Callable[[Sequence[str]], bytes]:
        """From a row to its bytes."""
        reads, room = self.reads, self.room
        if not self.is_text:
            packed = packing(self.column)
            return lambda row: packed(reads(row))
        if self.width <= SEGMENT:
            return lambda row: reads(row).encode().ljust(room)

        def in_segments(row: Sequence[str]) -> bytes:
            text = reads(row).encode()
            pieces = [text[start : start + SEGMENT].ljust(SEGMENT + 1) for start in range(0, len(text), SEGMENT)]
            return b"".join(pieces)[:room].ljust(room)

        return in_segments


def packing(column: Column) -> Callable[[str], bytes]:
    """From a number or a day, as it stands in the CSV, to its bytes. Few occur, each in many rows."""
    missing = MISSING if has_missing(column) else NOTHING
    is_day = column.kind == DATE

    @lru_cache(maxsize=20_000)
    def packed(cell: str) -> bytes:
        if not cell:
            return struct.pack("<d", missing)
        return struct.pack("<d", (date.fromisoformat(cell) - DAY_ZERO).days * SECONDS if is_day else float(cell))

    return packed


def top_of_file(table: Table, fields: Sequence[Field], rows: int) -> bytes:
    """All that stands before the rows."""
    whole = bytearray(written_by_library(table, fields, [["x" * f.width if f.is_text else 0.0 for f in fields]]))
    top = whole[: len(whole) - sum(field.room for field in fields)]
    struct.pack_into("<i", top, ROWS_AT, rows)
    struct.pack_into("<q", top, top.index(ROWS_RECORD) + len(ROWS_RECORD) + 8, rows)
    return bytes(top)


def written_by_library(table: Table, fields: Sequence[Field], rows: Sequence[Sequence[Any]]) -> bytes:
    """The file of a table that is in memory, with what is said of its columns."""
    # Both take memory and a moment, which only this format needs.
    import pandas
    import pyreadstat

    columns = {field.column.name: field.column for field in fields}
    labels: dict[str, dict[float, str]] = {}
    missing: dict[str, list[Any]] = {}
    for name, column in columns.items():
        labels[name] = {int(code): cut(words, LONGEST_VALUE_LABEL) for code, words in column.codes.items()}
        if has_missing(column):
            labels[name][MISSING] = cut(column.empty, LONGEST_VALUE_LABEL)
            missing[name] = [MISSING]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.sav"
        pyreadstat.write_sav(
            pandas.DataFrame(rows, columns=list(columns)),
            path,
            file_label=table.name,
            column_labels={name: cut(column.words, LONGEST_LABEL) for name, column in columns.items()},
            variable_value_labels={name: some for name, some in labels.items() if some},
            missing_ranges=missing,
            variable_format={name: FORMATS[column.kind] for name, column in columns.items() if column.kind != TEXT},
            variable_measure={name: measure(column) for name, column in columns.items()},
        )
        return path.read_bytes()


def measure(column: Column) -> str:
    return "nominal" if column.kind == TEXT or column.codes else "scale"


def cut(words: str, most: int) -> str:
    """As much as fits, in bytes of UTF-8."""
    return words.encode()[:most].decode(errors="ignore")
