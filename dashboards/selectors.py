"""What the dashboards show, each in a number of queries that does not grow with the caseload."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Max, Q
from django.urls import reverse

from accounts.models import User
from clients.models import Episode
from clients.selectors import episodes
from measures import instruments
from measures.models import EpisodeSeries, Rating, RatingRequest, Trend
from measures.selectors import EpisodeRow, open_requests, series_of, with_latest_change
from measures.statistics.summary import Point
from sessions_app.models import TOOK_PLACE, TherapySession

from .figures import Dot, Missed
from .sentences import CHANGE_N, Change, ScaleTrend, change_in_words, gap_in_words

ALLIANCE = "session-check-in"
OUTCOME = "outcome-check-in"
COMPONENTS = ("goal", "task", "bond")
# Sessions rated by both before the two views are compared in words.
GAP_N = 3


@dataclass(frozen=True)
class NumbersRow:
    """One session in the table beneath the chart."""

    session: TherapySession
    client: list[float | None]
    therapist: list[float | None]
    outcome: float | None
    is_sealed: bool

    @property
    def has_client(self) -> bool:
        return self.is_sealed or any(value is not None for value in self.client)

    @property
    def has_therapist(self) -> bool:
        return any(value is not None for value in self.therapist)


@dataclass(frozen=True)
class EpisodeState:
    """Everything the episode page shows of an episode's ratings."""

    episode: Episode
    sessions: list[TherapySession]
    series: Mapping[tuple[str, str, str], list[Point]]
    trends: list[ScaleTrend]
    change: Change
    gap: str
    rows: list[NumbersRow]
    sealed: list[TherapySession]
    input_version: int
    computed_version: int
    notes: list[str]
    comment: Rating | None
    asked: RatingRequest | None

    @property
    def rated_session(self) -> int | None:
        return max((trend.latest_session for trend in self.trends if trend.latest_session), default=None)

    @property
    def is_updating(self) -> bool:
        return self.computed_version < self.input_version

    @property
    def has_outcome(self) -> bool:
        return (OUTCOME, "client", "total") in self.series

    @property
    def latest(self) -> NumbersRow | None:
        return self.rows[0] if self.rows else None

    @property
    def has_ratings(self) -> bool:
        return bool(self.series)

    @property
    def stamp(self) -> str:
        """Changes with every rating, trend and session, which is what an open page waits for."""
        return stamp(self.input_version, self.computed_version, len(self.sessions))


def value_range(instrument: str) -> tuple[float, float]:
    edition = instruments.edition(instrument, "client")
    return edition.minimum, edition.maximum


def stamp_of(episode: Episode) -> str:
    versions = EpisodeSeries.objects.filter(episode=episode).values_list("input_version", "computed_version").first()
    return stamp(*(versions or (0, 0)), episode.sessions.count())


def stamp(input_version: int, computed_version: int, sessions: int) -> str:
    return f"{input_version}-{computed_version}-{sessions}"


def episode_state(episode: Episode) -> EpisodeState:
    sessions = list(episode.sessions.all())
    series = series_of(episode.pk, [session.number for session in sessions])
    versions = EpisodeSeries.objects.filter(episode=episode).values_list("input_version", "computed_version").first()
    stored = Trend.objects.filter(episode=episode, instrument=ALLIANCE, rater="client", scale__in=COMPONENTS)
    trends = scale_trends({trend.scale: trend for trend in stored})
    sealed_ids = set(
        Rating.objects.current().sealed().filter(session__episode=episode).values_list("session_id", flat=True)
    )
    return EpisodeState(
        episode=episode,
        sessions=sessions,
        series=series,
        trends=trends,
        change=change_in_words(trends, client=episode.client.label, waiting=len(sealed_ids)),
        gap=latest_gap(series, episode.client.label),
        rows=number_rows(sessions, series, sealed_ids),
        sealed=[session for session in sessions if session.pk in sealed_ids],
        input_version=versions[0] if versions else 0,
        computed_version=versions[1] if versions else 0,
        notes=sorted({note for trend in stored for note in trend.notes}),
        comment=latest_comment(episode),
        asked=open_request_of(sessions[-1]) if sessions else None,
    )


def latest_comment(episode: Episode) -> Rating | None:
    """The client's last words on a session, of those ratings that may be seen."""
    current = Rating.objects.current().filter(session__episode=episode, rater="client")
    return (
        current.exclude(comment="")
        .exclude(pk__in=current.sealed().values("pk"))
        .select_related("session")
        .order_by("-session__number")
        .first()
    )


def open_request_of(session: TherapySession) -> RatingRequest | None:
    return next(iter(open_requests(session)), None)


def scale_trends(stored: Mapping[str, Trend]) -> list[ScaleTrend]:
    low, high = value_range(ALLIANCE)
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
                baseline=trend.baseline,
                baseline_low=trend.baseline_low,
                baseline_high=trend.baseline_high,
                slope=trend.slope,
                slope_low=trend.slope_low,
                slope_high=trend.slope_high,
                low=low,
                high=high,
            )
        )
    return found


def by_session(
    series: Mapping[tuple[str, str, str], list[Point]], key: tuple[str, str, str]
) -> dict[int, float | None]:
    return {point.session: point.value for point in series.get(key, [])}


def latest_gap(series: Mapping[tuple[str, str, str], list[Point]], name: str) -> str:
    client = {scale: by_session(series, (ALLIANCE, "client", scale)) for scale in COMPONENTS}
    therapist = {scale: by_session(series, (ALLIANCE, "therapist", scale)) for scale in COMPONENTS}
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
    sessions: list[TherapySession], series: Mapping[tuple[str, str, str], list[Point]], sealed_ids: set[uuid.UUID]
) -> list[NumbersRow]:
    columns = {
        (rater, scale): by_session(series, (ALLIANCE, rater, scale))
        for rater in ("client", "therapist")
        for scale in COMPONENTS
    }
    outcome = by_session(series, (OUTCOME, "client", "total"))
    return [
        NumbersRow(
            session=session,
            client=[columns["client", scale].get(session.number) for scale in COMPONENTS],
            therapist=[columns["therapist", scale].get(session.number) for scale in COMPONENTS],
            outcome=outcome.get(session.number),
            is_sealed=session.pk in sealed_ids,
        )
        for session in reversed(sessions)
    ]


def missed_meetings(sessions: list[TherapySession]) -> list[Missed]:
    return [Missed(session.number, session.get_attendance_display()) for session in sessions if not session.took_place]


@dataclass(frozen=True)
class CaseloadRow:
    """One episode of a supervised therapist, with the change in words."""

    row: EpisodeRow
    change: Change
    session_count: int
    last_seen: object

    @property
    def order(self) -> tuple[int, str]:
        """Possible ruptures first, then the rest by code: need before name, and no ranking of people."""
        return (0 if self.change.tone == "attention" else 1, self.row.episode.client.code)


def caseload(user: User) -> list[CaseloadRow]:
    """Open episodes of the therapists a supervisor supervises, those with a reason to talk about first."""
    found = list(
        episodes(user)
        .filter(ended_on=None)
        .exclude(therapist=user)
        .annotate(
            session_count=Count("sessions"),
            last_seen=Max("sessions__held_on", filter=Q(sessions__attendance__in=TOOK_PLACE)),
        )
    )
    rows = []
    for row in with_latest_change(found):
        change = change_in_words(scale_trends(row.scales), client=row.episode.client.label, waiting=row.waiting_ratings)
        rows.append(CaseloadRow(row, change, row.episode.session_count, row.episode.last_seen))  # type: ignore[attr-defined]
    return sorted(rows, key=lambda row: row.order)


def caseload_dots(rows: list[CaseloadRow]) -> list[Dot]:
    dots = []
    for row in rows:
        bond = row.row.scales.get("bond")
        if bond is not None and bond.n >= CHANGE_N and bond.latest is not None and bond.change is not None:
            episode = row.row.episode
            url = reverse("dashboards:episode", args=[episode.pk])
            dots.append(Dot(episode.client.code, url, bond.latest, bond.change, row.change.tone == "attention"))
    return dots
