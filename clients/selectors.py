import uuid
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, F, Q, QuerySet

from accounts.models import User

from .models import Client, Episode, EpisodeQuerySet


def episodes(user: User) -> EpisodeQuerySet:
    return with_people(Episode.objects.visible_to(user))


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
