from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from accounts.access import check_own
from accounts.idempotency import StaleVersion
from accounts.models import User
from clients.models import Episode

from ..models import LogDraft


@transaction.atomic
def save_draft(*, episode: Episode, content: dict[str, list[str]], version: int, by: User) -> LogDraft:
    """Keep what is typed of a log. `version` is the draft's that it began from, 0 where there was none.

    Raises StaleVersion with the draft there is (None: it was saved as a session, or thrown away) when another tab or
    device went on meanwhile. Saying the same again is no change. A draft is not on record: no event tells of it.
    """
    check_own(by, episode.responsible_id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", [f"{episode.pk}{by.pk}"])
    there = LogDraft.objects.filter(episode=episode, saved_by=by).first()
    if there is not None and there.content == content:
        return there
    if (there.version if there else 0) != version:
        raise StaleVersion(there)
    if there is None:
        draft = LogDraft(organisation_id=episode.organisation_id, episode=episode, content=content, saved_by=by)
        draft.save(force_insert=True)
    else:
        LogDraft.objects.filter(pk=there.pk).update(content=content, version=F("version") + 1, saved_at=Now())
    return LogDraft.objects.get(episode=episode, saved_by=by)


@transaction.atomic
def discard_draft(*, episode: Episode, by: User) -> None:
    """Throw away what was typed, or what has become a session."""
    LogDraft.objects.filter(episode=episode, saved_by=by).delete()
