"""Signals as pages show them. What is not yours to see is not among them."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, OuterRef, QuerySet, Subquery

from accounts.access import writes_for
from accounts.models import User
from clients.models import Episode
from jobs.models import Job
from measures.actions import COMPUTE_TRENDS
from measures.models import EpisodeSeries, ServicePrior

from .models import Recompute, Signal, State

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


def signals_of(episode: Episode) -> list[Signal]:
    """An episode's signals, the latest session first; those that were taken back only if somebody had answered."""
    found = Signal.objects.filter(session__episode=episode).exclude(state=State.WITHDRAWN)
    return list(found.select_related("session", "answered_by").order_by("-session__number"))


def standing_signals(episodes: Iterable[Episode]) -> dict[uuid.UUID, list[Signal]]:
    """By episode the signals that were neither dismissed nor taken back, in one query."""
    found = Signal.objects.filter(session__episode__in=episodes).exclude(state__in=(State.DISMISSED, State.WITHDRAWN))
    by_episode: dict[uuid.UUID, list[Signal]] = defaultdict(list)
    for signal in found.select_related("session"):
        by_episode[signal.session.episode_id].append(signal)
    return by_episode


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
