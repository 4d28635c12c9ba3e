"""When a session ends, what puts that off, and for what somebody is asked again who they are."""

import time
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.urls import reverse

from accounts import signed_in
from accounts.models import AuditEvent
from tests import factories
from tests.factories import PASSWORD, Browser

pytestmark = pytest.mark.django_db

IDLE, LONGEST, LATELY = timedelta(minutes=30), timedelta(hours=12), 900
SECOND = timedelta(seconds=1)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def browser(service, browser_of):
    return browser_of(service.ada)


@pytest.fixture
def row(service, browser):
    return UserSession.objects.get(session_key=browser.session.session_key)


@pytest.fixture
def clock(row, monkeypatch):
    """A clock that stands still until a test moves it; the session was used last when it starts."""
    now = {"at": row.last_seen_at}
    monkeypatch.setattr(signed_in, "clock", lambda: now["at"])
    return now


def is_in(browser: Browser, page: str = "account") -> bool:
    return browser.get(reverse(page)).status_code == 200


def left(browser: Browser) -> dict:
    return browser.get(reverse("accounts:session-left")).json()


@pytest.mark.parametrize(("before", "stays"), [(SECOND, True), (timedelta(), False), (-SECOND, False)])
def test_a_session_left_alone_ends_at_its_limit_to_the_second(browser, clock, before, stays):
    clock["at"] += IDLE - before
    assert is_in(browser) == stays


@pytest.mark.parametrize(("before", "stays"), [(SECOND, True), (timedelta(), False), (-SECOND, False)])
def test_whatever_is_done_it_ends_after_the_longest_time(browser, row, clock, before, stays):
    clock["at"] = row.created_at + LONGEST - timedelta(minutes=20)
    UserSession.objects.update(last_seen_at=clock["at"])
    assert is_in(browser)
    assert left(browser) == {"seconds": 20 * 60, "stay": False}
    clock["at"] = row.created_at + LONGEST - before
    assert is_in(browser) == stays


def test_limits_are_settings(browser, clock, settings):
    settings.SESSION_IDLE_SECONDS = 60
    clock["at"] += timedelta(seconds=60)
    assert not is_in(browser)


def test_work_puts_the_end_off(browser, clock):
    for _ in range(4):
        clock["at"] += IDLE - SECOND
        assert is_in(browser)
    clock["at"] += IDLE
    assert not is_in(browser)


def test_a_form_that_was_refused_is_work_too(browser, clock):
    clock["at"] += IDLE - SECOND
    assert browser.post(reverse("accounts:token-list"), {}).status_code == 422
    clock["at"] += IDLE - SECOND
    assert is_in(browser)


def test_what_a_page_asks_for_by_itself_puts_nothing_off(service, browser, clock):
    episode = factories.make_episode(service.ada)
    assert is_in(browser)
    for _ in range(3):
        clock["at"] += timedelta(minutes=8)
        assert browser.get(reverse("dashboards:episode-change", args=[episode.pk]), headers=HTMX).status_code == 200
        assert left(browser)["seconds"] > 0
    clock["at"] += timedelta(minutes=6)
    assert not is_in(browser)


def test_the_button_to_stay_puts_the_end_off(browser, clock):
    clock["at"] += IDLE - timedelta(minutes=2)
    assert left(browser) == {"seconds": 120, "stay": True}
    assert browser.post(reverse("accounts:session-stay")).status_code == 204
    assert left(browser) == {"seconds": 30 * 60, "stay": True}


def test_whoever_was_signed_out_learns_why_and_comes_back(service, browser, clock):
    wanted = reverse("clients:client-list")
    clock["at"] += IDLE
    answer = browser.get(wanted)
    assert answer["Location"] == f"/sign-in/?next={wanted}"
    assert "nothing was done here for a while" in browser.get(answer["Location"]).content.decode()
    assert AuditEvent.objects.filter(action="person.session-ended", person=service.ada).count() == 1


def test_a_part_of_a_page_loads_the_whole_page_again(service, browser, clock):
    episode = factories.make_episode(service.ada)
    clock["at"] += IDLE
    answer = browser.get(reverse("dashboards:episode-change", args=[episode.pk]), headers=HTMX)
    assert (answer.status_code, answer["HX-Refresh"]) == (204, "true")


def test_a_session_that_ended_is_gone_from_the_server(browser, row, clock):
    clock["at"] += IDLE
    browser.get(reverse("account"))
    clock["at"] -= IDLE
    thief = Browser()
    thief.cookies["sessionid"] = row.session_key
    assert not is_in(thief)


def test_a_handed_over_device_is_the_same_session_under_another_key(service, browser, clock):
    session = factories.make_session(factories.make_episode(service.ada))
    browser.post(reverse("measures:hand-over", args=[session.pk]))
    assert UserSession.objects.filter(session_key=browser.session.session_key).exists()
    browser.post(reverse("measures:hand-back"), {"password": PASSWORD})
    assert is_in(browser)


# --- Who somebody is, once more -----------------------------------------------------------------------------------


def long_ago(browser: Browser, seconds: int = LATELY) -> Browser:
    """Signed in, or asked again, so many seconds ago."""
    session = browser.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time() - seconds}]
    session.save()
    return browser


def test_process_notes_are_opened_only_after_the_password_lately(service, browser):
    episode = factories.make_episode(service.ada)
    note = factories.make_process_note(factories.make_session(episode), "the secret of it")
    pages = [reverse("sessions_app:process-notes", args=[episode.pk])]
    pages += [reverse(f"sessions_app:process-note-{what}", args=[note.pk]) for what in ("edit", "delete")]
    long_ago(browser, LATELY - 30)
    assert all(browser.get(page).status_code == 200 for page in pages)
    long_ago(browser)
    viewed = AuditEvent.objects.count()
    for page in pages:
        answer = browser.get(page)
        assert answer["Location"] == f"{reverse('account_reauthenticate')}?next={page.replace('/', '%2F')}"
    assert AuditEvent.objects.count() == viewed
    asked = browser.get(pages[0])["Location"]
    assert "the secret of it" not in browser.get(asked).content.decode()
    assert browser.post(asked, {"password": "not it at all, I fear"}).status_code == 200
    assert browser.post(asked, {"password": PASSWORD})["Location"] == pages[0]
    assert all(browser.get(page).status_code == 200 for page in pages)


def test_a_note_that_is_written_for_long_is_saved_without_being_asked(service, browser):
    """What is typed would be lost, or stand in the session, where it could be read."""
    note = factories.make_process_note(factories.make_session(factories.make_episode(service.ada)))
    page = reverse("sessions_app:process-note-edit", args=[note.pk])
    form = {"text": "written over an hour", "version": note.version}
    assert long_ago(browser).post(page, form).status_code == 302
    note.refresh_from_db()
    assert note.text == "written over an hour"


def test_roles_are_changed_only_after_the_password_lately(service, browser_of):
    sam = long_ago(browser_of(service.sam))
    page = reverse("accounts:person-edit", args=[service.nils.pk])
    form = {"name": "Nils Holm", "email": service.nils.email, "version": 1, "is_administrator": "on", "is_active": "on"}
    for address in (page, reverse("accounts:person-create")):
        for answer in (sam.get(address), sam.post(address, form)):
            assert answer["Location"].startswith(reverse("account_reauthenticate"))
    service.nils.refresh_from_db()
    assert not service.nils.is_administrator
    sam.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert sam.post(reverse("accounts:person-edit", args=[service.nils.pk]), form).status_code == 302
    service.nils.refresh_from_db()
    assert service.nils.is_administrator


def test_of_whom_a_second_step_is_asked_is_changed_only_after_the_password_lately(service, browser_of):
    sam = long_ago(browser_of(service.sam))
    page = reverse("accounts:organisation-edit")
    form = sam.get(page).context["form"]
    values = {name: str(form[name].value()) for name in form.fields if name != "submission"}
    assert sam.post(page, values | {"name": "Harbour East"})["Location"] == page
    values |= {"name": "Harbour East", "second_factor_for": "everybody", "version": 2}
    assert sam.post(page, values)["Location"].startswith(reverse("account_reauthenticate"))
    sam.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert sam.post(page, values)["Location"] == page
    service.organisation.refresh_from_db()
    assert service.organisation.second_factor_for == "everybody"


def test_being_asked_again_leads_to_no_other_site(service, browser):
    answer = browser.post(f"{reverse('account_reauthenticate')}?next=https://evil.example/", {"password": PASSWORD})
    assert answer["Location"] == reverse("home")
