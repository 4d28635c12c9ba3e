"""A new key while people go on reading and writing: nothing is lost, whenever it is stopped."""

import os
import signal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from accounts import encryption, rotation, second_factor
from accounts.models import AuditEvent
from jobs.organisation import acting_in
from sessions_app.models import ProcessNote
from tests import factories, processes
from tests.parallel import somebody_waits_for_a_lock, wait_until

COMMAND = "rotate_field_keys"


@pytest.fixture(autouse=True)
def file(tmp_path, settings):
    settings.FIELD_KEYS_FILE = tmp_path / "field.keys"
    encryption.add_key()
    return settings.FIELD_KEYS_FILE


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


def keys_in(file) -> list[str]:
    return [line.split()[0] for line in file.read_text().splitlines()]


def keys_used() -> set[str]:
    text = ProcessNote._meta.get_field("text")
    return {encryption.key_id_of(text.stored_in(note)) for note in ProcessNote.objects.all()}


def texts() -> list[str]:
    return sorted(note.text for note in ProcessNote.objects.all())


def test_every_text_of_every_service_is_encrypted_with_the_new_key(service, other_service, file, capsys):
    with acting_in(other_service.organisation.pk):
        factories.make_process_note(factories.make_episode(other_service.ada, code="E-1"), "theirs")
    factories.make_process_note(factories.make_episode(service.ada), "ours")
    (old,) = keys_in(file)
    call_command(COMMAND)
    new, kept = keys_in(file)
    assert kept == old
    assert f"Key {new} was added. 2 texts were encrypted with it." in capsys.readouterr().out
    assert (texts(), keys_used()) == (["ours"], {new})
    with acting_in(other_service.organisation.pk):
        assert (texts(), keys_used()) == (["theirs"], {new})
        assert AuditEvent.objects.filter(action="field-keys.rotated").count() == 1


def test_seeds_of_second_factors_are_encrypted_with_the_new_key(service, other_service, file, capsys):
    factors = [factories.make_app(service.ada)]
    with acting_in(other_service.organisation.pk):
        factors.append(factories.make_app(other_service.ada))
    call_command(COMMAND)
    new, _old = keys_in(file)
    assert "4 texts were encrypted with it." in capsys.readouterr().out
    for owner, factor in zip((service, other_service), factors, strict=True):
        before = second_factor.unseal(factor.data["secret"])
        with acting_in(owner.organisation.pk):
            factor.refresh_from_db()
            assert rotation.key_of_seed(factor) == new
            assert second_factor.unseal(factor.data["secret"]) == before


def test_a_note_that_is_open_for_editing_can_still_be_saved(episode, file):
    note = factories.make_process_note(episode)
    call_command(COMMAND)
    assert ProcessNote.objects.get(pk=note.pk).version == note.version


def test_an_unfinished_rotation_goes_on_without_another_key(episode, file, capsys):
    for number in range(3):
        factories.make_process_note(episode, f"note {number}")
    encryption.add_key()
    factories.make_process_note(episode, "written in between")
    before = keys_in(file)
    call_command(COMMAND)
    assert f"Went on with key {before[0]}. 3 texts were encrypted with it." in capsys.readouterr().out
    assert (keys_in(file), keys_used()) == (before, {before[0]})


def test_a_text_saved_meanwhile_is_not_put_back(episode, monkeypatch):
    note = factories.make_process_note(episode, "as it was")
    seal = encryption.EncryptedTextField.seal

    def save_first(field, row, text):
        saved = seal(field, row, "saved meanwhile")
        ProcessNote.objects.filter(pk=note.pk).update(text=saved)
        return seal(field, row, text)

    monkeypatch.setattr(encryption.EncryptedTextField, "seal", save_first)
    rotation.rotate()
    assert texts() == ["saved meanwhile"]


def test_a_text_that_no_key_opens_stays_as_it_is_and_is_named(episode, file):
    lost, kept = factories.make_process_note(episode, "lost"), factories.make_process_note(episode, "kept")
    text = ProcessNote._meta.get_field("text")
    broken = encryption.Sealed(text.seal(kept, "moved here"))
    ProcessNote.objects.filter(pk=lost.pk).update(text=broken)
    for _ in range(2):
        with pytest.raises(CommandError, match=str(lost.pk)):
            call_command(COMMAND)
        assert text.stored_in(ProcessNote.objects.get(pk=lost.pk)) == broken
    assert ProcessNote.objects.get(pk=kept.pk).text == "kept"


def test_two_do_not_rotate_at_once(committed, file):
    with connections["limits"].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [rotation.LOCK])
        with pytest.raises(CommandError, match="under way"):
            call_command(COMMAND)
    assert len(keys_in(file)) == 1


# --- Killed in the middle ---------------------------------------------------------------------------------------


def is_rotating() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s)", [rotation.LOCK]
        )
        return cursor.fetchone()[0]


def test_killed_in_the_middle_everything_is_readable_and_the_next_run_finishes(committed, file):
    service = factories.make_service()
    with acting_in(service.organisation.pk):
        episode = factories.make_episode(service.ada)
        for number in range(rotation.ROWS_IN_A_STEP + 10):
            factories.make_process_note(episode, f"note {number:03}")
        written = texts()
        last = ProcessNote.objects.order_by("pk").last()
    environment = {"FIELD_KEYS_FILE": str(file), "DATABASE_OWNER_URL": os.environ["DATABASE_OWNER_URL"]}
    with acting_in(service.organisation.pk):
        ProcessNote.objects.select_for_update().get(pk=last.pk)  # the second step comes as far as this row
        with processes.program("manage.py", COMMAND, "--skip-checks", **environment) as rotating:
            wait_until(somebody_waits_for_a_lock, what="the rotation waits for that row")
            processes.end(rotating, signal.SIGKILL)
    wait_until(lambda: not is_rotating(), what="the database notices that it is gone")
    with acting_in(service.organisation.pk):
        assert (texts(), len(keys_used()), len(keys_in(file))) == (written, 2, 2)
    call_command(COMMAND)
    with acting_in(service.organisation.pk):
        assert (texts(), keys_used(), len(keys_in(file))) == (written, {keys_in(file)[0]}, 2)


# --- The first key, and its loss --------------------------------------------------------------------------------


def test_the_first_key_is_made_once(service, file):
    before = file.read_text()
    call_command(COMMAND, "--if-none")
    assert file.read_text() == before
    file.unlink()
    call_command(COMMAND, "--if-none")
    assert len(keys_in(file)) == 1 and file.read_text() != before


@pytest.mark.parametrize("option", [[], ["--if-none"]])
def test_no_new_file_takes_the_place_of_one_that_encrypted_something(episode, file, option):
    factories.make_process_note(episode)
    file.unlink()
    with pytest.raises(CommandError, match="Put it back from its safe copy"):
        call_command(COMMAND, *option)
    assert not file.exists()


def test_after_a_loss_one_can_begin_anew_and_says_so(episode, file):
    factories.make_process_note(episode, "gone")
    with pytest.raises(CommandError, match="The file of keys is there"):
        call_command(COMMAND, "--keys-are-lost")
    file.unlink()
    call_command(COMMAND, "--keys-are-lost")
    assert len(keys_in(file)) == 1
    factories.make_process_note(episode, "new")
    with pytest.raises(encryption.KeyUnknown):
        texts()


def test_a_file_that_is_no_file_of_keys_is_told_in_a_sentence(service, file):
    file.write_text("nothing of use\n")
    with pytest.raises(CommandError, match="Line 1 of the file of keys"):
        call_command(COMMAND)
