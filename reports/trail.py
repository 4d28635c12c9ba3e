"""The audit trail as administrators read it: by person, client, kind and time, a page at a time. Codes, no content."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from accounts.models import AuditEvent, AuditSeal, User
from clients.models import Client

from .trail_words import in_words, pattern, spaced

ON_A_PAGE = 50
MOST_EXPORTED = 50_000
# Of a number that the database takes.
DIGITS = 19
CLIENTS_LINK = "A client’s link, or the service itself"


@dataclass(frozen=True)
class Asked:
    """What somebody looks for. `by` None is everybody, `code` empty every client; times are in UTC or aware."""

    by: User | None = None
    code: str = ""
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Told:
    """An event in words; `client` is a code."""

    event: AuditEvent
    client: str

    @property
    def who(self) -> str:
        return self.event.person.name if self.event.person else CLIENTS_LINK

    @property
    def what(self) -> str:
        return in_words(self.event.action)

    @property
    def details(self) -> str:
        """Which fields were changed, or which page it was."""
        return ", ".join(spaced(name.rpartition(":")[2]) for name in self.event.fields)

    @property
    def where(self) -> str:
        way = self.event.get_via_display() or "In the background"
        return f"{way}, {self.event.address}" if self.event.address else way


@dataclass(frozen=True)
class Page:
    """Some events, the latest first, and from where the next page goes on; None on the last."""

    rows: list[Told]
    after: str | None


def events(user: User, asked: Asked) -> QuerySet[AuditEvent]:
    """The latest first. A code that no client has finds nothing."""
    found = AuditEvent.objects.filter(organisation_id=user.organisation_id)
    if asked.by:
        found = found.filter(person=asked.by)
    if asked.code:
        of_code = Client.objects.filter(organisation_id=user.organisation_id, code__iexact=asked.code)
        found = found.filter(client_id__in=list(of_code.values_list("pk", flat=True)))
    if asked.kind:
        found = found.filter(action__regex=pattern(asked.kind))
    if asked.since:
        found = found.filter(happened_at__gte=asked.since)
    if asked.until:
        found = found.filter(happened_at__lt=asked.until)
    return found.select_related("person").order_by("-happened_at", "-number")


def page(found: QuerySet[AuditEvent], *, after: str = "") -> Page:
    """The next fifty. `after` is what the page before said; whatever else stands there is not looked at."""
    position = position_of(after)
    if position:
        moment, number = position
        found = found.filter(happened_at__lte=moment).exclude(happened_at=moment, number__gte=number)
    rows = list(found[: ON_A_PAGE + 1])
    shown = rows[:ON_A_PAGE]
    goes_on = f"{shown[-1].happened_at.isoformat()}~{shown[-1].number}" if len(rows) > ON_A_PAGE else None
    return Page(told(shown), goes_on)


def position_of(after: str) -> tuple[datetime, int] | None:
    moment, _, number = after.partition("~")
    try:
        parsed = datetime.fromisoformat(moment)
    except ValueError:
        return None
    is_known = parsed.tzinfo is not None and number.isascii() and number.isdigit() and len(number) < DIGITS
    return (parsed, int(number)) if is_known else None


def sealed_up_to(user: User) -> datetime | None:
    """When the last event happened that is in the chain; None before the first seal."""
    seals = AuditSeal.objects.filter(organisation_id=user.organisation_id)
    return seals.order_by("-position").values_list("last_happened_at", flat=True).first()


def told(found: Sequence[AuditEvent]) -> list[Told]:
    codes = dict(Client.objects.filter(pk__in={event.client_id for event in found}).values_list("pk", "code"))
    return [Told(event, code_of(event.client_id, codes)) for event in found]


def code_of(client_id: Any, codes: dict[Any, str]) -> str:
    """An id where the client is no longer there, so that events of one stay together."""
    return "" if client_id is None else codes.get(client_id, f"erased, {str(client_id)[:8]}")


def table(found: QuerySet[AuditEvent], user: User) -> Iterator[list[str]]:
    """For a spreadsheet, in the service's own time; as many as MOST_EXPORTED."""
    yield ["when", "who", "what", "client", "details", "from", "object", "object id"]
    zone = user.organisation.zone
    for one in told(list(found[:MOST_EXPORTED])):
        event = one.event
        yield [
            event.happened_at.astimezone(zone).isoformat(timespec="seconds"),
            one.who,
            one.what,
            one.client,
            one.details,
            one.where,
            event.object_type,
            str(event.object_id),
        ]
