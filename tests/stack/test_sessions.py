"""What a session that can't be saved leads to, and a cookie that is none of ours."""

import uuid

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.urls import reverse

from alliance_site.sessions import SessionStore
from clients.models import Episode

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    store = SessionStore()
    store["organisation"] = "one"
    store.save()
    return store


def out_of_reach(*args, **kwargs):
    raise OperationalError("server closed the connection unexpectedly")


def test_that_the_database_is_out_of_reach_is_said_as_it_is(store, monkeypatch):
    monkeypatch.setattr(Session, "save", out_of_reach)
    with pytest.raises(OperationalError):
        store.save()


def test_a_session_that_was_ended_meanwhile_is_not_brought_back(store):
    Session.objects.filter(pk=store.session_key).delete()
    with pytest.raises(UpdateError):
        store.save()
    assert not Session.objects.filter(pk=store.session_key).exists()


def test_what_was_saved_before_the_session_failed_is_kept_and_never_called_a_bad_request(
    service, browser_of, monkeypatch
):
    """Sent again, the form leads to what it made."""
    browser = browser_of(service.ada)
    browser.raise_request_exception = False
    form = {"submission": uuid.uuid4(), "code": "R-1", "modality": "cbt", "practitioner_title": "Counsellor"}
    form["started_on"] = service.organisation.today.isoformat()
    with monkeypatch.context() as patch:
        patch.setattr(Session, "save", out_of_reach)
        assert browser.post(reverse("clients:client-create"), form).status_code == 500
    again = browser.post(reverse("clients:client-create"), form)
    assert again["Location"] == reverse("dashboards:episode", args=[Episode.objects.get().pk])


@pytest.mark.parametrize("key", [r'"\000\000\000\000\000\000\000\000"', "a" * 3000, "\xff" * 8, "'; DROP TABLE"])
def test_a_cookie_that_we_did_not_give_signs_nobody_in(db, browser_of, key):
    answer = browser_of().get(reverse("clients:client-list"), headers={"cookie": f"sessionid={key}"})
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, reverse("account_login"))
