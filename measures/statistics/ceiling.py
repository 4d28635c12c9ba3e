"""Ratings at the ceiling: a rise can't show, and a fall shows late. The rule is ours (docs/measures.md)."""

from collections.abc import Sequence

from . import finite
from .minimum_n import MINIMUM_N

CEILING_N = MINIMUM_N["ceiling"].n
CEILING_SHARE = 2 / 3


def is_at_ceiling(scores: Sequence[float], maximum: float) -> bool:
    """Two thirds of three scores or more are at the maximum. Raises ValueError for a score that is not finite."""
    at_maximum = sum(score >= maximum for score in finite(scores))
    return len(scores) >= CEILING_N and at_maximum >= CEILING_SHARE * len(scores)
