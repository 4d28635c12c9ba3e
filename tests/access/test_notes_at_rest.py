"""Whoever has the database's files, its log or a dump, but not the file of keys, has no process note."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from alliance_site import embedded
from jobs.organisation import acting_in
from sessions_app.models import ProcessNote
from tests import factories
from tests.access.world import NOTES

CONTROL = "canary of a note of the record"


@pytest.fixture
def written(committed, client):
    """Committed to the database: process notes, one of them changed and one deleted, and a note of the record."""
    if not (settings.HOME / "secrets.json").exists():
        pytest.skip("the files and the superuser of this PostgreSQL are not ours")
    service = factories.make_service()
    with acting_in(service.organisation.pk):
        session = factories.make_session(factories.make_episode(service.ada), note=CONTROL)
        for kind, canary in NOTES.items():
            factories.make_process_note(session, canary, shared=kind == "shared")
    client.post(reverse("account_login"), {"login": service.ada.email, "password": factories.PASSWORD})
    create = reverse("sessions_app:process-note-create", args=[session.episode_id])
    assert client.post(create, {"text": NOTES["private"]}).status_code == 302
    with acting_in(service.organisation.pk):
        changed, deleted = ProcessNote.objects.filter(author=service.ada)[:2]
    edit = reverse("sessions_app:process-note-edit", args=[changed.pk])
    assert client.post(edit, {"text": f"{NOTES['private']} twice", "version": 1}).status_code == 302
    assert client.post(reverse("sessions_app:process-note-delete", args=[deleted.pk])).status_code == 302


def superusers_environment() -> dict[str, str]:
    home = settings.HOME.resolve()
    return {
        "PGHOST": str((home / "sockets").resolve()),
        "PGUSER": "postgres",
        "PGPASSWORD": embedded.kept_secret(home, "postgres"),
        "PGDATABASE": "alliance",
    }


def occurrences(content: bytes) -> dict[str, int]:
    texts = {**NOTES, "control": CONTROL}
    return {kind: content.count(text.encode()) for kind, text in texts.items()}


def test_a_dump_of_everything_holds_no_word_of_a_note(written):
    dump = subprocess.run(
        [embedded.POSTGRES / "pg_dump"], env=superusers_environment(), check=True, capture_output=True
    ).stdout
    found = occurrences(dump)
    assert found.pop("control") == 1, "the dump was searched"
    assert set(found.values()) == {0}
    assert b"COPY public.sessions_app_processnote" in dump


def test_the_files_of_the_database_and_its_log_hold_no_word_of_a_note(written):
    subprocess.run(
        [embedded.POSTGRES / "psql", "--no-psqlrc", "--quiet", "--command", "CHECKPOINT"],
        env=superusers_environment(),
        check=True,
    )
    home = Path(settings.HOME)
    wal = [path for path in (home / "postgres" / "pg_wal").rglob("*") if path.is_file()]
    others = [path for path in home.rglob("*") if path.is_file() and path not in wal]
    for files in (wal, others):
        found: Counter[str] = Counter()
        for path in files:
            found.update(occurrences(path.read_bytes()))
        assert found.pop("control") >= 1, "they were searched"
        assert set(found.values()) == {0}
