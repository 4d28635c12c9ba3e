"""The scales and raters of one session judged together, with one rate of false alarms for all of them.

Each series gives the predictive tail of its score, turned into a normal deviate z. In a steady course the deviates of
one session are correlated as the client's scales and raters are from session to session. For every group that means
something (all series, one rater, one scale, one series) the sum of z over its SD is the group's standing, 0 ± 1 in a
steady course; the session is judged by its lowest group, against the distribution of the lowest. This is step-down
testing's first step (Westfall & Young 1993, Resampling-Based Multiple Testing); the choice of groups is ours. The
distribution is taken from a Richtmyer lattice, as in Genz (1992), J Comput Graph Stat 1:141-149, so it is the same
every time.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from measures.statistics.expectation import UNBOUNDED, Client, Look, check_rising
from measures.statistics.prior import Prior
from measures.statistics.rates import DEFAULT_RATE

Key = tuple[str, str]
LATTICE = 131_072
REFERENCE_TAIL = 0.01


@dataclass(frozen=True)
class Correlations:
    """Within-person correlations from session to session, without unit; ours until the service has estimated them.

    `scales`: of two scales by one rater; `raters`: of two raters on one scale. Other scale and other rater: their
    product. Raises ValueError outside 0 ≤ r < 1.
    """

    scales: float = 0.5
    raters: float = 0.3

    def __post_init__(self) -> None:
        for name in ("scales", "raters"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"the correlation of {name} must be at least 0 and less than 1")

    def of(self, one: Key, other: Key) -> float:
        of_raters = 1.0 if one[0] == other[0] else self.raters
        of_scales = 1.0 if one[1] == other[1] else self.scales
        return of_raters * of_scales


@dataclass(frozen=True)
class JointLook:
    """One session's series judged together.

    `looks`: by (rater, scale). `tail`: how often a steady course gives a session in which some group fell at least as
    much. `group`: the series that fell most together, `lowest` the one of them that fell most by itself, in what it
    usually varies. `is_signal`: `tail` is below the rate's.
    """

    session: int
    looks: Mapping[Key, Look]
    tail: float
    group: tuple[Key, ...]
    lowest: Key
    is_signal: bool


def judge_together(
    sessions: Sequence[int],
    scores: Mapping[Key, Sequence[float | None]],
    priors: Mapping[Key, Prior],
    correlations: Correlations,
    *,
    value_range: tuple[float, float] = UNBOUNDED,
    tail: float = DEFAULT_RATE.joint_tail,
) -> tuple[JointLook, ...]:
    """A joint look at every session in which at least one series is far enough to be judged.

    `scores` maps (rater, scale) to one score per session, None where there is none; `priors` has the same keys, all in
    one metric with `value_range`. The interval of each look is the one that a series among so many is held against, so
    a score below it is a signal; a session can be one without any. After a signal the series of `group` hold that
    session back (see `expectation`), the others learn from it. Raises ValueError as `expectation` does.
    """
    check_rising(sessions)
    for series in scores.values():
        if len(series) != len(sessions):
            raise ValueError("every series needs one score, or None, per session")
        if not all(math.isfinite(score) for score in series if score is not None):
            raise ValueError("every value must be a finite number")
    clients = {key: Client(priors[key], value_range=value_range) for key in sorted(scores)}
    judged = []
    for i, session in enumerate(sessions):
        present = {key: score for key in clients if (score := scores[key][i]) is not None}
        joint = _look_at(session, {key: clients[key] for key in present}, present, correlations, tail)
        if joint is not None:
            judged.append(joint)
        held_back = joint.group if joint is not None and joint.is_signal else ()
        for key, score in present.items():
            clients[key].take(session, score, is_signal=key in held_back)
    return tuple(judged)


def _look_at(
    session: int, clients: Mapping[Key, Client], scores: Mapping[Key, float], correlations: Correlations, tail: float
) -> JointLook | None:
    from scipy.special import ndtr, ndtri

    ready = tuple(key for key, client in clients.items() if client.can_look)
    if not ready:
        return None
    alone = tail_of_each(ready, correlations, tail)
    looks = {key: clients[key].look(session, scores[key], tail=alone) for key in ready}
    deviates = {key: max(-30.0, float(ndtri(look.tail))) for key, look in looks.items()}
    least, group = min(
        (sum(deviates[key] for key in group) / sd, group) for group, sd in groups_of(ready, correlations)
    )
    together = -math.expm1(effective_tests(ready, correlations) * math.log1p(-float(ndtr(least))))
    return JointLook(
        session=session,
        looks=looks,
        tail=together,
        group=group,
        lowest=min(group, key=lambda key: deviates[key]),
        is_signal=together < tail,
    )


@lru_cache(maxsize=256)
def groups_of(keys: tuple[Key, ...], correlations: Correlations) -> tuple[tuple[tuple[Key, ...], float], ...]:
    """Each group of series with the SD of the sum of its deviates: all, those of a rater, of a scale, each alone."""
    groups = {keys, *((key,) for key in keys)}
    for part in (0, 1):
        groups |= {tuple(key for key in keys if key[part] == name) for name in {key[part] for key in keys}}
    return tuple(
        (group, math.sqrt(sum(correlations.of(one, other) for one in group for other in group)))
        for group in sorted(groups)
    )


@lru_cache(maxsize=256)
def effective_tests(keys: tuple[Key, ...], correlations: Correlations) -> float:
    """How many independent tests the groups are worth: 1 for a single series, fewer than there are groups."""
    if len(keys) == 1:
        return 1.0
    import numpy as np
    from scipy.special import ndtr, ndtri

    roots = np.sqrt([2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37][: len(keys)])
    points = ndtri((np.arange(1, LATTICE + 1)[:, None] * roots) % 1)
    matrix = np.array([[correlations.of(one, other) for other in keys] for one in keys])
    deviates = points @ np.linalg.cholesky(matrix).T
    sums = [
        deviates[:, [keys.index(key) for key in group]].sum(axis=1) / sd for group, sd in groups_of(keys, correlations)
    ]
    least = np.quantile(np.min(sums, axis=0), REFERENCE_TAIL)
    return float(math.log1p(-REFERENCE_TAIL) / math.log1p(-ndtr(least)))


def tail_of_each(keys: tuple[Key, ...], correlations: Correlations, tail: float) -> float:
    """The predictive tail a single series among `keys` must reach for the session to reach `tail`."""
    return -math.expm1(math.log1p(-tail) / effective_tests(keys, correlations))
