"""From the kept rows to the one file that is downloaded, a row at a time: memory does not grow with the export."""

import csv
import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, Any

# Spreadsheets read UTF-8 right only where the file says so; statistics programs would rather it did not.
MARK = "\ufeff"
Open = Callable[[str], Iterator[bytes]]


def as_csv(rows: Iterable[Sequence[Any]]) -> bytes:
    """Lines of CSV, with CR LF at their ends; None is an empty cell."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def packed(rows: Iterable[Sequence[Any]]) -> bytes:
    return zlib.compress(as_csv(rows), level=6)


def write_zip(
    target: IO[bytes],
    *,
    tables: Sequence[tuple[str, Sequence[str]]],
    parts: Open,
    small: Sequence[tuple[str, bytes]],
    has_mark: bool,
    moment: tuple[int, int, int, int, int, int],
) -> None:
    """Each table's head and the kept parts of its rows, then the small files."""
    mark = MARK.encode() if has_mark else b""
    with zipfile.ZipFile(target, "w") as archive:
        for name, head in tables:
            with archive.open(member(f"{name}.csv", moment), "w", force_zip64=True) as file:
                file.write(mark + as_csv([head]))
                for part in parts(name):
                    file.write(zlib.decompress(part))
        for name, content in small:
            archive.writestr(member(name, moment), (mark if name.endswith(".csv") else b"") + content)


def member(name: str, moment: tuple[int, int, int, int, int, int]) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, moment)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info
