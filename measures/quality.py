"""What can be said about how a rating was filled in: information for reading it, never blame. Our rules.

None of it changes a score or a trend. docs/measures.md lists the rules.
"""

from collections.abc import Mapping, Sequence

from .instruments import TOTAL, Edition
from .statistics.ceiling import is_at_ceiling

SECONDS_AN_ITEM = 1


def is_very_fast(seconds: int | None, answered: int) -> bool:
    """Under one second for each item answered. Unknown, and nothing answered, are not fast."""
    return seconds is not None and seconds < SECONDS_AN_ITEM * answered


def is_contradictory(edition: Edition, answers: Mapping[int, float | None]) -> bool:
    """The same answer to every item, reversed ones among them, so that it says a thing and its opposite.

    7 7 7 7     with item 3 reversed: contradictory
    4 4 4 4     of 1 to 7: neither here nor there, which is the same either way
    """
    given = {number: answer for number, answer in answers.items() if answer is not None}
    values = set(given.values())
    kinds = {number in edition.reversed for number in given}
    return len(values) == 1 and len(kinds) == 2 and values != {(edition.minimum + edition.maximum) / 2}


def scales_at_ceiling(edition: Edition, courses: Mapping[str, Sequence[float]]) -> list[str]:
    """Scales that are at the maximum now and were in most ratings so far; the total alone where it is.

    `courses` holds the item means of each scale up to this rating. Scales on which lower is better are left out, and
    single questions without a total: the top of those is no compliment.
    """
    if not edition.has_total:
        return []
    found = [
        scale
        for scale in edition.scored_scales
        if edition.is_higher_better(scale)
        and list(courses.get(scale, ())[-1:]) == [edition.maximum]
        and is_at_ceiling(courses[scale], edition.maximum)
    ]
    return [TOTAL] if TOTAL in found else found


def notes(
    edition: Edition,
    answers: Mapping[int, float | None],
    *,
    seconds: int | None,
    courses: Mapping[str, Sequence[float]],
) -> list[str]:
    """Everything there is to say of a client's rating, in sentences for the therapist."""
    said = []
    answered = sum(answer is not None for answer in answers.values())
    if seconds is not None and is_very_fast(seconds, answered):
        time = "a second" if seconds == 1 else f"{seconds} seconds"
        said.append(
            f"Filled in within {time}, {answered} answers. There may have been little time today, and the numbers may "
            "say less than usual. Asking how the session was says more."
        )
    if is_contradictory(edition, answers):
        said.append(
            "Questions that ask for opposite things have the same answer. Perhaps their wording got in the way: "
            "reading two of them together shows what was meant."
        )
    if top := scales_at_ceiling(edition, courses):
        counted = ", ".join(f"{name_of(scale)} ({at_maximum(courses[scale], edition)})" for scale in top)
        said.append(
            f"At the maximum in most ratings so far: {counted}. Such ratings cannot show a change for the better; "
            "asking what could be a little better often opens more than the number does."
        )
    return said


def name_of(scale: str) -> str:
    return "the whole rating" if scale == TOTAL else scale.replace("_", " ")


def at_maximum(course: Sequence[float], edition: Edition) -> str:
    return f"{sum(value == edition.maximum for value in course)} of {len(course)}"
