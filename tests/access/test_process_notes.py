"""What opens no process note, and who knows that there are any. Which page shows which note to whom: test_pages.py."""

import pytest
from django.urls import reverse

from accounts import encryption
from jobs.organisation import acting_in
from sessions_app.models import ProcessNote
from tests import factories
from tests.access.world import NOTES, make_world
from tests.architecture.test_imports import ROOT, app_of, modules

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(service, other_service):
    return make_world(service, other_service)


def stored(note: ProcessNote) -> encryption.Sealed:
    return ProcessNote._meta.get_field("text").stored_in(ProcessNote.objects.get(pk=note.pk))


def listed(world, who="ada") -> str:
    address = reverse("sessions_app:process-notes", args=[world.episode.pk])
    return world.browser(who).get(address).content.decode()


def test_another_key_opens_nothing_and_the_page_says_so(world, tmp_path, settings):
    settings.FIELD_KEYS_FILE = tmp_path / "field.keys"
    encryption.add_key()
    page = listed(world)
    assert page.count("This note can’t be read.") == 2 and "add that key" in page
    assert not any(canary in page for canary in NOTES.values())
    edit = world.browser("ada").get(reverse("sessions_app:process-note-edit", args=[world.private_note.pk]))
    assert edit.status_code == 503 and "This text can’t be read" in edit.content.decode()


def test_notes_whose_texts_changed_places_do_not_open_and_keep_nobody_from_the_others(world):
    third = factories.make_process_note(world.session, "in its place")
    private, shared = stored(world.private_note), stored(world.shared_note)
    ProcessNote.objects.filter(pk=world.private_note.pk).update(text=shared)
    ProcessNote.objects.filter(pk=world.shared_note.pk).update(text=private)
    page = listed(world)
    assert page.count("This note can’t be read.") == 2 and "it was changed or moved" in page
    assert third.text in page and not any(canary in page for canary in NOTES.values())
    assert not any(canary in listed(world, "ruth") for canary in NOTES.values())


def test_a_note_given_to_another_organisation_does_not_open_there(world):
    """Somebody with the database could copy the row; without the key it stays closed there."""
    sealed = stored(world.private_note)
    with acting_in(world.other.organisation.pk):
        theirs = factories.make_process_note(factories.make_episode(world.other.ada, code="E-7"), "theirs")
        ProcessNote.objects.filter(pk=theirs.pk).update(text=sealed)
        with pytest.raises(encryption.NotGenuine):
            _ = ProcessNote.objects.get(pk=theirs.pk).text


# --- Who knows of them ------------------------------------------------------------------------------------------------


def test_only_their_own_pages_and_what_is_handed_to_the_client_know_of_process_notes():
    """No export, search, statistic, chart or page of administration can show what it does not know of. The pack for
    the client has those of the author who ticked the box (tests/reports/test_packs.py), erasure counts and removes.
    """
    words = ("ProcessNote", "processnote", "process_note", "process-note")
    knowing = {
        name
        for name, path in modules().items()
        if "migrations" not in name and any(word in path.read_text() for word in words)
    }
    names = {"accounts.access", "accounts.classification", "accounts.context", "accounts.reads", "reports.trail_words"}
    privacy = {f"reports.privacy.{module}" for module in ("about", "held", "packs")}
    handed_out = {"reports.models", "reports.forms.privacy"} | privacy
    allowed = names | handed_out | {"dashboards.demo"}
    assert {name for name in knowing if app_of(name) != "sessions_app"} <= allowed
    templates = {
        path.name for path in (ROOT / "templates").rglob("*.html") if any(word in path.read_text() for word in words)
    }
    assert {name for name in templates if "process_note" not in name} == {
        *("session.html", "episode.html"),
        *("client_data.html", "_export_body.html"),
    }


def test_nothing_leads_back_from_a_record_to_process_notes():
    hidden = [field for field in ProcessNote._meta.concrete_fields if field.is_relation]
    assert {field.name for field in hidden} == {"organisation", "session", "episode", "author"}
    assert all(field.remote_field.hidden for field in hidden)
