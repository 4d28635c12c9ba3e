"""The trend of one series: one scale, one rater, one instrument, in the order of sessions."""

from collections.abc import Iterable
from dataclasses import dataclass

from measures.statistics import finite
from measures.statistics.control_chart import individuals
from measures.statistics.minimum_n import MINIMUM_N
from measures.statistics.reliable_change import ReliableChange, reliable_change
from measures.statistics.theil_sen import theil_sen


@dataclass(frozen=True)
class Point:
    """The score of one session, or None where it was not rated or could not be scored."""

    session: int
    value: float | None


@dataclass(frozen=True)
class TrendSummary:
    """What a series says so far, in units of the score; `notes` gives a reason in words for each None.

    `n` counts scored sessions. `baseline` is the mean of the first five of them and stays as it is; its band is the
    control limits, cut to the range of the score. The slope is per session number, so a missed session counts as a
    step. `reliable` compares the latest with the first scored session.
    """

    n: int
    latest: float | None
    latest_session: int | None
    previous: float | None
    change: float | None
    change_from_first: float | None
    baseline: float | None
    baseline_low: float | None
    baseline_high: float | None
    slope: float | None
    slope_low: float | None
    slope_high: float | None
    reliable: ReliableChange | None
    notes: tuple[str, ...]


def summarise(
    points: Iterable[Point],
    *,
    value_range: tuple[float, float],
    sd: float | None,
    reliability: float | None,
    step: float = 0.0,
    baseline_from: int = 0,
) -> TrendSummary:
    """Summarise a series; points without a value are skipped and their order does not matter.

    `value_range` is the lowest and highest possible score; `sd` and `reliability` belong to the service and the
    edition, in the same metric as the values, and are None where they are not known; `step` is the smallest difference
    two values can have (see `control_chart`); the baseline counts from session `baseline_from`. Raises ValueError for
    two points of one session, a value that is not finite or outside the range, and an impossible sd or reliability.
    """
    ordered = sorted(points, key=lambda point: point.session)
    if len({point.session for point in ordered}) < len(ordered):
        raise ValueError("there are two points for one session")
    scored = [(point.session, point.value) for point in ordered if point.value is not None]
    sessions = [session for session, _ in scored]
    values = finite([value for _, value in scored])
    lowest, highest = value_range
    if not lowest < highest or any(not lowest <= value <= highest for value in values):
        raise ValueError(f"every value must be between {lowest:g} and {highest:g}")

    n = len(values)
    since = [value for session, value in scored if session >= baseline_from]
    chart = individuals(since, step=step)
    # A baseline without spread has no band: a line of no width would make every other score look unusual.
    band = chart if chart is not None and chart.sigma > 0 else None
    slope = theil_sen(sessions, values)
    reliable = None
    if n >= MINIMUM_N["reliable_change"].n and sd is not None and reliability is not None:
        reliable = reliable_change(values[0], values[-1], sd, reliability)
    return TrendSummary(
        n=n,
        latest=values[-1] if n else None,
        latest_session=sessions[-1] if n else None,
        previous=values[-2] if n > 1 else None,
        change=values[-1] - values[-2] if n > 1 else None,
        change_from_first=values[-1] - values[0] if n > 1 else None,
        baseline=chart.centre if chart else None,
        baseline_low=max(lowest, band.lower) if band else None,
        baseline_high=min(highest, band.upper) if band else None,
        slope=slope.slope if slope else None,
        slope_low=slope.low if slope else None,
        slope_high=slope.high if slope else None,
        reliable=reliable,
        notes=_notes(
            n,
            since=len(since),
            flat_baseline=chart is not None and band is None,
            psychometrics_known=sd is not None and reliability is not None,
        ),
    )


def _notes(n: int, *, since: int, flat_baseline: bool, psychometrics_known: bool) -> tuple[str, ...]:
    if n == 0:
        return ("Nothing has been scored yet.",)
    notes = []
    for method, what, there in (
        ("change", "A change", n),
        ("reliable_change", "Reliable change", n),
        ("baseline", "A baseline", since),
        ("theil_sen", "A slope", n),
    ):
        if there < MINIMUM_N[method].n:
            notes.append(f"{what} needs {MINIMUM_N[method].n} scored sessions; there {_are(there)}.")
    if n >= MINIMUM_N["reliable_change"].n and not psychometrics_known:
        notes.append("Reliable change needs the SD and the reliability of this scale; they are not recorded.")
    if flat_baseline:
        notes.append("The first five scores are equal, so they give no band.")
    return tuple(notes)


def _are(n: int) -> str:
    return "is 1" if n == 1 else f"are {n}"
