"""What the pages say of a link's e-mails, and what can be done there."""

import re
import smtplib
import uuid
from datetime import timedelta

import pytest
from django.core import mail
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from clients import actions as clients
from clients.models import Client
from measures import actions
from measures.models import Invitation, RatingRequest
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


@pytest.fixture
def session(episode):
    return factories.make_session(episode)


@pytest.fixture
def browser(service, browser_of):
    return browser_of(service.ada)


@pytest.fixture
def agreed(session):
    return factories.agree_to_mails(session.episode.client)


@pytest.fixture
def invitation(session, agreed):
    return factories.make_invitation(session)


def page_of(browser, session) -> str:
    """The words of the page beside the link."""
    shown = browser.get(reverse("sessions_app:session", args=[session.pk])).content.decode()
    _before, _, beside = shown.partition("By e-mail</h3>")
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", beside.partition("Withdraw this link")[0]))


def send(*invitations: Invitation) -> None:
    for one in invitations:
        actions.send_invitation(invitation_id=one.pk, organisation_id=one.organisation_id)


def log(browser, episode, **values):
    form = {
        "submission": str(uuid.uuid4()),
        "number": 1,
        "held_on": timezone.localdate().isoformat(),
        "attendance": "attended",
        "format": "in-person",
        "wants_link": "on",
        **values,
    }
    return browser.post(reverse("sessions_app:session-log", args=[episode.pk]), form)


# --- Logging ----------------------------------------------------------------------------------------


def test_log_sends_the_link_by_default_to_a_client_who_agreed(browser, episode):
    factories.agree_to_mails(episode.client)
    form = browser.get(reverse("sessions_app:session-log", args=[episode.pk])).context["form"]
    assert form["by_mail"].value() is True and form["by_mail"].help_text == "To rowan@post.example"
    assert log(browser, episode, by_mail="on").status_code == 302
    send(Invitation.objects.get(kind="first"))
    (message,) = mail.outbox
    assert RatingRequest.objects.get().token in message.body


def test_log_without_the_tick_makes_a_link_and_sends_nothing(browser, episode):
    factories.agree_to_mails(episode.client)
    assert log(browser, episode).status_code == 302
    assert RatingRequest.objects.exists() and not Invitation.objects.exists()


@pytest.mark.parametrize("values", [{"wants_link": ""}, {"attendance": "did-not-attend"}])
def test_log_sends_nothing_where_there_is_no_link(browser, episode, values):
    factories.agree_to_mails(episode.client)
    log(browser, episode, by_mail="on", **values)
    assert not RatingRequest.objects.exists() and not Invitation.objects.exists()


def test_log_offers_no_e_mail_to_a_client_who_has_not_agreed(browser, episode):
    form = browser.get(reverse("sessions_app:session-log", args=[episode.pk])).context["form"]
    assert "by_mail" not in form.fields
    log(browser, episode, by_mail="on")
    assert RatingRequest.objects.exists() and not Invitation.objects.exists()


def test_log_offers_no_e_mail_where_none_can_be_sent(browser, episode, settings):
    factories.agree_to_mails(episode.client)
    settings.PUBLIC_URL = ""
    assert "by_mail" not in browser.get(reverse("sessions_app:session-log", args=[episode.pk])).context["form"].fields


def test_log_sent_twice_asks_for_one_e_mail(browser, episode):
    factories.agree_to_mails(episode.client)
    key = {"submission": str(uuid.uuid4()), "by_mail": "on"}
    assert log(browser, episode, **key)["Location"] == log(browser, episode, **key)["Location"]
    assert Invitation.objects.filter(kind="first").count() == 1


# --- The session page ---------------------------------------------------------------------------------


def test_page_offers_to_send_it_and_then_says_that_it_is_on_its_way(browser, session, agreed):
    request, _token = factories.make_request(session)
    assert "Send by e-mail to rowan@post.example" in page_of(browser, session)
    answer = browser.post(reverse("measures:invitation-send", args=[request.pk]))
    assert answer["Location"] == reverse("sessions_app:session", args=[session.pk]) + "#link"
    assert "On its way." in page_of(browser, session)
    send(Invitation.objects.get(kind="first"))
    assert len(mail.outbox) == 1


def test_button_pressed_twice_sends_once(browser, session, agreed):
    request, _token = factories.make_request(session)
    url = reverse("measures:invitation-send", args=[request.pk])
    browser.post(url)
    browser.post(url)
    send(Invitation.objects.get(kind="first"))
    again = browser.post(url, follow=True)
    assert "This link is sent already." in again.content.decode()
    assert len(mail.outbox) == 1


def test_page_says_when_it_was_sent_and_when_the_reminder_comes(browser, session, invitation):
    send(invitation)
    sent = timezone.localtime(Invitation.objects.get(kind="first").sent_at, session.organisation.zone)
    reminder = timezone.localtime(Invitation.objects.get(kind="reminder").due_at, session.organisation.zone)
    words = page_of(browser, session)
    assert f"Sent on {sent:%a} {sent.day} {sent:%B, %H:%M}." in words
    assert f"Reminder on {reminder:%a} {reminder.day} {reminder:%B, %H:%M}, unless the answer has arrived." in words
    assert "Send" not in words.replace("Sent", "")
    Invitation.objects.update(due_at=F("due_at") - timedelta(days=2), claimed_at=F("claimed_at") - timedelta(days=2))
    send(Invitation.objects.get(kind="reminder"))
    assert "Reminder sent on" in page_of(browser, session)


def test_page_says_when_a_delayed_one_will_be_sent_and_lets_it_be_sent_now(browser, session, agreed):
    invitation = factories.make_invitation(session, due_at=timezone.now() + timedelta(hours=3))
    words = page_of(browser, session)
    assert "To be sent on" in words and "Send now" in words
    browser.post(reverse("measures:invitation-send", args=[invitation.request_id]))
    send(invitation)
    assert "Sent on" in page_of(browser, session)


def test_page_says_that_the_server_is_out_of_reach_and_when_it_tries_again(browser, session, invitation, monkeypatch):
    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.open", lambda self: 1 / 0)
    send(invitation)
    assert "The mail server did not take it yet. Next attempt on" in page_of(browser, session)


def test_page_says_that_one_is_overdue_and_lets_it_be_sent_now(browser, session, invitation):
    Invitation.objects.update(due_at=F("due_at") - timedelta(minutes=20))
    words = page_of(browser, session)
    assert "Due since" in words and "and not sent yet." in words and "Send now" in words


def refuse(monkeypatch, error: Exception) -> None:
    def send_messages(self, messages):
        raise error

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", send_messages)


def test_page_says_that_it_was_refused_and_asks_about_the_address(browser, session, invitation, monkeypatch):
    refuse(monkeypatch, smtplib.SMTPDataError(550, b"no"))
    send(invitation)
    words = page_of(browser, session)
    assert "The mail server refused it" in words and "Is rowan@post.example right?" in words and "Send again" in words
    assert "Reminder on" not in words, "it would remind of nothing"
    assert "e-mail refused" in browser.get(reverse("sessions_app:today")).content.decode()


def test_page_says_that_it_is_not_known_whether_it_was_sent_and_offers_to_send_it_again(
    browser, session, invitation, monkeypatch
):
    with monkeypatch.context() as patch:
        refuse(patch, TimeoutError())
        send(invitation)
    assert "Being sent." in page_of(browser, session)
    Invitation.objects.update(claimed_at=F("claimed_at") - timedelta(seconds=80))
    words = page_of(browser, session)
    assert "Not known whether it was sent." in words and "Send again" in words
    today = browser.get(reverse("sessions_app:today")).content.decode()
    assert "not known whether the e-mail was sent" in today
    browser.post(reverse("measures:invitation-send", args=[invitation.request_id]))
    send(invitation)
    assert "Sent on" in page_of(browser, session) and len(mail.outbox) == 1


def test_reminder_in_doubt_is_said_to_be_and_sent_again_by_its_own_button(browser, session, invitation, monkeypatch):
    send(invitation)
    Invitation.objects.update(due_at=F("due_at") - timedelta(days=2), claimed_at=F("claimed_at") - timedelta(days=2))
    reminder = Invitation.objects.get(kind="reminder")
    with monkeypatch.context() as patch:
        refuse(patch, TimeoutError())
        send(reminder)
    Invitation.objects.filter(kind="reminder").update(claimed_at=F("claimed_at") - timedelta(seconds=80))
    words = page_of(browser, session)
    assert (
        "Sent on" in words and "Not known whether the reminder was sent" in words and "Send the reminder again" in words
    )
    browser.post(reverse("measures:invitation-send", args=[invitation.request_id]), {"kind": "reminder"})
    send(reminder)
    assert "Reminder sent on" in page_of(browser, session)
    assert len(mail.outbox) == 2


def test_no_third_kind_of_e_mail_can_be_asked_for(browser, session, invitation):
    url = reverse("measures:invitation-send", args=[invitation.request_id])
    assert browser.post(url, {"kind": "third"}).status_code == 404


def test_page_says_that_the_client_asked_for_no_more(browser, session, invitation):
    clients.unsubscribe(client=Client.objects.get())
    words = page_of(browser, session)
    assert "Rowan asked for no more e-mails." in words
    assert "Reminder on" not in words and "Send" not in words and "On its way" not in words


def test_page_says_that_the_client_has_not_agreed_and_leads_to_where_that_is_changed(browser, session):
    factories.make_request(session)
    assert "Rowan has not agreed to get links by e-mail. Change this" in page_of(browser, session)


def test_page_of_an_ended_episode_offers_no_e_mail(service, browser, session, agreed):
    request, _token = factories.make_request(session)
    clients.end_episode(episode=session.episode, ended_on=timezone.localdate(), ending="planned", by=service.ada)
    words = page_of(browser, session)
    assert "The episode has ended, so no more e-mails are sent." in words and "Change this" not in words
    answer = browser.post(reverse("measures:invitation-send", args=[request.pk]), follow=True)
    assert "The episode has ended, so no more e-mails are sent." in answer.content.decode()
    assert not Invitation.objects.exists()


def test_page_says_that_no_e_mails_can_be_sent_yet(browser, session, agreed, settings):
    request, _token = factories.make_request(session)
    settings.PUBLIC_URL = ""
    assert "No e-mails can be sent from here yet. Ask an administrator." in page_of(browser, session)
    actions.invite(request=request, by=session.episode.therapist)
    assert "It waits: no e-mails can be sent from here yet." in page_of(browser, session)


def test_supervisor_sees_neither_the_link_nor_the_address(service, browser_of, session, invitation):
    page = browser_of(service.ruth).get(reverse("sessions_app:session", args=[session.pk])).content.decode()
    assert "By e-mail" not in page and "rowan@post.example" not in page


@pytest.mark.parametrize("page", ["sessions_app:session", "sessions_app:today"])
def test_page_needs_no_more_queries_for_two_links_with_e_mails_than_for_one(browser, session, invitation, page):
    url = reverse(page, args=[session.pk] if page.endswith("session") else [])
    one = factories.queries_of(browser, url)
    request = actions.request_rating(session=session, instrument="outcome-check-in", by=session.episode.therapist)
    actions.invite(request=request, by=session.episode.therapist)
    two = factories.queries_of(browser, url)
    assert len(two) == len(one) <= factories.MOST_QUERIES, two
