"""Whose data this transaction may touch. PostgreSQL enforces it; this module only says who is asking."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.utils import timezone

SETTING = "app.organisation"


class NoOrganisation(RuntimeError):
    """The setting lives as long as the transaction; without one it would do nothing."""


def set_organisation(organisation_id: uuid.UUID | None) -> None:
    """Bind the current transaction to one organisation, or to none."""
    if not connection.in_atomic_block:
        raise NoOrganisation("An organisation can be set only inside a transaction.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, str(organisation_id or "")])


def current_organisation() -> uuid.UUID | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT NULLIF(current_setting(%s, true), '')", [SETTING])
        value = cursor.fetchone()[0]
    return uuid.UUID(value) if value else None


@contextmanager
def acting_in(organisation_id: uuid.UUID) -> Iterator[None]:
    """Run a block in a transaction that sees one organisation; afterwards the one before is back."""
    with transaction.atomic():
        before = current_organisation()
        set_organisation(organisation_id)
        yield
        set_organisation(before)


@contextmanager
def days_of(organisation_id: uuid.UUID) -> Iterator[None]:
    """Run a block in which a day is what it is where the organisation works."""
    organisations = apps.get_model("accounts.Organisation").objects.filter(pk=organisation_id)
    with acting_in(organisation_id):
        zone = organisations.values_list("time_zone", flat=True).first()
    with timezone.override(zone):
        yield


def refuse_unsafe_database_role() -> None:
    """Row-level security is void for a superuser, for BYPASSRLS and for an owner: refuse to start as one."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT rolname, rolsuper, rolbypassrls,
                   EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                           WHERE n.nspname = 'public' AND c.relkind = 'r'
                             AND pg_has_role(r.oid, c.relowner, 'MEMBER'))
            FROM pg_roles r WHERE rolname = current_user
            """
        )
        name, is_superuser, bypasses, owns = cursor.fetchone()
    for is_unsafe, fault in (
        (is_superuser, "is a superuser"),
        (bypasses, "may bypass row-level security"),
        (owns, "owns tables or may act for who does"),
    ):
        if is_unsafe:
            raise ImproperlyConfigured(
                f"DATABASE_URL connects as {name}, which {fault}: organisations would not be kept apart. "
                "Use the application's role there and the owner in DATABASE_OWNER_URL."
            )
