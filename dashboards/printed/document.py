"""A report as data: who it is about, who asked for it and when, and blocks of words, charts and tables in their order.

Document(…, blocks=[heading("What changed"), words("It has come back.", strong="Bond."), chart(svg, alt="…")])
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

Block = dict[str, Any]
Cell = str | dict[str, Any]
# What a table says where there is no score; said beneath each table.
NO_SCORE = "–"


@dataclass(frozen=True)
class Document:
    """`running` stands on top of every page, `about` lines beneath the title; `made` says for whom and when."""

    title: str
    heading: str
    running: str
    service: str
    made: str
    about: Sequence[str]
    blocks: Sequence[Block]

    @property
    def data(self) -> dict[str, Any]:
        return asdict(self)


def made_for(name: str, at: datetime) -> str:
    """`at` in the service's own time."""
    return f"Made for {name} on {at.day} {at:%B %Y}, {at:%H:%M}"


def heading(text: str, level: int = 2) -> Block:
    return {"kind": "heading", "text": text, "level": level}


def words(text: str, *, strong: str = "") -> Block:
    return {"kind": "text", "text": text, "strong": strong}


def small(text: str, *, strong: str = "") -> Block:
    return {"kind": "small", "text": text, "strong": strong}


def items(found: Sequence[str]) -> Block:
    return {"kind": "list", "items": list(found)}


def steps(found: Sequence[str]) -> Block:
    return {"kind": "steps", "items": list(found)}


def said(text: str, source: str) -> Block:
    return {"kind": "quote", "lines": text.splitlines(), "source": source}


def chart(svg: str, *, alt: str) -> Block:
    return {"kind": "figure", "svg": svg, "alt": alt}


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    texts: int = 1,
    groups: Sequence[Cell] = (),
    widths: Sequence[int] = (),
) -> Block:
    """The first `texts` columns hold words, the others numbers; `groups` is a row of heads above those of columns.

    `widths` are the columns' shares of the page; 0, as they all are without it, is as wide as what stands in it.
    """
    return {
        "kind": "table",
        "columns": list(columns),
        "rows": [list(row) for row in rows],
        "words": texts,
        "groups": list(groups),
        "widths": list(widths) or [0] * len(columns),
    }


def together(*blocks: Block, is_close: bool = False) -> Block:
    """On one page, whatever the page before it has to leave empty; so never words of any length.

    With the space of a part of its own above it, or, where it is close, that of a paragraph.
    """
    return {"kind": "together", "blocks": list(blocks), "close": is_close}


def beside(left: Block, right: Block, *, widths: tuple[int, int] = (1, 1)) -> Block:
    """Two blocks next to each other, `widths` their shares of the page; read the left one first."""
    return {"kind": "beside", "left": left, "right": right, "widths": list(widths)}


def spanning(text: str, columns: int, *, is_centred: bool = False) -> Cell:
    return {"text": text, "span": columns, "centred": is_centred}


def number(value: float | None) -> str:
    """As the pages write a score."""
    return NO_SCORE if value is None else f"{value:.1f}"
