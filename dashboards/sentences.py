"""One sentence that says what changed, and how it was worked out. Numbers in, words out.

The rules follow what may be said at n scored sessions: below three the ratings alone, from three the last change
without a claim, from five the usual range of the first five ratings and the slope, from ten a possible rupture. The
usual range is the individuals control chart with a frozen baseline (`measures.statistics.control_chart`), the slope is
Theil-Sen's with its 95 % interval (`measures.statistics.theil_sen`); both modules name their sources.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from measures.statistics.minimum_n import MINIMUM_N
from measures.statistics.summary import Point

BASELINE_N = MINIMUM_N["baseline"].n
CHART_N = MINIMUM_N["control_chart"].n
CHANGE_N = 3
CEILING_N = 3
CEILING_SHARE = 2 / 3
# How many scored sessions a return stays news.
NEWS = 5
NAMES = {"goal": "agreement on goals", "task": "agreement on tasks", "bond": "the bond"}


@dataclass(frozen=True)
class ScaleTrend:
    """What is known of one component as the client rates it. Values are item means on `low` to `high`."""

    scale: str
    points: Sequence[Point]
    n: int
    latest: float | None
    latest_session: int | None
    change: float | None
    baseline: float | None
    baseline_low: float | None
    baseline_high: float | None
    slope: float | None
    slope_low: float | None
    slope_high: float | None
    low: float
    high: float

    @property
    def name(self) -> str:
        return NAMES[self.scale]

    @property
    def scored(self) -> list[tuple[int, float]]:
        return [(point.session, point.value) for point in self.points if point.value is not None]

    @property
    def is_below(self) -> bool:
        """Outside the range of the first five; said as it is, and not yet as a sign of anything."""
        return (
            self.n > BASELINE_N
            and self.latest is not None
            and self.baseline_low is not None
            and self.latest < self.baseline_low
        )

    @property
    def is_low(self) -> bool:
        return self.is_below and self.n >= CHART_N

    @property
    def is_slipping(self) -> bool:
        return self.slope_high is not None and self.slope_high < 0

    @property
    def is_rising(self) -> bool:
        return self.slope_low is not None and self.slope_low > 0

    @property
    def is_at_ceiling(self) -> bool:
        values = [value for _, value in self.scored]
        return (
            len(values) >= CEILING_N
            and values[-1] == self.high
            and sum(value == self.high for value in values) >= CEILING_SHARE * len(values)
        )

    @property
    def lowest_dip(self) -> tuple[int, float] | None:
        """The lowest recent session below the usual range, when the latest is back above its lower limit."""
        if self.baseline_low is None or self.is_below or self.n < CHART_N:
            return None
        recent = self.scored[BASELINE_N:][-NEWS - 1 : -1]
        dips = [(value, session) for session, value in recent if value < self.baseline_low]
        if not dips:
            return None
        value, session = min(dips)
        return session, value

    @property
    def word(self) -> str:
        """One word for the table beside the chart."""
        if self.n < CHANGE_N:
            return "too few to say" if self.n else "no rating"
        if self.is_low:
            return "lower than usual"
        if self.is_below:
            return "below the first five"
        if self.is_slipping:
            return "slipping"
        if self.is_rising:
            return "rising"
        if self.is_at_ceiling:
            return "at the top"
        return "steady" if self.n >= BASELINE_N else "too few to say"


@dataclass(frozen=True)
class Change:
    """What the episode page says first. `scale` is the component that the sentence is about."""

    headline: str
    detail: str
    tone: str = "neutral"
    scale: str | None = None
    method: tuple[str, ...] = field(default=())


def one(value: float | None) -> str:
    """One decimal, as precise as the ratings are; a true minus sign. A rule words only what is known."""
    assert value is not None
    return f"{value:.1f}".replace("-", "−")


def capital(text: str) -> str:
    return text[0].upper() + text[1:]


def change_in_words(trends: Sequence[ScaleTrend], *, client: str, waiting: int = 0) -> Change:
    """The most important change of the three components, in the order a clinician would want to hear of it.

    `waiting` counts ratings that are not shown before the therapist's own.
    """
    rated = [trend for trend in trends if trend.n]
    if not rated and waiting:
        return Change(
            "Rated, and not shown yet.",
            f"{client} has rated. The rating is shown, and counted, once the therapist has rated the same session.",
        )
    if not rated:
        return Change("No rating yet.", f"The first one appears here when {client} has answered the link of a session.")
    for rule in (below_usual, slipping, outside_first_five, at_ceiling, came_back, rising, too_few, steady):
        found = rule(rated)
        if found:
            return found
    raise AssertionError("the last rule always answers")


def only_other_measures(names: Sequence[str]) -> Change:
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return Change("The alliance has not been rated yet.", f"Below: {listed}.")


def total_in_words(
    *,
    n: int,
    since_first: float,
    slope: tuple[float | None, float | None],
    is_reliable: bool | None,
    higher_is_better: bool,
) -> str:
    """What may be said of a measure known by its total: from three scores the change, from five its direction."""
    if n < CHANGE_N:
        return "too few to say"
    sign = "+" if since_first > 0 else ""
    change = f"{sign}{one(since_first)} since the first"
    if is_reliable:
        change += ", more than chance"
    low, high = slope
    if low is None or high is None or low <= 0 <= high:
        return change
    direction = "rising" if low > 0 else "falling"
    return f"{direction}, which is {'better' if (low > 0) is higher_is_better else 'worse'}; {change}"


def below_usual(trends: Sequence[ScaleTrend]) -> Change | None:
    low = [trend for trend in trends if trend.is_low]
    if not low:
        return None
    trend = deepest(low)
    others = [other.name for other in low if other is not trend]
    also = f" So is {' and '.join(others)}." if others else ""
    return Change(
        f"{capital(trend.name)} is lower than usual: a possible rupture.",
        f"{where_it_is(trend)}{also} Worth asking what that session was like.",
        "attention",
        trend.scale,
        (band_method(trend), ROUGH),
    )


def outside_first_five(trends: Sequence[ScaleTrend]) -> Change | None:
    low = [trend for trend in trends if trend.is_below]
    if not low:
        return None
    trend = deepest(low)
    return Change(
        f"{capital(trend.name)} is below the range of the first five ratings.",
        f"{where_it_is(trend)} With {trend.n} ratings this may well be chance. It costs little to ask.",
        scale=trend.scale,
        method=(band_method(trend), ROUGH),
    )


def deepest(low: Sequence[ScaleTrend]) -> ScaleTrend:
    return max(low, key=lambda trend: (trend.baseline or 0) - (trend.latest or 0))


def where_it_is(trend: ScaleTrend) -> str:
    return (
        f"Session {trend.latest_session}: {one(trend.latest)}. The first five ratings were around "
        f"{one(trend.baseline)}, and ordinary variation reaches from {limit(trend.baseline_low, trend.latest)} to "
        f"{one(trend.baseline_high)}."
    )


def slipping(trends: Sequence[ScaleTrend]) -> Change | None:
    falling = [trend for trend in trends if trend.is_slipping]
    if not falling:
        return None
    trend = min(falling, key=lambda t: t.slope or 0)
    return Change(
        f"{capital(trend.name)} has been slipping.",
        f"{slope_words(trend)} No single session stands out, so it is easy to miss. "
        "Worth asking together what has become harder.",
        "attention",
        trend.scale,
        (slope_method(trend),),
    )


def came_back(trends: Sequence[ScaleTrend]) -> Change | None:
    back = [(trend, trend.lowest_dip) for trend in trends if trend.lowest_dip]
    if not back:
        return None
    trend, dip = max(back, key=lambda pair: (pair[0].baseline or 0) - (pair[1][1] if pair[1] else 0))
    assert dip is not None
    session, value = dip
    before = max((v for s, v in trend.scored if s < session), default=trend.high)
    went_further = trend.latest is not None and trend.latest > before
    further = f"above anything before the dip ({one(before)} at most)"
    is_above = trend.latest is not None and trend.baseline_high is not None and trend.latest > trend.baseline_high
    inside = "above that range" if is_above else "inside that range again"
    return Change(
        f"{capital(trend.name)} came back{', and went further' if went_further else ''}.",
        f"It was {one(value)} at session {session}, below the usual {one(trend.baseline_low)} to "
        f"{one(trend.baseline_high)}. Now it is {one(trend.latest)}, "
        f"{further if went_further else inside}.",
        "settled",
        trend.scale,
        (band_method(trend),),
    )


def at_ceiling(trends: Sequence[ScaleTrend]) -> Change | None:
    top = [trend for trend in trends if trend.is_at_ceiling]
    if not top:
        return None
    trend = top[0]
    count = sum(value == trend.high for _, value in trend.scored)
    return Change(
        f"{capital(trend.name)} is rated at the top almost every time.",
        f"{count} of {trend.n} ratings are {trend.high:g}. Such ratings cannot show a change for the better, and may "
        "be politeness. Asking what could be a little better often opens more than the number does.",
        scale=trend.scale,
        method=(f"Said from {CEILING_N} ratings on, when two thirds of them are at the maximum.",),
    )


def rising(trends: Sequence[ScaleTrend]) -> Change | None:
    up = [trend for trend in trends if trend.is_rising]
    if not up:
        return None
    trend = max(up, key=lambda t: t.slope or 0)
    return Change(
        f"{capital(trend.name)} has been rising.",
        slope_words(trend),
        "settled",
        trend.scale,
        (slope_method(trend),),
    )


def too_few(trends: Sequence[ScaleTrend]) -> Change | None:
    most = max(trends, key=lambda t: t.n)
    if most.n >= BASELINE_N:
        return None
    last = max(trend.latest_session or 0 for trend in trends)
    latest = ", ".join(
        f"{trend.scale} {one(trend.latest)}"
        + ("" if trend.latest_session == last else f" (session {trend.latest_session})")
        for trend in trends
        if trend.latest is not None
    )
    moved = [trend for trend in trends if trend.change and trend.n >= CHANGE_N]
    change = ""
    if moved:
        trend = max(moved, key=lambda t: abs(t.change or 0))
        direction = "up" if (trend.change or 0) > 0 else "down"
        change = f" {capital(trend.name)} moved {direction} by {one(abs(trend.change or 0))} since the rating before."
    ratings = "1 rating" if most.n == 1 else f"{most.n} ratings"
    return Change(
        f"Latest: {latest}.",
        f"{ratings} so far.{change} From five on this page tells ordinary variation from change.",
    )


def steady(trends: Sequence[ScaleTrend]) -> Change:
    known = [trend for trend in trends if trend.baseline_low is not None]
    if not known:
        return Change("No change to tell of.", "The ratings so far give no usual range to compare with.")
    names = " and ".join(trend.name for trend in known) if len(known) < len(NAMES) else "goals, tasks and bond"
    verb = "is where it usually is" if len(known) == 1 else "are where they usually are"
    return Change("Steady.", f"{capital(names)} {verb}.", method=tuple(band_method(trend) for trend in known))


def slope_words(trend: ScaleTrend) -> str:
    return (
        f"About {abs(trend.slope or 0):.2f} {'lower' if (trend.slope or 0) < 0 else 'higher'} with each session over "
        f"{trend.n} ratings (95 % interval {two(trend.slope_low)} to {two(trend.slope_high)}); "
        f"now {one(trend.latest)}."
    )


def two(value: float | None) -> str:
    assert value is not None
    return f"{value:.2f}".replace("-", "−")


def limit(value: float | None, against: float | None) -> str:
    """A limit as precise as it must be to differ from what lies beyond it."""
    return two(value) if one(value) == one(against) else one(value)


ROUGH = (
    "Limits from five ratings are rough: in a steady course, too, a rating falls outside them now and then. "
    "It is a prompt to ask, never a verdict."
)


def band_method(trend: ScaleTrend) -> str:
    return (
        f"{capital(trend.name)}: usual range {one(trend.baseline_low)} to {one(trend.baseline_high)}. Mean of the "
        "first five scored sessions, plus and minus three times their mean moving range divided by 1.128 (individuals "
        "control chart), at least one step of the scale, cut at its ends. Ratings of later sessions do not move it."
    )


def slope_method(trend: ScaleTrend) -> str:
    return (
        f"{capital(trend.name)}: Theil–Sen slope {two(trend.slope)} a session, 95 % interval "
        f"{two(trend.slope_low)} to {two(trend.slope_high)}, {trend.n} scored sessions. Said when the "
        "interval leaves out zero."
    )


def gap_in_words(client: dict[str, float | None], therapist: dict[str, float | None], *, name: str) -> str:
    """The difference between the two views of the latest session that both rated, in words: never a score."""
    gaps = {
        scale: (therapist[scale] or 0) - (client[scale] or 0)
        for scale in NAMES
        if client.get(scale) is not None and therapist.get(scale) is not None
    }
    if not gaps:
        return ""
    scale = max(gaps, key=lambda s: abs(gaps[s]))
    gap = gaps[scale]
    if abs(gap) < 0.5:
        return f"You and {name} rate the three components much alike."
    return f"You rate {NAMES[scale]} {one(abs(gap))} {'higher' if gap > 0 else 'lower'} than {name} does."
