"""What whoever watches the machines is told, above all while the database is away."""

import uuid
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import Job, PeriodicRun


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


# --- Figures --------------------------------------------------------------------------------------------


def figures_in(answer) -> dict[str, float]:
    """What a monitor reads: a name and a number in each line that is no comment."""
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in map(str.split, lines)}


@pytest.mark.django_db
def test_metrics_count_jobs_and_say_how_old_the_oldest_and_the_last_beat_are(watcher, committed_job_times):
    answer = watcher.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    found = figures_in(answer)
    assert (found["alliance_jobs_waiting"], found["alliance_jobs_under_way"], found["alliance_jobs_failed"]) == (
        2,
        1,
        1,
    )
    assert found["alliance_oldest_job_age_seconds"] == pytest.approx(90, abs=5)
    assert found["alliance_beat_age_seconds"] == pytest.approx(30, abs=5)
    assert found["alliance_database_up"] == 1


@pytest.fixture
def committed_job_times(db):
    """One job that has waited for 90 s, one that is due in an hour, one under way, one given up; a beat 30 s ago."""

    def add(**values) -> None:
        Job.objects.create(organisation_id=uuid.uuid4(), object_id=uuid.uuid4(), task="x", **values)

    now = timezone.now()
    add(available_at=now - timedelta(seconds=90))
    add(available_at=now + timedelta(hours=1))
    add(available_at=now - timedelta(seconds=10), handed_at=now)
    add(available_at=now - timedelta(days=1), failed_at=now)
    PeriodicRun.objects.create(name="sweep", period_start=now, started_at=now - timedelta(seconds=30))


@pytest.mark.django_db
def test_metrics_of_an_idle_service_leave_out_what_is_not_there(watcher):
    assert figures_in(watcher.get("/metrics")) == {
        "alliance_jobs_waiting": 0,
        "alliance_jobs_under_way": 0,
        "alliance_jobs_failed": 0,
        "alliance_database_up": 1,
    }


def test_metrics_without_a_database_say_that_alone(database_away, watcher):
    answer = watcher.get("/metrics")
    assert answer.status_code == 200 and figures_in(answer) == {"alliance_database_up": 0}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "behind_proxy", "status"),
    [
        ("127.0.0.1", False, 200),
        ("::1", False, 200),
        ("10.0.0.9", False, 404),
        ("", False, 404),
        ("127.0.0.1", True, 404),
    ],
)
def test_metrics_without_a_token_are_for_this_machine_and_for_nobody_behind_a_proxy(
    watcher, settings, address, behind_proxy, status
):
    settings.BEHIND_PROXY = behind_proxy
    forged = {"x-forwarded-for": "127.0.0.1"}
    assert watcher.get("/metrics", REMOTE_ADDR=address, headers=forged).status_code == status


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"Bearer {'t' * 40}", 200),
        (f"bearer {'t' * 40}", 200),
        (f"Basic {'t' * 40}", 404),
        (f"Bearer {'t' * 39}", 404),
        ("Bearer ä", 404),
        ("", 404),
    ],
)
def test_metrics_with_a_token_are_for_who_has_it_from_wherever(watcher, settings, header, status):
    settings.METRICS_TOKEN = "t" * 40
    answer = watcher.get("/metrics", REMOTE_ADDR="10.0.0.9", headers={"authorization": header} if header else {})
    assert answer.status_code == status
