"""Numbers and days as the pages write them."""

import html
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

from django import template
from django.urls import get_script_prefix, get_urlconf, reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from dashboards.sentences import CHANGE_N
from dashboards.sparkline import Sparkline

register = template.Library()
NO_SCORE = SafeString(
    '<span class="muted"><span aria-hidden="true">–</span><span class="visually-hidden">no score</span></span>'
)
ANY = uuid.UUID(int=0)


@register.filter
def score(value: float | str | None) -> SafeString | str:
    """One decimal; a missing score says so to everybody, and is never a zero. "" is a scale nobody has rated yet."""
    return NO_SCORE if value is None or isinstance(value, str) else f"{value:.1f}"


# --- What stands in every row of a long table: a tag for the whole takes a tenth of what nested loops take --------


@register.filter
def score_cells(values: Sequence[float | None], labels: str = "") -> SafeString:
    """A cell for each score; with labels, a word for each, as a narrow table shows them."""
    named = [f' data-label="{label}"' for label in labels.split()] or [""] * len(values)
    cells = zip(values, named, strict=True)
    return SafeString("".join([f'<td class="num"{name}>{score(value)}</td>' for value, name in cells]))  # nosec B703 # numbers


@register.filter
def number_rows(rows: Iterable[Sequence[str]]) -> SafeString:
    """A row of plain texts for each, the first cell as its head, the others as numbers."""
    return SafeString("".join(map(number_row, rows)))  # nosec B703 # each cell is escaped


def number_row(row: Sequence[str]) -> str:
    head, *cells = map(html.escape, row)
    numbers = "".join([f'<td class="num">{cell}</td>' for cell in cells])
    return f'<tr><th scope="row">{head}</th>{numbers}</tr>'


@register.filter
def drawn(line: Sparkline) -> SafeString:
    """The lines and dots of a small series, within its svg."""
    lines = [f'<polyline points="{points}" />' for points in line.lines]
    return SafeString("".join([*lines, *(f'<circle cx="{x}" cy="{y}" r="2.5" />' for x, y in line.dots)]))  # nosec B703 # numbers


@register.simple_tag
def url_of(route: str, pk: uuid.UUID | str) -> str:
    """As `url`, for a route whose one argument is an id."""
    before, after = around_id(route, get_script_prefix(), get_urlconf())
    return f"{before}{pk}{after}"


@cache
def around_id(route: str, _prefix: str, _urlconf: str | None) -> tuple[str, str]:
    before, _, after = reverse(route, args=[ANY]).partition(str(ANY))
    return before, after


# --- Changes and days ---------------------------------------------------------------------------------------------


@register.filter
def day(when: date) -> str:
    """As `date:"j M Y"`, in English."""
    return f"{when:%-d %b %Y}"


@register.filter
def answered(value: float) -> str:
    """An answer to a question: one decimal where there is one."""
    return f"{value:.1f}".removesuffix(".0")


@register.filter
def signed(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:+.1f}".replace("-", "−") if round(value, 1) else "no change"


@register.filter
def days_ago(day: date | None) -> str:
    if day is None:
        return ""
    days = (timezone.localdate() - day).days
    if days == 0:
        return "today"
    if days == 1:
        return "yesterday"
    return f"{days} days ago" if days < 60 else f"{day:%-d %B %Y}"


@register.filter
def waited(since: datetime) -> str:
    """How long ago, in the largest unit that tells something."""
    minutes = int((timezone.now() - since).total_seconds() // 60)
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = minutes // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"


@register.filter
def last_change(scales: Mapping[str, Any]) -> str:
    """The component that moved most since the rating before, with its sign."""
    components = {name: trend for name, trend in scales.items() if name != "total"}
    moved = [
        (name, trend.change) for name, trend in components.items() if trend.n >= CHANGE_N and trend.change is not None
    ]
    if not moved:
        return "too few to say" if any(trend.n for trend in components.values()) else "no rating yet"
    name, change = max(moved, key=lambda pair: abs(pair[1]))
    return f"{name} {signed(change)}" if round(change, 1) else "no change"


@register.filter
def of_scale(scales: Mapping[str, Any], name: str) -> Any:
    return scales.get(name)
