"""Reads of what is held, erased and kept: administrators by code, therapists what is theirs."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import QuerySet

from accounts.models import AuditEvent, Organisation, User
from clients.models import Client
from jobs.models import Job

from ..models import Erasure, Export, LegalHold, RetentionNotice
from . import about, traces
from .erasure import ERASE, is_held, steps
from .retention import due


def erasures(user: User) -> QuerySet[Erasure]:
    """An administrator's all of the service, anybody's what they asked for; what is to be decided first."""
    found = Erasure.objects.filter(organisation_id=user.organisation_id)
    if not user.is_administrator:
        found = found.filter(requested_by=user)
    return found.select_related("client", "requested_by", "decided_by").defer("ids").order_by("-requested_at")


def to_decide(user: User) -> QuerySet[Erasure]:
    return erasures(user).filter(state=Erasure.State.REQUESTED).order_by("requested_at")


def erasure_of(client: Client) -> Erasure | None:
    """The one that is asked for or under way."""
    open_ones = [Erasure.State.REQUESTED, Erasure.State.ERASING]
    found = Erasure.objects.filter(client=client, state__in=open_ones)
    return found.select_related("requested_by").defer("ids").first()


def is_stopped(erasure: Erasure) -> bool:
    """Its work was given up after several attempts, and nobody has asked for it since."""
    if not erasure.is_under_way:
        return False
    latest = Job.objects.filter(task=ERASE, object_id=erasure.pk).order_by("-requested_at", "-available_at").first()
    return latest is not None and latest.failed_at is not None


@dataclass(frozen=True)
class Preview:
    """What an erasure would take, and what would stay."""

    kinds: list[tuple[str, int]]
    exports: int
    imports: int
    notes_alone: int
    notes_shared: int
    events: int
    is_held: bool

    @property
    def rows(self) -> int:
        return sum(number for _words, number in self.kinds)


def preview(client: Client) -> Preview:
    meetings = [is_alone for _meeting, is_alone in traces.meetings_about(client)]
    return Preview(
        kinds=about.in_words(about.counts(client.pk)),
        exports=len(traces.exports_with(client)),
        imports=len(traces.imports_waiting(client)),
        notes_alone=meetings.count(True),
        notes_shared=meetings.count(False),
        events=AuditEvent.objects.filter(client_id=client.pk).count(),
        is_held=is_held(client.pk),
    )


@dataclass(frozen=True)
class ProvedTable:
    words: str
    table: str
    before: int
    after: int


def proof(erasure: Erasure) -> list[ProvedTable]:
    """Every table that can hold something about a client, with what was there and what is there."""
    return [
        ProvedTable(about.WORDS[label][1], label, erasure.before.get(label, 0), erasure.after[label])
        for label in reversed(about.order())
        if label in erasure.after
    ]


def part_done(erasure: Erasure) -> tuple[int, int]:
    return erasure.done, steps()


def packs(user: User, client: Client) -> QuerySet[Export]:
    """Those of a client that this person made."""
    return Export.objects.filter(created_by=user, client=client).order_by("-created_at")


def holds(user: User) -> QuerySet[LegalHold]:
    found = LegalHold.objects.filter(organisation_id=user.organisation_id, lifted_at=None)
    return found.select_related("client", "set_by").order_by("-set_at")


def client_by_code(user: User, code: str) -> Client | None:
    return Client.objects.filter(organisation_id=user.organisation_id, code__iexact=code.strip()).first()


@dataclass(frozen=True)
class Due:
    """A record that is due, as an administrator sees it."""

    code: str
    last_day: date
    sessions: int
    noticed_on: date | None
    erased_from: date | None


def due_records(organisation: Organisation, years: int | None) -> list[Due]:
    """What is due by this number of years; notices are those of the number that is set."""
    found: list[Any] = list(due(organisation, years))
    is_set = years is not None and years == organisation.retention_years
    notices = dict(
        RetentionNotice.objects.filter(organisation=organisation).values_list("client", "noticed_on") if is_set else []
    )
    days = timedelta(days=organisation.retention_notice_days)
    return [
        Due(
            code=client.code,
            last_day=client.last_day,
            sessions=client.sessions,
            noticed_on=(noticed := notices.get(client.pk)),
            erased_from=noticed + days if noticed else None,
        )
        for client in found
    ]
