"""Excel workbooks (.xlsx), streamed from the XML inside.

Ours rather than a library's because of time: with entity bombs refused, openpyxl needs minutes for 1e5 rows of 40
columns. Small parts go through defusedxml; the two large ones (cells, shared texts) go straight through expat, which
refuses every document type declaration, the only place where an entity can be declared.
"""

import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import IO, Any
from xml.etree.ElementTree import Element, ParseError  # nosec B405 # names only; defusedxml parses
from xml.parsers import expat

from defusedxml.ElementTree import fromstring

from reports.reading.table import (
    Limits,
    Row,
    Rows,
    Source,
    Table,
    Unreadable,
    check_columns,
    nothing_beneath,
    place,
    too_many_columns,
    too_many_rows,
)

_SMALL_PART = 20_000_000
_SHARED_TEXTS = 100_000_000
_MOST_PARTS = 10_000
_RATIO = 200  # a sheet of equal numbers packs about sixtyfold
_CHUNK = 1 << 16
_DAMAGED = "The workbook is damaged. Open it in Excel or LibreOffice, save it anew as .xlsx or CSV, and send that."
_BOMB = "The workbook unpacks to {size}, far more than a table of ratings needs, and was not opened. Save it as CSV."
# Numbers of Excel's own date and time formats (ECMA-376, part 1, 18.8.30); 27-36 and 50-58 are East Asian dates.
_BUILT_IN_DATES = frozenset({*range(14, 18), 22, *range(27, 37), *range(50, 59)})
_NOT_PART_OF_A_FORMAT = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True)
class _Book:
    """What is needed to read cells: names and parts of the visible sheets, texts, styles that show dates."""

    source: Source
    limits: Limits
    sheets: dict[str, str]
    hidden: dict[str, str]
    texts: list[str]
    dates: frozenset[int]
    from_1904: bool


def read_workbook(source: Source, limits: Limits, sheet: str | None) -> Table:
    """The table on one sheet of a workbook; raises Unreadable. Which sheet is asked when more than one has data."""
    with _in_words(), source.open() as file, zipfile.ZipFile(file) as archive:
        _check_archive(archive, limits)
        book = _book(archive, source, limits)
        name = sheet if sheet is not None else _only_sheet(book)
    part = {**book.hidden, **book.sheets}.get(name)
    if part is None:
        raise Unreadable(f"There is no sheet “{name}”. The sheets are: {_names(book.sheets)}.")
    header = next(_filled(book, part), None)
    if header is None:
        raise Unreadable(
            f"The sheet “{name}” is empty. Name another sheet, or send the workbook with the ratings in it."
        )
    at, names = header
    columns = check_columns(names, limits)
    notes = [] if len(book.sheets) == 1 else [f"Read the sheet “{name}”."]
    if at > 1:
        notes.append(f"The column names are in row {at}; the rows above are empty.")
    rows = Rows(lambda: _rows(book, part, len(columns)))
    if next(iter(rows), None) is None:
        raise nothing_beneath()
    return Table(columns, rows, "xlsx", "", tuple(notes))


@contextmanager
def _in_words() -> Iterator[None]:
    """Whatever a broken archive or broken XML raises, as one sentence."""
    try:
        yield
    except Unreadable:
        raise
    except (
        *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError),
        *(expat.ExpatError, ParseError, LookupError, ValueError, OSError, OverflowError),
    ) as error:
        if isinstance(error, RuntimeError) and "password" in str(error):
            raise Unreadable("The archive has a password. Remove it and send the file again.") from None
        raise Unreadable(_DAMAGED) from None


def _check_archive(archive: zipfile.ZipFile, limits: Limits) -> None:
    """Judge the archive by its directory, before a byte is unpacked."""
    parts = archive.infolist()
    unpacked, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    if len(parts) > _MOST_PARTS:
        raise Unreadable(_BOMB.format(size=f"{len(parts):,} parts"))
    if unpacked > limits.max_unpacked or (unpacked > 20_000_000 and unpacked > _RATIO * max(packed, 1)):
        raise Unreadable(_BOMB.format(size=f"{unpacked / 1e6:,.0f} MB"))
    if any(part.flag_bits & 1 for part in parts):
        raise Unreadable("The archive has a password. Remove it and send the file again.")
    names = {part.filename for part in parts}
    if "xl/workbook.bin" in names:
        raise Unreadable("This is a binary Excel workbook (.xlsb). Save it as .xlsx or CSV and send that.")
    if "mimetype" in names:
        raise Unreadable("This is an OpenDocument file. Save the table as .xlsx or CSV and send that.")
    if "[Content_Types].xml" not in names or any(name.startswith(("word/", "ppt/")) for name in names):
        raise Unreadable("This archive is not an Excel workbook. Unpack it and send the table inside, as .xlsx or CSV.")


# The small parts


def _book(archive: zipfile.ZipFile, source: Source, limits: Limits) -> _Book:
    main = next((target for kind, _, target in _links(archive, "") if kind == "officeDocument"), "xl/workbook.xml")
    links = _links(archive, main)
    sheet_parts = {key: target for kind, key, target in links if kind == "worksheet"}
    root = _xml(archive, main)
    sheets: dict[str, str] = {}
    hidden: dict[str, str] = {}
    for element in _all(root, "sheet"):
        key = next((value for name, value in element.attrib.items() if _local(name) == "id"), "")
        if key in sheet_parts:  # a chart sheet is none
            shown = element.get("state", "visible") == "visible"
            (sheets if shown else hidden)[element.get("name", "")] = sheet_parts[key]
    present = set(archive.namelist())
    first = {kind: target for kind, _, target in reversed(links) if target in present}
    return _Book(
        source=source,
        limits=limits,
        sheets=sheets,
        hidden=hidden,
        texts=_texts(archive, first["sharedStrings"]) if "sharedStrings" in first else [],
        dates=_date_styles(_xml(archive, first["styles"])) if "styles" in first else frozenset(),
        from_1904=any(element.get("date1904") in {"1", "true"} for element in _all(root, "workbookPr")),
    )


def _links(archive: zipfile.ZipFile, part: str) -> list[tuple[str, str, str]]:
    """Kind, key and target of every part that this one refers to."""
    folder, name = posixpath.split(part)
    return [
        (
            element.get("Type", "").rpartition("/")[2],
            element.get("Id", ""),
            posixpath.normpath(posixpath.join("/", folder, element.get("Target", ""))).lstrip("/"),
        )
        for element in _all(_xml(archive, posixpath.join(folder, "_rels", f"{name}.rels")), "Relationship")
        if element.get("TargetMode") != "External"
    ]


def _xml(archive: zipfile.ZipFile, part: str) -> Element:
    if archive.getinfo(part).file_size > _SMALL_PART:
        raise Unreadable(_BOMB.format(size=f"{archive.getinfo(part).file_size / 1e6:,.0f} MB in {part}"))
    root: Element = fromstring(archive.read(part), forbid_dtd=True)
    return root


def _all(root: Element, name: str) -> list[Element]:
    return [element for element in root.iter() if _local(element.tag) == name]


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _date_styles(root: Element) -> frozenset[int]:
    """The cell styles whose number format shows a date."""
    custom = {int(e.get("numFmtId", "0")): e.get("formatCode", "") for e in _all(root, "numFmt")}
    cells = next(iter(_all(root, "cellXfs")), None)
    found = set()
    for number, style in enumerate(cells if cells is not None else []):
        code = int(style.get("numFmtId", "0"))
        shown = _shows_a_date(custom[code]) if code in custom else code in _BUILT_IN_DATES
        found |= {number} if shown else set()
    return frozenset(found)


def _shows_a_date(code: str) -> bool:
    """A day or a year in the format's first section makes a date; hours alone are a time or a duration."""
    bare = _NOT_PART_OF_A_FORMAT.sub("", code).partition(";")[0].lower()
    return "general" not in bare and ("y" in bare or "d" in bare)


def _texts(archive: zipfile.ZipFile, part: str) -> list[str]:
    """The texts that cells refer to by number."""
    if archive.getinfo(part).file_size > _SHARED_TEXTS:
        raise Unreadable("The workbook holds more text than can be read. Save the sheet as CSV and send that.")
    texts: list[str] = []
    pieces: list[str] = []
    state = {"on": False, "sound": 0}

    def start(name: str, _: Any) -> None:
        name = name.rpartition(":")[2]
        if name == "t":
            state["on"] = not state["sound"]
        elif name == "rPh":  # how East Asian text is pronounced; not part of it
            state["sound"] = 1
        elif name == "si":
            pieces.clear()

    def end(name: str) -> None:
        name = name.rpartition(":")[2]
        if name == "t":
            state["on"] = False
        elif name == "rPh":
            state["sound"] = 0
        elif name == "si":
            texts.append(_unescaped("".join(pieces)))

    def characters(data: str) -> None:
        if state["on"]:
            pieces.append(data)

    with archive.open(part) as stream:
        for _ in _parsed(stream, start, end, characters):
            pass
    return texts


def _unescaped(text: str) -> str:
    """Excel writes characters that XML cannot hold as _x000D_."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text).replace("\r\n", "\n")


def _parsed(
    stream: IO[bytes],
    start: Callable[[str, Any], None],
    end: Callable[[str], None],
    characters: Callable[[str], None],
) -> Iterator[None]:
    """Feed the parser chunk by chunk, stopping after each so that finished rows can leave."""

    def refuse(*_: Any) -> None:
        raise Unreadable(
            "The workbook declares a document type, as Excel never does, and was not opened. Save the sheet as CSV."
        )

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    while chunk := stream.read(_CHUNK):
        parser.Parse(chunk, False)
        yield
    parser.Parse(b"", True)
    yield


# Sheets and rows


def _names(sheets: dict[str, str]) -> str:
    return ", ".join(f"“{name}”" for name in list(sheets)[:20])


def _only_sheet(book: _Book) -> str:
    if not book.sheets:
        raise Unreadable("The workbook has no sheet with a table. Put the ratings on a sheet, column names first.")
    filled = [name for name, part in book.sheets.items() if next(_filled(book, part, judge=False), None)]
    if len(filled) > 1:
        raise Unreadable(
            f"More than one sheet has data: {', '.join(f'“{name}”' for name in filled[:20])}. State which one to read, "
            "or save it alone."
        )
    return filled[0] if filled else next(iter(book.sheets))


def _rows(book: _Book, part: str, width: int) -> Iterator[Row]:
    rows = _filled(book, part)
    next(rows, None)  # the column names
    for count, (number, cells) in enumerate(rows, start=1):
        if len(cells) > width:
            raise Unreadable(
                f"Row {number} has a value in column {place(len(cells) - 1)}, which has no name in the first row. "
                "Name the column or clear the cell."
            )
        if count > book.limits.max_rows:
            raise too_many_rows(book.limits)
        yield number, (*cells, *[None] * (width - len(cells)))


def _filled(book: _Book, part: str, *, judge: bool = True) -> Iterator[tuple[int, list[str | None]]]:
    """Every row with a value, up to its last one. `judge` refuses formulas without a stored result."""
    with (
        _in_words(),
        book.source.open() as file,
        zipfile.ZipFile(file) as archive,
        archive.open(part) as stream,
    ):
        sheet = _Sheet(book, judge)
        for _ in _parsed(stream, sheet.start, sheet.end, sheet.characters):
            yield from sheet.rows
            sheet.rows.clear()


class _Sheet:
    """Turns the events of a sheet's XML into rows; called about five times for each cell, so it does little."""

    def __init__(self, book: _Book, judge: bool) -> None:
        self.book, self.judge = book, judge
        self.rows: list[tuple[int, list[str | None]]] = []
        self.number = 0
        self.cells: list[str | None] = []
        self.next_column = 0
        self.attributes: dict[str, str] = {}
        self.pieces: list[str] = []
        self.listening = self.has_formula = self.is_sound = False
        self.columns: dict[str, int] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if ":" in name:
            name = name.rpartition(":")[2]
        if name == "c":
            self.attributes = attributes
            self.pieces = []
            self.has_formula = False
        elif name in ("v", "t"):
            self.listening = not self.is_sound
        elif name == "f":
            self.has_formula = True
        elif name == "row":
            self.number = int(attributes.get("r", self.number + 1))
            self.cells = []
            self.next_column = 0
        elif name == "rPh":
            self.is_sound = True

    def characters(self, data: str) -> None:
        if self.listening:
            self.pieces.append(data)

    def end(self, name: str) -> None:
        if ":" in name:
            name = name.rpartition(":")[2]
        if name in ("v", "t"):
            self.listening = False
        elif name == "c":
            self._cell()
        elif name == "row":
            if self.cells:
                self.rows.append((self.number, self.cells))
                self.cells = []
        elif name == "rPh":
            self.is_sound = False

    def _cell(self) -> None:
        column = self._column()
        self.next_column = column + 1
        kind = self.attributes.get("t", "n")
        text = self.pieces[0] if len(self.pieces) == 1 else "".join(self.pieces)
        if not text:
            if self.has_formula and kind != "str" and self.judge:
                raise Unreadable(
                    f"Cell {place(column)}{self.number} holds a formula whose result was not saved. Open the workbook "
                    "in Excel or LibreOffice and save it, or paste the column as values."
                )
            return
        value = self._value(kind, text)
        if not value:
            return
        if column >= self.book.limits.max_columns:
            raise too_many_columns(self.book.limits)
        while len(self.cells) < column:
            self.cells.append(None)
        del self.cells[column:]
        self.cells.append(value)

    def _column(self) -> int:
        reference = self.attributes.get("r")
        if reference is None:
            return self.next_column
        letters = reference.rstrip("0123456789")
        column = self.columns.get(letters)
        if column is None:
            column = 0
            for letter in letters:
                column = column * 26 + "ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(letter) + 1
            column = self.columns[letters] = column - 1
        if column < self.next_column:
            raise ValueError("cells out of order")
        return column

    def _value(self, kind: str, text: str) -> str:
        if kind == "n":
            style = self.attributes.get("s")
            if style is not None and int(style) in self.book.dates:
                return _as_date(float(text), self.book.from_1904) or _as_number(text)
            return text if text.isdecimal() and len(text) < 15 else _as_number(text)
        if kind == "s":
            return self.book.texts[int(text)]
        if kind == "b":
            return "TRUE" if text == "1" else "FALSE"
        if kind == "d":
            return text.removesuffix("T00:00:00")
        return text if kind == "e" else _unescaped(text)


def _as_number(text: str) -> str:
    """The number with the 15 digits that Excel shows, as plain decimals where that is possible."""
    value = float(text)
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"


def _as_date(serial: float, from_1904: bool) -> str | None:
    """Days since the workbook's epoch as ISO text, with the time where there is one; None where it is no date.

    Excel's 1900 calendar has a 29 February 1900 (serial 60), so that days before it are one off.
    """
    if not 1 <= serial < 2_958_466 or (not from_1904 and 60 <= serial < 61):
        return None
    seconds = round(serial * 86_400)
    days, seconds = divmod(seconds, 86_400)
    epoch = date(1904, 1, 1) if from_1904 else date(1899, 12, 31) if days < 60 else date(1899, 12, 30)
    try:
        day = epoch + timedelta(days=days)
    except OverflowError:
        return None
    if not seconds:
        return day.isoformat()
    return f"{day.isoformat()}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
