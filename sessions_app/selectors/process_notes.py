"""Process notes: only here are they looked for."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from accounts.encryption import EncryptionProblem
from accounts.models import User
from clients.models import Episode

from ..models import ProcessNote, TherapySession


def process_notes(user: User) -> QuerySet[ProcessNote]:
    return ProcessNote.objects.visible_to(user).select_related("session__episode__client", "episode__client", "author")


def notes_about(user: User, episode: Episode) -> QuerySet[ProcessNote]:
    """The notes of an episode that this person may read: of all its sessions, and of it as a whole."""
    return process_notes(user).filter(Q(episode=episode) | Q(session__episode=episode))


def count_notes_about(user: User, session: TherapySession) -> int:
    return ProcessNote.objects.visible_to(user).filter(session=session).count()


def episode_with_notes(user: User, episode_id: uuid.UUID) -> Episode | None:
    """An episode that this person sees, or has written notes about while it was theirs."""
    own = ProcessNote.objects.filter(author=user)
    has_written = Q(pk__in=own.values("episode")) | Q(pk__in=own.values("session__episode"))
    sees = Q(pk__in=Episode.objects.visible_to(user).values("pk"))
    return Episode.objects.filter(sees | has_written, pk=episode_id).select_related("client", "therapist").first()


@dataclass(frozen=True)
class OpenedNote:
    """A note with its text, or with what to do where it stays closed."""

    note: ProcessNote
    text: str
    advice: str = ""


def opened(notes: Iterable[ProcessNote]) -> list[OpenedNote]:
    """Each by itself: one that stays closed keeps nobody from the others."""
    found = []
    for note in notes:
        try:
            found.append(OpenedNote(note, note.text))
        except EncryptionProblem as problem:
            found.append(OpenedNote(note, "", problem.advice))
    return found
