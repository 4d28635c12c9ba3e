"""What happened, written in the transaction in which it happened."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import models

from .models import AuditEvent, User


def record_event(
    action: str,
    subject: models.Model,
    *,
    organisation_id: uuid.UUID,
    by: User | None,
    client_id: uuid.UUID | None = None,
    fields: Iterable[str] = (),
) -> None:
    """Add one event. `fields` are names of what changed, never values; `by` is None for a client's link."""
    AuditEvent(
        organisation_id=organisation_id,
        person=by,
        action=action,
        object_type=subject._meta.label,
        object_id=subject.pk,
        client_id=client_id,
        fields=sorted(fields),
    ).save()


def record_events(
    action: str,
    subjects: Iterable[tuple[models.Model, uuid.UUID | None]],
    *,
    organisation_id: uuid.UUID,
    by: User | None,
) -> None:
    """The same event for many subjects, each with the client it is about."""
    AuditEvent.objects.bulk_create(
        AuditEvent(
            organisation_id=organisation_id,
            person=by,
            action=action,
            object_type=subject._meta.label,
            object_id=subject.pk,
            client_id=client_id,
            fields=[],
        )
        for subject, client_id in subjects
    )


def changed_fields(instance: models.Model, values: dict[str, Any]) -> list[str]:
    """The names among `values` that differ from what the instance holds."""
    return [name for name, value in values.items() if getattr(instance, name) != value]
