"""What happened, written in the transaction in which it happened, and from where.

Whoever answers a request says from where it comes with `coming_from`; what is recorded meanwhile has it.
"""

import json
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.db.models.functions import Coalesce

from .models import AuditEvent, User, Via
from .reads import ONCE_IN, Shown


@dataclass
class Whence:
    """Where a request comes from, and the clients of whom an event was recorded while it is answered."""

    via: str = ""
    address: str | None = None
    clients: set[uuid.UUID] = field(default_factory=set)


WHENCE: ContextVar[Whence | None] = ContextVar("whence", default=None)


@contextmanager
def coming_from(via: str, address: str | None) -> Iterator[Whence]:
    """Everything recorded in this block comes from there. A client's address is nobody's business: links have none."""
    whence = Whence(via, None if via == Via.LINK else address)
    before = WHENCE.set(whence)
    try:
        yield whence
    finally:
        WHENCE.reset(before)


def event(
    action: str,
    subject: models.Model,
    organisation_id: uuid.UUID,
    by: User | None,
    client_id: uuid.UUID | None,
    fields: Iterable[str] = (),
    reason: str = "",
) -> AuditEvent:
    whence = WHENCE.get() or Whence()
    if client_id:
        whence.clients.add(client_id)
    return AuditEvent(
        organisation_id=organisation_id,
        person=by,
        action=action,
        object_type=subject._meta.label,
        object_id=subject.pk,
        client_id=client_id,
        fields=sorted(fields),
        via=whence.via,
        address=whence.address,
        reason=reason,
    )


def record_event(
    action: str,
    subject: models.Model,
    *,
    organisation_id: uuid.UUID,
    by: User | None,
    client_id: uuid.UUID | None = None,
    fields: Iterable[str] = (),
    reason: str = "",
) -> None:
    """Add one event. `fields` are names of what changed, never values; `by` is None for a client's link."""
    event(action, subject, organisation_id, by, client_id, fields, reason).save()


def record_events(
    action: str,
    subjects: Iterable[tuple[models.Model, uuid.UUID | None]],
    *,
    organisation_id: uuid.UUID,
    by: User | None,
) -> None:
    """The same event for many subjects, each with the client it is about."""
    AuditEvent.objects.bulk_create(
        event(action, subject, organisation_id, by, client_id) for subject, client_id in subjects
    )


def record_shown(shown: Shown, *, by: User, action: str = "") -> None:
    """Add the event of a page that was opened, in one statement: the client is looked up by it.

    A part of a page adds none where this person has looked at this client, or at a list, since `ONCE_IN`.
    """
    whence = WHENCE.get() or Whence()
    client: tuple[str, tuple[Any, ...]] = ("NULL::uuid", ())
    if shown.path:
        rows = apps.get_model(shown.kind)._base_manager.filter(pk=shown.pk)
        ways = [models.F(path) for path in shown.path.split("|")]
        found = Coalesce(*ways) if len(ways) > 1 else ways[0]
        sql, parameters = rows.values(found=found).query.sql_with_params()
        client = (f"({sql})", parameters)
    unless = """
        WHERE NOT EXISTS (
            SELECT 1 FROM accounts_auditevent e
            WHERE e.organisation_id = %s AND e.client_id IS NOT DISTINCT FROM shown.client_id AND e.person_id = %s
              AND (e.client_id IS NOT NULL OR e.action = 'list.viewed') AND e.happened_at > now() - %s)
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO accounts_auditevent
                (id, organisation_id, person_id, action, object_type, object_id, client_id, fields, via, address)
            SELECT gen_random_uuid(), %s, %s, %s, %s, %s, shown.client_id, %s::jsonb, %s, %s::inet
            FROM (SELECT {client[0]} AS client_id) shown {unless if shown.is_part else ""}
            """,  # noqa: S608 — no value is written into it  # nosec B608
            [
                *(by.organisation_id, by.pk, action or shown.action, shown.kind, shown.pk),
                *(json.dumps([shown.route]), whence.via, whence.address),
                *client[1],
                *((by.organisation_id, by.pk, ONCE_IN) if shown.is_part else ()),
            ],
        )


def changed_fields(instance: models.Model, values: dict[str, Any]) -> list[str]:
    """The names among `values` that differ from what the instance holds."""
    return [name for name, value in values.items() if getattr(instance, name) != value]
