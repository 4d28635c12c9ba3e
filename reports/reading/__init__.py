"""Any file a person could send, read as one table or refused in one sentence.

What a file is gets decided by its content, never by its name. Everything that had to be guessed is in the table's
notes, and can be stated instead: `delimiter`, `encoding` and `sheet`.
"""

from pathlib import Path

from reports.reading.delimited import DELIMITERS, ENCODINGS, read_text
from reports.reading.table import Limits, Row, Source, Table, Unreadable
from reports.reading.workbook import read_workbook

__all__ = ["DELIMITERS", "ENCODINGS", "Limits", "Row", "Table", "Unreadable", "read_table"]

_DEFAULT = Limits()
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_SAVE = "Save the table as .xlsx or CSV and send that."
# Files that people send by mistake, by their first bytes.
_OTHER = (
    (b"\xd0\xcf\x11\xe0", "an Excel file of the old kind (.xls) or one with a password", "Open it, remove the password and save it as .xlsx or CSV."),  # noqa: E501
    (b"%PDF", "a PDF", _SAVE),
    (b"{\\rtf", "a text document", _SAVE),
    (b"\x1f\x8b", "a compressed archive", "Unpack it and send the file inside."),
    (b"7z\xbc\xaf", "a compressed archive", "Unpack it and send the file inside."),
    (b"Rar!", "a compressed archive", "Unpack it and send the file inside."),
    (b"$FL2", "an SPSS file", "Export it from SPSS as CSV and send that."),
    (b"$FL3", "an SPSS file", "Export it from SPSS as CSV and send that."),
    (b"<stata", "a Stata file", "Export it from Stata as CSV and send that."),
    (b"SQLite format 3", "a database", _SAVE),
    (b"\x89PNG", "a picture", _SAVE),
    (b"\xff\xd8\xff", "a picture", _SAVE),
    (b"GIF8", "a picture", _SAVE),
)  # fmt: skip
_WEB = (b"<!doctype", b"<html", b"<table", b"<?xml", b"<head", b"<meta")


def read_table(
    source: Path | str | bytes,
    *,
    limits: Limits = _DEFAULT,
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
) -> Table:
    """The table in a file, given as its path or its bytes; raises Unreadable.

    `delimiter` is one of DELIMITERS, `encoding` one of ENCODINGS and `sheet` the name of a workbook's sheet; each is
    found out when it is None. Rows are checked as they are read: iterating `rows` may raise Unreadable too.
    """
    file = Source(Path(source) if isinstance(source, str) else source)
    size = file.size()
    if size > limits.max_bytes:
        raise Unreadable(
            f"The file has {size / 1e6:,.0f} MB; at most {limits.max_bytes / 1e6:,.0f} MB can be read. "
            "Split it, or keep only the columns with ratings."
        )
    head = file.head(1024)
    if not head.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"):
        raise Unreadable("The file is empty. Check that the export finished, and send the file again.")
    if head.startswith(_ZIP):
        return read_workbook(file, limits, sheet)
    for start, kind, advice in _OTHER:
        if head.startswith(start):
            raise Unreadable(f"This is {kind}, not a table. {advice}")
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_WEB):
        raise Unreadable(f"This is a web page or an XML file, whatever its name says. {_SAVE}")
    return read_text(file, limits, delimiter, encoding)
