"""What the next rating should be, and how unusual the one that came is.

A normal-inverse-gamma model of one client's scores, after the usual early rise has been taken off: the level is normal
around the service's mean, the variance inverse gamma around the service's typical within-client variance, and the next
score follows Student's t (Gelman et al. 2013, Bayesian Data Analysis, 3rd ed., 3.3). The lower end of the interval is
the threshold of the default signal. Ours, each with its reason and its simulation in docs/signals.md:

- The variance learns from differences within the series only, not from the distance to the service's mean: a client
  whose level is unlike the others' is not for that reason taken to vary more.
- A score at the maximum moves the level and leaves the variance: it only says "at least this much".
- What the service knows of the variance weighs `PRIOR_WEIGHT` of what it would if it were certain.
- A session with a signal is not learnt from. When the next scored session has one as well, the level is taken to be a
  new one and learnt anew from the two; the variance is kept.
- A score that is no lower than the highest learnt from is no drop, whatever was expected.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from measures.statistics import finite
from measures.statistics.minimum_n import MINIMUM_N
from measures.statistics.prior import Prior
from measures.statistics.rates import DEFAULT_RATE

RULE = "below-expected"
PRIOR_WEIGHT = 0.7
MOST_DEGREES = 1e4
UNBOUNDED = (-math.inf, math.inf)


@dataclass(frozen=True)
class Look:
    """One scored session held against what was expected of it, in units of the score.

    `low`..`high` is the expected interval, cut to the range, from `earlier_n` sessions that were learnt from and what
    is usual in the service. `tail` is the predictive probability of a score this low or lower, at least .5 for a score
    that is no drop; `is_signal` means that `observed` is below `low`.
    """

    session: int
    low: float
    high: float
    observed: float
    tail: float
    earlier_n: int
    is_signal: bool


def expectation(
    sessions: Sequence[int],
    scores: Sequence[float],
    prior: Prior,
    *,
    value_range: tuple[float, float] = UNBOUNDED,
    tail: float = DEFAULT_RATE.tail,
) -> tuple[Look, ...]:
    """A look at every scored session from the fifth on, in order; empty for a shorter series.

    `sessions` are rising numbers from 1, `scores` theirs, `value_range` the lowest and highest possible score. `tail`
    is the predictive probability below the interval and, as much again, above it. Raises ValueError for lengths that
    differ, sessions that do not rise from 1, a score that is not finite, and a tail outside 0 < tail < .5.
    """
    values = finite(scores)
    if len(sessions) != len(values):
        raise ValueError("every score needs its session")
    check_rising(sessions)
    if not 0 < tail < 0.5:
        raise ValueError("the tail must be greater than 0 and less than .5")
    client = Client(prior, value_range=value_range)
    looks = []
    for session, score in zip(sessions, values, strict=True):
        is_signal = False
        if client.can_look:
            look = client.look(session, score, tail=tail)
            looks.append(look)
            is_signal = look.is_signal
        client.take(session, score, is_signal=is_signal)
    return tuple(looks)


def check_rising(sessions: Sequence[int]) -> None:
    """Raise ValueError unless the session numbers rise from 1."""
    previous = 0
    for session in sessions:
        if session <= previous:
            raise ValueError("sessions must rise from 1")
        previous = session


class Client:
    """What has been learnt of one client on one scale: level and variance, the early rise taken off.

    `take` every score in order; `look` holds the next one against what has been taken. `centre` is the level and
    `weight` how many sessions it is worth; the variance is `squares` over its `degrees` of freedom.
    """

    def __init__(self, prior: Prior, *, value_range: tuple[float, float]) -> None:
        degrees = degrees_of_freedom(prior.within_sd_cv)
        typical = prior.within_sd / mean_sd(degrees)
        self.rise = prior.rise
        self.lowest, self.highest = value_range
        self.centre = prior.mean
        self.weight = (prior.within_sd / prior.sd_between) ** 2
        self.degrees = PRIOR_WEIGHT * degrees
        self.squares = self.degrees * typical**2
        self.taken_n = 0
        self.learnt_n = 0
        self.highest_learnt = -math.inf
        self._mean = 0.0
        self._mean_n = 0
        self._unconfirmed: float | None = None

    @property
    def can_look(self) -> bool:
        """Enough scores have been taken to judge the next."""
        return self.taken_n + 1 >= MINIMUM_N["expectation"].n

    def look(self, session: int, score: float, *, tail: float) -> Look:
        from scipy.special import stdtr

        centre = self.centre + self.rise * math.log(session)
        scale = math.sqrt(self.squares / self.degrees * (1 + 1 / self.weight))
        reach = scale * quantile(self.degrees, tail)
        low = max(self.lowest, min(centre - reach, self.highest_learnt))
        probability = float(stdtr(self.degrees, (score - centre) / scale))
        return Look(
            session=session,
            low=low,
            high=max(low, min(self.highest, centre + reach)),
            observed=score,
            tail=probability if score < self.highest_learnt else max(probability, 0.5),
            earlier_n=self.learnt_n,
            is_signal=score < low,
        )

    def take(self, session: int, score: float, *, is_signal: bool) -> None:
        """Learn from a score, or hold it back while it is a signal that no second one has confirmed."""
        self.taken_n += 1
        value = score - self.rise * math.log(session)
        if not is_signal:
            self._learn(value, is_at_maximum=score >= self.highest)
            self.highest_learnt = max(self.highest_learnt, score)
            self._unconfirmed = None
        elif self._unconfirmed is None:
            self._unconfirmed = value
        else:
            self._start_again(self._unconfirmed, value)
            self._unconfirmed = None

    def _learn(self, value: float, *, is_at_maximum: bool) -> None:
        self.learnt_n += 1
        self.weight += 1
        self.centre += (value - self.centre) / self.weight
        self._mean_n += 1
        difference = value - self._mean
        self._mean += difference / self._mean_n
        if self._mean_n > 1 and not is_at_maximum:
            self.squares += difference * difference * (self._mean_n - 1) / self._mean_n
            self.degrees += 1

    def _start_again(self, first: float, second: float) -> None:
        self.learnt_n += 2
        self.centre = self._mean = (first + second) / 2
        self.weight = self._mean_n = 2
        self.squares += (second - first) ** 2 / 2
        self.degrees += 1


@lru_cache(maxsize=1024)
def mean_sd(degrees: float) -> float:
    """Mean of an SD whose square is scaled inverse chi-squared with scale 1."""
    return math.sqrt(degrees / 2) * math.exp(math.lgamma((degrees - 1) / 2) - math.lgamma(degrees / 2))


@lru_cache(maxsize=1024)
def degrees_of_freedom(cv: float) -> float:
    """Degrees of freedom of the inverse gamma for which clients' SDs have the coefficient of variation `cv`.

    The mean of the squares is degrees / (degrees − 2), so they lie above 2; at most 10,000, which is a `cv` of .007.
    """
    low, high = 2.0, MOST_DEGREES
    for _ in range(60):
        middle = math.sqrt(low * high)
        if middle / (middle - 2) / mean_sd.__wrapped__(middle) ** 2 - 1 > cv * cv:
            low = middle
        else:
            high = middle
    return high


@lru_cache(maxsize=8192)
def quantile(degrees: float, tail: float) -> float:
    """How many scales above its centre Student's t has `tail` above it."""
    from scipy.special import stdtrit

    return -float(stdtrit(degrees, tail))
