"""Signals and ruptures as pages show them. What is not yours to see is not among them."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet, Subquery

from accounts.access import writes_for
from accounts.models import User
from clients.models import Episode
from jobs.models import Job
from measures.actions import COMPUTE_TRENDS
from measures.models import EpisodeSeries, Rater, ServicePrior, Trend
from sessions_app.models import TOOK_PLACE, TherapySession

from .aftermath import Followed, Level, follow
from .lifecycle import OPEN, SUSPECTED
from .models import Recompute, RepairAttempt, Rupture, Signal, State

SHOWN = 20


def signals(user: User) -> QuerySet[Signal]:
    return Signal.objects.visible_to(user).select_related("session__episode__client", "answered_by")


def signal_of(user: User, signal_id: uuid.UUID) -> Signal | None:
    return signals(user).filter(pk=signal_id).first()


def new_signals(user: User) -> list[Signal]:
    """Signals that wait for this therapist's answer, in open episodes of theirs and of those they cover.

    The latest session comes first.
    """
    whose = writes_for(user)
    own = signals(user).filter(state=State.NEW, session__episode__therapist__in=whose, session__episode__ended_on=None)
    return list(
        own.select_related("session__episode__therapist").order_by("-session__held_on", "-session__number")[:SHOWN]
    )


def unanswered(episodes: Iterable[Episode]) -> int:
    return Signal.objects.filter(session__episode__in=episodes, state=State.NEW).count()


def count_open(episodes: Iterable[Episode]) -> int:
    return Rupture.objects.filter(session__episode__in=episodes, state__in=OPEN).count()


def signals_of(episode: Episode) -> list[Signal]:
    """An episode's signals, the latest session first; those that were taken back only if somebody had answered."""
    found = Signal.objects.filter(session__episode=episode).exclude(state=State.WITHDRAWN)
    return list(found.select_related("session", "answered_by").order_by("-session__number"))


def standing_signals(episodes: Iterable[Episode | uuid.UUID]) -> dict[uuid.UUID, list[Signal]]:
    """By episode the signals that were neither dismissed nor taken back, in one query."""
    standing = Signal.objects.exclude(state__in=(State.DISMISSED, State.WITHDRAWN))
    return by_episode(standing.select_related("session", "rupture"), episodes)


def waiting_signals(episodes: Iterable[Episode | uuid.UUID]) -> dict[uuid.UUID, list[Signal]]:
    """By episode the signals that wait for an answer, in one query."""
    return by_episode(Signal.objects.filter(state=State.NEW).select_related("session"), episodes)


def by_episode(signals: QuerySet[Signal], episodes: Iterable[Episode | uuid.UUID]) -> dict[uuid.UUID, list[Signal]]:
    found: dict[uuid.UUID, list[Signal]] = defaultdict(list)
    for signal in signals.filter(session__episode__in=episodes):
        found[signal.session.episode_id].append(signal)
    return found


# --- Ruptures -------------------------------------------------------------------------------------------


def attempts_of(path: str) -> "Prefetch[str, QuerySet[RepairAttempt], str]":
    return Prefetch(path, RepairAttempt.objects.select_related("session"))


def ruptures(user: User) -> QuerySet[Rupture]:
    return Rupture.objects.visible_to(user).select_related("session__episode__client", "session__episode__therapist")


def rupture_of(user: User, rupture_id: uuid.UUID) -> Rupture | None:
    """A rupture with its evidence, the oldest first, and its attempts."""
    found = ruptures(user).filter(pk=rupture_id).select_related("closed_by", "session__episode__series")
    return found.prefetch_related(
        attempts_of("attempts"), Prefetch("signals", Signal.objects.order_by("raised_at"))
    ).first()


def attempt_of(user: User, attempt_id: uuid.UUID) -> RepairAttempt | None:
    of = ("rupture__session__episode__client", "rupture__session__episode__therapist", "session")
    return RepairAttempt.objects.visible_to(user).select_related(*of).filter(pk=attempt_id).first()


def ruptures_of(episode: Episode) -> list[Rupture]:
    """An episode's ruptures with their attempts, in the order of its sessions; two queries."""
    found = Rupture.objects.filter(session__episode=episode).select_related("session")
    return list(found.prefetch_related(attempts_of("attempts")))


def open_in_many(episodes: Iterable[Episode | uuid.UUID]) -> QuerySet[Rupture]:
    """Open ruptures of some episodes, in one query."""
    found = Rupture.objects.filter(session__episode__in=episodes, state__in=OPEN)
    return found.select_related("session")


def open_ruptures(episode: Episode) -> list[Rupture]:
    return [rupture for rupture in ruptures_of(episode) if rupture.is_open]


def ruptures_in(session: TherapySession) -> list[Rupture]:
    """Those of a session, and those about which something was tried in it."""
    tried = RepairAttempt.objects.filter(rupture=OuterRef("pk"), session=session)
    return list(Rupture.objects.filter(Q(session=session) | Exists(tried)).select_related("session"))


def sessions_for_attempts(rupture: Rupture) -> QuerySet[TherapySession]:
    """Those in which something may have been tried: from the rupture's own on, if they took place."""
    later = TherapySession.objects.filter(episode=rupture.session.episode_id, number__gte=rupture.session.number)
    return later.filter(attendance__in=TOOK_PLACE)


def open_repairs(user: User) -> list[Rupture]:
    """Open ruptures in open episodes of this therapist's and of those they cover, the longest open first.

    A suspected one whose session has a signal that waits for an answer is answered with that.
    """
    asked = Signal.objects.filter(session=OuterRef("session"), state=State.NEW)
    whose = {"session__episode__therapist__in": writes_for(user), "session__episode__ended_on": None}
    own = ruptures(user).open().filter(**whose)  # type: ignore[attr-defined]
    own = own.exclude(Exists(asked), state=SUSPECTED).prefetch_related(attempts_of("attempts"))
    return list(own.order_by("session__held_on", "created_at")[:SHOWN])


def followed(rupture: Rupture) -> list[Followed]:
    """What both people's ratings of the component say after a rupture, client first; one query.

    By the instrument of its signal, else by the one that the client rated most often.
    """
    if not rupture.component:
        return []
    of_component = Trend.objects.filter(
        episode=rupture.session.episode_id, scale=rupture.component, rater__in=(Rater.CLIENT, Rater.THERAPIST)
    )
    return followed_in(rupture, of_component)


def followed_by_clients(ruptures: Sequence[Rupture]) -> dict[uuid.UUID, Followed]:
    """Of each rupture what the client's ratings of its component say after it, where anything is; one query.

    The ruptures come with their session, and with their signals prefetched.
    """
    episodes = {rupture.session.episode_id for rupture in ruptures if rupture.component}
    trends: dict[tuple[uuid.UUID, str], list[Trend]] = defaultdict(list)
    for trend in Trend.objects.filter(episode__in=episodes, rater=Rater.CLIENT):
        trends[trend.episode_id, trend.scale].append(trend)
    found = {}
    for rupture in ruptures:
        said = followed_in(rupture, trends[rupture.session.episode_id, rupture.component])
        if said:
            found[rupture.pk] = said[0]
    return found


def followed_in(rupture: Rupture, of_component: Iterable[Trend]) -> list[Followed]:
    signals = list(rupture.signals.all())
    trends = sorted(of_component, key=lambda trend: (trend.rater, -trend.n))
    instrument = signals[0].instrument if signals else next((trend.instrument for trend in trends), "")
    return [
        follow(
            [(session, value) for session, value in trend.points if value is not None],
            scale=trend.scale,
            rater=trend.rater,
            session=rupture.session.number,
            level=level_of(rupture, signals, trend.rater, {session: low for session, low, _ in trend.expected}),
        )
        for trend in trends
        if trend.instrument == instrument
    ]


def level_of(rupture: Rupture, signals: Iterable[Signal], rater: str, lows: Mapping[int, float]) -> Level | None:
    """What it takes to be back: as the signal of a rupture says, else the lower end of what was expected, by session.

    None also where a signal tells of scores that were each within what was expected, and low only together.
    """
    for signal in signals:
        for look in signal.looks:
            if (look.rater, look.scale) == (rater, rupture.component):
                return Level(look.low, is_expected=look.from_session is None) if look.is_below else None
    low = lows.get(rupture.session.number)
    return None if low is None else Level(low, is_expected=True)


# --- The trends of an organisation, for its administrator -----------------------------------------------


@dataclass(frozen=True)
class SetAside:
    """An episode whose trends could not be computed in five attempts."""

    episode: Episode
    failed_at: datetime
    error: str


@dataclass(frozen=True)
class TrendState:
    """How far the service's trends are: of `total` episodes `updating` are older than their ratings.

    `set_aside` are the latest of those `given_up`.
    """

    total: int
    updating: int
    given_up: int
    set_aside: list[SetAside]
    recompute: Recompute | None

    @property
    def done(self) -> int:
        """Of all episodes; those that a recompute under way has not come to are still to do."""
        to_come = (
            0 if self.recompute is None or self.recompute.finished_at else self.recompute.total - self.recompute.done
        )
        return max(0, self.total - self.updating - self.given_up - to_come)

    @property
    def is_under_way(self) -> bool:
        return self.updating > 0 or (self.recompute is not None and self.recompute.finished_at is None)


def trend_state(user: User) -> TrendState:
    series = EpisodeSeries.objects.filter(organisation_id=user.organisation_id)
    stale = series.filter(computed_version__lt=F("input_version"))
    given_up = given_up_jobs().filter(object_id=OuterRef("episode_id"))
    aside = (
        stale.annotate(
            failed_at=Subquery(given_up.values("failed_at")[:1]), error=Subquery(given_up.values("last_error")[:1])
        )
        .filter(failed_at__gt=F("changed_at"))
        .select_related("episode__client", "episode__therapist")
        .order_by("-failed_at")
    )
    count = aside.count()
    return TrendState(
        total=series.count(),
        updating=stale.count() - count,
        given_up=count,
        set_aside=[SetAside(row.episode, row.failed_at, row.error) for row in aside[:SHOWN]],
        recompute=Recompute.objects.filter(organisation_id=user.organisation_id).order_by("-started_at").first(),
    )


def given_up_jobs() -> QuerySet[Job]:
    return Job.objects.failed().filter(task=COMPUTE_TRENDS).order_by("-failed_at")


def priors_now(user: User) -> list[ServicePrior]:
    """What is usual in the service, the version in force of each scale."""
    latest = (
        ServicePrior.objects.filter(organisation_id=user.organisation_id)
        .order_by("instrument", "rater", "edition_version", "scale", "-version")
        .distinct("instrument", "rater", "edition_version", "scale")
    )
    return list(latest)
