"""A file out of the record: asked for, made a few episodes at a time, there for three days, and then forgotten.

Each step is a transaction of its own that keeps its rows together with how far it came: a worker that dies loses one
step, and no row stands in the file twice. docs/adr/0018-exports.md says why.
"""

import tempfile
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from typing import IO

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from accounts.access import writes_for
from accounts.audit import record_event
from accounts.mail import what_is_missing
from accounts.models import User
from clients.selectors import is_responsible
from jobs import actions as jobs
from jobs.organisation import acting_in

from ..models import Export, ExportPart
from ..privacy import held
from .codebook import codebook_text, column_rows, columns_in, instrument_rows, instruments_used
from .files import Content, Described
from .formats import FORMATS
from .rows import Reader, episodes_of
from .tables import TABLES

MAKE, TELL = "reports.make_export", "reports.tell_export_ready"
EPISODES_IN_A_STEP = 50
PIECE = 1_000_000
KEPT = timedelta(days=3)
UNFINISHED_KEPT = timedelta(days=7)
IN_MEMORY = 8_000_000
State, Scope = Export.State, Export.Scope


class WrongState(ValidationError):
    """The export is not where this step belongs: it is finished, was cancelled, or is under way already."""


@transaction.atomic
def ask_export(
    *,
    format: str,
    scope: str,
    since: date | None = None,
    until: date | None = None,
    is_identifying: bool = False,
    purpose: str = "",
    has_mark: bool = True,
    by: User,
) -> Export:
    """Ask for a file. Raises PermissionDenied beyond what the person may see, and ValidationError when it is empty."""
    if not may_ask(by, scope):
        raise PermissionDenied("This is not yours to export.")
    export = Export(
        organisation_id=by.organisation_id,
        format=format,
        scope=scope,
        therapists=sorted(writes_for(by)) if scope == Scope.OWN else [],
        since=since,
        until=until,
        is_identifying=is_identifying,
        purpose=purpose.strip() if is_identifying else "",
        has_mark=has_mark,
        total=0,
        created_by=by,
    )
    export.check_values()
    if since and until and until < since:
        raise ValidationError({"until": "The last day is before the first one."})
    if is_identifying and not export.purpose:
        raise ValidationError({"purpose": "Say what you need names or codes for."})
    export.total = episodes_of(export).count()
    if not export.total:
        raise ValidationError("There is nothing in these days. Choose other days, or leave them open.")
    export.save(force_insert=True)
    fields = [format, scope, *(["identifying"] if is_identifying else []), *(["period"] if since or until else [])]
    record_event("export.asked", export, organisation_id=by.organisation_id, by=by, fields=fields)
    jobs.request_job(task=MAKE, object_id=export.pk, organisation_id=export.organisation_id)
    return export


def may_ask(user: User, scope: str) -> bool:
    """The whole service is an administrator's, own clients a therapist's. Supervisors read, and export nothing."""
    return user.is_administrator if scope == Scope.SERVICE else scope == Scope.OWN and user.is_therapist


def may_have(export: Export) -> bool:
    """Whether who asked for it still may see all that is in it."""
    person = export.created_by
    if export.client is not None:
        return is_responsible(export.client, person)
    if not person.is_active or not may_ask(person, export.scope):
        return False
    return export.scope == Scope.SERVICE or set(export.therapists) <= writes_for(person)


def locked(export_id: uuid.UUID) -> Export:
    found = Export.objects.select_related("created_by__organisation", "client").select_for_update(
        no_key=True, of=("self",)
    )
    return found.get(pk=export_id)


def take_step(*, export_id: uuid.UUID, organisation_id: uuid.UUID) -> bool:
    """One step, kept by itself. Whether there is another one to take."""
    with acting_in(organisation_id):
        export, is_complete = write_next_step(export_id=export_id)
    if is_complete:
        with acting_in(organisation_id):
            export = finish_export(export_id=export_id)
    return export.is_under_way


@transaction.atomic
def write_next_step(*, export_id: uuid.UUID) -> tuple[Export, bool]:
    """Keep the rows of the next episodes, and which they were. Says whether all are in."""
    export = locked(export_id)
    if not export.is_under_way:
        return export, False
    if not may_have(export):
        return refuse(export, Export.Problem.ACCESS), False
    if export.client is not None:
        return keep_table(export)
    waiting = episodes_of(export)
    if export.after:
        waiting = waiting.filter(pk__gt=export.after)
    episodes = list(waiting.select_related("client")[:EPISODES_IN_A_STEP])
    if not episodes:
        return export, True
    kind, reader = FORMATS[export.format], Reader(export, export.created_by.organisation.zone)
    rows = {name: some for name, some in reader.rows(episodes).items() if kind.has(name)}
    service = reader.name("O", export.organisation_id)
    ExportPart.objects.bulk_create(
        ExportPart(
            organisation_id=export.organisation_id,
            export=export,
            name=name,
            position=export.done,
            content=content,
        )
        for name, content in kind.parts(rows, described(export), service).items()
    )
    export.rows = {name: export.rows.get(name, 0) + len(some) for name, some in rows.items()}
    export.done += len(episodes)
    export.total = max(export.total, export.done)
    export.after = episodes[-1].pk
    export.save(update_fields=["done", "total", "after", "rows"])
    return export, False


def keep_table(export: Export) -> tuple[Export, bool]:
    """Of a pack: the rows of the next table about the client. Says whether all are in."""
    if export.done == export.total:
        return export, True
    label = held.tables()[export.done]
    rows = held.Reader(export).rows(label)
    content = held.packed(rows)
    ExportPart(
        organisation_id=export.organisation_id, export=export, name=label, position=export.done, content=content
    ).save(force_insert=True)
    export.rows = {**export.rows, label: len(rows)}
    export.done += 1
    export.save(update_fields=["done", "rows"])
    return export, False


def refuse(export: Export, problem: str) -> Export:
    forget_parts(export)
    export.state, export.problem = State.REFUSED, problem
    export.save(update_fields=["state", "problem"])
    record_event("export.refused", export, organisation_id=export.organisation_id, by=export.created_by)
    return export


@transaction.atomic
def finish_export(*, export_id: uuid.UUID) -> Export:
    """Put the file together and keep it instead of its parts. The export is locked only once the file is there, so
    that it can be cancelled meanwhile."""
    unlocked = Export.objects.select_related("created_by__organisation", "client").get(pk=export_id)
    if not unlocked.is_under_way:
        return unlocked
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        write_file(unlocked, file)
        export = locked(export_id)
        if not export.is_under_way:
            return export
        forget_parts(export)
        export.size = file.tell()
        file.seek(0)
        for position, piece in enumerate(iter(lambda: file.read(PIECE), b"")):
            ExportPart(
                organisation_id=export.organisation_id, export=export, name="", position=position, content=piece
            ).save(force_insert=True)
    export.state, export.total = State.READY, export.done
    export.ready_at = timezone.now()
    export.expires_at = export.ready_at + KEPT
    export.save(update_fields=["state", "total", "ready_at", "expires_at", "size"])
    record_event("export.ready", export, organisation_id=export.organisation_id, by=export.created_by)
    if not what_is_missing():
        jobs.request_job(task=TELL, object_id=export.pk, organisation_id=export.organisation_id)
    return export


def described(export: Export) -> Described:
    return [(table, columns_in(table, export)) for table in TABLES]


def write_file(export: Export, target: IO[bytes]) -> None:
    made_at = timezone.localtime(timezone.now(), export.created_by.organisation.zone)
    if export.client is not None:
        held.write_pack(export, target, made_at=made_at, parts=lambda name: pieces(export, name))
        return
    used = instruments_used(export, episodes_of(export))
    content = Content(
        described=described(export),
        is_pseudonymous=not export.is_identifying,
        parts=lambda name: pieces(export, name),
        small=[("codebook", list(column_rows(export))), ("instruments", list(instrument_rows(used)))],
        text=codebook_text(export, rows=export.rows, made_at=made_at),
        moment=(made_at.year, made_at.month, made_at.day, made_at.hour, made_at.minute, made_at.second),
        has_mark=export.has_mark,
    )
    FORMATS[export.format].write(target, content)


def pieces(export: Export, name: str) -> Iterator[bytes]:
    """What is kept under a name, in order; with an empty name what is downloaded."""
    found = ExportPart.objects.filter(export=export, name=name).order_by("position").values_list("content", flat=True)
    return (bytes(content) for content in found.iterator(chunk_size=4))


def forget_parts(export: Export) -> None:
    ExportPart.objects.filter(export=export)._raw_delete("default")


@transaction.atomic
def download_export(*, export: Export, by: User) -> IO[bytes]:
    """The file, and who fetched it on record. Raises WrongState where there is none, or none for this person any more.

    It is read here, and not while it is sent: by then the transaction that knows whose rows these are is over.
    """
    if not export.is_ready or not may_have(export):
        raise WrongState("There is no file to download.")
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 — closed by the answer that sends it
    for piece in pieces(export, ""):
        file.write(piece)
    file.seek(0)
    Export.objects.filter(pk=export.pk).update(downloaded_at=Now())
    fields = ["identifying"] if export.is_identifying else []
    record_event(
        "export.downloaded",
        export,
        organisation_id=export.organisation_id,
        client_id=export.client_id,
        by=by,
        fields=fields,
    )
    return file


@transaction.atomic
def cancel_export(*, export: Export, by: User) -> None:
    """Stop it, or take the file away before its time. Raises WrongState when there is nothing to stop."""
    moved = Export.objects.filter(pk=export.pk, state__in=[State.MAKING, State.READY]).update(state=State.CANCELLED)
    if not moved:
        raise WrongState("This export is over already.")
    export.state = State.CANCELLED
    forget_parts(export)
    record_event("export.cancelled", export, organisation_id=export.organisation_id, by=by)


@transaction.atomic
def retry_export(*, export: Export, by: User) -> None:
    """Go on where it stopped. Raises WrongState when it is not under way."""
    if not export.is_under_way:
        raise WrongState("This export is over already.")
    record_event("export.retried", export, organisation_id=export.organisation_id, by=by)
    jobs.request_job(task=MAKE, object_id=export.pk, organisation_id=export.organisation_id)


@transaction.atomic
def forget_old_exports(*, organisation_id: uuid.UUID) -> int:
    """Remove files whose time is over, and what was never finished. What was asked for, and by whom, stays."""
    found = Export.objects.filter(organisation_id=organisation_id)
    expired = found.filter(state=State.READY, expires_at__lt=Now())
    unfinished = found.filter(state=State.MAKING, created_at__lt=Now() - UNFINISHED_KEPT)
    over = list(found.filter(Q(pk__in=expired) | Q(pk__in=unfinished)).select_related("created_by"))
    for export in over:
        forget_parts(export)
        was_ready = export.state == State.READY
        export.state = State.EXPIRED if was_ready else State.CANCELLED
        export.save(update_fields=["state"])
        action = "export.expired" if was_ready else "export.cancelled"
        record_event(action, export, organisation_id=organisation_id, by=export.created_by)
    return len(over)


def tell_export_ready(*, export_id: uuid.UUID) -> None:
    """An e-mail that says no more than that something is ready, and where. Sent again where it is not known to be."""
    export = Export.objects.select_related("created_by__organisation", "client").get(pk=export_id)
    if not export.is_ready or export.expires_at is None or not may_have(export):
        return
    until = timezone.localtime(export.expires_at, export.created_by.organisation.zone)
    address = settings.PUBLIC_URL.rstrip("/") + reverse("reports:export", args=[export.pk])
    EmailMessage(
        subject="Your file is ready",
        body=f"A file that you asked for is ready. Sign in to download it:\n\n{address}\n\n"
        f"It is there until {date_format(until, 'l j F, H:i')}.\n",
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[export.created_by.email],
    ).send()
