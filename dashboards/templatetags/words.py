"""Numbers and days as the pages write them."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboards.sentences import CHANGE_N

register = template.Library()


@register.filter
def score(value: float | str | None) -> SafeString | str:
    """One decimal; a missing score says so to everybody, and is never a zero. "" is a scale nobody has rated yet."""
    if value is None or isinstance(value, str):
        return format_html(
            '<span class="muted"><span aria-hidden="true">–</span><span class="visually-hidden">{}</span></span>',
            "no score",
        )
    return f"{value:.1f}"


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
