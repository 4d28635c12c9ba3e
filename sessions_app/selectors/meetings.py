from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import OuterRef, QuerySet, Subquery

from accounts.models import User
from clients.models import Episode

from ..models import TOOK_PLACE, LogDraft, TherapySession
from ..rhythm import Rhythm, usual_gap


def sessions(user: User) -> QuerySet[TherapySession]:
    return TherapySession.objects.visible_to(user).select_related("episode__client", "episode__therapist")


def with_last_session(episodes: QuerySet[Episode]) -> QuerySet[Episode]:
    """Episodes with the day their client was last seen, `last_seen`, and the last number taken, `last_number`.

    Asked of each row that is shown: joined, the sessions of the whole service would be grouped first.
    """
    held = TherapySession.objects.filter(episode=OuterRef("pk"))
    seen = held.filter(attendance__in=TOOK_PLACE).order_by("-held_on")
    return episodes.annotate(
        last_seen=Subquery(seen.values("held_on")[:1]),
        last_number=Subquery(held.order_by("-number").values("number")[:1]),
    )


def sessions_of(episode: Episode) -> list[TherapySession]:
    """The episode's sessions in order, each with the first challenge where it was in that session."""
    return list(episode.sessions.select_related("first_challenge"))


@dataclass(frozen=True)
class Met:
    """An open episode and how often the two meet."""

    episode: Episode
    rhythm: Rhythm
    is_seen: bool
    today: date

    @property
    def due(self) -> str:
        return self.rhythm.due_in_words(self.today)

    @property
    def can_be_logged(self) -> bool:
        return self.rhythm.next_on is not None and self.rhythm.next_on <= self.today


def meetings(episodes: Sequence[Episode], *, today: date) -> list[Met]:
    """How often each of these people is met, in one query."""
    planned: dict[object, list[tuple[date, str]]] = defaultdict(list)
    found = TherapySession.objects.filter(episode__in=[episode.pk for episode in episodes])
    for episode_id, day, attendance in found.values_list("episode_id", "held_on", "attendance"):
        planned[episode_id].append((day, attendance))
    met = []
    for episode in episodes:
        days = [day for day, _ in planned[episode.pk]]
        seen = [day for day, attendance in planned[episode.pk] if attendance in TOOK_PLACE]
        rhythm = Rhythm(max(days, default=None), max(seen, default=episode.started_on), usual_gap(days))
        met.append(Met(episode, rhythm, bool(seen), today))
    return met


def drafts_of(user: User, episodes: QuerySet[Episode]) -> list[LogDraft]:
    """Logs that this person began and has not saved, the latest first."""
    found = LogDraft.objects.filter(saved_by=user, episode__in=episodes)
    return list(found.select_related("episode__client", "episode__therapist").order_by("-saved_at")[:20])


def draft_of(user: User, episode: Episode) -> LogDraft | None:
    """What this person has typed of the next log, on whichever device."""
    return LogDraft.objects.filter(episode=episode, saved_by=user).first()


def line_for_next(sessions: Iterable[TherapySession]) -> TherapySession | None:
    """The session whose line for next time still stands; `sessions` the latest first.

    A meeting that did not take place hides no line; one that did take place without one has used it up.
    """
    for session in sessions:
        if session.next_time:
            return session
        if session.took_place:
            return None
    return None


def last_that_took_place(episode: Episode) -> TherapySession | None:
    return episode.sessions.filter(attendance__in=TOOK_PLACE).order_by("-held_on", "-number").first()
