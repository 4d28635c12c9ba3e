"""A backup that is restored is older than an erasure: what a tombstone names is erased again."""

import json
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from accounts import encryption
from clients.models import Client, Episode
from reports.models import Erasure
from reports.privacy import about, erasure, tombstones
from tests import factories
from tests.reports.held import CANARY, CODE, erased, fill, tables_with

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "TOMBSTONES_FILE", tmp_path / "tombstones.jsonl")
    return tmp_path / "tombstones.jsonl"


@pytest.fixture
def kestrel(service):
    episode = factories.make_episode(service.ada, code=CODE, name=CANARY)
    fill(episode, service)
    return episode.client


def backup(client_id):
    """The client's rows as a dump of the database holds them."""
    kept = {}
    with connection.cursor() as cursor:
        for label in about.order():
            table = about.model_of(label)._meta.db_table
            ids = about.ids_of(label, client_id)
            cursor.execute(f"SELECT coalesce(jsonb_agg(t), '[]') FROM {table} t WHERE id::text = ANY(%s)", [ids])
            kept[table] = cursor.fetchone()[0]
    return kept


def restore(kept):
    with connection.cursor() as cursor:
        for table, rows in reversed(kept.items()):
            rows = rows if isinstance(rows, str) else json.dumps(rows)
            cursor.execute(
                f"INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(NULL::{table}, %s) ON CONFLICT DO NOTHING",
                [rows],
            )
    connection.check_constraints()


def run(*arguments):
    out = StringIO()
    call_command("erase_again", *arguments, stdout=out)
    return out.getvalue()


def test_rows_copied_back_are_erased_again_and_proved(kestrel, service):
    kept = backup(kestrel.pk)
    erased(kestrel, service)
    restore(kept)
    assert Client.objects.get(code=CODE).pk == kestrel.pk
    assert len(tables_with(CANARY)) >= 10
    assert "1 record was back" in run()
    assert tables_with(CANARY, CODE) == set()
    again = Erasure.objects.get(reason="restored")
    assert set(again.after.values()) == {0}
    assert again.before["measures.Rating"] > 5
    assert "0 records were back" in run()


def test_the_file_alone_is_enough(service, file):
    """As in a database that never heard of the erasure: only the file names the client."""
    episode = factories.make_episode(service.ada, code=CODE, name=CANARY)
    bystander = factories.make_episode(service.ada, code="R-1")
    tombstones.keep(tombstones.tombstone_of(episode.client_id, service.organisation.pk))
    assert not Erasure.objects.exists()
    assert "1 record was back" in run()
    assert list(Episode.objects.values_list("pk", flat=True)) == [bystander.pk]


def test_another_services_tombstone_names_nobody_here(service, other_service, file):
    episode = factories.make_episode(service.ada, code=CODE)
    tombstones.keep(tombstones.tombstone_of(episode.client_id, other_service.organisation.pk))
    assert "0 records were back" in run()
    assert Client.objects.exists()


def test_a_tombstone_by_an_older_key_still_names_its_client(service, file, tmp_path, monkeypatch):
    keys = tmp_path / "field.keys"
    keys.write_text(settings.FIELD_KEYS_FILE.read_text())
    monkeypatch.setattr(settings, "FIELD_KEYS_FILE", keys)
    episode = factories.make_episode(service.ada, code=CODE)
    tombstones.keep(tombstones.tombstone_of(episode.client_id, service.organisation.pk))
    encryption.add_key()
    assert "1 record was back" in run()


def test_it_says_so_where_it_cannot_know(service, file, monkeypatch):
    with pytest.raises(CommandError, match="There is no file"):
        run()
    assert "0 tombstones" in run("--no-file")
    file.write_text("{}\n")
    with pytest.raises(CommandError, match=r"Line 1 of .* is no tombstone"):
        run()
    line = {"organisation": str(service.organisation.pk), "tombstone": "0" * 64, "key": "lost-key"}
    file.write_text(json.dumps(line) + "\n")
    with pytest.raises(CommandError, match="the key lost-key, which is not in the file"):
        run()


def test_a_hold_in_the_backup_is_told_and_not_broken(service, file):
    episode = factories.make_episode(service.ada, code=CODE)
    tombstones.keep(tombstones.tombstone_of(episode.client_id, service.organisation.pk))
    erasure.set_hold(client=episode.client, reason="A complaint.", by=service.sam)
    with pytest.raises(CommandError, match="1 record stays, because a legal hold"):
        run()
    assert Client.objects.exists()


def test_half_a_line_left_by_a_crash_spoils_no_other(service, file):
    file.write_text('{"organisation": "1')
    made = tombstones.tombstone_of(service.organisation.pk, service.organisation.pk)
    tombstones.keep(made)
    assert file.read_text().splitlines()[1] + "\n" == made.line
