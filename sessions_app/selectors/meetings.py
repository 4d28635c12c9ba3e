from django.db.models import Max, Q, QuerySet

from accounts.models import User
from clients.models import Episode

from ..models import TOOK_PLACE, LogDraft, TherapySession


def sessions(user: User) -> QuerySet[TherapySession]:
    return TherapySession.objects.visible_to(user).select_related("episode__client", "episode__therapist")


def with_last_session(episodes: QuerySet[Episode]) -> QuerySet[Episode]:
    """Episodes with the day their client was last seen, `last_seen`, and the last number taken, `last_number`."""
    return episodes.annotate(
        last_seen=Max("sessions__held_on", filter=Q(sessions__attendance__in=TOOK_PLACE)),
        last_number=Max("sessions__number"),
    )


def sessions_of(episode: Episode) -> list[TherapySession]:
    """The episode's sessions in order, each with the first challenge where it was in that session."""
    return list(episode.sessions.select_related("first_challenge"))


def draft_of(user: User, episode: Episode) -> LogDraft | None:
    """What this person has typed of the next log, on whichever device."""
    return LogDraft.objects.filter(episode=episode, saved_by=user).first()


def last_that_took_place(episode: Episode) -> TherapySession | None:
    return episode.sessions.filter(attendance__in=TOOK_PLACE).order_by("-held_on", "-number").first()
