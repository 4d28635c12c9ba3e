"""A document to a PDF, by Typst: tagged, with title and language, its fonts inside, without a network.

The words go in as data and are never read as markup. PDF/UA-1 (ISO 14289-1) is what is asked for; where somebody typed
a sign that no font here has, that standard cannot be met, and the PDF is tagged all the same.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Literal

import typst

from .document import Document

TEMPLATE = Path(__file__).with_name("report.typ")
STANDARD: Literal["ua-1"] = "ua-1"


def pdf_of(document: Document, *, at: datetime) -> bytes:
    template, told, made = TEMPLATE.read_bytes(), {"document": json.dumps(document.data)}, int(at.timestamp())
    try:
        return typst.compile(template, sys_inputs=told, timestamp=made, pdf_standards=STANDARD)
    except typst.TypstError:
        return typst.compile(template, sys_inputs=told, timestamp=made)
