"""How long a service keeps records: it decides, by a number of years; without one nothing is ever due.

A record is due so many years after the last episode ended. It is erased only after it has stood on the page of what is
due for so many days, without a break: whatever makes it due no more (a new episode, a hold, another number) begins
them anew.
"""

import uuid
from datetime import date, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, QuerySet
from django.db.models.functions import Coalesce, TruncDate

from accounts.actions import update_organisation
from accounts.models import Organisation, User
from clients.models import Client, Episode

from ..models import Erasure, LegalHold, RetentionNotice
from .erasure import begin_by_itself

# In a run; the next one takes the others.
ERASED_IN_A_RUN = 100


def years_before(day: date, years: int) -> date:
    """The same day so many years ago; of 29 February, in other years, the day before."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def due(organisation: Organisation, years: int | None) -> QuerySet[Any]:
    """Clients whose last episode, none being open, ended so many years ago, with `last_day`; none without years.

    Somebody who never had one counts from the day on which they were added. Held back are those with a legal hold, and
    those whose erasure is asked for or under way already.
    """
    if years is None:
        return Client.objects.none()
    held = LegalHold.objects.filter(client=OuterRef("pk"), lifted_at=None)
    under_way = Erasure.objects.filter(client=OuterRef("pk"), state=Erasure.State.ERASING)
    open_ones = Episode.objects.open().filter(client=OuterRef("pk"))
    found: QuerySet[Any] = Client.objects.annotate(
        last_day=Coalesce(Max("episodes__ended_on"), TruncDate("created_at", tzinfo=organisation.zone)),
        sessions=Count("episodes__sessions", distinct=True),
    )
    return found.filter(
        ~Exists(open_ones),
        ~Exists(held),
        ~Exists(under_way),
        organisation=organisation,
        last_day__lte=years_before(organisation.today, years),
    ).order_by("last_day", "code")


@transaction.atomic
def set_retention(*, organisation: Organisation, version: int, years: int | None, notice_days: int, by: User) -> None:
    """Say how long records are kept, or with no years that none is erased by itself. Raises StaleVersion."""
    if not by.is_administrator:
        raise PermissionDenied("An administrator decides this.")
    values = {"retention_years": years, "retention_notice_days": notice_days}
    update_organisation(organisation=organisation, version=version, **values, by=by)
    renew_notices(organisation)


def renew_notices(organisation: Organisation) -> None:
    """A notice for each record that is due, from today on where it is new; none for those that are due no more."""
    clients = list(due(organisation, organisation.retention_years).values_list("pk", flat=True))
    RetentionNotice.objects.filter(organisation=organisation).exclude(client__in=clients).delete()
    known = set(RetentionNotice.objects.filter(client__in=clients).values_list("client", flat=True))
    RetentionNotice.objects.bulk_create(
        [
            RetentionNotice(organisation=organisation, client_id=client, noticed_on=organisation.today)
            for client in clients
            if client not in known
        ],
        ignore_conflicts=True,
    )


@transaction.atomic
def keep_retention(*, organisation_id: uuid.UUID) -> int:
    """Once a day: renew the notices, and begin to erase what has stood there long enough. Returns how many."""
    organisation = Organisation.objects.get(pk=organisation_id)
    renew_notices(organisation)
    if organisation.retention_years is None:
        return 0
    before = organisation.today - timedelta(days=organisation.retention_notice_days)
    ripe = RetentionNotice.objects.filter(organisation=organisation, noticed_on__lte=before).select_related("client")
    clients = [notice.client for notice in ripe.order_by("noticed_on", "pk")[:ERASED_IN_A_RUN]]
    for client in clients:
        begin_by_itself(client, Erasure.Reason.RETENTION)
    return len(clients)
