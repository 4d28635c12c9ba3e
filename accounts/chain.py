"""The audit trail sealed: each organisation's events, in the order of their numbers, in a chain of hashes.

    seal 1            seal 2            seal 3
    events 1 … 7  ←   8 … 9        ←    10 … 31       digest = SHA-256(position, previous digest, rows)

A seal keeps for each event its number, its id and the SHA-256 of what it says, so that what does not fit can be named.
Why nothing that commits late is left out: docs/adr/0024-audit-trail.md.
"""

import hashlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection, transaction
from django.db.models import Max, Sum
from django.utils import timezone

from jobs.organisation import acting_in

from .models import AuditCheck, AuditEvent, AuditMark, AuditSeal

FORM = "1"
START = "0" * 64
MOST_IN_A_SEAL = 10_000
MOST_SEALS_AT_ONCE = 20
SEALS_IN_A_CHECK = 200
NUMBER, ID, ROW = 8, 16, 56
FIELDS = (
    "number", "id", "organisation_id", "happened_at", "person_id", "action", "object_type", "object_id", "client_id",
    "fields", "via", "address", "reason",
)  # fmt: skip


def canonical(values: tuple[object, ...]) -> bytes:
    """What an event says, without its number, as JSON without blanks; times in UTC to the microsecond."""
    return json.dumps(
        [
            value.astimezone(UTC).isoformat(timespec="microseconds")
            if isinstance(value, datetime)
            else str(value)
            if isinstance(value, uuid.UUID)
            else value
            for value in values[1:]
        ],
        separators=(",", ":"),
    ).encode()


def row_of(values: tuple[object, ...]) -> bytes:
    number, pk = values[0], values[1]
    assert isinstance(number, int) and isinstance(pk, uuid.UUID)
    return number.to_bytes(NUMBER, "big") + pk.bytes + hashlib.sha256(canonical(values)).digest()


def digest_of(position: int, previous: str, rows: bytes) -> str:
    head = f"alliance audit {FORM} {position} {len(rows) // ROW} {previous}\n".encode()
    return hashlib.sha256(head + rows).hexdigest()


# --- Sealing ----------------------------------------------------------------------------------------------


def seal_events(organisation_id: uuid.UUID) -> int:
    """Seal what is certain to be complete, in transactions of its own. Returns how many events were sealed.

    What can't be yet waits for the next time, so that a transaction that takes long holds seals up and nothing else.
    """
    with acting_in(organisation_id):
        AuditMark.objects.bulk_create(
            [AuditMark(id=organisation_id, organisation_id=organisation_id)], ignore_conflicts=True
        )
        mark = AuditMark.objects.select_for_update().get(pk=organisation_id)
        if mark.number is None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT coalesce(pg_sequence_last_value('accounts_audit_counter'), 0)")
                mark.number, mark.bound = cursor.fetchone()[0], None
            mark.save(update_fields=["number", "bound"])
    with acting_in(organisation_id):
        mark = AuditMark.objects.select_for_update().get(pk=organisation_id)
        if mark.number is None or not is_complete(mark):
            return 0
        return seal_up_to(mark)


def is_complete(mark: AuditMark) -> bool:
    """Whether all transactions that may hold a number up to the mark's have ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        own = cursor.fetchone()[0]
        # One from the future is of the database that this one was restored from.
        if mark.bound is None or mark.bound > own:
            mark.bound = own
            mark.save(update_fields=["bound"])
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        return bool(cursor.fetchone()[0] >= mark.bound)


@transaction.atomic
def seal_up_to(mark: AuditMark) -> int:
    """Seal the events up to the mark; a mark that was reached is taken away."""
    last = AuditSeal.objects.order_by("-position").first()
    position, previous, after = (last.position, last.digest, last.last_number) if last else (0, START, 0)
    sealed = 0
    for _ in range(MOST_SEALS_AT_ONCE):
        events = AuditEvent.objects.filter(
            organisation_id=mark.organisation_id, number__gt=after, number__lte=mark.number
        )
        found = list(events.order_by("number").values_list(*FIELDS)[:MOST_IN_A_SEAL])
        if found:
            position += 1
            rows = b"".join(map(row_of, found))
            digest, first, after = digest_of(position, previous, rows), found[0][0], found[-1][0]
            AuditSeal(
                organisation_id=mark.organisation_id,
                position=position,
                previous=previous,
                digest=digest,
                count=len(found),
                first_number=first,
                last_number=after,
                last_happened_at=found[-1][FIELDS.index("happened_at")],
                rows=rows,
            ).save()
            previous, sealed = digest, sealed + len(found)
        if len(found) < MOST_IN_A_SEAL:
            mark.number = mark.bound = None
            mark.save(update_fields=["number", "bound"])
            break
    return sealed


# --- Verifying --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """What does not fit, named: of an event its number and id, of a seal its position."""

    what: str
    number: int = 0
    id: uuid.UUID | None = None

    def __str__(self) -> str:
        return f"{self.what}: event {self.id}, number {self.number}" if self.id else self.what


def verify(organisation_id: uuid.UUID, *, beyond: int = 0, up_to: int | None = None) -> Iterator[Fault]:
    """Everything in this organisation's chain that is not as it was sealed; the transaction acts in it.

    `beyond` and `up_to` take a part of it: the seals after one position up to another.
    """
    seals = AuditSeal.objects.filter(organisation_id=organisation_id)
    before_it = seals.filter(position__lte=beyond).order_by("-position").first()
    position = before_it.position if before_it else 0
    previous, after = (before_it.digest, before_it.last_number) if before_it else (START, 0)
    moved: dict[uuid.UUID, tuple[int, bytes]] = {}
    strays: list[tuple[int, uuid.UUID, bytes]] = []
    part = seals.filter(position__gt=beyond, **({} if up_to is None else {"position__lte": up_to}))
    for seal in part.order_by("position").iterator(chunk_size=20):
        position += 1
        rows = bytes(seal.rows)
        if seal.position != position:
            yield Fault(f"removed: seals {position} to {seal.position - 1}")
            position = seal.position
        if seal.previous != previous:
            yield Fault(f"not joined: seal {position} does not continue the one before")
        if seal.digest != digest_of(position, seal.previous, rows):
            yield Fault(f"altered: seal {position}")
        previous = seal.digest
        kept = {
            int.from_bytes(rows[at : at + NUMBER], "big"): (
                uuid.UUID(bytes=rows[at + NUMBER : at + NUMBER + ID]),
                rows[at + NUMBER + ID : at + ROW],
            )
            for at in range(0, len(rows), ROW)
        }
        found = AuditEvent.objects.filter(
            organisation_id=organisation_id, number__gt=after, number__lte=seal.last_number
        )
        for values in found.order_by("number").values_list(*FIELDS).iterator(chunk_size=10_000):
            number, pk, digest = values[0], values[1], row_of(values)[NUMBER + ID :]
            was = kept.get(number)
            if was is not None and was[0] == pk:
                del kept[number]
                if was[1] != digest:
                    yield Fault("altered", number, pk)
            else:
                strays.append((number, pk, digest))
        for number, (pk, digest) in kept.items():
            moved[pk] = (number, digest)
        after = seal.last_number
    # What is missing in one place may stand in another, be it behind the last seal.
    if moved:
        behind = AuditEvent.objects.filter(organisation_id=organisation_id, pk__in=list(moved), number__gt=after)
        strays += [(values[0], values[1], row_of(values)[NUMBER + ID :]) for values in behind.values_list(*FIELDS)]
    for number, pk, digest in strays:
        if pk in moved:
            before, was_digest = moved.pop(pk)
            yield Fault(f"moved from number {before}" + ("" if was_digest == digest else " and altered"), number, pk)
        else:
            yield Fault("added after it was sealed", number, pk)
    for pk, (number, _digest) in moved.items():
        yield Fault("removed", number, pk)


def check_next(organisation_id: uuid.UUID) -> bool:
    """Hold the next seals against their events, and keep how many faults there are. False once all are looked at.

    What stands in another part than it was sealed in counts as removed in the one and added in the other: `verify` of
    the whole names it.
    """
    with acting_in(organisation_id):
        AuditCheck.objects.bulk_create(
            [AuditCheck(id=organisation_id, organisation_id=organisation_id)], ignore_conflicts=True
        )
        check = AuditCheck.objects.select_for_update().get(pk=organisation_id)
        up_to = check.position + SEALS_IN_A_CHECK
        check.found += len(list(verify(organisation_id, beyond=check.position, up_to=up_to)))
        check.position = up_to
        goes_on = AuditSeal.objects.filter(organisation_id=organisation_id, position__gt=up_to).exists()
        if not goes_on:
            check.position, check.found, check.faults, check.checked_at = 0, 0, check.found, timezone.now()
        check.save()
    return goes_on


@dataclass(frozen=True)
class Standing:
    """How many events are sealed, in how many seals, and how many are not yet."""

    sealed: int
    seals: int
    unsealed: int


def standing(organisation_id: uuid.UUID) -> Standing:
    told = AuditSeal.objects.filter(organisation_id=organisation_id).aggregate(
        sealed=Sum("count"), seals=Max("position"), last=Max("last_number")
    )
    newer = AuditEvent.objects.filter(organisation_id=organisation_id, number__gt=told["last"] or 0)
    return Standing(told["sealed"] or 0, told["seals"] or 0, newer.count())


def head(organisation_id: uuid.UUID) -> tuple[int, str]:
    """Position and digest of the last seal: who keeps it elsewhere can tell a chain that was made anew or cut off."""
    last = AuditSeal.objects.filter(organisation_id=organisation_id).order_by("-position").first()
    return (last.position, last.digest) if last else (0, START)


def check_head(organisation_id: uuid.UUID, position: int, digest: str) -> Fault | None:
    """Hold a head that was published against the chain of today."""
    if position == 0:
        return None
    seal = AuditSeal.objects.filter(organisation_id=organisation_id, position=position).first()
    if seal is None:
        return Fault(f"cut off: seal {position} was published and is gone")
    return None if seal.digest == digest else Fault(f"made anew: seal {position} is not the one that was published")
