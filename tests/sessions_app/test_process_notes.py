"""Process notes: their author's, a supervisor's where marked, and nobody else's."""

import uuid
from html import escape

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import QueryDict
from django.urls import reverse

from accounts import actions as accounts
from accounts.idempotency import digest_of
from accounts.models import AuditEvent, Submission
from clients.models import Episode
from sessions_app.actions.process_notes import delete_process_note, update_process_note, write_process_note
from sessions_app.models import ProcessNote
from tests import factories

TEXT = "I kept looking at the clock <b>&amp;\nand wondered why."


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


@pytest.fixture
def session(episode):
    return factories.make_session(episode)


@pytest.fixture
def note(session):
    return factories.make_process_note(session, TEXT)


@pytest.fixture
def ada(service, browser_of):
    return browser_of(service.ada)


def url(route: str, row) -> str:
    return reverse(f"sessions_app:{route}", args=[row.pk])


def form(**values) -> dict[str, object]:
    return {"submission": str(uuid.uuid4()), "text": "changed", **values}


def seen_by(user) -> list[str]:
    return sorted(note.text for note in ProcessNote.objects.visible_to(user))


# --- Whose it is ------------------------------------------------------------------------------------------


def test_author_alone_reads_a_note(service, note):
    assert seen_by(service.ada) == [TEXT]
    for person in (service.ruth, service.tom, service.otto, service.sam, service.nils):
        assert seen_by(person) == []


def test_supervisor_reads_it_where_the_author_marked_it_and_as_long_as_they_supervise(service, note):
    factories.make_process_note(note.session, "shared", shared=True)
    assert seen_by(service.ruth) == ["shared"]
    assert seen_by(service.otto) == []
    accounts.end_supervision(supervision=service.ada.supervisions_received.get(), by=service.sam)
    assert seen_by(service.ruth) == []


def test_supervisor_no_longer_reads_what_the_author_has_unmarked(service, session):
    note = factories.make_process_note(session, shared=True)
    update_process_note(note=note, version=1, shared_with_supervisor=False, by=service.ada)
    assert seen_by(service.ruth) == []


def test_a_note_stays_with_its_author_when_somebody_else_has_the_episode(service, browser_of, ada, session, note):
    """However an episode changes hands, the notes do not go with it."""
    shared = factories.make_process_note(session, "shared", shared=True)
    Episode.objects.filter(pk=session.episode_id).update(therapist=service.tom)
    assert (seen_by(service.tom), seen_by(service.otto)) == ([], [])
    assert (seen_by(service.ada), seen_by(service.ruth)) == ([TEXT, "shared"], ["shared"])
    page = browser_of(service.tom).get(url("process-notes", session.episode)).content.decode()
    assert "No process notes yet" in page
    assert ada.get(url("process-notes", session.episode)).content.decode().count("<article") == 2
    assert ada.post(url("process-note-edit", note), form(version=1)).status_code == 302
    assert ada.get(url("process-note-create", session.episode)).status_code == 403
    assert ada.post(url("process-note-delete", shared)).status_code == 302


def test_only_the_therapist_of_the_episode_writes_about_it(service, episode):
    for person in (service.tom, service.ruth, service.sam):
        with pytest.raises(PermissionDenied):
            write_process_note(episode=episode, text="x", by=person)


def test_only_the_author_changes_or_deletes_a_note(service, session):
    note = factories.make_process_note(session, shared=True)
    for person in (service.ruth, service.tom, service.sam):
        with pytest.raises(PermissionDenied):
            update_process_note(note=note, version=1, text="x", by=person)
        with pytest.raises(PermissionDenied):
            delete_process_note(note=note, by=person)


# --- Writing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("about", ["session", "episode"])
def test_note_is_written_about_a_session_or_the_episode_as_a_whole(ada, session, about):
    sent = form(text=TEXT, session=session.pk if about == "session" else "")
    answer = ada.post(url("process-note-create", session.episode), sent)
    assert (answer.status_code, answer["Location"]) == (302, url("process-notes", session.episode))
    note = ProcessNote.objects.get()
    assert (note.text, note.shared_with_supervisor, note.whole_episode) == (TEXT, False, session.episode)
    assert (note.session == session) == (about == "session")
    page = ada.get(answer["Location"]).content.decode()
    assert "I kept looking at the clock &lt;b&gt;&amp;amp;<br>and wondered why." in page
    assert ("Session 1," in page) == (about == "session") and "only you" in page


def test_page_of_a_session_proposes_that_session(ada, session):
    link = f"{url('process-note-create', session.episode)}?session={session.pk}"
    assert link in ada.get(url("session", session)).content.decode()
    assert f'value="{session.pk}" selected' in ada.get(link).content.decode()


@pytest.mark.parametrize("wrong", ["", "nonsense", "00000000-0000-4000-8000-000000000000"])
def test_an_address_that_proposes_nothing_of_the_kind_still_opens(ada, episode, wrong):
    assert ada.get(f"{url('process-note-create', episode)}?session={wrong}").status_code == 200


def test_it_says_where_it_is_written_who_reads_it(service, ada, session, note):
    for address in (url("process-note-create", session.episode), url("process-note-edit", note)):
        page = ada.get(address).content.decode()
        assert "Not part of the record." in page
        assert "Only you can read this; your supervisor only if you say so below." in page
        assert "At present that is Ruth Lindqvist." in page
    accounts.end_supervision(supervision=service.ada.supervisions_received.get(), by=service.sam)
    assert "You have no supervisor at present" in ada.get(url("process-note-edit", note)).content.decode()


def test_session_of_another_episode_is_refused(service, ada, episode):
    elsewhere = factories.make_session(factories.make_episode(service.ada, code="R-2"))
    page = ada.post(url("process-note-create", episode), form(text=TEXT, session=elsewhere.pk))
    assert page.status_code == 422 and list(page.context["form"].errors) == ["session"]
    assert escape(TEXT) in page.content.decode()
    with pytest.raises(ValidationError):
        write_process_note(episode=episode, session=elsewhere, text="x", by=service.ada)


@pytest.mark.parametrize("text", ["", "  \n ", "word " * 4_001])
def test_a_text_that_is_none_or_too_long_is_refused_beside_its_field(ada, episode, text):
    page = ada.post(url("process-note-create", episode), form(text=text))
    assert page.status_code == 422 and list(page.context["form"].errors) == ["text"]
    assert text in page.content.decode()
    assert not ProcessNote.objects.exists()


def test_form_sent_twice_writes_one_note(ada, episode):
    sent = form(text=TEXT)
    first, second = (ada.post(url("process-note-create", episode), sent) for _ in range(2))
    assert (first.status_code, first["Location"]) == (second.status_code, second["Location"])
    assert ProcessNote.objects.count() == 1


def test_the_digest_that_tells_a_form_sent_twice_can_not_be_made_without_the_sites_key(settings):
    """Else a short note could be guessed from it."""
    sent = QueryDict("text=short")
    before = digest_of(sent)
    settings.SECRET_KEY = f"another {settings.SECRET_KEY}"
    assert digest_of(sent) != before


# --- Changing -----------------------------------------------------------------------------------------------


def test_author_changes_text_and_who_reads_it(service, ada, note):
    answer = ada.post(url("process-note-edit", note), form(text="changed", shared_with_supervisor="on", version=1))
    assert answer.status_code == 302
    saved = ProcessNote.objects.get()
    assert (saved.text, saved.shared_with_supervisor, saved.version) == ("changed", True, 2)
    assert saved.changed_at >= saved.created_at
    event = AuditEvent.objects.get(action="process-note.changed")
    assert (event.fields, event.object_id, event.person) == (["shared_with_supervisor", "text"], note.pk, service.ada)


def test_two_tabs_saving_one_note_show_both_texts_and_saving_again_works(ada, note):
    address = url("process-note-edit", note)
    assert ada.post(address, form(text="from the first", version=1)).status_code == 302
    conflict = ada.post(address, form(text="from the second", shared_with_supervisor="on", version=1))
    page = conflict.content.decode()
    assert conflict.status_code == 409 and "from the first" in page and "from the second" in page
    assert ProcessNote.objects.get().text == "from the first"
    offered = conflict.context["form"]
    again = {name: offered[name].value() for name in offered.fields}
    assert ada.post(address, again).status_code == 302
    saved = ProcessNote.objects.get()
    assert (saved.text, saved.shared_with_supervisor, saved.version) == ("from the second", True, 3)


def test_edit_sent_twice_is_no_conflict(ada, note):
    sent = form(version=1)
    assert [ada.post(url("process-note-edit", note), sent).status_code for _ in range(2)] == [302, 302]
    assert ProcessNote.objects.get().version == 2


# --- Deleting -----------------------------------------------------------------------------------------------


def test_author_is_asked_and_then_it_is_gone_for_good_with_an_event(service, ada, note):
    asked = ada.get(url("process-note-delete", note)).content.decode()
    assert "Delete this process note?" in asked and "looking at the clock" not in asked
    assert ProcessNote.objects.exists()
    assert ada.post(url("process-note-delete", note)).status_code == 302
    assert not ProcessNote.objects.exists()
    event = AuditEvent.objects.get(action="process-note.deleted")
    assert (event.object_id, event.client_id, event.person, event.fields) == (
        note.pk,
        note.session.episode.client_id,
        service.ada,
        [],
    )
    assert ada.post(url("process-note-delete", note)).status_code == 404


# --- Pages ----------------------------------------------------------------------------------------------------


def test_supervisor_finds_the_way_to_what_is_shared_and_can_not_change_it(service, browser_of, note):
    ruth = browser_of(service.ruth)
    assert "Process notes" not in ruth.get(url("session", note.session)).content.decode()
    assert "None that you may read" in ruth.get(url("process-notes", note.session.episode)).content.decode()
    factories.make_process_note(note.session, "shared thought", shared=True)
    assert "Read 1 about this session" in ruth.get(url("session", note.session)).content.decode()
    page = ruth.get(url("process-notes", note.session.episode)).content.decode()
    assert "shared thought" in page and "Ada Okafor" in page and "looking at the clock" not in page
    assert "Edit" not in page and "Write a process note" not in page


def test_page_that_shows_notes_leaves_the_event_of_it(service, ada, browser_of, note):
    ada.get(url("process-notes", note.session.episode))
    ada.get(url("process-note-edit", note))
    browser_of(service.ruth).get(url("process-notes", note.session.episode))
    viewed = AuditEvent.objects.filter(action="process-notes.viewed", object_id=note.session.episode_id)
    assert [event.person for event in viewed.order_by("happened_at")] == [service.ada, service.ada, service.ruth]


def test_page_prints_a_line_in_place_of_the_notes(ada, note):
    for address in (url("process-notes", note.session.episode), url("process-note-edit", note)):
        page = ada.get(address).content.decode()
        printed = page.partition('class="print-only"')[2]
        assert printed.startswith(">Process notes are not printed.</p>")
        assert page.index("no-print") < page.index("looking at the clock")


def test_page_needs_the_same_few_queries_for_thirty_notes(service, ada, session):
    for number in range(30):
        factories.make_process_note(session, f"note {number}")
    queries = factories.queries_of(ada, url("process-notes", session.episode))
    assert len(queries) <= 8, queries


def test_draft_in_the_browser_is_closed_with_a_key_of_the_person_that_only_the_page_has(service, browser_of, ada, note):
    def key(browser, address):
        return browser.get(address).content.decode().partition('data-keep-key="')[2].partition('"')[0]

    address = url("process-note-edit", note)
    assert key(ada, address) == key(ada, url("process-note-create", note.session.episode)) != ""
    theirs = factories.make_episode(service.tom, code="T-9")
    assert key(browser_of(service.tom), url("process-note-create", theirs)) not in {"", key(ada, address)}


# --- Without the keys -------------------------------------------------------------------------------------------


@pytest.fixture
def no_keys(note, tmp_path, settings):
    settings.FIELD_KEYS_FILE = tmp_path / "missing"


def test_without_the_keys_the_page_says_what_to_do(ada, note, no_keys):
    listed = ada.get(url("process-notes", note.session.episode))
    assert listed.status_code == 200 and "This note can’t be read." in listed.content.decode()
    opened = ada.get(url("process-note-edit", note))
    assert (opened.status_code, opened["Cache-Control"]) == (503, "no-store, private")
    for page in (listed.content.decode(), opened.content.decode()):
        assert "tell whoever runs Alliance to put it back" in page
        assert "looking at the clock" not in page
    assert ada.get(url("session", note.session)).status_code == 200


def test_without_the_keys_nothing_is_saved_and_what_was_typed_stays(ada, note, no_keys):
    for address in (url("process-note-create", note.session.episode), url("process-note-edit", note)):
        page = ada.post(address, form(text="typed while it was missing", version=1))
        assert page.status_code == 422
        assert "typed while it was missing" in page.content.decode()
        assert "The note can’t be encrypted, so it is not saved." in page.content.decode()
    assert [(row.pk, row.version) for row in ProcessNote.objects.all()] == [(note.pk, 1)]
    assert not Submission.objects.exists()


def test_without_the_keys_a_note_can_still_be_deleted(ada, note, no_keys):
    assert ada.post(url("process-note-delete", note)).status_code == 302
    assert not ProcessNote.objects.exists()
