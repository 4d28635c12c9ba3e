"""A document to a PDF, by Typst: tagged, with title and language, its fonts inside, without a network.

The words go in as data and are never read as markup. PDF/UA-1 (ISO 14289-1) is what is asked for; where somebody typed
a sign that no font here has, that standard cannot be met, and the PDF is tagged all the same.
"""

import json
from datetime import datetime
from pathlib import Path

import typst

from .document import Document

TEMPLATE = Path(__file__).with_name("report.typ")
STANDARD = "ua-1"


def pdf_of(document: Document, *, at: datetime) -> bytes:
    told = {"document": json.dumps(document.data)}
    try:
        return compiled(told, at, STANDARD)
    except typst.TypstError:
        return compiled(told, at, None)


def compiled(told: dict[str, str], at: datetime, standard: str | None) -> bytes:
    found = typst.compile(
        TEMPLATE.read_bytes(),
        sys_inputs=told,
        timestamp=int(at.timestamp()),
        **({"pdf_standards": standard} if standard else {}),
    )
    assert isinstance(found, bytes)
    return found
