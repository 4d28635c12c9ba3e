from django.db.models import F, Q, QuerySet

from accounts.models import User

from .models import Client, Episode


def episodes(user: User) -> QuerySet[Episode]:
    return Episode.objects.visible_to(user).select_related("client", "therapist", "organisation")


def clients(user: User) -> QuerySet[Client]:
    return Client.objects.visible_to(user)


def client_list(user: User, *, search: str = "", show_ended: bool = False) -> QuerySet[Episode]:
    """Episodes for the list of clients: open or ended, found by code or name, in the order of codes."""
    found = episodes(user).filter(ended_on__isnull=not show_ended)
    if search:
        found = found.filter(Q(client__code__icontains=search) | Q(client__name__icontains=search))
    return found.order_by("client__code")


def latest_episode(client: Client) -> Episode:
    """The open episode of a client, or the one that ended last, whoever its therapist is.

    A client who can be seen at all has one.
    """
    latest_first = (F("ended_on").desc(nulls_first=True), "-created_at")
    return Episode.objects.filter(client=client).order_by(*latest_first)[:1].get()


def counts(user: User) -> dict[str, int]:
    mine = Episode.objects.visible_to(user)
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
