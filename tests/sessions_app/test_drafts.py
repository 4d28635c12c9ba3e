"""What a therapist types of a log before saving it: kept, the same everywhere, and never overwritten in silence."""

import re
import uuid

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from jobs.organisation import acting_in
from sessions_app.actions import drafts as actions
from sessions_app.models import LogDraft, TherapySession
from tests import factories
from tests.parallel import at_once


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


@pytest.fixture
def browser(service, browser_of):
    return browser_of(service.ada)


def typed(version=0, **values) -> dict[str, object]:
    filled = {
        "submission": str(uuid.uuid4()),
        "draft_version": version,
        "number": 1,
        "held_on": timezone.localdate().isoformat(),
        "attendance": "late",
        "format": "video",
        "note": "We looked at the week.",
        "item-1": "6",
    }
    return {**filled, **values}


def url(episode, name="log-draft") -> str:
    return reverse(f"sessions_app:{name}", args=[episode.pk])


def test_what_was_typed_is_there_again_on_another_device(service, episode, browser, browser_of):
    assert browser.post(url(episode), typed()).headers["X-Draft-Version"] == "1"
    page = browser_of(service.ada).get(url(episode, "session-log")).content.decode()
    assert "We looked at the week." in page
    assert re.search(r'name="attendance" value="late"[^>]* checked', page)
    assert 'name="item-1" value="6" checked' in page
    assert 'name="draft_version" value="1"' in page and "Draft of" in page


def test_saving_the_log_leaves_no_draft(episode, browser):
    browser.post(url(episode), typed())
    assert browser.post(url(episode, "session-log"), typed(version=1)).status_code == 302
    assert not LogDraft.objects.exists()
    assert TherapySession.objects.get().note == "We looked at the week."


def test_typing_on_counts_the_version_and_saying_the_same_does_not(episode, browser):
    for version, note, now in ((0, "a", "1"), (1, "ab", "2"), (2, "ab", "2"), (0, "ab", "2")):
        assert browser.post(url(episode), typed(version, note=note)).headers["X-Draft-Version"] == now


def test_second_tab_that_is_behind_is_shown_both_and_overwrites_nothing(episode, browser):
    browser.post(url(episode), typed(note="in the first tab"))
    answer = browser.post(url(episode), typed(note="in the second tab", attendance="attended"))
    assert (answer.status_code, answer.headers["X-Draft-Version"]) == (409, "1")
    words = answer.content.decode()
    assert all(text in words for text in ("in the first tab", "in the second tab", "Late", "Attended", "Attendance"))
    assert "Format" not in words
    assert LogDraft.objects.get().content["note"] == ["in the first tab"]


def test_log_saved_from_a_tab_that_is_behind_is_shown_both_before_it_is_saved(episode, browser):
    browser.post(url(episode), typed(note="typed on the phone"))
    page = browser.post(url(episode, "session-log"), typed(note="typed on the laptop"))
    assert page.status_code == 409
    words = page.content.decode()
    assert "typed on the phone" in words and "typed on the laptop" in words
    assert 'name="draft_version" value="1"' in words
    assert not TherapySession.objects.exists()
    saved = browser.post(url(episode, "session-log"), typed(version=1, note="both"))
    assert saved.status_code == 302 and TherapySession.objects.get().note == "both"


def test_tab_left_open_after_the_log_was_saved_elsewhere_says_so(episode, browser):
    browser.post(url(episode), typed())
    browser.post(url(episode, "session-log"), typed(version=1))
    answer = browser.post(url(episode), typed(version=1, note="typed on"))
    assert (answer.status_code, answer.headers["X-Draft-Version"]) == (409, "0")
    assert "was saved or thrown away" in answer.content.decode()
    again = browser.post(url(episode, "session-log"), typed(version=1, note="typed on"))
    assert again.status_code == 422 and "already logged" in again.content.decode()
    assert "typed on" in again.content.decode()


def test_draft_can_be_thrown_away(episode, browser):
    browser.post(url(episode), typed())
    assert browser.post(url(episode, "log-discard")).status_code == 302
    assert "We looked at the week." not in browser.get(url(episode, "session-log")).content.decode()


def test_draft_is_its_authors_alone(service, episode, browser, browser_of):
    browser.post(url(episode), typed())
    assert browser_of(service.tom).post(url(episode), typed()).status_code == 404
    with pytest.raises(PermissionDenied):
        actions.save_draft(episode=episode, content={}, version=0, by=service.tom)
    assert browser_of(service.ruth).post(url(episode), typed()).status_code == 403


def test_draft_longer_than_any_log_is_refused(episode, browser):
    assert browser.post(url(episode), typed(note="x" * 200_001)).status_code == 413
    assert not LogDraft.objects.exists()


def test_what_nobody_can_type_does_not_keep_a_draft_from_being_kept(episode, browser):
    sent = typed(note="a\0b", version="9" * 5000) | {"item-\0": "1"}
    assert browser.post(url(episode), sent).status_code == 204
    assert LogDraft.objects.get().content["note"] == ["ab"]
    assert browser.post(url(episode), typed(version="9" * 5000)).status_code == 409


def test_of_two_tabs_that_save_at_once_one_is_told(committed):
    service = factories.make_service()
    with acting_in(service.organisation.pk):
        episode = factories.make_episode(service.ada)

    def save(number: int) -> None:
        with acting_in(service.organisation.pk):
            actions.save_draft(episode=episode, content={"note": [str(number)]}, version=0, by=service.ada)

    found = at_once(lambda: save(1), lambda: save(2))
    assert sorted(type(one).__name__ for one in found) == ["NoneType", "StaleVersion"]
    with acting_in(service.organisation.pk):
        assert LogDraft.objects.get().version == 1


def test_autosave_that_comes_after_the_log_was_saved_keeps_nothing(episode, browser):
    sent = typed()
    assert browser.post(url(episode, "session-log"), sent).status_code == 302
    late = browser.post(url(episode), sent)
    assert (late.status_code, late["X-Draft-Version"]) == (204, "0")
    assert not LogDraft.objects.exists()
