"""Score ratings without storing them: JSON lines in, JSON lines out, one for one and in order.

In:  {"instrument": "wai-sr", "edition": "client", "answers": [5, 4, null, …]}
Answers are a list in the order of the items, or by number ({"1": 5, …}); null is missing. Without "edition" it is the
client's, or the only one there is. "not_applicable": [1] leaves items out where the instrument allows it. Other keys
are ignored. A line that cannot be scored gives {"error": …}, an empty one too, and the exit status is 1 at the end.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from measures import instruments
from measures.scoring import AnswerProblem, score

LONGEST_ERROR = 500
DIGITS = 10  # what binary fractions add beyond these is noise: 9.2 + 8.7 + 9.4 + 9.1 is 36.4


class BadLine(ValueError):
    """A line that cannot be scored; the message says why."""


class Command(BaseCommand):
    help = __doc__
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        lines = bad = 0
        for line in sys.stdin.buffer:
            outcome = scored_line(line)
            lines += 1
            bad += "error" in outcome
            self.stdout.write(json.dumps(outcome))
        if bad:
            raise CommandError(f"{bad} of {lines} lines could not be scored.")


def scored_line(line: bytes) -> dict[str, Any]:
    """What is printed for a line; it has the key "error" when the line could not be scored."""
    try:
        return scored_rating(parsed(line))
    except AnswerProblem as problem:
        words = (f"item {at}: {why}" if isinstance(at, int) else f"{at}: {why}" for at, why in problem.problems.items())
        message = "; ".join(words)
    except BadLine as problem:
        message = str(problem)
    return {"error": message if len(message) <= LONGEST_ERROR else message[:LONGEST_ERROR] + "…"}


def scored_rating(rating: object) -> dict[str, Any]:
    """Raises BadLine or AnswerProblem."""
    if not isinstance(rating, Mapping):
        raise BadLine("must be an object with instrument and answers")
    if "answers" not in rating:
        raise BadLine("answers: is missing")
    edition = edition_of(rating)
    result = score(edition, rating["answers"], rating.get("not_applicable"))
    scores = result.scores.values()
    return {
        "instrument": edition.instrument,
        "edition": edition.rater,
        "scores": {each.scale: rounded(each.value) for each in scores},
        "means": {each.scale: rounded(each.mean) for each in scores},
        "answered": result.answered,
        "missing": list(result.missing),
        "prorated": [each.scale for each in scores if each.prorated],
        "unscored": {each.scale: each.reason for each in scores if each.reason is not None},
        "risk": list(result.risk),
        "band": {"label": result.band.label, "source": result.band.source} if result.band else None,
    }


def edition_of(rating: Mapping[str, Any]) -> instruments.Edition:
    code, rater = rating.get("instrument"), rating.get("edition")
    found = instruments.instruments().get(code) if isinstance(code, str) else None
    if found is None:
        raise BadLine(f"instrument: must be one of {', '.join(instruments.instruments())}")
    if rater is None:
        return found.editions.get("client") or next(iter(found.editions.values()))
    if not isinstance(rater, str) or rater not in found.editions:
        raise BadLine(f"edition: must be one of {', '.join(found.editions)}")
    return found.editions[rater]


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def parsed(line: bytes) -> object:
    """The line as JSON, strictly: UTF-8, no NaN, no key twice. Raises BadLine."""
    if not line.strip():
        raise BadLine("the line is empty")
    try:
        return STRICT.decode(line.removeprefix(b"\xef\xbb\xbf").decode("utf-8"))
    except UnicodeDecodeError:
        raise BadLine("is not UTF-8") from None
    except BadLine:
        raise
    except ValueError as error:
        raise BadLine(f"is not JSON: {error}") from None
    except RecursionError:
        raise BadLine("is nested too deeply") from None


def without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadLine("a key stands there twice")
    return found


def no_constant(name: str) -> float:
    raise BadLine(f"{name} is not a number")


STRICT = json.JSONDecoder(object_pairs_hook=without_doubles, parse_constant=no_constant)
