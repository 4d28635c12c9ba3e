"""Early alliance and what came after: does the outcome change more where the alliance was good early?

Early is sessions 3 to 5: a first session is no relationship yet, and the alliance forms within the first five, with its
height at about the third (Horvath & Luborsky 1993, J Consult Clin Psychol 61:561-573); the meta-analysis of 295 studies
reports the alliance of the first five sessions by itself (Flückiger et al. 2018, Psychotherapy 55:316-340). Later
change starts where early ends, or improvement so far would raise the alliance and be counted as its effect (DeRubeis &
Feeley 1990, Cognit Ther Res 14:469-482). In a service such a correlation is rough, and r = .28 is 8 % of variance: no
statement about one client.
"""

from collections.abc import Sequence
from statistics import fmean, quantiles

from measures.statistics import finite
from measures.statistics.correlation import Correlation, correlation
from measures.statistics.minimum_n import SERVICE_N
from measures.statistics.retention import Retention, retention

EARLY = range(3, 6)
LOW, MIDDLE, HIGH = THIRDS = ("low", "middle", "high")


def early_alliance(sessions: Sequence[int], values: Sequence[float]) -> float | None:
    """The mean of one client's ratings of sessions 3 to 5, item means rescaled to 0..1; None where none was rated.

    Raises ValueError for lengths that differ and values outside 0..1.
    """
    if not all(0 <= value <= 1 for value in finite(values)):
        raise ValueError("rescaled scores must be between 0 and 1")
    early = [value for session, value in zip(sessions, values, strict=True) if session in EARLY]
    return fmean(early) if early else None


def later_change(sessions: Sequence[int], values: Sequence[float], *, higher_is_better: bool) -> float | None:
    """Of one client's outcome, the last score minus the last one up to session 5, in its own unit, turned such that
    more is better; None without a score on either side.

    Raises ValueError for lengths that differ and a value that is not finite.
    """
    ordered = sorted(zip(sessions, finite(values), strict=True))
    before = [value for session, value in ordered if session < EARLY.stop]
    after = [value for session, value in ordered if session >= EARLY.stop]
    if not before or not after:
        return None
    return after[-1] - before[-1] if higher_is_better else before[-1] - after[-1]


def early_and_later(early: Sequence[float | None], later: Sequence[float | None]) -> Correlation | None:
    """The correlation of early alliance with later change, an entry of each per client, clients without both left out.

    None for fewer than ten with both (`SERVICE_N["early_alliance"].reason`), or without spread on one side. Raises
    ValueError for lengths that differ.
    """
    pairs = [(e, c) for e, c in zip(early, later, strict=True) if e is not None and c is not None]
    if len(pairs) < SERVICE_N["early_alliance"].n:
        return None
    return correlation([e for e, _ in pairs], [c for _, c in pairs])


def thirds(early: Sequence[float | None]) -> tuple[str | None, ...] | None:
    """Whether each client's early alliance is in the low, middle or high third of this service's own; None for a client
    without one, and altogether for fewer than fifteen with one (`SERVICE_N["thirds"].reason`).

    The limits are the service's tertiles, as there are no published ones. Clients with the same value are in the same
    third, so that thirds may differ in size, and with many at the maximum there may be no high one.
    """
    known = finite([value for value in early if value is not None])
    if len(known) < SERVICE_N["thirds"].n:
        return None
    lower, upper = quantiles(known, n=3, method="inclusive")
    return tuple(
        None if value is None else LOW if value <= lower else MIDDLE if value <= upper else HIGH for value in early
    )


def retention_by_third(
    sessions: Sequence[int], left: Sequence[bool], early: Sequence[float | None]
) -> dict[str, Retention | None] | None:
    """How long clients of each third stay, of those who came to session 5: an entry per client of the number of the
    last session, whether they left alone after it, and the early alliance.

    Curves that began with session 1 would compare people who by the making of the thirds had not left yet (a landmark:
    Anderson, Cain & Gelber 1983, J Clin Oncol 1:710-719). So the thirds are of those who came that far, too. A third of
    fewer than five is None; None altogether as `thirds` is. Raises ValueError for lengths that differ.
    """
    landmark = EARLY[-1]
    stayed = [row for row in zip(sessions, left, early, strict=True) if row[0] >= landmark and row[2] is not None]
    found = thirds([value for *_, value in stayed])
    if found is None:
        return None
    groups = {third: [row for row, mine in zip(stayed, found, strict=True) if mine == third] for third in THIRDS}
    return {third: retention([s for s, *_ in rows], [alone for _, alone, _ in rows]) for third, rows in groups.items()}
