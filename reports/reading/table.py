"""What reading a file gives: a table, or one sentence that says what to do about the file."""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

# The row's number as a spreadsheet counts it (the first line of the file is 1), and one text per column.
Row = tuple[int, tuple[str | None, ...]]


class Unreadable(ValueError):
    """The file cannot be read as a table. The message is for the person who sent it and names the next step."""


@dataclass(frozen=True)
class Limits:
    """What is refused before it can fill memory or a working day. `max_unpacked` is for the parts of a workbook."""

    max_bytes: int = 50_000_000
    max_rows: int = 200_000
    max_columns: int = 2_000
    max_unpacked: int = 500_000_000


@dataclass(frozen=True)
class Table:
    """The columns' names and the rows beneath them.

    `rows` reads the file anew each time it is iterated, and raises Unreadable at a row that does not fit. Empty cells
    are None and rows without any value are left out; the numbers of the others still count them. In a workbook
    (`encoding` "xlsx", no `delimiter`) dates are ISO text and numbers have a decimal point.
    """

    columns: tuple[str, ...]
    rows: Iterable[Row]
    encoding: str
    delimiter: str
    notes: tuple[str, ...]

    @property
    def is_workbook(self) -> bool:
        return self.encoding == "xlsx"


@dataclass(frozen=True)
class Rows:
    """Rows that can be gone through more than once without being held in memory."""

    start: Callable[[], Iterator[Row]]

    def __iter__(self) -> Iterator[Row]:
        return self.start()


@dataclass(frozen=True)
class Source:
    """A file on disk or its bytes. Reading it raises Unreadable where the disk refuses."""

    content: Path | bytes

    def open(self) -> BinaryIO:
        if isinstance(self.content, bytes):
            return io.BytesIO(self.content)
        try:
            return self.content.open("rb")
        except FileNotFoundError:
            raise Unreadable(f"There is no file “{self.content}”. Check its name and folder.") from None
        except IsADirectoryError:
            raise Unreadable(f"“{self.content}” is a folder. Name one file in it.") from None
        except (OSError, ValueError) as error:
            raise Unreadable(f"“{self.content}” cannot be opened ({error}). Check that you may read it.") from None

    def size(self) -> int:
        with self.open() as file:
            return file.seek(0, io.SEEK_END)

    def head(self, length: int) -> bytes:
        with self.open() as file:
            return file.read(length)


def check_columns(names: Sequence[str | None], limits: Limits) -> tuple[str, ...]:
    """The columns' names without spaces around them; raises Unreadable naming every empty or repeated one."""
    if len(names) > limits.max_columns:
        raise too_many_columns(limits, len(names))
    columns = tuple((name or "").strip() for name in names)
    empty = [place(number) for number, name in enumerate(columns) if not name]
    if empty:
        raise Unreadable(
            f"{_listed('Column', empty)} {'has' if len(empty) == 1 else 'have'} no name. "
            "Write a name into the first row, or delete the column."
        )
    places: dict[str, list[str]] = {}
    for number, name in enumerate(columns):
        places.setdefault(name, []).append(place(number))
    repeated = [f"“{name}” ({', '.join(where[:5])})" for name, where in places.items() if len(where) > 1]
    if repeated:
        more = f" and {len(repeated) - 10} more" if len(repeated) > 10 else ""
        raise Unreadable(
            f"More than one column is called {', '.join(repeated[:10])}{more}. Give each column a name of its own."
        )
    return columns


def too_many_columns(limits: Limits, found: int | None = None) -> Unreadable:
    count = f"{found:,} columns" if found else f"more than {limits.max_columns:,} columns"
    return Unreadable(
        f"The file has {count}; at most {limits.max_columns:,} can be read. "
        "Keep only those with ratings. If every client has a column, swap rows and columns first."
    )


def too_many_rows(limits: Limits) -> Unreadable:
    return Unreadable(
        f"The file has more than {limits.max_rows:,} rows. Split it into smaller files and import one after the other."
    )


def nothing_beneath() -> Unreadable:
    return Unreadable(
        "The file has column names but no rows beneath them. Export it again with the ratings, one row for each."
    )


def place(number: int) -> str:
    """The column counted from 0 as a spreadsheet calls it: 0 is A, 26 is AA."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _listed(word: str, places: list[str]) -> str:
    if len(places) == 1:
        return f"{word} {places[0]}"
    more = f" and {len(places) - 10} more" if len(places) > 10 else ""
    return f"{word}s {', '.join(places[:10])}{more}"
