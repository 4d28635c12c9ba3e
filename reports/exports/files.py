"""From the kept rows to the one file that is downloaded, a part at a time: memory does not grow with the export.

Each format says how some rows of a table are kept, and how the kept parts become the file. A workbook is a zip of XML,
and the rows of a sheet stand in it one after the other: they are kept as they will stand there. Libraries that write
workbooks write them in one go, which at a million rows outlasts every step.
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import IO, Any
from xml.sax.saxutils import escape  # nosec B406 # it writes, and parses nothing

from .tables import Column, Table

# Spreadsheets read UTF-8 right only where the file says so; statistics programs would rather it did not.
MARK = "\ufeff"
# Rows that a sheet takes, its head among them.
MOST_ROWS = 1_048_576
Moment = tuple[int, int, int, int, int, int]
Row = Sequence[Any]
Parts = Callable[[str], Iterator[bytes]]
Described = Sequence[tuple[Table, Sequence[Column]]]
Together = Callable[[Mapping[str, Sequence[Row]], Described, str], Mapping[str, bytes]]


@dataclass(frozen=True)
class Content:
    """What a file is made of: each table with its columns and the kept parts of its rows, small tables, a text."""

    described: Described
    parts: Parts
    small: Sequence[tuple[str, Sequence[Row]]]
    text: str
    moment: Moment
    has_mark: bool
    is_pseudonymous: bool = True

    @property
    def tables(self) -> list[tuple[str, list[str]]]:
        """Each table's name and head."""
        return [(table.name, [column.name for column in columns]) for table, columns in self.described]

    @property
    def mark(self) -> bytes:
        return MARK.encode() if self.has_mark else b""


@dataclass(frozen=True)
class FileFormat:
    """`lines` says how rows of one table are kept; `together`, where it is there, how those of all tables are."""

    suffix: str
    content_type: str
    lines: Callable[[Iterable[Row]], bytes]
    write: Callable[[IO[bytes], Content], None]
    together: Together | None = None
    # The tables that are in it, where these are not all.
    only: Sequence[Table] = ()

    def has(self, name: str) -> bool:
        return not self.only or name in [table.name for table in self.only]

    def pack(self, rows: Iterable[Row]) -> bytes:
        return zlib.compress(self.lines(rows), level=1)

    def parts(self, rows: Mapping[str, Sequence[Row]], described: Described, service: str) -> Mapping[str, bytes]:
        """What is kept of a step, by its names; `service` is the pseudonym of the service."""
        if self.together:
            return self.together(rows, described, service)
        return {name: self.pack(some) for name, some in rows.items() if some}


def member(name: str, moment: Moment) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, moment)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


def large(name: str, moment: Moment) -> zipfile.ZipInfo:
    """Millions of rows are put together in one step: pressed harder, they would take longer than that may."""
    info = member(f"{name}.csv", moment)
    # What ZipFile(compresslevel=…) sets where a member is opened by its name.
    info._compresslevel = 1  # type: ignore[attr-defined]
    return info


# --- CSV


def as_csv(rows: Iterable[Row]) -> bytes:
    """Lines of CSV, with CR LF at their ends; None is an empty cell."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def rows_of(parts: Iterable[bytes]) -> Iterator[list[str]]:
    """From kept parts of a table, as they stand in the CSV."""
    for part in parts:
        yield from csv.reader(io.StringIO(zlib.decompress(part).decode(), newline=""))


def write_csv(target: IO[bytes], content: Content) -> None:
    """A zip with a file for each table, large and small, and the text."""
    mark = content.mark
    with zipfile.ZipFile(target, "w") as archive:
        for name, head in content.tables:
            with archive.open(large(name, content.moment), "w", force_zip64=True) as file:
                file.write(mark + as_csv([head]))
                for part in content.parts(name):
                    file.write(zlib.decompress(part))
        for name, rows in content.small:
            archive.writestr(member(f"{name}.csv", content.moment), mark + as_csv(rows))
        write_text(archive, content)


def write_text(archive: zipfile.ZipFile, content: Content) -> None:
    text = "\r\n".join(content.text.splitlines()) + "\r\n"
    archive.writestr(member("codebook.txt", content.moment), text)


# --- Workbook (Office Open XML, ECMA-376 part 1, 18.3: cells carry their value, texts in line)

XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
# Days are counted from here; before March 1900 spreadsheets count a day that never was.
DAY_ZERO, FIRST_DAY = date(1899, 12, 30), date(1900, 3, 1)
DAY, HEAD = 1, 2
STYLES = (
    f'{XML}<styleSheet xmlns="{MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


def cell(value: Any, style: int = 0) -> str:
    """One cell: a number, a day, a text that is never a formula, or nothing."""
    styled = f' s="{style}"' if style else ""
    if value is None or value == "":
        return f"<c{styled}/>"
    if isinstance(value, int | float):
        return f"<c{styled}><v>{value!r}</v></c>"
    if isinstance(value, date):
        if value >= FIRST_DAY:
            return f'<c s="{DAY}"><v>{(value - DAY_ZERO).days}</v></c>'
        value = value.isoformat()
    text = escape(NOT_IN_XML.sub("", value))
    return f'<c{styled} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def as_rows(rows: Iterable[Row], style: int = 0) -> bytes:
    return "".join(f"<row>{''.join([cell(value, style) for value in row])}</row>" for row in rows).encode()


def write_workbook(target: IO[bytes], content: Content) -> None:
    """One sheet for each table, large and small; the text is the first. A table that is too long goes on in another."""
    lines = [[line] for line in content.text.splitlines()]
    tables: list[tuple[str, bytes, Iterable[bytes]]] = [("about", b"", [as_rows(lines)])]
    tables += [
        (name, as_rows([head], HEAD), map(zlib.decompress, content.parts(name))) for name, head in content.tables
    ]
    tables += [(name, as_rows(rows[:1], HEAD), [as_rows(rows[1:])]) for name, rows in content.small]
    names: list[str] = []
    # A million rows are more than a gigabyte of XML: pressed harder, they would take longer than a step may.
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, head, parts in tables:
            for number, some in enumerate(sheets_of(parts), start=1):
                names.append(name if number == 1 else f"{name} {number}")
                with archive.open(f"xl/worksheets/sheet{len(names)}.xml", "w", force_zip64=True) as file:
                    file.write(top_of_sheet(is_first=len(names) == 1, has_head=bool(head)) + head)
                    for part in some:
                        file.write(part)
                    file.write(b"</sheetData></worksheet>")
        for name, text in skeleton(names):
            archive.writestr(name, text)


def sheets_of(parts: Iterable[bytes]) -> Iterator[Iterator[bytes]]:
    """The parts, shared out so that no sheet has more rows than it takes. Each share is read before the next begins."""
    waiting = iter(parts)
    first = next(waiting, b"")

    def until_full() -> Iterator[bytes]:
        nonlocal first
        part, rows = first, 0
        while part and (not rows or rows + part.count(b"<row>") < MOST_ROWS):
            rows += part.count(b"<row>")
            yield part
            part = next(waiting, b"")
        first = part

    yield until_full()
    while first:
        yield until_full()


def top_of_sheet(*, is_first: bool, has_head: bool) -> bytes:
    """The head stays in sight."""
    pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>' if has_head else ""
    width = 18 if has_head else 100
    view = f'<sheetView tabSelected="{int(is_first)}" workbookViewId="0">{pane}</sheetView>'
    return (
        f'{XML}<worksheet xmlns="{MAIN}"><sheetViews>{view}</sheetViews><sheetFormatPr defaultRowHeight="15"/>'
        f'<cols><col min="1" max="20" width="{width}" customWidth="1"/></cols><sheetData>'
    ).encode()


def skeleton(sheets: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What a workbook needs besides its sheets."""
    numbered = list(enumerate(sheets, start=1))
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{SHEET_TYPE}.worksheet+xml"/>'
        for number, _name in numbered
    )
    yield (
        "[Content_Types].xml",
        f'{XML}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{SHEET_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{SHEET_TYPE}.styles+xml"/>{types}</Types>',
    )
    yield (
        "_rels/.rels",
        f'{XML}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    )
    named = "".join(f'<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>' for number, name in numbered)
    yield "xl/workbook.xml", f'{XML}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{named}</sheets></workbook>'
    targets = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number, _name in numbered
    )
    yield (
        "xl/_rels/workbook.xml.rels",
        f'{XML}<Relationships xmlns="{PACKAGE}/relationships">{targets}'
        f'<Relationship Id="rId{len(sheets) + 1}" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
    )
    yield "xl/styles.xml", STYLES
