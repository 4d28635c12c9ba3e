"""From item answers to scores, by the edition's key. Missing is None with a reason, never 0."""

import math
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from types import MappingProxyType

from measures.instruments import TOTAL, Band, Edition

# How many items of a scale may be missing for it still to be scored, by the name of the rule. For "rounded_mean" that
# is after the gaps are filled in. Whole-number division keeps "at most a tenth" exact: 36 -> 3, 12 -> 1, 4 -> 0.
ITEMS_MAY_BE_MISSING: Mapping[str, Callable[[int], int]] = MappingProxyType(
    {
        "complete": lambda of: 0,
        "tenth": lambda of: of // 10,
        "rounded_mean": lambda of: 0,
        "answered": lambda of: of - 1,
    }
)
_WHY_NOT: Mapping[str, str] = MappingProxyType(
    {
        "complete": "no published rule for missing items",
        "tenth": "at most a tenth may be missing",
        "rounded_mean": "a sub-scale without any answer cannot be filled in",
    }
)


# Why a scale all of whose items are left out has no score.
DOES_NOT_APPLY = "it does not apply"


class AnswerProblem(ValueError):
    """Answers that cannot be taken. `problems` maps an item (or "answers" for the whole) to a message in words."""

    def __init__(self, problems: Mapping[int | str, str]) -> None:
        self.problems: dict[int | str, str] = dict(problems)
        super().__init__("; ".join(f"{item}: {message}" for item, message in self.problems.items()))


@dataclass(frozen=True)
class ScaleScore:
    """The score of one scale.

    `value` is in the instrument's published metric (sum, mean or ten times the mean); `mean` is the item mean after
    reversal, in the range of one answer. Both are None, with a `reason`, when too many items are missing. `prorated`
    says that answers were missing and the score is estimated from the others.
    """

    scale: str
    value: float | None
    mean: float | None
    answered: int
    of: int
    prorated: bool
    reason: str | None


@dataclass(frozen=True)
class Scoring:
    """All scores of one rating: the scales in their order, then the total where there is one.

    `missing` lists the unanswered items, without those that don't apply. `risk` lists the items whose answer is to be
    acted on at once, whether or not anything could be scored. `band` is that of the total.
    """

    edition: str
    scores: Mapping[str, ScaleScore]
    answered: int
    missing: tuple[int, ...]
    risk: tuple[int, ...] = ()
    band: Band | None = None


def check_answers(edition: Edition, answers: object) -> dict[int, float | None]:
    """Every item number of the edition with its answer, or None where it was skipped.

    `answers` is a list with one entry per item in order, or a mapping from item number (1 or "1") to answer; items
    that a mapping leaves out are skipped. None and empty text mean skipped. Numbers may come as text ("7"). A list may
    be shorter where not every item need be in use.
    Raises AnswerProblem naming every answer that cannot be taken.
    """
    given, problems = _by_item(edition, answers)
    checked: dict[int, float | None] = {item.number: None for item in edition.items}
    for number, answer in given.items():
        value, problem = _checked(edition, answer)
        checked[number] = value
        if problem is not None:
            problems[number] = problem
    if problems:
        raise AnswerProblem(problems)
    return checked


def score(edition: Edition, answers: object, not_applicable: object = ()) -> Scoring:
    """Score a rating; raises AnswerProblem for answers that cannot be taken.

    `not_applicable` lists items that are left out of this rating, as item 1 of the WSAS is for somebody without a job:
    they are neither answered nor missing, whatever stands beside them. Ranges then shrink, and no band is given.
    """
    return score_checked(edition, check_answers(edition, answers), check_not_applicable(edition, not_applicable))


def score_checked(
    edition: Edition, checked: Mapping[int, float | None], left_out: frozenset[int] = frozenset()
) -> Scoring:
    """As `score`, for answers that `check_answers` has passed: files have hundreds of thousands of them."""
    given = {number: value for number, value in checked.items() if value is not None and number not in left_out}
    keyed = {
        number: reverse(edition, value) if number in edition.reversed else value for number, value in given.items()
    }
    filled = _filled_in(edition, keyed, left_out) if edition.missing == "rounded_mean" else keyed
    scores = {scale: _scale_score(edition, scale, keyed, filled, left_out) for scale in edition.scored_scales}
    total = scores[TOTAL].value if edition.has_total else None
    is_missing = edition.missing != "answered"
    return Scoring(
        edition=edition.key,
        scores=MappingProxyType(scores),
        answered=len(given),
        missing=tuple(n for n in checked if n not in given and n not in left_out) if is_missing else (),
        risk=edition.risk_in(given),
        band=edition.band(total) if total is not None and not left_out else None,
    )


def check_not_applicable(edition: Edition, numbers: object) -> frozenset[int]:
    """The items that are left out of this rating; raises AnswerProblem for any that the edition always asks."""
    if numbers is None:
        return frozenset()
    if not isinstance(numbers, Sequence | Set) or isinstance(numbers, str | bytes | bytearray):
        raise AnswerProblem({"not_applicable": "must be a list of item numbers"})
    left_out = set()
    for each in numbers:
        number = _item_number(each)
        if number is None or number not in edition.may_not_apply:
            allowed = ", ".join(map(str, sorted(edition.may_not_apply))) or "none"
            raise AnswerProblem({"not_applicable": f"the items that may be left out are: {allowed}"})
        left_out.add(number)
    return frozenset(left_out)


def reverse(edition: Edition, value: float) -> float:
    """The answer mirrored within its range: 7 becomes 1 on a range of 1 to 7."""
    return edition.minimum + edition.maximum - value


def rescaled(edition: Edition, mean: float) -> float:
    """An item mean placed between 0 and 1 of its range. It makes forms comparable to the eye; it equates nothing."""
    return (mean - edition.minimum) / (edition.maximum - edition.minimum)


def _scale_score(
    edition: Edition,
    scale: str,
    keyed: Mapping[int, float],
    filled: Mapping[int, float],
    left_out: frozenset[int],
) -> ScaleScore:
    numbers = edition.numbers(scale)
    if left_out:
        numbers = tuple(number for number in numbers if number not in left_out)
    values = [filled[number] for number in numbers if number in filled]
    of = len(numbers)
    answered = len(values) if filled is keyed else sum(number in keyed for number in numbers)
    unfilled = of - len(values)
    reason = None
    if of == 0:
        reason = DOES_NOT_APPLY
    elif answered == 0:
        reason = "no item answered"
    elif unfilled > ITEMS_MAY_BE_MISSING[edition.missing](of):
        reason = f"{of - answered} of {of} items missing; {_WHY_NOT[edition.missing]}"
        if edition.missing_source:
            reason += f" ({edition.missing_source})"
    if reason is not None:
        return ScaleScore(scale, None, None, answered, of, False, reason)
    total = math.fsum(values)
    # A sum is exact when complete; otherwise it is as if the missing items had been answered like the others.
    value = total if edition.scoring == "sum" and not unfilled else total * edition.score_per_mean(of) / len(values)
    is_estimated = answered < of and edition.missing != "answered"
    return ScaleScore(scale, value, total / len(values), answered, of, is_estimated, None)


def _filled_in(edition: Edition, keyed: Mapping[int, float], left_out: frozenset[int]) -> dict[int, float]:
    """The answers, with each gap filled by the rounded mean of its sub-scale; one without any answer stays empty."""
    filled = dict(keyed)
    for scale in (name for name in edition.scored_scales if name not in edition.combined and name != TOTAL):
        numbers = [number for number in edition.numbers(scale) if number not in left_out]
        values = [keyed[number] for number in numbers if number in keyed]
        if values:
            rounded = math.floor(math.fsum(values) / len(values) + 0.5)
            filled |= {number: rounded for number in numbers if number not in keyed}
    return filled


def _by_item(edition: Edition, answers: object) -> tuple[dict[int, object], dict[int | str, str]]:
    """The answers by item number, and what is wrong with the way they were addressed."""
    count = edition.number_of_items
    given: dict[int, object] = {}
    problems: dict[int | str, str] = {}
    if isinstance(answers, Mapping):
        for key, answer in answers.items():
            number = _item_number(key)
            if number is None:
                problems[_as_given(key)] = "is not an item number"
            elif not 1 <= number <= count:
                problems[number] = f"there is no item {number}"
            elif number in given:
                problems[number] = "is answered twice"
            else:
                given[number] = answer
    elif isinstance(answers, Sequence) and not isinstance(answers, str | bytes | bytearray):
        if len(answers) < count and edition.missing != "answered":
            problems["answers"] = f"must be {count}, one for each item; there are {len(answers)}"
        for number, answer in enumerate(answers, start=1):
            if number > count:
                problems[number] = f"there is no item {number}"
            else:
                given[number] = answer
    else:
        problems["answers"] = "must be a list, or a mapping from item number to answer"
    return given, problems


def _as_given(key: object) -> str:
    """A stranger's key as it may stand in a message."""
    return "a huge number" if isinstance(key, int) and abs(key) > 10**9 else str(key)[:40]


def _item_number(key: object) -> int | None:
    if isinstance(key, int) and not isinstance(key, bool):
        return key if abs(key) < 10**6 else None
    if isinstance(key, str) and re.fullmatch(r"[1-9][0-9]{0,5}", key):
        return int(key)
    return None


def _checked(edition: Edition, answer: object) -> tuple[float | None, str | None]:
    """The answer as a number on the edition's grid, or a message; (None, None) when it was skipped."""
    low, high = edition.minimum, edition.maximum
    # Nearly every answer is a whole number on the grid, and needs no longer look.
    if type(answer) is int and low <= answer <= high and (answer - low) % edition.step == 0:
        return float(answer), None
    if answer is None or (isinstance(answer, str) and not answer.strip()):
        return None, None
    value = plain_number(answer)
    if value is None:
        return None, "must be a number"
    if not low <= value <= high:
        return None, f"must be between {low:g} and {high:g}"
    steps = (value - low) / edition.step
    nearest = round(steps)
    if abs(steps - nearest) > 1e-6:
        if edition.step == 1 and low.is_integer():
            return None, "must be a whole number"
        return None, f"must be in steps of {edition.step:g} from {low:g}"
    # Back onto the grid, so that 0.1 + 0.2 and 0.3 are the same answer.
    return round(low + nearest * edition.step, 9), None


def plain_number(answer: object) -> float | None:
    """A finite number, or None. Truth values are not numbers here; text must be a plain decimal."""
    if isinstance(answer, str):
        if not re.fullmatch(r"\s*[+-]?[0-9]{1,15}(\.[0-9]{1,15})?\s*", answer, re.ASCII):
            return None
    elif isinstance(answer, bool) or not isinstance(answer, Real | Decimal):
        return None
    try:
        value = float(answer)
    except (ValueError, OverflowError):  # a signalling NaN; a whole number too large for a float
        return None
    return value if math.isfinite(value) else None
