"""What the episode page shows, in a number of queries that does not grow with the sessions."""

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.utils import formats, timezone

from clients.models import Episode
from measures import catalogue, instruments
from measures.instruments import COMPONENTS, TOTAL, Instrument
from measures.models import EpisodeSeries, Trend
from measures.selectors import ENDING, series_of, with_gaps
from measures.statistics.rates import RATES
from measures.statistics.reliable_change import ReliableChange
from measures.statistics.service_prior import MINIMUM_CLIENTS
from measures.statistics.summary import Point
from ruptures.aftermath import Followed, follow
from ruptures.detection import PRESETS, Preset
from ruptures.lifecycle import DISMISSED
from ruptures.models import RepairAttempt, Rupture, Signal, State
from ruptures.selectors import level_of, ruptures_of, signals_of
from sessions_app.models import Attendance, Phase, TherapySession
from sessions_app.selectors import sessions_of

from ..course import Line, Outcome, Pair, ScaleCourse, hints, lines, rescaled_means
from ..figures import Missed, SessionAxis
from ..sentences import (
    Change,
    Noticed,
    ScaleTrend,
    change_in_words,
    expectation_in_words,
    gap_in_words,
    only_other_measures,
    total_in_words,
)
from .beside import Beside, beside

ALLIANCE = "session-check-in"
# Sessions rated by both before the two views are compared in words.
GAP_N = 3
Series = Mapping[tuple[str, str, str], list[Point]]


@dataclass(frozen=True)
class NumbersRow:
    """One session in the table beneath the chart."""

    session: TherapySession
    client: list[float | None]
    therapist: list[float | None]
    totals: list[float | None]
    is_sealed: bool

    @property
    def has_client(self) -> bool:
        return self.is_sealed or any(value is not None for value in [*self.client, *self.totals])

    @property
    def has_therapist(self) -> bool:
        return any(value is not None for value in self.therapist)


@dataclass(frozen=True)
class TotalNow:
    """A measure known by its total: where it is, and what may be said of its course."""

    name: str
    latest: float | None
    words: str


@dataclass(frozen=True)
class RuptureNow:
    """A rupture, and what the client's ratings say after it; None without a component."""

    rupture: Rupture
    followed: Followed | None

    @property
    def attempts(self) -> list[RepairAttempt]:
        return list(self.rupture.attempts.all())


@dataclass(frozen=True)
class EpisodeState:
    """Everything the episode page shows of an episode's ratings."""

    episode: Episode
    sessions: list[TherapySession]
    series: Series
    alliance: Instrument
    alliances: list[Instrument]
    by_total: list[Instrument]
    trends: list[ScaleTrend]
    totals_now: list[TotalNow]
    change: Change
    gap: str
    rows: list[NumbersRow]
    sealed: list[TherapySession]
    input_version: int
    computed_version: int
    beside: Beside
    signals: list[Signal]
    ruptures: list[RuptureNow]
    noticed: list[Noticed]
    lines: list[Line]
    hints: list[str]
    baseline_from: int

    @property
    def rated_session(self) -> int | None:
        return max((trend.latest_session for trend in self.trends if trend.latest_session), default=None)

    @property
    def is_asked(self) -> bool:
        """Whether a link of the latest session is open, other than for the ending."""
        latest = self.sessions[-1].pk
        return any(link.session_id == latest and link.instrument != ENDING for link in self.beside.links)

    @property
    def is_updating(self) -> bool:
        return self.computed_version < self.input_version

    @property
    def latest(self) -> NumbersRow | None:
        return self.rows[0] if self.rows else None

    @property
    def has_alliance(self) -> bool:
        return bool(self.sealed) or any(instrument == self.alliance.code for instrument, _, _ in self.series)

    @property
    def axis(self) -> SessionAxis:
        labels = {session.number: session.label for session in self.sessions if session.label}
        numbers = [session.number for session in self.sessions]
        return SessionAxis(
            first=min(numbers, default=1),
            last=max(numbers, default=1),
            labels=labels,
            breaks=part_starts(self.sessions),
        )

    @property
    def tick_legend(self) -> str:
        """What the short names on the axis stand for."""
        axis = self.axis
        return ", ".join(f"{axis.tick(number)}: {label}" for number, label in sorted(axis.labels.items()))

    @property
    def focus(self) -> str:
        """The component whose expected range the chart shows first."""
        return self.change.scale or "bond"

    @property
    def expected(self) -> dict[str, Mapping[int, tuple[float, float]]]:
        return {trend.scale: trend.expected for trend in self.trends}

    @property
    def signals_now(self) -> list[Signal]:
        return [signal for signal in self.signals if signal.state == State.NEW]

    @property
    def signals_before(self) -> list[Signal]:
        return [signal for signal in self.signals if signal.state != State.NEW]

    @property
    def open_ruptures(self) -> list[RuptureNow]:
        return [one for one in self.ruptures if one.rupture.is_open]

    @property
    def closed_ruptures(self) -> list[RuptureNow]:
        return [one for one in self.ruptures if not one.rupture.is_open]

    @property
    def standing_ruptures(self) -> list[RuptureNow]:
        return [one for one in self.ruptures if one.rupture.state != DISMISSED]

    @property
    def has_expected(self) -> bool:
        return any(trend.expected for trend in self.trends)

    @property
    def baseline_choices(self) -> list[int]:
        return [session.number for session in self.sessions if session.number > 0]

    @property
    def is_restarted(self) -> bool:
        return self.baseline_from > min((session.number for session in self.sessions), default=1)

    @property
    def stamp(self) -> str:
        """Changes with every rating, trend and session, which is what an open page waits for."""
        return stamp(self.input_version, self.computed_version, len(self.sessions))


def part_starts(sessions: list[TherapySession]) -> frozenset[int]:
    """The numbers with which another part of the episode begins: the therapy, each follow-up."""
    return frozenset(
        session.number
        for before, session in pairwise(sessions)
        if session.phase != before.phase or session.phase == Phase.FOLLOW_UP
    )


def value_range(instrument: Instrument) -> tuple[float, float]:
    edition = instrument.editions["client"]
    return edition.minimum, edition.maximum


def shipped_alliance() -> Instrument:
    return instruments.instruments()[ALLIANCE]


def chosen_alliance(
    series: Series, known: Mapping[str, Instrument], wanted: str
) -> tuple[Instrument, list[Instrument]]:
    """The alliance measure to show, and all there are: the one asked for, else the one rated most often."""
    rated: Counter[str] = Counter()
    for (code, _, _), points in series.items():
        if known[code].has_components:
            rated[code] += sum(point.value is not None for point in points)
    there = [known[code] for code, _ in rated.most_common()]
    if wanted in rated:
        return known[wanted], there
    return (there[0] if there else shipped_alliance()), there


def components_of(state: EpisodeState, *raters: str) -> dict[tuple[str, str], list[Point]]:
    """Goal, task and bond by rater, of the alliance measure that is shown."""
    code = state.alliance.code
    return {
        (rater, scale): state.series[code, rater, scale]
        for rater in raters
        for scale in COMPONENTS
        if (code, rater, scale) in state.series
    }


def total_points(series: Series, instrument: Instrument) -> list[Point]:
    """Clients' totals of a measure as they are published; trends hold them as item means."""
    edition = instrument.editions["client"]
    factor = edition.score_per_mean(len(edition.numbers("total")))
    points = series.get((instrument.code, "client", "total"), [])
    return [Point(point.session, None if point.value is None else point.value * factor) for point in points]


def total_now(instrument: Instrument, trend: Trend | None, points: list[Point]) -> TotalNow:
    scored = [point.value for point in points if point.value is not None]
    if trend is None or not scored:
        return TotalNow(instrument.name, scored[-1] if scored else None, "too few to say" if scored else "no rating")
    words = total_in_words(
        n=trend.n,
        since_first=scored[-1] - scored[0],
        slope=(trend.slope_low, trend.slope_high),
        is_reliable=trend.is_reliable,
        higher_is_better=instrument.editions["client"].higher_is_better,
    )
    return TotalNow(instrument.name, scored[-1], words)


def measure_with_total(code: str) -> Instrument | None:
    """An instrument that clients rate and that is shown by its total alone."""
    found = catalogue.known([code]).get(code)
    return found if found is not None and is_shown_by_total(found) else None


def is_shown_by_total(instrument: Instrument) -> bool:
    """Has a chart of its own total; the one question asked at the end of an episode has no course."""
    return instrument.has_clients_total and not instrument.has_components and instrument.construct != "satisfaction"


def stamp_of(episode: Episode) -> str:
    versions = EpisodeSeries.objects.filter(episode=episode).values_list("input_version", "computed_version").first()
    return stamp(*(versions or (0, 0)), episode.sessions.count())


def stamp(input_version: int, computed_version: int, sessions: int) -> str:
    return f"{input_version}-{computed_version}-{sessions}"


def episode_state(episode: Episode, *, instrument: str = "") -> EpisodeState:
    """What the page shows; `instrument` is the alliance measure asked for, where an episode has several."""
    sessions = sessions_of(episode)
    series = series_of(episode.pk, with_gaps(session.number for session in sessions))
    known = catalogue.known(code for code, _, _ in series)
    alliance, alliances = chosen_alliance(series, known, instrument)
    by_total = [found for found in known.values() if is_shown_by_total(found)]
    by_total.sort(key=lambda found: (found.construct, found.name))
    small = beside(episode)
    kept: EpisodeSeries | None = getattr(episode, "series", None)
    of_client = Trend.objects.filter(episode=episode, rater="client", scale__in=[*COMPONENTS, TOTAL])
    stored = list(of_client.select_related("prior"))
    totals = {trend.instrument: trend for trend in stored if trend.scale == TOTAL}
    of_alliance = {trend.scale: trend for trend in stored if trend.instrument == alliance.code}
    trends = scale_trends(of_alliance, value_range(alliance))
    signals, ruptures = signals_of(episode), ruptures_of(episode)
    tried = sessions_tried(ruptures)
    noticed = [
        noticed_of(signal, tried.get(signal.rupture_id, ())) for signal in signals if stands(signal, alliance.code)
    ]
    change = change_in_words(
        trends,
        client=episode.client.label,
        waiting=len(small.sealed),
        noticed=noticed,
        expectation=expectation_of(of_alliance.values(), preset=PRESETS.get(episode.organisation.signal_preset)),
    )
    drops = {one.session for one in noticed}
    pair = pair_of(series, alliance, sessions)
    course = [
        ScaleCourse(trend, reliable_change_of(of_alliance.get(trend.scale)), within_sd_of(of_alliance.get(trend.scale)))
        for trend in trends
    ]
    if by_total and not alliances and not small.sealed:
        change = only_other_measures([found.name for found in by_total])
    return EpisodeState(
        episode=episode,
        sessions=sessions,
        series=series,
        alliance=alliance,
        alliances=alliances,
        by_total=by_total,
        trends=trends,
        totals_now=[total_now(found, totals.get(found.code), total_points(series, found)) for found in by_total],
        change=change,
        gap=latest_gap(series, alliance.code, episode.client.label),
        rows=number_rows(sessions, series, alliance.code, by_total, small.sealed),
        sealed=[session for session in sessions if session.pk in small.sealed],
        input_version=kept.input_version if kept else 0,
        computed_version=kept.computed_version if kept else 0,
        beside=small,
        signals=signals,
        ruptures=[rupture_now(rupture, signals, series, alliance.code, trends) for rupture in ruptures],
        noticed=noticed,
        lines=lines(course, pair, outcome_of(series, by_total), drops=drops),
        hints=hints(
            course,
            pair,
            client=episode.client.label,
            sessions=[session.number for session in sessions if session.number > 0],
            missed=missed_by_client(sessions),
            drops=drops,
        ),
        baseline_from=kept.baseline_from if kept else 1,
    )


def stands(signal: Signal, instrument: str) -> bool:
    """Nobody has dismissed it, and it is about goal, task or bond as this instrument has them."""
    return signal.instrument == instrument and signal.state != State.DISMISSED and signal.scale in COMPONENTS


def sessions_tried(ruptures: Iterable[Rupture]) -> dict[uuid.UUID | None, tuple[int, ...]]:
    """By rupture the numbers of the sessions in which a repair was tried."""
    return {
        rupture.pk: tuple(sorted({attempt.session.number for attempt in rupture.attempts.all()}))
        for rupture in ruptures
    }


def rupture_now(
    rupture: Rupture, signals: list[Signal], series: Series, code: str, trends: list[ScaleTrend]
) -> RuptureNow:
    points = series.get((code, "client", rupture.component), [])
    if not points:
        return RuptureNow(rupture, None)
    lows = {at: low for trend in trends if trend.scale == rupture.component for at, (low, _) in trend.expected.items()}
    of_rupture = [signal for signal in signals if signal.rupture_id == rupture.pk and signal.instrument == code]
    return RuptureNow(
        rupture,
        follow(
            [(point.session, point.value) for point in points if point.value is not None],
            scale=rupture.component,
            rater="client",
            session=rupture.session.number,
            level=level_of(rupture, of_rupture, "client", lows),
        ),
    )


def noticed_of(signal: Signal, tried: Sequence[int] = ()) -> Noticed:
    look = signal.lowest
    return Noticed(
        session=signal.session.number,
        scale=signal.scale,
        rater=signal.rater,
        observed=look.observed,
        low=look.low,
        high=look.high,
        sentence=signal.sentence,
        is_confirmed=signal.state == State.CONFIRMED,
        from_session=look.from_session,
        tried=tried,
    )


def expectation_of(stored: Iterable[Trend], *, preset: Preset | None) -> str:
    """With what the components were judged, in words; empty where nothing was."""
    trend = next((trend for trend in stored if trend.prior is not None), None)
    if trend is None or trend.prior is None:
        return ""
    prior = trend.prior
    return expectation_in_words(
        version=prior.version,
        courses=prior.n,
        needed=MINIMUM_CLIENTS if prior.is_starting else None,
        since=formats.date_format(timezone.localdate(prior.estimated_at), "j F Y"),
        one_in=RATES[trend.rate].one_in,
        rate=trend.rate,
        preset=preset.label if preset else "",
    )


def within_sd_of(trend: Trend | None) -> float | None:
    return trend.prior.within_sd if trend is not None and trend.prior is not None else None


def reliable_change_of(trend: Trend | None) -> ReliableChange | None:
    if trend is None or trend.reliable_criterion is None or trend.change_from_first is None:
        return None
    return ReliableChange(trend.reliable_criterion, trend.change_from_first, bool(trend.is_reliable))


def pair_of(series: Series, alliance: Instrument, sessions: list[TherapySession]) -> Pair:
    means = []
    for rater in ("client", "therapist"):
        found = {scale: series.get((alliance.code, rater, scale), []) for scale in COMPONENTS}
        edition = alliance.editions.get(rater)
        by_session = rescaled_means(found, (edition.minimum, edition.maximum)) if edition else {}
        means.append([by_session.get(session.number) for session in sessions])
    return Pair(*means)


def outcome_of(series: Series, by_total: list[Instrument]) -> Outcome | None:
    """The outcome measure rated most often."""
    measured = [(found, total_points(series, found)) for found in by_total if found.construct == "outcome"]
    if not measured:
        return None
    found, points = max(measured, key=lambda pair: sum(point.value is not None for point in pair[1]))
    return Outcome(found.name, points, found.editions["client"].higher_is_better)


def missed_by_client(sessions: list[TherapySession]) -> set[int]:
    away = (Attendance.DID_NOT_ATTEND, Attendance.CANCELLED_LATE)
    return {session.number for session in sessions if session.attendance in away}


def scale_trends(stored: Mapping[str, Trend], span: tuple[float, float]) -> list[ScaleTrend]:
    low, high = span
    found = []
    for scale in COMPONENTS:
        trend = stored.get(scale) or Trend(scale=scale, n=0)
        found.append(
            ScaleTrend(
                scale=scale,
                points=[Point(session, value) for session, value in trend.points],
                n=trend.n,
                latest=trend.latest,
                latest_session=trend.latest_session,
                change=trend.change,
                slope=trend.slope,
                slope_low=trend.slope_low,
                slope_high=trend.slope_high,
                low=low,
                high=high,
                expected={session: (lower, upper) for session, lower, upper in trend.expected},
            )
        )
    return found


def by_session(series: Series, key: tuple[str, str, str]) -> dict[int, float | None]:
    return {point.session: point.value for point in series.get(key, [])}


def latest_gap(series: Series, code: str, name: str) -> str:
    client = {scale: by_session(series, (code, "client", scale)) for scale in COMPONENTS}
    therapist = {scale: by_session(series, (code, "therapist", scale)) for scale in COMPONENTS}
    both = [
        session
        for session, value in client["bond"].items()
        if value is not None and therapist["bond"].get(session) is not None
    ]
    if len(both) < GAP_N:
        return ""
    last = max(both)
    return gap_in_words(
        {scale: client[scale].get(last) for scale in COMPONENTS},
        {scale: therapist[scale].get(last) for scale in COMPONENTS},
        name=name,
    )


def number_rows(
    sessions: list[TherapySession], series: Series, code: str, by_total: list[Instrument], sealed: Collection[uuid.UUID]
) -> list[NumbersRow]:
    columns = {
        (rater, scale): by_session(series, (code, rater, scale))
        for rater in ("client", "therapist")
        for scale in COMPONENTS
    }
    totals = [{point.session: point.value for point in total_points(series, instrument)} for instrument in by_total]
    return [
        NumbersRow(
            session=session,
            client=[columns["client", scale].get(session.number) for scale in COMPONENTS],
            therapist=[columns["therapist", scale].get(session.number) for scale in COMPONENTS],
            totals=[total.get(session.number) for total in totals],
            is_sealed=session.pk in sealed,
        )
        for session in reversed(sessions)
    ]


def missed_meetings(sessions: list[TherapySession]) -> list[Missed]:
    return [Missed(session.number, session.get_attendance_display()) for session in sessions if not session.took_place]
