"""What whoever watches the machines is told, above all while the database is away."""

import pytest
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from django.urls import reverse


@pytest.fixture
def database_away(monkeypatch):
    def refuse(self):
        raise OperationalError("connection refused, at an address that is nobody's business")

    for name in ("ensure_connection", "connect"):
        monkeypatch.setattr(BaseDatabaseWrapper, name, refuse)


@pytest.fixture
def watcher():
    browser = Client(raise_request_exception=False)
    browser.cookies["sessionid"] = "a-cookie-that-nobody-needs-to-look-up"
    return browser


def test_the_process_is_alive_without_a_database(database_away, watcher):
    answer = watcher.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


def test_it_is_not_ready_without_a_database_and_says_why(database_away, watcher):
    answer = watcher.get("/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "database out of reach"})


@pytest.mark.parametrize("route", ["home", "account_login", "clients:client-list"])
def test_other_pages_say_in_words_that_something_is_wrong(database_away, watcher, route):
    answer = watcher.get(reverse(route))
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.content.decode()
    assert "nobody" not in answer.content.decode()


@pytest.mark.django_db
def test_it_is_ready_with_a_database(watcher):
    answer = watcher.get("/health/ready")
    assert answer.status_code == 200 and answer.json()["status"] == "ready"


@pytest.mark.django_db
def test_there_is_nothing_else_to_ask_about_health(watcher):
    assert watcher.get("/health/everything").status_code == 404
