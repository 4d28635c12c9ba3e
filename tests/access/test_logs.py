"""What a page that breaks leaves in the log: enough to find it, and nothing that somebody wrote."""

import io
import json
import logging
import smtplib

import pytest
from django.urls import reverse

from alliance_site.logs import json_formatter
from jobs import actions as jobs
from jobs.models import Job
from measures import tasks
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def log():
    """The lines as the console handler writes them."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(json_formatter())
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


def break_quoting_somebody(*args, **kwargs):
    wrote = "CANARY of a local value"
    raise ValueError(f"the client wrote: CANARY {wrote}")


def test_a_page_that_breaks_is_logged_with_kind_page_and_place(service, browser_of, log, monkeypatch):
    monkeypatch.setattr("accounts.selectors.count_people", break_quoting_somebody)
    sam = browser_of(service.sam)
    sam.raise_request_exception = False
    assert sam.get(reverse("accounts:person-list")).status_code == 500
    (line,) = [json.loads(line) for line in log.getvalue().splitlines() if "Internal Server Error" in line]
    assert (line["error"], line["route"]) == ("ValueError", "accounts:person-list")
    file, _, number = line["place"].rpartition(":")
    assert file == "tests/access/test_logs.py" and int(number) > 1
    assert line["event"] == "Internal Server Error"
    assert "CANARY" not in log.getvalue()
    assert reverse("accounts:person-list") not in log.getvalue()


def test_the_token_of_a_link_never_reaches_the_log(service, log, monkeypatch):
    _request, token = factories.make_request(factories.make_session(factories.make_episode(service.ada)))
    monkeypatch.setattr("measures.views.redirect", break_quoting_somebody)
    browser = factories.Browser(raise_request_exception=False)
    assert browser.get(reverse("measures:link", args=[token])).status_code == 500
    welcome = reverse("accounts:choose-password", args=[service.nils.pk, "a-token-of-nils"])
    monkeypatch.setattr("accounts.selectors.person_with_link", break_quoting_somebody)
    assert browser.get(welcome).status_code == 500
    routes = {json.loads(line).get("route") for line in log.getvalue().splitlines()}
    assert {"measures:link", "accounts:choose-password"} <= routes
    assert token not in log.getvalue() and "a-token-of-nils" not in log.getvalue()
    assert "CANARY" not in log.getvalue()


ADDRESS = "canary-of-an-address@post.example"


@pytest.fixture
def invitation(service):
    """An e-mail whose job was handed over."""
    session = factories.make_session(factories.make_episode(service.ada))
    factories.agree_to_mails(session.episode.client, ADDRESS)
    invitation = factories.make_invitation(session)
    Job.objects.exclude(object_id=invitation.pk).delete()
    jobs.take_waiting_jobs()
    return invitation


def work() -> None:
    tasks.send_invitation(str(Job.objects.get(task="measures.send_invitation").pk))


REFUSALS = [
    smtplib.SMTPRecipientsRefused({ADDRESS: (550, f"no {ADDRESS} here".encode())}),
    smtplib.SMTPDataError(450, f"{ADDRESS} is busy".encode()),
    TimeoutError(f"while {ADDRESS} was said"),
]


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("step", ["open", "send_messages"])
def test_neither_address_nor_link_of_an_e_mail_that_is_not_taken_reaches_the_log(
    invitation, log, monkeypatch, step, error
):
    def refuse(*args):
        raise error

    monkeypatch.setattr(f"django.core.mail.backends.locmem.EmailBackend.{step}", refuse)
    work()
    (line,) = [json.loads(line) for line in log.getvalue().splitlines()]
    assert line["error"] == type(error).__name__
    assert_quotes_nothing_of(invitation, log)


@pytest.mark.parametrize("place", ["measures.mail.written", "measures.actions.invitations.settle"])
def test_neither_address_nor_link_of_an_e_mail_whose_job_breaks_reaches_the_log(invitation, log, monkeypatch, place):
    def break_quoting_it(*args):
        raise ValueError(f"{ADDRESS} {invitation.request.token} {invitation.stop_token}")

    monkeypatch.setattr(place, break_quoting_it)
    work()
    assert "job failed" in log.getvalue()
    assert_quotes_nothing_of(invitation, log)


def test_the_page_that_ends_e_mails_breaks_without_its_token(invitation, log, monkeypatch):
    monkeypatch.setattr("measures.views.invitations.unsubscribe", break_quoting_somebody)
    browser = factories.Browser(raise_request_exception=False)
    assert browser.post(reverse("measures:stop", args=[invitation.stop_token])).status_code == 500
    assert "measures:stop" in log.getvalue()
    assert_quotes_nothing_of(invitation, log)


def assert_quotes_nothing_of(invitation, log) -> None:
    written = log.getvalue()
    assert not [
        text for text in (ADDRESS, "CANARY", invitation.request.token, invitation.stop_token) if text in written
    ]
    last_error = Job.objects.get(task="measures.send_invitation").last_error
    assert ADDRESS not in last_error and len(last_error) < 40
