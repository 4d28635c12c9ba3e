import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from accounts.models import User

from . import states
from .models import (
    Agreement,
    AttainmentScale,
    Client,
    EngagementObjective,
    Episode,
    EpisodeQuerySet,
    Expectations,
    Goal,
    NeedsAssessment,
    Task,
)


def episodes(user: User) -> EpisodeQuerySet:
    return with_people(Episode.objects.visible_to(user))


def by_code(episode: Episode) -> Episode:
    """The episode with its client known by code alone: whatever is worded from it has no name in it. Never saved."""
    episode.client.name = ""
    return episode


def episode_of(user: User, pk: uuid.UUID) -> Episode | None:
    """One that the person may read, with its client, its therapist and the versions of its series; the service is the
    reader's own, and who took it over is asked for where somebody did."""
    found = Episode.objects.visible_to(user).select_related("client", "therapist", "series").filter(pk=pk).first()
    if found is not None:
        found.organisation = user.organisation
    return found


def with_people(found: EpisodeQuerySet) -> EpisodeQuerySet:
    return found.select_related("client", "therapist", "organisation", "continued_by__therapist")


def clients(user: User) -> QuerySet[Client]:
    return Client.objects.visible_to(user)


def client_list(user: User, *, search: str = "", show_ended: bool = False) -> QuerySet[Episode]:
    """Episodes for the list of clients: open or ended, found by code or name, in the order of codes."""
    found = with_people(Episode.objects.listed_for(user)).filter(ended_on__isnull=not show_ended)
    if search:
        found = found.filter(Q(client__code__icontains=search) | Q(client__name__icontains=search))
    return found.order_by("client__code")


def latest_episode(client: Client) -> Episode:
    """The open episode of a client, or the one that ended last, whoever its therapist is.

    A client who can be seen at all has one. One that was handed over is never the last.
    """
    latest_first = (F("ended_on").desc(nulls_first=True), "-created_at")
    return Episode.objects.filter(client=client, later_therapists=[]).order_by(*latest_first)[:1].get()


def is_responsible(client: Client, user: User) -> bool:
    """Whether this person is the client's therapist, or had them last; not who stands in, and nobody before."""
    return user.is_active and user.is_therapist and latest_episode(client).therapist_id == user.pk


def other_episodes(user: User, episode: Episode) -> tuple[list[Episode], list[Episode]]:
    """The client's episodes before this one and after it that the person may read, with `session_count`."""
    of_client = episodes(user).filter(client=episode.client_id).annotate(session_count=Count("sessions"))
    in_order = sorted(of_client, key=lambda one: (one.ended_on or date.max, one.started_on, one.created_at))
    here = next(position for position, one in enumerate(in_order) if one.pk == episode.pk)
    return in_order[:here], in_order[here + 1 :]


@dataclass(frozen=True)
class CodedEpisode:
    """What an administrator sees of an episode: whose it is by code, and how much is in it."""

    pk: uuid.UUID
    code: str
    sessions: int

    def __str__(self) -> str:
        return f"{self.code}, 1 session" if self.sessions == 1 else f"{self.code}, {self.sessions} sessions"


def coded_episodes(therapist: User) -> list[CodedEpisode]:
    """A therapist's open episodes by code, for an administrator who hands them over."""
    rows = episodes_of(therapist).annotate(logged=Count("sessions"))
    return [CodedEpisode(*row) for row in rows.values_list("pk", "client__code", "logged")]


def episodes_of(therapist: User) -> QuerySet[Episode]:
    """A therapist's own open episodes, in the order of codes, for whoever hands them over."""
    return (
        Episode.objects.open()
        .filter(therapist=therapist)
        .select_related("client", "therapist")
        .order_by("client__code")
    )


def counts(user: User) -> dict[str, int]:
    mine = Episode.objects.listed_for(user)
    return {"open": mine.open().count(), "ended": mine.filter(ended_on__isnull=False).count()}


def last_title(user: User) -> str:
    """The title this therapist used last: proposed for the next episode."""
    return (
        Episode.objects.filter(therapist=user)
        .order_by("-created_at")
        .values_list("practitioner_title", flat=True)
        .first()
        or ""
    )


# --- Goals, tasks and the engagement phase --------------------------------------------------------------


def goals(user: User) -> QuerySet[Goal]:
    return Goal.objects.visible_to(user).select_related("episode__client", "episode__therapist")


def tasks(user: User) -> QuerySet[Task]:
    return Task.objects.visible_to(user).select_related("episode__client", "episode__therapist", "goal")


def open_goals(episode: Episode, *, or_of: Task | None = None) -> list[Goal]:
    """The goals that a task can be for: those that are open, and the one that a task is for already."""
    kept = Q(status=states.OPEN_GOAL) | Q(pk=or_of.goal_id if or_of else None)
    return list(Goal.objects.filter(kept, episode=episode))


def scale_of(goal: Goal) -> AttainmentScale | None:
    """The five levels of a goal as they were written last."""
    return goal.scales.last()


def tasks_of(episode: Episode) -> QuerySet[Any]:
    """An episode's tasks; a harder one `is_waiting` while an easier one made of it is open."""
    easier = Task.objects.filter(step_down_of=OuterRef("pk"), status__in=states.OPEN)
    found: QuerySet[Any] = Task.objects.annotate(is_waiting=Exists(easier)).select_related("step_down_of")
    return found.filter(episode=episode)


def open_tasks(episode: Episode) -> list[Task]:
    """What is to be done or talked about now; `takes_outcomes` says of which it can be asked whether it was done."""
    return list(tasks_of(episode).filter(status__in=states.OPEN, is_waiting=False))


def objectives_of(episode: Episode) -> dict[str, EngagementObjective]:
    """By code, those of the three that somebody has looked at."""
    found = EngagementObjective.objects.filter(episode=episode).select_related("assessed_by")
    return {row.objective: row for row in found}


def expectations_of(episode: Episode) -> Expectations | None:
    return Expectations.objects.filter(episode=episode).first()


def needs_of(episode: Episode) -> NeedsAssessment | None:
    return NeedsAssessment.objects.filter(episode=episode).first()


def history_of(episode: Episode) -> QuerySet[Agreement]:
    """Everything said of the episode's goals and tasks, as it was said."""
    return Agreement.objects.filter(episode=episode).select_related("goal", "task__step_down_of", "created_by")
