"""One series of scores with everything that can be said of it: what `manage.py analyse_series` answers to a line.

Built from the rules alone. What a series is too short for, or what cannot be known without a prior or a range, is None,
with the reason among the notes.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from measures.statistics.control_chart import individuals
from measures.statistics.expectation import RULE, UNBOUNDED, Look, expectation
from measures.statistics.mann_kendall import mann_kendall
from measures.statistics.minimum_n import MINIMUM_N
from measures.statistics.prior import STARTING_VALUES, Prior, check_field, starting_value
from measures.statistics.reliable_change import criterion
from measures.statistics.theil_sen import theil_sen
from ruptures.detection import PRESETS, rupture_episodes

MOST_SESSIONS = 1_000
LARGEST = 1e100
PRIOR_FIELDS = (*STARTING_VALUES, "sd", "reliability")
WITHOUT_A_RANGE = {"within_sd_cv", "rise"}
EPISODE_KEYS = ("preset", "session", "peak", "lowest", "repaired_session", "status")
TOO_FAR_APART = "scores, prior and range are too far apart to compute with"


class SeriesError(ValueError):
    """The series cannot be analysed; the message names the field and says what it must be."""


@dataclass(frozen=True)
class Series:
    """Scores by session from 1, None for a missed rating; `given` are the fields of the prior that are known."""

    scores: tuple[float | None, ...]
    given: Mapping[str, float]
    value_range: tuple[float, float] | None

    def known(self, name: str) -> float | None:
        """The prior's own value, else the starting value where the range tells its size."""
        if name in self.given or name not in STARTING_VALUES:
            return self.given.get(name)
        if name in WITHOUT_A_RANGE:
            return STARTING_VALUES[name]
        return None if self.value_range is None else starting_value(name, self.value_range)

    @property
    def prior(self) -> Prior | None:
        fields = {name: value for name in PRIOR_FIELDS if (value := self.known(name)) is not None}
        return Prior(**fields) if fields.keys() >= STARTING_VALUES.keys() else None

    @property
    def criterion(self) -> float | None:
        sd, reliability = self.known("sd"), self.known("reliability")
        return None if sd is None or reliability is None else criterion(sd, reliability)

    @property
    def sd_of_change(self) -> float | None:
        """The service's SD of the change from one session to the next: √2 · within_sd, as of independent sessions."""
        within_sd = self.known("within_sd")
        return None if within_sd is None else math.sqrt(2) * within_sd


def read_series(document: object) -> Series:
    """Read one document of the command's input; unknown keys and null fields are ignored. Raises SeriesError."""
    if not isinstance(document, dict):
        raise SeriesError("a line must be an object")
    scores = document.get("scores")
    if not isinstance(scores, list):
        raise SeriesError("scores must be a list of numbers and nulls")
    if len(scores) > MOST_SESSIONS:
        raise SeriesError(f"scores must be of at most {MOST_SESSIONS} sessions")
    values = tuple(
        None if score is None else _number(score, f"scores: session {session}")
        for session, score in enumerate(scores, start=1)
    )
    value_range = _range(document.get("range"))
    if value_range is not None:
        low, high = value_range
        for session, value in enumerate(values, start=1):
            if value is not None and not low <= value <= high:
                raise SeriesError(f"scores: session {session} must be within the range, {low:g} to {high:g}")
    return Series(values, _prior(document.get("prior")), value_range)


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SeriesError(f"{name} must be a number")
    if not -LARGEST <= value <= LARGEST:
        raise SeriesError(f"{name} must be a finite number, at most {LARGEST:g} from 0")
    return float(value)


def _range(value: object) -> tuple[float, float] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2:
        raise SeriesError("range must be a list of two numbers")
    low, high = (_number(end, "range: each end") for end in value)
    if not low < high:
        raise SeriesError("range must rise from its first number to its second")
    return low, high


def _prior(value: object) -> dict[str, float]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SeriesError("prior must be an object")
    given = {name: _number(value[name], f"prior: {name}") for name in PRIOR_FIELDS if value.get(name) is not None}
    for name, number in given.items():
        try:
            check_field(name, number)
        except ValueError as error:
            raise SeriesError(f"prior: {error}") from error
    return given


def analyse(series: Series) -> dict[str, Any]:
    """The command's output for one series; whatever is None has its reason in `notes`."""
    scored = [(session, score) for session, score in enumerate(series.scores, start=1) if score is not None]
    sessions, scores = [session for session, _ in scored], [score for _, score in scored]
    notes: list[str] = []
    found = {
        "n": len(scores),
        "latest": scores[-1] if scores else None,
        "reliable_change": _reliable_change(series, scores, notes),
        "control_chart": _control_chart(sessions, scores, notes),
        "trend": _trend(sessions, scores, notes),
    }
    looks = _looks(series, sessions, scores, notes)
    return found | {
        "expectation": None if looks is None else [_expected(look) for look in looks],
        "episodes": _episodes(series, sessions, scores, notes),
        "signals": None if looks is None else [_signal(look) for look in looks if look.is_signal],
        "notes": notes,
    }


def _is_enough(method: str, n: int, notes: list[str]) -> bool:
    minimum = MINIMUM_N[method]
    if n < minimum.n:
        notes.append(f"{minimum.method}: needs {minimum.n} scored sessions; there {'is' if n == 1 else 'are'} {n}")
    return n >= minimum.n


def _reliable_change(series: Series, scores: list[float], notes: list[str]) -> dict[str, Any] | None:
    if not _is_enough("change", len(scores), notes):
        return None
    is_enough = _is_enough("reliable_change", len(scores), notes)
    limit, change = series.criterion, scores[-1] - scores[0]
    if limit is None:
        notes.append("reliable change: needs sd and reliability in the prior")
    reliable = abs(change) > limit if is_enough and limit is not None else None
    return {"criterion": limit, "change": change, "reliable": reliable}


def _control_chart(sessions: list[int], scores: list[float], notes: list[str]) -> dict[str, Any] | None:
    chart = individuals(scores) if _is_enough("baseline", len(scores), notes) else None
    if chart is None:
        return None
    if _is_enough("control_chart", len(scores), notes) and chart.signals is None:
        notes.append("signals of the control chart: the first five scores are equal, so its limits have no width")
    signals = None if chart.signals is None else [sessions[i] for i in chart.signals]
    return asdict(chart) | {"signals": signals}


def _trend(sessions: list[int], scores: list[float], notes: list[str]) -> dict[str, Any] | None:
    slope = theil_sen(sessions, scores) if _is_enough("theil_sen", len(scores), notes) else None
    test = mann_kendall(scores)
    if slope is None or test is None:
        return None
    return {"slope": slope.slope, "low": slope.low, "high": slope.high, "s": test.s, "p": test.p}


def _looks(series: Series, sessions: list[int], scores: list[float], notes: list[str]) -> tuple[Look, ...] | None:
    if not _is_enough("expectation", len(scores), notes):
        return None
    prior = series.prior
    if prior is None:
        notes.append("expectation, signals: need mean, sd_between and within_sd in the prior, or the range")
        return None
    return expectation(sessions, scores, prior, value_range=series.value_range or UNBOUNDED)


def _expected(look: Look) -> dict[str, Any]:
    return {"session": look.session, "low": look.low, "high": look.high, "observed": look.observed}


def _signal(look: Look) -> dict[str, Any]:
    return {"session": look.session, "rule": RULE, "tail": look.tail}


def _episodes(
    series: Series, sessions: list[int], scores: list[float], notes: list[str]
) -> list[dict[str, Any]] | None:
    if not _is_enough("rupture_episodes", len(scores), notes):
        return None
    found: list[dict[str, Any]] = []
    is_known = False
    for preset in PRESETS.values():
        episodes = rupture_episodes(
            sessions, scores, preset, sd_of_change=series.sd_of_change, reliable_change=series.criterion
        )
        if episodes is None:
            needed = "sd and reliability in the prior" if preset.is_reliable else "within_sd in the prior, or the range"
            notes.append(f"episodes, {preset.name}: need {needed}")
            continue
        is_known = True
        found += [{key: getattr(episode, key) for key in EPISODE_KEYS} for episode in episodes]
    return found if is_known else None


@dataclass(frozen=True)
class Answer:
    """One line of output without its line break: ASCII, strictly JSON."""

    line: str
    is_error: bool


def answer(line: bytes) -> Answer:
    """Analyse one line of input; whatever is in it, there is an answer."""
    try:
        found = analyse(read_series(json.loads(line.decode("utf-8"))))
        return Answer(json.dumps(found, allow_nan=False), is_error=False)
    except SeriesError as error:
        reason = str(error)
    except UnicodeDecodeError:
        reason = "the line is not UTF-8"
    except json.JSONDecodeError as error:
        reason = f"the line is not JSON: {error}"
    except RecursionError:
        reason = "the line is nested too deeply"
    except (ArithmeticError, ValueError):
        # A sum that overflowed, or a number of thousands of digits, which Python refuses to read.
        reason = TOO_FAR_APART
    return Answer(json.dumps({"error": reason}), is_error=True)
