"""Numbers of things as the pages write them."""

from django import template

register = template.Library()


@register.filter
def counted(number: int | None, thing: str) -> str:
    """1 rating, 1,277 ratings."""
    number = number or 0
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


@register.filter
def thousands(number: int | None) -> str:
    return f"{number or 0:,}"
