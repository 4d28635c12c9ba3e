"""What a course of ratings says beyond the last change, as far as its length allows; and hints beside the ratings.

Each line names its method; `measures.statistics.minimum_n` holds how many scored sessions a method needs, the modules
of the methods their sources. Numbers in, words out.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from measures.statistics.congruence import Congruence, congruence
from measures.statistics.correlation import Correlation
from measures.statistics.ewma import REACH, WEIGHT, ewma
from measures.statistics.minimum_n import MINIMUM_N
from measures.statistics.reliable_change import ReliableChange
from measures.statistics.summary import Point
from measures.statistics.within_between import Course, lag_one
from ruptures.aftermath import NAMES
from ruptures.detection import PRESETS, RuptureEpisode, possible_withdrawal, rupture_episodes, therapist_above

from .sentences import ScaleTrend, capital, listed, number, slope_words

Values = Sequence[float | None]
FALLS_TOLD = 3


@dataclass(frozen=True)
class Line:
    """What one method says; `is_known` is False where it needs more ratings, and `says` then how many."""

    title: str
    says: str
    method: str
    is_known: bool = True


@dataclass(frozen=True)
class ScaleCourse:
    """One component of a client's course; `within_sd` is what is usual within clients of the service."""

    trend: ScaleTrend
    reliable: ReliableChange | None = None
    within_sd: float | None = None

    @property
    def name(self) -> str:
        return NAMES[self.trend.scale]


@dataclass(frozen=True)
class Pair:
    """Both views of the same sessions as mean of the three components, rescaled to 0..1; None where there is none."""

    client: Values
    therapist: Values


@dataclass(frozen=True)
class Outcome:
    """An outcome measure on the sessions of the alliance; `higher_is_better` as its edition has it."""

    name: str
    points: Sequence[Point]
    higher_is_better: bool


def lines(
    scales: Sequence[ScaleCourse], pair: Pair, outcome: Outcome | None, *, drops: Collection[int] = ()
) -> list[Line]:
    """Every method's line, in the order in which a course grows long enough for them; `drops` as in `hints`."""
    rated = [scale for scale in scales if scale.trend.n]
    if not rated:
        return []
    n = max(scale.trend.n for scale in rated)
    found = [
        reliable_line(rated, n),
        slope_line(rated, n),
        episodes_line(rated, n),
        congruence_line(pair),
        erosion_line(rated, n, drops),
    ]
    if outcome is not None:
        found.append(lag_line(rated, outcome, n))
    return found


def needs(method: str, n: int, title: str, how: str, of: str = "rated sessions") -> Line | None:
    least = MINIMUM_N[method].n
    if n >= least:
        return None
    return Line(title, f"from {least} {of} on; so far {n}", how, is_known=False)


def reliable_line(scales: Sequence[ScaleCourse], n: int) -> Line:
    title, how = "Change since the first rating", "reliable change, Jacobson & Truax 1991"
    if too_few := needs("reliable_change", n, title, how):
        return too_few
    parts = [
        f"{scale.trend.scale} {signed(change.change)}, {'' if change.reliable else 'not '}more than the "
        f"{number(change.criterion)} that measurement error explains"
        for scale in scales
        if (change := scale.reliable) is not None
    ]
    if not parts:
        return Line(title, "needs the scale’s SD and reliability, which are not known yet", how, is_known=False)
    return Line(title, f"{capital('; '.join(parts))}.", how)


def slope_line(scales: Sequence[ScaleCourse], n: int) -> Line:
    title, how = "Direction over all sessions", "Theil–Sen slope with its 95 % interval"
    if too_few := needs("theil_sen", n, title, how):
        return too_few
    moving = [scale for scale in scales if scale.trend.is_slipping or scale.trend.is_rising]
    if not moving:
        return Line(title, "None that the ratings could tell from chance.", how)
    return Line(title, " ".join(f"{capital(scale.name)}: {slope_words(scale.trend)}" for scale in moving), how)


def episodes_line(scales: Sequence[ScaleCourse], n: int) -> Line:
    preset = PRESETS["gumz-lenient"]
    title, how = "Falls and returns", f"{preset.label}, shown for comparison; no signal follows from it"
    if too_few := needs("rupture_episodes", n, title, how):
        return too_few
    found = sorted(
        ((episode, scale.trend.scale) for scale in scales for episode in episodes_of(scale)),
        key=lambda pair: pair[0].session,
    )
    parts = [
        f"{scale} from {number(episode.peak)} by {number(episode.drop)} at session {episode.session}, "
        f"{course_of(episode)}"
        for episode, scale in found[-FALLS_TOLD:]
    ]
    earlier = f"{len(found) - FALLS_TOLD} earlier. " if len(found) > FALLS_TOLD else ""
    return Line(title, f"{earlier}{capital('; '.join(parts))}." if parts else "None.", how)


def episodes_of(scale: ScaleCourse) -> list[RuptureEpisode]:
    """After Gumz et al., lenient; with fewer than ten ratings only falls that also exceed the reliable change."""
    if scale.within_sd is None:
        return []
    sessions, values = [session for session, _ in scale.trend.scored], [value for _, value in scale.trend.scored]
    found = rupture_episodes(sessions, values, PRESETS["gumz-lenient"], sd_of_change=2**0.5 * scale.within_sd) or ()
    least = scale.reliable.criterion if scale.reliable and scale.trend.n < MINIMUM_N["control_chart"].n else 0
    return [episode for episode in found if episode.drop > least]


def course_of(episode: RuptureEpisode) -> str:
    if episode.repaired_session:
        return f"back at session {episode.repaired_session}"
    return "not back yet" if episode.status == "open" else "not back in the next three rated sessions"


def congruence_line(pair: Pair) -> Line:
    title, how = (
        "Both views, session by session",
        "temporal congruence: correlation over the sessions both rated",
    )
    both = compared(pair)
    n = len(both.gaps) if both else 0
    if too_few := needs("congruence", n, title, how, "sessions that both rated"):
        return too_few
    if both is None or both.temporal is None:
        return Line(title, "One of the two never changes, so there is nothing to compare.", how, is_known=False)
    r = both.temporal
    together = "Mostly together" if r.low > 0 else "Mostly opposite" if r.high < 0 else "Not to be told from chance"
    return Line(title, f"{together}: {interval(r)}, {r.n} sessions.", how)


def erosion_line(scales: Sequence[ScaleCourse], n: int, drops: Collection[int]) -> Line:
    title = "Slow erosion"
    how = f"weighted average (EWMA, λ {WEIGHT}, L {REACH:g}) against the first five, sessions that stood out left aside"
    if too_few := needs("ewma", n, title, how):
        return too_few
    eroded = [scale.name for scale in scales if is_eroded(scale, drops)]
    return Line(title, f"{capital(listed(eroded))}." if eroded else "None.", how)


def is_eroded(scale: ScaleCourse, drops: Collection[int]) -> bool:
    """The weighted average is below its limit now, also without the sessions that were noticed by themselves."""
    values = [value for session, value in scale.trend.scored if session not in drops]
    found = ewma(values, within_sd=scale.within_sd)
    return found is not None and len(values) - 1 in found.below


def lag_line(scales: Sequence[ScaleCourse], outcome: Outcome, n: int) -> Line:
    title = f"Alliance in one session, {outcome.name} in the next"
    how = "within this client, lag one; for display, not for inference"
    by_session = {point.session: point.value for point in outcome.points}
    both = max(sum(by_session.get(session) is not None for session, _ in scale.trend.scored) for scale in scales)
    if too_few := needs("lag_one", both, title, how, "sessions with both"):
        return too_few
    parts = []
    for scale in scales:
        sessions = [point.session for point in scale.trend.points]
        alliance = [point.value for point in scale.trend.points]
        found = lag_one([Course(sessions, alliance, [by_session.get(session) for session in sessions])])
        if found:
            parts.append(f"{scale.trend.scale} {interval(found)}, {found.n} pairs")
    if not parts:
        return Line(title, "Too few neighbouring sessions, or no change in one of the two.", how, is_known=False)
    better = "higher" if outcome.higher_is_better else "lower"
    return Line(title, f"{capital('; '.join(parts))}. In {outcome.name}, {better} is better.", how)


# --- Hints: things to ask about that are no signal --------------------------------------------------------------


def hints(
    scales: Sequence[ScaleCourse],
    pair: Pair,
    *,
    client: str,
    sessions: Sequence[int],
    missed: Collection[int],
    drops: Collection[int],
) -> list[str]:
    """What else may be worth asking: slow erosion, the therapist seeing it rosier than usual, meetings missed.

    `sessions` are all planned ones, `missed` those the client missed or cancelled late, `drops` those of signals.
    """
    found = []
    eroded = [scale.name for scale in scales if is_eroded(scale, drops)]
    if eroded:
        found.append(
            f"{capital(listed(eroded))} {'has' if len(eroded) == 1 else 'have'} slowly become lower than in the first "
            "five ratings, without one session that stands out."
        )
    both = compared(pair)
    above = therapist_above(both.gaps) if both else None
    if above:
        found.append(
            f"The therapist rated the last session higher than {client} did, by {percent(above.gap)} of the scale; "
            f"between these two up to {percent(above.usual_at_most)} is usual. A question to open with, no sign of "
            "anything by itself."
        )
    away = possible_withdrawal(sessions, missed, drops) if sessions else None
    if away:
        when = "sessions" if len(away.missed) > 1 else "session"
        numbers = listed([str(session) for session in away.missed])
        after = f", soon after the fall in session {away.after_drop}" if away.after_drop else ""
        found.append(
            f"Missed or cancelled late: {when} {numbers}{after}. A possible withdrawal; ask for the reason first."
        )
    return found


def compared(pair: Pair) -> Congruence | None:
    return congruence(pair.client, pair.therapist)


def rescaled_means(components: Mapping[str, Sequence[Point]], value_range: tuple[float, float]) -> dict[int, float]:
    """By session the mean of the components, 0..1, of sessions in which all of them are scored."""
    low, high = value_range
    by_session: dict[int, list[float]] = {}
    for points in components.values():
        for point in points:
            if point.value is not None:
                by_session.setdefault(point.session, []).append((point.value - low) / (high - low))
    return {
        session: sum(values) / len(values) for session, values in by_session.items() if len(values) == len(components)
    }


def signed(value: float | None) -> str:
    return f"{'+' if (value or 0) > 0 else ''}{number(value)}"


def interval(found: Correlation) -> str:
    return f"r = {hundredths(found.r)} ({hundredths(found.low)} to {hundredths(found.high)})"


def hundredths(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"
