"""The rules that `make bench-signals` compares, each as a number per session: the lower, the more alarming.

Every rule sees the scored sessions in order and says nothing, nan, where it has too few. Each is then given the
threshold that keeps it to one rate of false alarms, so that only what it sees makes the difference.
"""

from collections.abc import Callable

import numpy as np

from bench.courses import Courses
from measures.statistics.expectation import expectation
from measures.statistics.prior import Prior

FIRST_LOOK = 5
BASELINE = 5
Statistic = np.ndarray
Rule = Callable[[Courses, Prior], Statistic]


def by_score(rule: Callable[[np.ndarray], np.ndarray]) -> Rule:
    """A rule on the scored sessions alone, put back on the session axis."""

    def on_sessions(courses: Courses, _prior: Prior) -> Statistic:
        scored = ~np.isnan(courses.scores)
        order = np.argsort(~scored, axis=1, kind="stable")
        found = rule(np.take_along_axis(courses.scores, order, axis=1))
        placed = np.full(courses.scores.shape, np.nan)
        np.put_along_axis(placed, order, found, axis=1)
        return np.where(scored, placed, np.nan)

    return on_sessions


def falls(x: np.ndarray) -> np.ndarray:
    return np.diff(x, axis=1, prepend=np.nan)


def running(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sample SD of the scores up to each one."""
    n = np.arange(1, x.shape[1] + 1)
    mean = np.cumsum(x, axis=1) / n
    squares = np.cumsum(x**2, axis=1) - n * mean**2
    return mean, np.sqrt(np.maximum(squares, 0) / np.maximum(n - 1, 1))


def cut_off(x: np.ndarray) -> np.ndarray:
    return x.copy()


def own_sd_drop(x: np.ndarray) -> np.ndarray:
    _, sd = running(x)
    return falls(x) / np.maximum(sd, 1e-3)


def frozen_chart(x: np.ndarray) -> np.ndarray:
    baseline = x[:, :BASELINE]
    sigma = np.abs(np.diff(baseline, axis=1)).mean(axis=1) / 1.128
    found = (x - baseline.mean(axis=1, keepdims=True)) / np.maximum(sigma, 1e-3)[:, None]
    found[:, :BASELINE] = np.nan
    return found


def prediction_interval(x: np.ndarray) -> np.ndarray:
    mean, sd = running(x)
    found = np.full(x.shape, np.nan)
    for t in range(3, x.shape[1]):
        spread = np.maximum(sd[:, t - 1], 1e-3) * np.sqrt(1 + 1 / t)
        # Far in the tail the probabilities of two scores are the same float; their deviates are not.
        found[:, t] = (x[:, t] - mean[:, t - 1]) / spread * _per_degrees(t - 1)
    return found


def _per_degrees(degrees: int) -> float:
    """Puts deviates with few degrees of freedom on one scale with those of many, at a tail of one in 120."""
    from scipy.special import ndtri, stdtrit

    return float(ndtri(1 / 120) / stdtrit(degrees, 1 / 120))


def ours(courses: Courses, prior: Prior, tail: float | None = None) -> Statistic:
    """The logarithm of the shipped code's predictive tail."""
    chosen = {} if tail is None else {"tail": tail}
    found = np.full(courses.scores.shape, np.nan)
    for row, scores in zip(found, courses.scores, strict=True):
        index = np.flatnonzero(~np.isnan(scores))
        looks = expectation((index + 1).tolist(), scores[index].tolist(), prior, value_range=(0.0, 1.0), **chosen)
        for look in looks:
            row[look.session - 1] = look.tail
    return np.log(np.maximum(found, 1e-300))


def bound(courses: Courses, _prior: Prior) -> Statistic:
    return (courses.scores - courses.level) / courses.sd[:, None]


RULES: dict[str, Rule] = {
    "fixed cut-off": by_score(cut_off),
    "drop in points": by_score(falls),
    "drop in own SD": by_score(own_sd_drop),
    "frozen control chart": by_score(frozen_chart),
    "prediction interval": by_score(prediction_interval),
    "ours": ours,
    "the bound": bound,
}
CLASSICAL = tuple(name for name in RULES if name not in {"ours", "the bound"})


def looks(statistic: Statistic, sessions: int = 0) -> Statistic:
    """The looks that count: from session 5 to session `sessions` (0: the last)."""
    return statistic[:, FIRST_LOOK - 1 : sessions or None]


def threshold(statistic: Statistic, sessions: int, rate: float) -> float:
    """Below which `rate` of the stable courses have a look in sessions 5 to `sessions`."""
    counted = looks(statistic, sessions)
    return float(np.quantile(np.min(np.where(np.isnan(counted), np.inf, counted), axis=1), rate))


def per_course(signals: np.ndarray, sessions: int) -> float:
    return float(looks(signals, sessions).any(axis=1).mean())
