"""Scores that are known without their items: from paper, or from a file that holds nothing else."""

import math
from collections.abc import Mapping

from measures.instruments import TOTAL, Edition
from measures.scoring import AnswerProblem, ScaleScore, plain_number


def score_of_total(edition: Edition, scale: str, total: float) -> ScaleScore:
    """A score known by its total alone. Its mean is where the total lies in its range, put on the range of an item."""
    low, high = edition.score_range(scale)
    mean = edition.minimum + (total - low) / (high - low) * (edition.maximum - edition.minimum)
    mean = min(max(mean, edition.minimum), edition.maximum)  # 4.8 + 11.1 is a little above 15.9
    items = len(edition.numbers(scale)) or 1
    return ScaleScore(scale, total, mean, items, items, False, None)


def check_totals(edition: Edition, totals: Mapping[str, object]) -> dict[str, float]:
    """The totals that were given, by scale; None and empty text are none. Raises AnswerProblem by the scale's name.

    Each lies within its scale's range. Sums that are all given add up, but for the halves of pro-rated ones.
    """
    found: dict[str, float] = {}
    problems: dict[int | str, str] = {}
    for scale, given in totals.items():
        if given is None or (isinstance(given, str) and not given.strip()):
            continue
        value, (low, high) = plain_number(given), edition.score_range(scale)
        if value is None:
            problems[scale] = "must be a number"
        elif not low <= value <= high:
            problems[scale] = f"must be between {low:g} and {high:g}"
        else:
            found[scale] = value
    parts = [scale for scale in edition.scales if scale not in edition.combined]
    if edition.scoring == "sum" and parts and not problems and {TOTAL, *parts} <= set(found):
        together = math.fsum(found[scale] for scale in parts)
        if abs(together - found[TOTAL]) > len(parts) / 2:
            problems[TOTAL] = f"is {found[TOTAL]:g}, and the scales add up to {together:g}"
    if problems:
        raise AnswerProblem(problems)
    return found
