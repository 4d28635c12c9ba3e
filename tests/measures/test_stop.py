"""The page on which a client ends e-mails: one button, no account, long after the link itself has ended."""

import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core import mail
from django.db.models.functions import Now
from django.urls import reverse

from accounts.actions import update_organisation
from accounts.models import AuditEvent
from clients.models import Client
from jobs.organisation import acting_in
from measures import actions, tokens
from measures.models import Invitation, RatingRequest
from tests import factories
from tests.access.world import CANARIES
from tests.measures.test_invitation_mail import TELLING

pytestmark = pytest.mark.django_db
BUTTON = '<button class="button button--primary" type="submit">Stop the e-mails</button>'


@pytest.fixture
def invitation(service) -> Invitation:
    episode = factories.make_episode(service.ada, code=CANARIES["code"], name=CANARIES["name"])
    return factories.make_invitation(factories.make_session(episode, note=CANARIES["note"]))


@pytest.fixture
def phone(browser_of):
    return browser_of()


def page_of(invitation: Invitation) -> str:
    return reverse("measures:stop", args=[invitation.stop_token])


def wants() -> bool:
    return Client.objects.get().wants_invitations


def test_one_button_ends_them_and_what_was_waiting_is_not_sent(phone, invitation):
    assert BUTTON in phone.get(page_of(invitation)).content.decode()
    stopped = phone.post(page_of(invitation))
    assert stopped.status_code == 200 and "You will get no more of these e-mails." in stopped.content.decode()
    assert not wants() and BUTTON not in phone.get(page_of(invitation)).content.decode()
    actions.send_invitation(invitation_id=invitation.pk, organisation_id=invitation.organisation_id)
    assert mail.outbox == []


def test_scanners_that_open_it_end_nothing_and_begin_no_session(phone, invitation):
    before = Session.objects.count()
    for _ in range(10):
        assert phone.get(page_of(invitation)).status_code == phone.head(page_of(invitation)).status_code == 200
    assert wants() and Session.objects.count() == before and not phone.cookies


def test_a_mail_program_ends_them_by_itself_without_cookie_or_token_of_a_form(invitation):
    program = factories.Browser(enforce_csrf_checks=True)
    answer = program.post(
        page_of(invitation), "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded"
    )
    assert (answer.status_code, wants()) == (200, False)


def test_pressed_twice_it_is_on_record_once(phone, invitation):
    for _ in range(3):
        assert phone.post(page_of(invitation)).status_code == 200
    assert AuditEvent.objects.filter(action="client.unsubscribed").count() == 1


def test_it_works_after_the_link_has_ended_been_used_or_been_withdrawn(service, phone, invitation):
    RatingRequest.objects.update(expires_at=Now() - timedelta(days=300))
    actions.revoke_request(
        request=RatingRequest.objects.select_related("session__episode").get(pk=invitation.request_id), by=service.ada
    )
    assert phone.post(page_of(invitation)).status_code == 200
    assert not wants()


def test_it_works_after_the_sites_key_was_changed(phone, invitation, settings):
    page = page_of(invitation)
    settings.SECRET_KEY = "another key of the site, made after somebody had read the first one"
    assert page_of(invitation) != page
    assert phone.post(page).status_code == 200 and not wants()


def test_every_e_mail_has_a_link_of_its_own_and_each_ends_them(phone, invitation):
    reminder = Invitation.objects.get(kind="reminder")
    assert page_of(reminder) != page_of(invitation)
    assert phone.post(page_of(reminder)).status_code == 200 and not wants()


def test_who_agreed_again_can_end_them_again_by_an_old_e_mail(phone, invitation):
    phone.post(page_of(invitation))
    factories.agree_to_mails(Client.objects.get())
    assert BUTTON in phone.get(page_of(invitation)).content.decode()
    phone.post(page_of(invitation))
    assert not wants()


def test_links_that_are_wrong_answer_alike_to_the_byte_and_change_nothing(service, phone, invitation, other_service):
    wrong = {
        "mistyped": invitation.stop_token[:-1],
        "invented": "a" * 40,
        "very long": "a" * 3000,
        "of a rating": invitation.request.token,
        "a hash": invitation.stop_hash,
    }
    for method in ("get", "post"):
        pages = {name: getattr(phone, method)(reverse("measures:stop", args=[token])) for name, token in wrong.items()}
        first = pages["invented"]
        for name, page in pages.items():
            assert (page.status_code, page.content) == (404, first.content), name
            assert factories.headers_of(page) == factories.headers_of(first)
    assert wants()


def test_a_link_that_ends_e_mails_opens_no_form(phone, invitation):
    assert phone.get(reverse("measures:link", args=[invitation.stop_token])).status_code == 404


def test_it_ends_those_of_its_own_service_alone(phone, invitation, other_service):
    with acting_in(other_service.organisation.pk):
        other = factories.make_invitation(factories.make_session(factories.make_episode(other_service.ada)))
    phone.post(page_of(other))
    assert wants()
    with acting_in(other_service.organisation.pk):
        assert not wants()


def test_the_token_is_nowhere_in_clear(invitation):
    kept = Invitation.objects.filter(pk=invitation.pk).values().get()
    assert invitation.stop_token not in map(str, kept.values())
    assert kept["stop_hash"] == tokens.hash_of(invitation.stop_token)


@pytest.mark.parametrize("name", ["", "Harbour East"])
def test_page_tells_no_more_than_the_e_mail(service, phone, invitation, name):
    if name:
        update_organisation(
            organisation=service.organisation, version=service.organisation.version, mail_name=name, by=service.sam
        )
    for page in (phone.get(page_of(invitation)), phone.post(page_of(invitation)), phone.get("/stop/x")):
        assert page["Referrer-Policy"] == "no-referrer" and "no-store" in page["Cache-Control"]
        body = page.content.decode()
        assert not [canary for canary in CANARIES.values() if canary in body]
        seen = re.sub(r"<[^>]*>", " ", body).lower()
        assert not [word for word in TELLING if word in seen]
        if page.status_code == 200:
            assert ("Harbour" in body) == bool(name)
