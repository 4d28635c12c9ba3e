"""One sentence that says what changed, and how it was worked out. Numbers in, words out.

The rules follow what may be said at n scored sessions: below three the ratings alone, from three the last change
without a claim, from five what was noticed and the slope. What was noticed are the signals of `ruptures`, held against
what was expected (`measures.statistics.expectation`); the slope is Theil-Sen's with its 95 % interval
(`measures.statistics.theil_sen`); both modules name their sources.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from measures.statistics.ceiling import CEILING_N, is_at_ceiling
from measures.statistics.minimum_n import MINIMUM_N
from measures.statistics.summary import Point
from ruptures.aftermath import NAMES, Return, first_return

BASELINE_N = MINIMUM_N["baseline"].n
CHANGE_N = 3
# For how many scored sessions a fall, and a return from it, stay news.
NEWS = 5


@dataclass(frozen=True)
class ScaleTrend:
    """What is known of one component as the client rates it. Values are item means on `low` to `high`."""

    scale: str
    points: Sequence[Point]
    n: int
    latest: float | None
    latest_session: int | None
    change: float | None
    slope: float | None
    slope_low: float | None
    slope_high: float | None
    low: float
    high: float
    # By session: the lower and upper end of what was expected.
    expected: Mapping[int, tuple[float, float]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return NAMES[self.scale]

    @property
    def scored(self) -> list[tuple[int, float]]:
        return [(point.session, point.value) for point in self.points if point.value is not None]

    @property
    def is_low(self) -> bool:
        """The latest rating is below what was expected of it."""
        ends = self.expected.get(self.latest_session or 0)
        return ends is not None and self.latest is not None and self.latest < ends[0]

    @property
    def is_slipping(self) -> bool:
        return self.slope_high is not None and self.slope_high < 0

    @property
    def is_rising(self) -> bool:
        return self.slope_low is not None and self.slope_low > 0

    @property
    def is_at_ceiling(self) -> bool:
        values = [value for _, value in self.scored]
        return values[-1:] == [self.high] and is_at_ceiling(values, self.high)

    @property
    def word(self) -> str:
        """One word for the table beside the chart."""
        if self.n < CHANGE_N:
            return "too few to say" if self.n else "no rating"
        if self.is_low:
            return "lower than expected"
        if self.is_slipping:
            return "slipping"
        if self.is_rising:
            return "rising"
        if self.is_at_ceiling:
            return "at the top"
        return "steady" if self.n >= BASELINE_N else "too few to say"


@dataclass(frozen=True)
class Noticed:
    """A signal that nobody has dismissed: the scale that fell most, whose rating it was, and below what it fell.

    After a preset it fell from `high`, the score of `from_session`, and from `low` on counts as back. `tried` are the
    sessions in which a repair was tried.
    """

    session: int
    scale: str
    rater: str
    observed: float
    low: float
    high: float
    sentence: str
    is_confirmed: bool = False
    from_session: int | None = None
    tried: Sequence[int] = ()

    @property
    def below(self) -> str:
        """What the score is held against, in words that follow "it was 4.1,"."""
        if self.from_session is not None:
            return f"after {number(self.high)} in session {self.from_session}"
        return f"where {limit(self.low, self.observed)} to {number(self.high)} was expected"

    @property
    def name(self) -> str:
        by = "" if self.rater == "client" else f", as the {self.rater} rates it,"
        return f"{NAMES[self.scale]}{by}"

    @property
    def word(self) -> str:
        return "rupture" if self.is_confirmed else "possible rupture"

    @property
    def repair(self) -> str:
        """A sentence of what was tried, to stand behind another one."""
        if not self.tried:
            return ""
        sessions = "sessions" if len(self.tried) > 1 else "session"
        return f" A repair was tried in {sessions} {listed([str(session) for session in self.tried])}."


def came_back_at(noticed: Noticed, scored: Sequence[tuple[int, float]]) -> Return | None:
    """The first later session in which the scale that fell, `scored` as (session, score), is back at what it had fallen
    below."""
    return first_return(scored, after=noticed.session, level=noticed.low)


@dataclass(frozen=True)
class Change:
    """What the episode page says first. `scale` is the component that the sentence is about."""

    headline: str
    detail: str
    tone: str = "neutral"
    scale: str | None = None
    method: tuple[str, ...] = field(default=())


def number(value: float | None) -> str:
    """One decimal, as precise as the ratings are; a true minus sign. A rule words only what is known."""
    assert value is not None
    return f"{value:.1f}".replace("-", "−")


def listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def capital(text: str) -> str:
    return text[0].upper() + text[1:]


def change_in_words(
    trends: Sequence[ScaleTrend],
    *,
    client: str,
    waiting: int = 0,
    noticed: Sequence[Noticed] = (),
    expectation: str = "",
) -> Change:
    """The most important change of the three components, in the order a clinician would want to hear of it.

    `waiting` counts ratings that are not shown before the therapist's own; `noticed` are the episode's signals,
    `expectation` says how what was expected is worked out.
    """
    rated = [trend for trend in trends if trend.n]
    if not rated and waiting:
        return Change(
            "Rated, and not shown yet.",
            f"{client} has rated. The rating is shown, and counted, once the therapist has rated the same session.",
        )
    if not rated:
        return Change("No rating yet.", f"The first one appears here when {client} has answered the link of a session.")
    return (
        below_expected(rated, noticed, expectation)
        or not_back(rated, noticed, expectation)
        or slipping(rated)
        or at_ceiling(rated)
        or came_back(rated, noticed, expectation)
        or rising(rated)
        or too_few(rated)
        or steady(rated, expectation)
    )


def only_other_measures(names: Sequence[str]) -> Change:
    return Change("The alliance has not been rated yet.", f"Below: {listed(names)}.")


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
    change = f"{sign}{number(since_first)} since the first"
    if is_reliable:
        change += ", more than chance"
    low, high = slope
    if low is None or high is None or low <= 0 <= high:
        return change
    direction = "rising" if low > 0 else "falling"
    return f"{direction}, which is {'better' if (low > 0) is higher_is_better else 'worse'}; {change}"


def recent(trends: Sequence[ScaleTrend], noticed: Sequence[Noticed]) -> list[Noticed]:
    """The signals of the latest scored sessions, the latest first."""
    sessions = sorted({session for trend in trends for session, _ in trend.scored})[-NEWS - 1 :]
    return sorted((one for one in noticed if one.session >= sessions[0]), key=lambda one: -one.session)


def below_expected(trends: Sequence[ScaleTrend], noticed: Sequence[Noticed], expectation: str) -> Change | None:
    last = max(trend.latest_session or 0 for trend in trends)
    now = [one for one in recent(trends, noticed) if one.session >= last]
    if not now:
        return None
    one = now[0]
    return Change(
        f"{capital(one.name)} {'is lower than expected' if one.from_session is None else 'fell'}: a {one.word}.",
        f"Session {one.session}: {number(one.observed)}, {one.below}."
        f"{one.repair or ' Worth asking what that session was like.'}",
        "attention",
        one.scale,
        (expectation,),
    )


def beginnings(trends: Sequence[ScaleTrend], noticed: Sequence[Noticed]) -> list[Noticed]:
    """Recent signals, the latest first, without those before an earlier one of the same scale had come back."""
    found: list[Noticed] = []
    for one in reversed(recent(trends, noticed)):
        trend = trend_of(trends, one)
        earlier = next((other for other in found if (other.scale, other.rater) == (one.scale, one.rater)), None)
        back = came_back_at(earlier, trend.scored) if trend and earlier else None
        if earlier is None or (back and back.session < one.session):
            found.insert(0, one)
    return found


def not_back(trends: Sequence[ScaleTrend], noticed: Sequence[Noticed], expectation: str) -> Change | None:
    for one in beginnings(trends, noticed):
        trend = trend_of(trends, one)
        if trend is None or came_back_at(one, trend.scored):
            continue
        return Change(
            f"{capital(one.name)} has not come back since session {one.session}.",
            f"It was {number(one.observed)} then, {one.below}; now it is {number(trend.latest)}."
            f"{one.repair or ' Worth asking what that session was like.'}",
            "attention",
            one.scale,
            (expectation,),
        )
    return None


def trend_of(trends: Sequence[ScaleTrend], noticed: Noticed) -> ScaleTrend | None:
    """The client's course of the scale that fell; the therapist's is in the chart."""
    if noticed.rater != "client":
        return None
    return next((trend for trend in trends if trend.scale == noticed.scale), None)


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


def came_back(trends: Sequence[ScaleTrend], noticed: Sequence[Noticed], expectation: str) -> Change | None:
    for one in beginnings(trends, noticed):
        trend = trend_of(trends, one)
        back = came_back_at(one, trend.scored) if trend else None
        if trend is None or back is None:
            continue
        before = max((value for session, value in trend.scored if session < one.session), default=trend.high)
        went_further = trend.latest is not None and trend.latest > before
        after = "in the next rated session" if back.after == 1 else f"after {back.after} rated sessions"
        further = f", above anything before ({number(before)} at most)" if went_further else ""
        return Change(
            f"{capital(one.name)} came back{', and went further' if went_further else ''}.",
            f"It was {number(one.observed)} at session {one.session}, {one.below}.{one.repair} It was back {after}, at "
            f"session {back.session}, and is {number(trend.latest)} now{further}.",
            "settled",
            one.scale,
            (expectation,),
        )
    return None


def at_ceiling(trends: Sequence[ScaleTrend]) -> Change | None:
    top = [trend for trend in trends if trend.is_at_ceiling]
    if not top:
        return None
    trend = top[0]
    counts = [sum(value == each.high for _, value in each.scored) for each in top]
    count = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    return Change(
        f"{capital(listed([each.name for each in top]))} {'is' if len(top) == 1 else 'are'} rated at the top "
        "almost every time.",
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
        f"{trend.scale} {number(trend.latest)}"
        + ("" if trend.latest_session == last else f" (session {trend.latest_session})")
        for trend in trends
        if trend.latest is not None
    )
    moved = [trend for trend in trends if trend.change and trend.n >= CHANGE_N]
    change = ""
    if moved:
        trend = max(moved, key=lambda t: abs(t.change or 0))
        direction = "up" if (trend.change or 0) > 0 else "down"
        change = (
            f" {capital(trend.name)} moved {direction} by {number(abs(trend.change or 0))} since the rating before."
        )
    ratings = "1 rating" if most.n == 1 else f"{most.n} ratings"
    return Change(
        f"Latest: {latest}.",
        f"{ratings} so far.{change} From five on this page tells ordinary variation from change.",
    )


def steady(trends: Sequence[ScaleTrend], expectation: str) -> Change:
    known = [trend for trend in trends if trend.latest_session in trend.expected]
    if not known:
        return Change("No change to tell of.", "Too few sessions have been rated to expect anything of the latest one.")
    names = " and ".join(trend.name for trend in known) if len(known) < len(NAMES) else "goals, tasks and bond"
    verb = "is what was expected" if len(known) == 1 else "are what was expected"
    return Change("Steady.", f"{capital(names)} {verb}.", method=(expectation,))


def slope_words(trend: ScaleTrend) -> str:
    return (
        f"About {abs(trend.slope or 0):.2f} {'lower' if (trend.slope or 0) < 0 else 'higher'} with each session over "
        f"{trend.n} ratings (95 % interval {two(trend.slope_low)} to {two(trend.slope_high)}); "
        f"now {number(trend.latest)}."
    )


def two(value: float | None) -> str:
    assert value is not None
    return f"{value:.2f}".replace("-", "−")


def limit(value: float | None, against: float | None) -> str:
    """A limit as precise as it must be to differ from what lies beyond it."""
    return two(value) if number(value) == number(against) else number(value)


def expectation_in_words(
    *, version: int, courses: int, needed: int | None, since: str, one_in: int, rate: str, preset: str = ""
) -> str:
    """How what was expected is worked out; `needed` courses make the service's own prior, None where it has one.

    `preset` is the label of the rule that signals follow instead, where the service chose one.
    """
    usual = (
        f"starting values, until your service has {needed} courses with five ratings ({courses} so far)"
        if needed
        else f"what is usual in your service (version {version}, {since}, from {courses} courses)"
    )
    if preset:
        return (
            f"Signals follow the rule that your service chose: {preset}, from one rated session to the next. The "
            f"expected range is worked out from this client’s earlier ratings and {usual}; no signal follows from it."
        )
    return (
        f"Expected: worked out from this client’s earlier ratings and {usual}. The lower end is the threshold, at the "
        f"{rate} rate of your service: about 1 look in {one_in} at a steady course is this low. Goals, tasks and bond, "
        "by client and therapist, are judged together. What stood out is learnt from once a second one confirms it."
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
    return f"You rate {NAMES[scale]} {number(abs(gap))} {'higher' if gap > 0 else 'lower'} than {name} does."
