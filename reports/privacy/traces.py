"""What else speaks of a client than the rows about them: files, links, jobs, forms, and notes about several clients."""

import re
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Q

from accounts.audit import record_event
from accounts.models import User
from clients.models import Client, Episode
from jobs.models import Job, Route
from measures.models import Invitation, RatingRequest

from ..exports.actions import forget_parts
from ..exports.rows import episodes_of
from ..models import Export, ImportBatch, ImportChunk
from .about import model_of

ERASED = "[erased]"
# A shorter name or code stands in too many words that mean something else.
SHORTEST = 3
WAITING = (ImportBatch.State.UPLOADED, ImportBatch.State.CHECKING, ImportBatch.State.REFUSED, ImportBatch.State.READY)
UNDER_WAY = (ImportBatch.State.WRITING, ImportBatch.State.UNDOING)


class ImportUnderWay(ValidationError):
    """A file is being written into the record, or taken back: it may hold the client."""

    def __init__(self) -> None:
        super().__init__("An import is being written or undone. Wait until it is over, then try again.")


def check_imports(organisation_id: uuid.UUID) -> None:
    if ImportBatch.objects.filter(organisation_id=organisation_id, state__in=UNDER_WAY).exists():
        raise ImportUnderWay


# --- Files -------------------------------------------------------------------------------------------------


def exports_with(client: Client) -> list[Export]:
    """The files out of the record that hold the client, made or half made."""
    there = Export.objects.filter(
        organisation_id=client.organisation_id,
        client=None,
        state__in=[Export.State.MAKING, Export.State.READY],
    )
    own = list(Episode.objects.filter(client=client).values_list("pk", flat=True))
    return [export for export in there if episodes_of(export).filter(pk__in=own).exists()]


def imports_waiting(client: Client) -> list[ImportBatch]:
    """Files that nobody has written yet: what is in them is not known by client."""
    found = ImportBatch.objects.filter(organisation_id=client.organisation_id, state__in=WAITING)
    return list(found.defer("content", "columns", "mapping"))


def remove_files(client: Client, *, by: User | None) -> dict[str, int]:
    """Take away every file that holds the client, or may; each can be asked for or sent again."""
    check_imports(client.organisation_id)
    exports, imports = exports_with(client), imports_waiting(client)
    for export in exports:
        Export.objects.select_for_update(no_key=True).get(pk=export.pk)
        forget_parts(export)
        Export.objects.filter(pk=export.pk).update(state=Export.State.CANCELLED)
        record_event("export.cancelled", export, organisation_id=client.organisation_id, by=by)
    for batch in imports:
        record_event("import.discarded", batch, organisation_id=client.organisation_id, by=by)
        batch.delete()
    return {"exports": len(exports), "imports": len(imports)}


def forget_origins(ids: set[str]) -> None:
    """Imports remember which rows they made, so as to take them back; not those that are erased."""
    for chunk in ImportChunk.objects.filter(made__isnull=False).exclude(made={}):
        left = {kind: [one for one in made if one not in ids] for kind, made in chunk.made.items()}
        if left != chunk.made:
            ImportChunk.objects.filter(pk=chunk.pk).update(made=left)


# --- Words -------------------------------------------------------------------------------------------------


def eraser(client: Client) -> Callable[[Any], Any]:
    """Takes the client's code, name and address out of texts, also of those inside lists and mappings."""
    names = [name for name in (client.code, client.name, client.email) if len(name.strip()) >= SHORTEST]
    named = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in names) or r"(?!)", re.IGNORECASE)

    def erase(value: Any) -> Any:
        if isinstance(value, str):
            return named.sub(ERASED, value)
        if isinstance(value, list):
            return [erase(one) for one in value]
        if isinstance(value, dict):
            return {erase(name): erase(one) for name, one in value.items()}
        return value

    return erase


def meetings_about(client: Client) -> list[tuple[Any, bool]]:
    """The supervision meetings that spoke of the client and have notes, and whether they spoke of nobody else."""
    meetings = model_of("supervision.Meeting")._base_manager
    here = Q(items__episode__client=client) | Q(steps__episode__client=client)
    found = list(meetings.filter(here).exclude(notes="").distinct())
    others: set[Any] = set()
    for label in ("supervision.AgendaItem", "supervision.NextStep"):
        rows = model_of(label)._base_manager.filter(meeting__in=found, episode__isnull=False)
        others |= set(rows.exclude(episode__client=client).values_list("meeting", flat=True))
    return [(meeting, meeting.pk not in others) for meeting in found]


def erase_words(client: Client) -> dict[str, int]:
    """Out of notes and reports about several clients. Notes of a meeting about this client alone go as a whole."""
    erase = eraser(client)
    changed = {"notes": 0, "notes_about_others": 0, "texts": 0}
    meetings = model_of("supervision.Meeting")._base_manager
    for meeting, is_alone in meetings_about(client):
        meetings.filter(pk=meeting.pk).update(notes="" if is_alone else erase(meeting.notes))
        changed["notes" if is_alone else "notes_about_others"] += 1
    texts: Iterable[tuple[Any, tuple[str, ...]]] = (
        (Export.objects.exclude(purpose=""), ("purpose",)),
        (ImportBatch.objects.defer("content"), ("file_name", "columns", "report", "mapping")),
    )
    for rows, names in texts:
        for row in rows:
            before = {name: getattr(row, name) for name in names}
            after = {name: erase(value) for name, value in before.items()}
            if after != before:
                type(row)._base_manager.filter(pk=row.pk).update(**after)
                changed["texts"] += 1
    return changed


# --- What leads to the rows ----------------------------------------------------------------------------------


def remove_routes(client: Client) -> None:
    """The links of the client lead nowhere any more."""
    links = RatingRequest.objects.filter(session__episode__client=client).values_list("token_hash", flat=True)
    stops = Invitation.objects.filter(request__session__episode__client=client).values_list("stop_hash", flat=True)
    Route.objects.filter(kind=Route.Kind.LINK, key__in=[*links, *stops]).delete()


def remove_leads(organisation_id: uuid.UUID, ids: set[str]) -> None:
    """Work that waits for the rows, and where forms led that wrote them."""
    Job.objects.filter(organisation_id=organisation_id, object_id__in=ids).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM accounts_submission WHERE organisation_id = %s
            AND substring(location from '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}') = ANY(%s)
            """,
            [organisation_id, sorted(ids)],
        )
