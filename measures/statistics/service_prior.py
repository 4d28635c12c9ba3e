"""What is usual in a service, estimated from its own clients' series by moments.

Ours, simple enough to recompute by hand. The rise is the pooled within-client slope on the logarithm of the session
number; level and SD of each client are taken after it. A client's sample SD is divided by its expectation for a normal
sample of that size (c4 of the control charts: Montgomery 2013, Statistical Quality Control, 7th ed., appendix VI); the
spread between clients is that of their means less what their within-client variance explains (one-way random effects;
Searle, Casella & McCulloch 1992, Variance Components). Scores at the ceiling hide variance, so a client with two thirds
of the scores at the maximum says nothing about the typical SD. Scales are correlated within clients from session to
session, as deviations from each client's own means, pooled (Bland & Altman 1995, BMJ 310:446), the rise with the
logarithm of the session number taken out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from measures.statistics import finite
from measures.statistics.ceiling import is_at_ceiling
from measures.statistics.prior import Prior

MINIMUM_CLIENTS = 30
MINIMUM_SCORES = 5
CV_BETWEEN = (0.1, 1.0)
# A correlation of 1 would leave nothing to judge by; one below 0 is chance in scales that mean the same thing.
CORRELATION_BETWEEN = (0.0, 0.95)


@dataclass(frozen=True)
class Series:
    """One client's scores with their session numbers, which rise from 1."""

    sessions: Sequence[int]
    scores: Sequence[float]


def estimate_prior(
    clients: Sequence[Series], *, maximum: float, sd: float | None = None, reliability: float | None = None
) -> Prior | None:
    """The prior of one scale, in units of its score, or None for fewer than thirty usable clients.

    A client is usable with five scores or more that are not all equal. `maximum` is the highest possible score; `sd`
    and `reliability` are passed on. Raises ValueError for a score that is not finite.
    """
    usable = [client for client in clients if len(finite(client.scores)) >= MINIMUM_SCORES]
    usable = [client for client in usable if min(client.scores) < max(client.scores)]
    if len(usable) < MINIMUM_CLIENTS:
        return None
    rise = _rise(usable)
    levels = [[y - rise * math.log(t) for t, y in zip(c.sessions, c.scores, strict=True)] for c in usable]
    telling = [
        values for client, values in zip(usable, levels, strict=True) if not is_at_ceiling(client.scores, maximum)
    ]
    if len(telling) < MINIMUM_CLIENTS:
        return None
    variances = [variance(values) for values in telling]
    within = fmean(math.sqrt(v) / _c4(len(values)) for v, values in zip(variances, telling, strict=True))
    cv = math.sqrt(max(0.0, fmean(variances) / within**2 - 1))
    of_means = variance([fmean(values) for values in levels])
    between = of_means - fmean(variance(values) / len(values) for values in levels)
    return Prior(
        mean=fmean(fmean(values) for values in levels),
        sd_between=math.sqrt(max(between, (within / 10) ** 2)),
        within_sd=within,
        within_sd_cv=min(max(cv, CV_BETWEEN[0]), CV_BETWEEN[1]),
        rise=rise,
        sd=sd,
        reliability=reliability,
    )


def within_correlation(clients: Sequence[tuple[Series, Series]]) -> float | None:
    """Correlation of two scales within clients from session to session, or None for fewer than thirty usable clients.

    Each client's two series; sessions without both are skipped, and a client counts with five sessions or more in which
    both vary. At least 0 and at most .95. Raises ValueError for a score that is not finite.
    """
    sums = [0.0] * 6
    usable = 0
    for one, other in clients:
        second = dict(zip(other.sessions, finite(other.scores), strict=True))
        rows = [
            (score, second[session], math.log(session))
            for session, score in zip(one.sessions, finite(one.scores), strict=True)
            if session in second
        ]
        if len(rows) < MINIMUM_SCORES or any(len(set(column)) == 1 for column in zip(*rows, strict=True)):
            continue
        usable += 1
        means = [fmean(column) for column in zip(*rows, strict=True)]
        for row in rows:
            x, y, log = (value - mean for value, mean in zip(row, means, strict=True))
            for i, product in enumerate((x * x, y * y, x * y, x * log, y * log, log * log)):
                sums[i] += product
    if usable < MINIMUM_CLIENTS:
        return None
    xx, yy, xy, x_log, y_log, log_log = sums
    spread = (xx - x_log * x_log / log_log) * (yy - y_log * y_log / log_log)
    if spread <= 0:
        return None
    lowest, highest = CORRELATION_BETWEEN
    return min(max((xy - x_log * y_log / log_log) / math.sqrt(spread), lowest), highest)


def _rise(clients: Sequence[Series]) -> float:
    covariance = spread = 0.0
    for client in clients:
        logs = [math.log(session) for session in client.sessions]
        log_mean, score_mean = fmean(logs), fmean(client.scores)
        covariance += sum((x - log_mean) * (y - score_mean) for x, y in zip(logs, client.scores, strict=True))
        spread += sum((x - log_mean) ** 2 for x in logs)
    return covariance / spread


def _c4(n: int) -> float:
    """Expected sample SD of `n` values from a normal distribution with SD 1."""
    return math.sqrt(2 / (n - 1)) * math.exp(math.lgamma(n / 2) - math.lgamma((n - 1) / 2))
