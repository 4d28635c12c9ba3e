"""Means of therapists' caseloads, each drawn towards the mean of all as far as its own clients are few.

Efron & Morris (1975), J Am Stat Assoc 70:311-319; the interval with the uncertainty of the pooled mean after Morris
(1983), J Am Stat Assoc 78:47-55. For looking at a service, never for ranking people.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from statistics import NormalDist, fmean

from measures.statistics.minimum_n import SERVICE_N
from measures.statistics.within_between import decompose

MINIMUM_CLIENTS = SERVICE_N["pooled_means"].n
Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class PooledMean:
    """`mean` with its 95 % interval, in units of the score, from `n` clients; `own` is the plain mean, `weight` how
    much of `mean` is the therapist's own, from 0 to 1."""

    mean: float
    low: float
    high: float
    own: float
    weight: float
    n: int


def pooled_means(groups: Mapping[str, Sequence[float]]) -> dict[str, PooledMean]:
    """One value per client, grouped by therapist; a group of fewer than ten clients is left out, of the pool as well.

    Empty with fewer than two such groups: there is nothing to pool. Raises ValueError for a value that is not finite.
    """
    enough = {name: values for name, values in groups.items() if len(values) >= MINIMUM_CLIENTS}
    parts = decompose(list(enough.values()))
    if parts is None:
        return {}
    errors = {name: parts.within / len(values) for name, values in enough.items()}
    # With no variance at all every mean is the same, and any weights give it.
    inverse = {name: 1 / ((parts.between + error) or 1) for name, error in errors.items()}
    overall = sum(inverse[name] * fmean(values) for name, values in enough.items()) / sum(inverse.values())
    found = {}
    for name, values in enough.items():
        own = fmean(values)
        weight = parts.between * inverse[name]
        mean = weight * own + (1 - weight) * overall
        reach = Z * math.sqrt(weight * errors[name] + (1 - weight) ** 2 / sum(inverse.values()))
        found[name] = PooledMean(mean, mean - reach, mean + reach, own, weight, len(values))
    return found


def shuffled(names: Iterable[str], *, day: date, service: str) -> tuple[str, ...]:
    """The therapists in an order that tells nothing: the same for everybody all day, another one the next day and in
    another service, and whatever their means are. It is by a digest of day, service and name."""
    return tuple(sorted(names, key=lambda name: sha256(f"{day.isoformat()}|{service}|{name}".encode()).digest()))
