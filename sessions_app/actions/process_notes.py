from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from accounts.audit import changed_fields, record_event
from accounts.encryption import stored_values
from accounts.idempotency import StaleVersion
from accounts.models import User
from clients.models import Episode

from ..models import ProcessNote, TherapySession


def may_write_about(user: User, episode: Episode) -> bool:
    """Whose episode it is writes process notes about it: not who covers for them, nor who takes over."""
    return user.is_therapist and user.pk == episode.therapist_id


def check_writes_about(user: User, episode: Episode) -> None:
    if not may_write_about(user, episode):
        raise PermissionDenied("Only the therapist of this episode writes process notes about it.")


def check_author(user: User, note: ProcessNote) -> None:
    if user.pk != note.author_id:
        raise PermissionDenied("Only its author can change a process note.")


@transaction.atomic
def write_process_note(
    *,
    episode: Episode,
    session: TherapySession | None = None,
    text: str,
    shared_with_supervisor: bool = False,
    by: User,
) -> ProcessNote:
    """Add a note about one session of an episode, or about all of it. Raises EncryptionProblem without the keys."""
    check_writes_about(by, episode)
    if session is not None and session.episode_id != episode.pk:
        raise ValidationError({"session": "Choose a session of this episode."})
    note = ProcessNote(
        organisation_id=episode.organisation_id,
        session=session,
        episode=None if session else episode,
        author=by,
        text=text,
        shared_with_supervisor=shared_with_supervisor,
    )
    note.check_values()
    note.save(force_insert=True)
    shared = ["shared_with_supervisor"] if shared_with_supervisor else []
    record_event("process-note.written", note, by=by, fields=shared, **about(note))
    return note


@transaction.atomic
def update_process_note(*, note: ProcessNote, version: int, by: User, **values: Any) -> ProcessNote:
    """Change the text or who reads it. Raises StaleVersion when `version` is not the saved one."""
    check_author(by, note)
    changed = changed_fields(note, values)
    for name in changed:
        setattr(note, name, values[name])
    note.check_values()
    saved = ProcessNote.objects.filter(pk=note.pk, version=version).update(
        version=F("version") + 1, changed_at=Now(), **stored_values(note, changed)
    )
    if not saved:
        raise StaleVersion(ProcessNote.objects.get(pk=note.pk))
    record_event("process-note.changed", note, by=by, fields=changed, **about(note))
    return note


@transaction.atomic
def delete_process_note(*, note: ProcessNote, by: User) -> None:
    """Delete a note for good: it is its author's, and no part of the record. Needs no key."""
    check_author(by, note)
    record_event("process-note.deleted", note, by=by, **about(note))
    ProcessNote.objects.filter(pk=note.pk).delete()


def about(note: ProcessNote) -> dict[str, Any]:
    return {"organisation_id": note.organisation_id, "client_id": note.whole_episode.client_id}
