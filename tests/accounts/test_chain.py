"""The audit trail sealed, and whoever meddles with it named.

Tampering is done as the owner of the tables, who takes the walls away first: the application's role can't.
"""

import os
import random
import sys
import time
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction
from django.db.models.functions import Now

from accounts import chain, tasks
from accounts.models import AuditCheck, AuditEvent, AuditMark, AuditSeal
from jobs import actions as jobs
from jobs.models import Job
from jobs.organisation import acting_in
from tests import factories

TABLES = ("accounts_auditevent", "accounts_auditseal")


@contextmanager
def as_owner():
    """A cursor before which no wall stands."""
    with connections["owner"].cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER; ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        yield cursor
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER; ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def add_events(service, count: int) -> None:
    """More events, a hundred days of them, in the way a busy service has them."""
    with acting_in(service.organisation.pk), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO accounts_auditevent
                (id, organisation_id, happened_at, person_id, action, object_type, object_id, client_id, fields, via)
            SELECT gen_random_uuid(), %s, now() - n * interval '1 minute', %s, 'episode.viewed', 'clients.Episode',
                   gen_random_uuid(), gen_random_uuid(), '[]', 'page'
            FROM generate_series(1, %s) n
            """,
            [service.organisation.pk, service.ada.pk, count],
        )


def sealed_service(count: int = 50):
    service = factories.make_service()
    add_events(service, count)
    while chain.seal_events(service.organisation.pk):
        pass
    return service


def faults(service) -> list[str]:
    with acting_in(service.organisation.pk):
        return [str(fault) for fault in chain.verify(service.organisation.pk)]


def some(service, count: int) -> list[AuditEvent]:
    with acting_in(service.organisation.pk):
        return random.Random(7).sample(list(AuditEvent.objects.order_by("number")), count)


def test_sealed_events_that_nobody_touched_fit(committed):
    service = sealed_service()
    assert faults(service) == []
    with acting_in(service.organisation.pk):
        last = AuditSeal.objects.order_by("-position")[0]
        assert last.last_number == AuditEvent.objects.order_by("-number")[0].number
        assert sum(AuditSeal.objects.values_list("count", flat=True)) == AuditEvent.objects.count()
    assert chain.seal_events(service.organisation.pk) == 0, "nothing new, no seal"


@pytest.mark.parametrize("column", sorted({*chain.FIELDS} - {"number", "id", "organisation_id"}))
def test_whatever_of_an_event_is_altered_it_is_named(committed, column):
    service = sealed_service(10)
    [event] = some(service, 1)
    other = {
        "happened_at": "happened_at + interval '1 microsecond'",
        "person_id": "CASE WHEN person_id IS NULL THEN (SELECT id FROM accounts_user LIMIT 1) END",
        "object_id": "gen_random_uuid()",
        "client_id": "gen_random_uuid()",
        "fields": """'["name"]'""",
        "via": "CASE via WHEN 'api' THEN '' ELSE 'api' END",
        "address": "'192.0.2.1'",
    }.get(column, "'other'")
    with as_owner() as cursor:
        cursor.execute("ALTER TABLE accounts_user NO FORCE ROW LEVEL SECURITY")
        cursor.execute(f"UPDATE accounts_auditevent SET {column} = {other} WHERE id = %s", [event.pk])
        cursor.execute("ALTER TABLE accounts_user FORCE ROW LEVEL SECURITY")
    assert faults(service) == [f"altered: event {event.pk}, number {event.number}"]


def test_an_event_that_was_removed_is_named(committed):
    service = sealed_service()
    [event] = some(service, 1)
    with as_owner() as cursor:
        cursor.execute("DELETE FROM accounts_auditevent WHERE id = %s", [event.pk])
    assert faults(service) == [f"removed: event {event.pk}, number {event.number}"]


def test_events_that_changed_places_are_named(committed):
    service = sealed_service()
    one, two = some(service, 2)
    with as_owner() as cursor:
        for event, number in ((one, two.number), (two, one.number)):
            cursor.execute("UPDATE accounts_auditevent SET number = %s WHERE id = %s", [number, event.pk])
    assert sorted(faults(service)) == sorted(
        f"moved from number {event.number}: event {event.pk}, number {number}"
        for event, number in ((one, two.number), (two, one.number))
    )


def test_an_event_that_was_slipped_in_is_named(committed):
    service = sealed_service()
    one, two = sorted(some(service, 2), key=lambda event: event.number)
    with as_owner() as cursor:
        cursor.execute("DELETE FROM accounts_auditevent WHERE id = %s", [one.pk])
        cursor.execute(
            "INSERT INTO accounts_auditevent (id, organisation_id, action, object_type, object_id, fields, number) "
            "SELECT gen_random_uuid(), organisation_id, action, object_type, object_id, fields, %s "
            "FROM accounts_auditevent WHERE id = %s RETURNING id",
            [one.number, two.pk],
        )
        slipped = cursor.fetchone()[0]
    assert faults(service) == [
        f"added after it was sealed: event {slipped}, number {one.number}",
        f"removed: event {one.pk}, number {one.number}",
    ]


def test_a_seal_that_was_altered_or_removed_is_named(committed):
    service = factories.make_service()
    for _ in range(3):
        add_events(service, 3)
        assert chain.seal_events(service.organisation.pk)
    with as_owner() as cursor:
        cursor.execute(
            "UPDATE accounts_auditseal SET rows = set_byte(rows, 60, 255 - get_byte(rows, 60)) WHERE position = 1"
        )
    assert "altered: seal 1" in faults(service)
    with as_owner() as cursor:
        cursor.execute("DELETE FROM accounts_auditseal WHERE position = 2")
    assert "removed: seals 2 to 2" in faults(service)


def test_a_chain_that_was_cut_off_or_made_anew_does_not_fit_its_published_head(committed, tmp_path):
    service = sealed_service()
    heads = StringIO()
    call_command("audit_heads", stdout=heads)
    kept = tmp_path / "heads"
    kept.write_text(heads.getvalue())
    call_command("verify_audit", heads=kept, stdout=StringIO())
    with as_owner() as cursor:
        cursor.execute("DELETE FROM accounts_auditseal")
    call_command("verify_audit", stdout=StringIO())
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("verify_audit", heads=kept, stdout=out)
    assert "cut off: seal 1" in out.getvalue()
    add_events(service, 1)
    chain.seal_events(service.organisation.pk)
    with pytest.raises(CommandError):
        call_command("verify_audit", heads=kept, stdout=out)
    assert "made anew: seal 1" in out.getvalue()


def test_the_command_names_what_does_not_fit_and_fails(committed):
    service = sealed_service()
    [event] = some(service, 1)
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert " 0 faults" in out.getvalue()
    with as_owner() as cursor:
        cursor.execute("UPDATE accounts_auditevent SET action = 'nothing' WHERE id = %s", [event.pk])
    with pytest.raises(CommandError, match="1 faults"):
        call_command("verify_audit", stdout=out)
    assert f"altered: event {event.pk}" in out.getvalue()


def test_an_event_that_commits_late_is_sealed_all_the_same(committed):
    """A transaction takes its number, others overtake it, seals are asked for: none reaches beyond it until it ends."""
    service = factories.make_service()
    organisation = service.organisation.pk
    late = connections.create_connection("default")
    try:
        late.set_autocommit(False)
        with late.cursor() as cursor:
            cursor.execute("SELECT set_config('app.organisation', %s, true)", [str(organisation)])
            cursor.execute(
                "INSERT INTO accounts_auditevent (id, organisation_id, action, object_type, object_id, fields) "
                "VALUES (gen_random_uuid(), %s, 'late.one', 'x', gen_random_uuid(), '[]') RETURNING number",
                [organisation],
            )
            number = cursor.fetchone()[0]
        add_events(service, 5)
        for _ in range(3):
            assert chain.seal_events(organisation) == 0
        late.commit()
    finally:
        late.close()
    assert chain.seal_events(organisation) > 5
    with acting_in(organisation):
        [seal] = AuditSeal.objects.all()
        assert seal.first_number < number < seal.last_number
    assert faults(service) == []


def test_a_mark_from_before_a_restore_does_not_hold_the_chain_up(committed):
    """In a restored database transactions are counted anew: one that waits for a number of the old count is mended."""
    service = sealed_service()
    add_events(service, 5)
    with acting_in(service.organisation.pk):
        last = AuditEvent.objects.order_by("-number")[0].number
        AuditMark.objects.update(number=last, bound=2**60)
    assert chain.seal_events(service.organisation.pk) == 5


@pytest.mark.django_db
def test_neither_events_nor_seals_are_changed_by_the_application(service):
    chain.seal_events(service.organisation.pk)
    for table in TABLES:
        for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                connection.cursor().execute(statement)


def test_nor_by_their_owner_before_the_second_wall_is_taken_away(committed):
    service = sealed_service(1)
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT set_config('app.organisation', %s, false)", [str(service.organisation.pk)])
        for table in TABLES:
            for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
                with pytest.raises(DatabaseError, match="never changed"):
                    cursor.execute(statement)
    connections["owner"].close()


# What `make verify-audit` runs at 100,000 events and 1,000 tamperings; CI takes a tenth.
SIZE = int(os.environ.get("ALLIANCE_AUDIT_EVENTS", "10000"))


def test_every_one_of_many_tamperings_is_found_and_named(committed):
    service = sealed_service(SIZE)
    started = time.monotonic()
    assert faults(service) == []
    took = time.monotonic() - started
    chosen = some(service, SIZE // 100)
    third = len(chosen) // 3
    altered, removed, moved = chosen[:third], chosen[third : 2 * third], chosen[2 * third :]
    places = [event.number for event in moved]
    with as_owner() as cursor:
        for event in altered:
            cursor.execute("UPDATE accounts_auditevent SET person_id = NULL WHERE id = %s", [event.pk])
        cursor.execute("DELETE FROM accounts_auditevent WHERE id = ANY(%s)", [[event.pk for event in removed]])
        for event, number in zip(moved, [*places[1:], places[0]], strict=True):
            cursor.execute("UPDATE accounts_auditevent SET number = %s WHERE id = %s", [number, event.pk])
    found = faults(service)
    assert len(found) == len(chosen)
    for events, what in ((altered, "altered:"), (removed, "removed:"), (moved, "moved from")):
        named = [fault for fault in found if fault.startswith(what)]
        assert {fault.split()[-3].rstrip(",") for fault in named} == {str(event.pk) for event in events}
    sys.stdout.write(f"\n{SIZE:,} events verified in {took:.1f} s; {len(chosen):,} tamperings, all named\n")


# --- Each night ---------------------------------------------------------------------------------------------


def checked(service) -> AuditCheck:
    """After the steps of one night."""
    while chain.check_next(service.organisation.pk):
        pass
    with acting_in(service.organisation.pk):
        return AuditCheck.objects.get()


def test_each_night_the_chain_is_held_against_its_seals_in_steps(committed, monkeypatch):
    monkeypatch.setattr(chain, "MOST_IN_A_SEAL", 10)
    monkeypatch.setattr(chain, "SEALS_IN_A_CHECK", 2)
    service = sealed_service(70)
    assert (checked(service).faults, checked(service).position) == (0, 0)
    changed, removed = some(service, 2)
    with as_owner() as cursor:
        cursor.execute("UPDATE accounts_auditevent SET action = 'other' WHERE id = %s", [changed.pk])
        cursor.execute("DELETE FROM accounts_auditevent WHERE id = %s", [removed.pk])
        cursor.execute("DELETE FROM accounts_auditseal WHERE position = 4")
    found = checked(service)
    assert found.faults > 2 and found.faults == len(faults(service)) and found.checked_at
    assert checked(service).faults == found.faults, "found anew, not added up"


def test_a_night_that_was_broken_off_goes_on_where_it_was(committed, monkeypatch):
    monkeypatch.setattr(chain, "MOST_IN_A_SEAL", 10)
    monkeypatch.setattr(chain, "SEALS_IN_A_CHECK", 3)
    service = sealed_service(70)
    assert chain.check_next(service.organisation.pk)
    with acting_in(service.organisation.pk):
        begun = AuditCheck.objects.get()
    assert (begun.position, begun.checked_at) == (3, None)
    assert checked(service).checked_at


def test_the_job_of_the_night_asks_for_its_next_step_when_its_time_is_up(committed, monkeypatch):
    monkeypatch.setattr(chain, "MOST_IN_A_SEAL", 10)
    monkeypatch.setattr(chain, "SEALS_IN_A_CHECK", 3)
    monkeypatch.setattr(tasks, "SECONDS_AT_A_TIME", 0)
    service = sealed_service(70)
    with acting_in(service.organisation.pk):
        jobs.request_job(task=tasks.CHECK, object_id=service.organisation.pk, organisation_id=service.organisation.pk)
    steps = 0
    while job := Job.objects.filter(task=tasks.CHECK, finished_at=None).first():
        Job.objects.filter(pk=job.pk).update(handed_at=Now())
        tasks.check_audit_trail(str(job.pk))
        steps += 1
    with acting_in(service.organisation.pk):
        seals = AuditSeal.objects.count()
        assert AuditCheck.objects.get().checked_at
    assert steps == -(-seals // 3) > 1
