"""Numbers of things as the pages write them."""

import re

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.filter
def counted(number: int | None, thing: str) -> str:
    """1 rating, 1,277 ratings."""
    number = number or 0
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


@register.filter
def thousands(number: int | None) -> str:
    return f"{number or 0:,}"


@register.filter
def breakable(name: str) -> SafeString:
    """A name that may break after its signs, where it is too long for a line."""
    return mark_safe(re.sub(r"(?<=[_.\-])(?=\w)", "<wbr>", escape(name)))  # noqa: S308  # nosec B308 B703 # escaped before
