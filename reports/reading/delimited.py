"""Text files with a character between the columns: which encoding, which character, and what each row holds."""

import codecs
import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import BinaryIO

from reports.reading.table import (
    Limits,
    Row,
    Rows,
    Source,
    Table,
    Unreadable,
    check_columns,
    nothing_beneath,
    too_many_columns,
    too_many_rows,
)

DELIMITERS: Mapping[str, str] = MappingProxyType({",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"})
ENCODINGS: Mapping[str, str] = MappingProxyType(
    {
        "utf-8": "UTF-8",
        "utf-16-le": "UTF-16 (little-endian)",
        "utf-16-be": "UTF-16 (big-endian)",
        "windows-1252": "Windows-1252 (Western European)",
        "latin-1": "Latin-1 (Western European)",
    }
)
_LONGEST_LINE = 2_000_000  # characters; a longer one is not a row of ratings
_SNIFFED_RECORDS = 60
_SNIFFED_CHARACTERS = 250_000
_CHUNK = 1 << 20
_NOT_IN_WINDOWS_1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x19\x1b-\x1f]")
_DAMAGED = (
    "The file is not text: it holds characters that no table has. "
    "Open it in the program that it comes from and save it as CSV (UTF-8) or .xlsx."
)


@dataclass(frozen=True)
class _Text:
    """A text file whose encoding is known. `skipped` first lines are not part of the table."""

    source: Source
    encoding: str
    skipped: int = 0

    def lines(self, limits: Limits) -> Iterator[str]:
        with self.source.open() as raw, io.TextIOWrapper(raw, encoding=self.encoding, newline="") as text:
            number = 0
            while line := text.readline(_LONGEST_LINE):
                number += 1
                if number == 1:
                    line = line.removeprefix("\ufeff")
                if len(line) >= _LONGEST_LINE - 1:
                    if max(line.count(delimiter) for delimiter in DELIMITERS) >= limits.max_columns:
                        raise too_many_columns(limits)
                    raise Unreadable(
                        f"Line {number} has more than {_LONGEST_LINE:,} characters. "
                        "Check that the file has line breaks between its rows, and export it again."
                    )
                if number > self.skipped:
                    yield line


def read_text(source: Source, limits: Limits, delimiter: str | None, encoding: str | None) -> Table:
    """The table in a text file; raises Unreadable. What is not stated is found out and noted."""
    if delimiter is not None and delimiter not in DELIMITERS:
        raise Unreadable(f"“{delimiter}” cannot stand between columns here. State one of: , ; | or a tab.")
    notes = []
    if encoding is None:
        encoding, note = _found_encoding(source)
        notes += [note] if note else []
    elif encoding not in ENCODINGS:
        raise Unreadable(f"The encoding “{encoding}” is not known here. State one of: {', '.join(ENCODINGS)}.")
    _check_text(source, encoding)
    text = _Text(source, encoding)
    stated = re.fullmatch(r'"?sep=([^\w\s"]|\t)"?[\r\n]*', next(text.lines(limits), ""), re.IGNORECASE)
    if stated:
        text = _Text(source, encoding, skipped=1)
        delimiter = delimiter or stated[1]
    if delimiter is None:
        delimiter, found = _found_delimiter(text, limits)
        notes += found
    records = _records(text, delimiter, limits)
    header = next((record for record in records if any(record[1])), None)
    if header is None:
        raise Unreadable("The file is empty. Check that the export finished, and send the file again.")
    at, names = header
    columns = check_columns(names, limits)
    if at > text.skipped + 1:
        notes.append(f"The column names are in row {at}; the rows above are empty.")
    rows = Rows(lambda: _rows(text, delimiter, len(columns), at, limits))
    if next(iter(rows), None) is None:
        raise nothing_beneath()
    return Table(columns, rows, encoding, delimiter, tuple(notes))


# Rows


def _rows(text: _Text, delimiter: str, width: int, header: int, limits: Limits) -> Iterator[Row]:
    count = 0
    for number, record in _records(text, delimiter, limits):
        if number <= header or not any(record):
            continue
        if len(record) != width:
            raise _wrong_width(number, len(record), width, delimiter)
        count += 1
        if count > limits.max_rows:
            raise too_many_rows(limits)
        yield number, tuple([cell or None for cell in record])


def _records(text: _Text, delimiter: str, limits: Limits) -> Iterator[tuple[int, list[str]]]:
    """The fields of each record with its number; a record may run over several lines."""
    reader = csv.reader(text.lines(limits), delimiter=delimiter, strict=True)
    number = text.skipped
    while True:
        number += 1
        first = reader.line_num + text.skipped + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _malformed(str(error), number, first, reader.line_num + text.skipped) from None
        yield number, record


def _malformed(error: str, row: int, first: int, last: int) -> Unreadable:
    where = f"Row {row}" if first == last else f"Row {row} (lines {first} to {last} of the file)"
    if "unexpected end" in error:
        return Unreadable(
            f"A quotation mark opened in row {row} (line {first} of the file) is never closed, "
            "so everything beneath it would be one cell. Close it there, or delete it."
        )
    if "field limit" in error:
        return Unreadable(
            f"{where} has a cell of more than {csv.field_size_limit():,} characters. "
            "Look for a quotation mark that is opened in this row and never closed."
        )
    return Unreadable(
        f"{where} has text straight after a closing quotation mark. "
        "Either a quotation mark was never closed there, or one inside the text must be written twice."
    )


def _wrong_width(row: int, found: int, expected: int, delimiter: str) -> Unreadable:
    few = "few" if found < expected else "many"
    return Unreadable(
        f"Row {row} has too {few} fields: {found}, and the first row names {_columns(expected)} "
        f"({_between(delimiter)} between them). Look in this row for a missing or unquoted separator or a lost line "
        "break; delete title lines above the column names."
    )


def _columns(count: int) -> str:
    return f"{count} column" if count == 1 else f"{count:,} columns"


def _between(delimiter: str) -> str:
    return DELIMITERS.get(delimiter, f"“{delimiter}”")


# Encoding


def _found_encoding(source: Source) -> tuple[str, str | None]:
    """The encoding and, where it was guessed, a note about it."""
    head = source.head(1 << 16)
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise Unreadable("The file is in UTF-32. Save it as UTF-8 and send it again.")
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if head.startswith(mark):
            return encoding, None
    if b"\x00" in head:
        return _found_utf_16(head)
    with source.open() as file:
        fault = _first_fault(file, "utf-8")
    if fault is None:
        return "utf-8", None
    if _CONTROLS.search(head):
        raise Unreadable(_DAMAGED)
    with source.open() as file:
        undefined = any(_NOT_IN_WINDOWS_1252.search(chunk) for chunk in iter(lambda: file.read(_CHUNK), b""))
    encoding = "latin-1" if undefined else "windows-1252"
    return encoding, (
        f"Read as {ENCODINGS[encoding]}, because line {fault[0]} is not UTF-8. "
        "If accented letters come out wrong, save the file as UTF-8."
    )


def _found_utf_16(head: bytes) -> tuple[str, str]:
    """UTF-16 without a byte order mark: the order in which the text has only characters that a text can have."""
    plausible = []
    for encoding in ("utf-16-le", "utf-16-be"):
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(head[: len(head) // 2 * 2])
        except UnicodeDecodeError:
            continue
        if not any(unicodedata.category(c) in {"Cc", "Cn", "Co"} and c not in "\t\r\n\f\v" for c in set(text)):
            plain = sum(c.isascii() for c in text)
            plausible.append((plain, encoding))
    if not plausible:
        raise Unreadable(_DAMAGED)
    encoding = max(plausible)[1]
    return encoding, f"Read as {ENCODINGS[encoding]}, which the file does not say of itself."


def _check_text(source: Source, encoding: str) -> None:
    """Refuse a file that is not in this encoding throughout, or that holds NUL characters."""
    with source.open() as file:
        fault = _first_fault(file, encoding)
    if fault is None:
        return
    line, reason = fault
    if reason == "NUL":
        raise Unreadable(
            f"Line {line} holds a NUL character, so the file is damaged or not text. "
            "Export it again, or open it in a spreadsheet and save it as CSV (UTF-8)."
        )
    raise Unreadable(
        f"Line {line} is not {ENCODINGS[encoding]}, and the file is, or is said to be. "
        "Save it as UTF-8 and send it again, or state another encoding."
    )


def _first_fault(file: BinaryIO, encoding: str) -> tuple[int, str] | None:
    """The line of the first character that cannot be taken and why, or None."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lines, text = 1, ""
    while True:
        chunk = file.read(_CHUNK)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            good = error.object[: error.start].decode(encoding, errors="ignore")
            return lines + _breaks(good), "undecodable"
        if "\0" in text:
            return lines + _breaks(text[: text.index("\0")]), "NUL"
        if not chunk:
            return None
        lines += _breaks(text)


def _breaks(text: str) -> int:
    return text.count("\n") or text.count("\r")


# Delimiter


@dataclass(frozen=True)
class _Fit:
    """How well one delimiter explains the first records. `agree` is the share that has the header's width."""

    agree: float
    same: float
    width: int
    usual: int


def _found_delimiter(text: _Text, limits: Limits) -> tuple[str, list[str]]:
    sample: list[str] = []
    size, whole = 0, True
    for line in text.lines(limits):
        if size > _SNIFFED_CHARACTERS:
            whole = False
            break
        sample.append(line)
        size += len(line)
    fits = {delimiter: _fit(sample, delimiter, whole) for delimiter in DELIMITERS}
    usable = {delimiter: fit for delimiter, fit in fits.items() if fit.usual > 1}
    if not usable:
        joined = "".join(sample)
        unused = next((delimiter for delimiter in DELIMITERS if delimiter not in joined), ",")
        return unused, ["Only one column was found. If there are more, state what stands between them."]
    best = max(usable, key=lambda delimiter: (usable[delimiter].agree, usable[delimiter].same, usable[delimiter].width))
    notes = []
    if best != ",":
        notes.append(f"Read with {DELIMITERS[best]} between columns.")
    rivals = [DELIMITERS[d] for d, fit in usable.items() if d != best and fit.agree == 1 and fit.width > 1]
    if rivals and usable[best].agree == 1:
        notes.append(
            f"Read with {DELIMITERS[best]} between columns, but {' or '.join(rivals)} would fit too. "
            "If the columns look wrong, state which it is."
        )
        notes = notes[-1:]
    return best, notes


def _fit(sample: Iterable[str], delimiter: str, whole: bool) -> _Fit:
    records: list[list[str]] = []
    try:
        records.extend(islice(csv.reader(sample, delimiter=delimiter), _SNIFFED_RECORDS + 1))
    except csv.Error:
        whole = True  # what was read so far is complete
    if (not whole or len(records) > _SNIFFED_RECORDS) and len(records) > 1:
        records.pop()
    widths = [len(record) for record in records if any(record)] or [len(record) for record in records if record]
    if len(widths) < 2:
        width = widths[0] if widths else 0
        return _Fit(1.0, 1.0, width, width)
    header, body = widths[0], widths[1:]
    usual, times = Counter(body).most_common(1)[0]
    return _Fit(body.count(header) / len(body), times / len(body), header, usual)
