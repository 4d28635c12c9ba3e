"""How many clients are still there after a session, where not everybody has been seen to the end.

The product-limit estimate of Kaplan & Meier (1958), J Am Stat Assoc 53:457-481, from scipy.stats.ecdf. Its 95 %
intervals are Greenwood's variance on the scale of log(−log S), which keeps them within 0 and 1: Kalbfleisch & Prentice
(1980), The Statistical Analysis of Failure Time Data. Leaving alone is the event. A client whose ending was planned,
mutual or by the service, who was transferred, or who still comes, is censored: there up to that session, unknown after
it. The estimate takes it that those who are censored would have stayed as long as the others, which planned endings do
not quite bear out; so it says how long clients stay who have reason to.
"""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from measures.statistics.minimum_n import SERVICE_N

MINIMUM = SERVICE_N["retention"].n


@dataclass(frozen=True)
class Step:
    """After `session`: `survival` is the fraction still there, with its 95 % interval `low`..`high`, both None where
    nobody has left yet or nobody is left. `at_risk` clients came to it, `left` of them left alone after it, `censored`
    were last seen in it for another reason."""

    session: int
    survival: float
    low: float | None
    high: float | None
    at_risk: int
    left: int
    censored: int


@dataclass(frozen=True)
class Retention:
    """`steps` at every session that was somebody's last, of `n` clients of whom `left` left alone."""

    steps: tuple[Step, ...]
    n: int
    left: int

    def quantile(self, gone: float) -> int | None:
        """The first session after which at least this fraction has left; None where it never has."""
        # Products of fractions miss a half by the last bit.
        return next((step.session for step in self.steps if step.survival <= 1 - gone + 1e-9), None)

    @property
    def median(self) -> int | None:
        """The first session after which at most half are still there; None where more than half always are."""
        return self.quantile(0.5)

    @property
    def shown(self) -> tuple[Step, ...]:
        """The steps that may be drawn: those that at least five clients came to. The tail of few says little of a
        service and much of somebody."""
        return tuple(step for step in self.steps if step.at_risk >= MINIMUM)

    def still_there(self, session: int) -> float | None:
        """The fraction still there after a session; None where fewer than five came to it."""
        if self.at_risk(session) < MINIMUM:
            return None
        before = [step.survival for step in self.steps if step.session <= session]
        return before[-1] if before else 1.0

    def at_risk(self, session: int) -> int:
        """How many came to a session or further."""
        later = [step.at_risk for step in self.steps if step.session >= session]
        return later[0] if later else 0

    def numbers_at_risk(self, sessions: Sequence[int]) -> tuple[int | None, ...]:
        """How many came to each of these sessions, in their order, for print: None where fewer than five did, and where
        the number differs from the one printed before it by 1 to 4, which would tell of as few by subtraction."""
        found: list[int | None] = []
        before = self.n
        for session in sessions:
            number = self.at_risk(session)
            shown = number == 0 and before == 0
            if number >= MINIMUM and (number == before or before - number >= MINIMUM):
                before, shown = number, True
            found.append(number if shown else None)
        return tuple(found)


def retention(sessions: Sequence[int], left: Sequence[bool]) -> Retention | None:
    """How long clients stay, or None for fewer than five of them (`SERVICE_N["retention"].reason` says so in words).

    One entry per client: the number of their last session so far, 0 where none took place, and whether they left alone
    after it. Raises ValueError for lengths that differ and a negative session.
    """
    if len(sessions) != len(left):
        raise ValueError("sessions and left must have the same length")
    if any(session < 0 for session in sessions):
        raise ValueError("a session number must be at least 0")
    n = len(sessions)
    if n < MINIMUM:
        return None
    survival, intervals = _estimate(sessions, left)
    lefts = Counter(session for session, alone in zip(sessions, left, strict=True) if alone)
    lasts = Counter(sessions)
    steps, at_risk = [], n
    for session in sorted(lasts):
        gone = lefts[session]
        steps.append(
            Step(session, survival[session], *intervals[session], at_risk, gone, censored=lasts[session] - gone)
        )
        at_risk -= lasts[session]
    return Retention(tuple(steps), n, sum(lefts.values()))


Interval = tuple[float | None, float | None]


def _estimate(sessions: Sequence[int], left: Sequence[bool]) -> tuple[dict[int, float], dict[int, Interval]]:
    from scipy import stats  # takes over a second to load; most processes never draw a curve

    found = stats.ecdf(stats.CensoredData.right_censored(list(sessions), [not alone for alone in left])).sf
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The confidence interval is undefined", RuntimeWarning)
        interval = found.confidence_interval(0.95, method="log-log")
    at = [int(session) for session in found.quantiles]
    survival = {session: float(value) for session, value in zip(at, found.probabilities, strict=True)}
    ends = zip(at, interval.low.probabilities, interval.high.probabilities, strict=True)
    # Without anybody gone, or with everybody, log(−log S) is not a number.
    return survival, {
        session: (float(low), float(high)) if 0 < survival[session] < 1 else (None, None) for session, low, high in ends
    }
