"""From thanks on to what else the session asks for: one link leads through all of it."""

import uuid
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from accounts import actions as accounts
from accounts.models import AuditEvent
from measures import actions
from measures.battery import Entry, Rhythm
from measures.models import Rating, RatingRequest
from sessions_app.models import TherapySession
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(service) -> TherapySession:
    return factories.make_session(factories.make_episode(service.ada))


@pytest.fixture
def phone(browser_of):
    """The client's: nobody is signed in on it."""
    return browser_of()


def answer(phone, request: RatingRequest, **answers: str):
    sent = {"submission": str(uuid.uuid4()), "item-1": "5", **answers}
    return phone.post(reverse("measures:rate", args=[request.pk]), sent)


def open_and_answer(phone, link: tuple[RatingRequest, str]) -> str:
    """The address of thanks."""
    request, token = link
    phone.get(reverse("measures:link", args=[token]))
    return answer(phone, request)["Location"]


def go_on(phone, request: RatingRequest):
    return phone.post(reverse("measures:rate-next", args=[request.pk]))


def test_thanks_offers_what_the_session_asks_for_next_and_leads_to_it(phone, session):
    link = factories.make_request(session)
    thanks = phone.get(open_and_answer(phone, link)).content.decode()
    assert "It has arrived" in thanks and "Go on: 4 more questions" in thanks
    onward = go_on(phone, link[0])
    following = RatingRequest.objects.get(instrument="outcome-check-in")
    assert onward["Location"] == reverse("measures:rate", args=[following.pk])
    assert onward["Referrer-Policy"] == "no-referrer"
    form = phone.get(onward["Location"])
    assert form.status_code == 200 and "How is life going?" in form.content.decode()
    last = phone.get(answer(phone, following)["Location"]).content.decode()
    assert "The link has done its work" in last and "Go on" not in last
    assert Rating.objects.current().count() == 2


def test_the_next_link_is_made_in_the_name_of_whoever_made_the_first_and_by_nobody(phone, session, service):
    link = factories.make_request(session)
    open_and_answer(phone, link)
    assert RatingRequest.objects.count() == 1, "looking at thanks writes nothing"
    go_on(phone, link[0])
    following = RatingRequest.objects.get(instrument="outcome-check-in")
    assert following.created_by == service.ada
    event = AuditEvent.objects.get(action="link.made", object_id=following.pk)
    assert event.person is None and event.client_id == session.episode.client_id


def test_a_link_that_the_therapist_made_for_it_is_the_one_that_is_used(phone, session):
    link = factories.make_request(session)
    made, _token = factories.make_request(session, "outcome-check-in")
    open_and_answer(phone, link)
    for _ in range(2):
        assert go_on(phone, link[0])["Location"] == reverse("measures:rate", args=[made.pk])
    assert RatingRequest.objects.count() == 2


def test_an_expired_link_for_it_is_replaced(phone, session):
    link = factories.make_request(session)
    old, _token = factories.make_request(session, "outcome-check-in")
    RatingRequest.objects.filter(pk=old.pk).update(expires_at=Now() - timedelta(seconds=1))
    open_and_answer(phone, link)
    assert go_on(phone, link[0]).status_code == 302
    assert RatingRequest.objects.filter(instrument="outcome-check-in", revoked_at=None).exclude(pk=old.pk).exists()


def test_what_comes_before_a_session_does_not_lead_to_what_comes_after(phone, session, service):
    factories.make_battery(
        service,
        Entry("outcome-check-in", "client", Rhythm.BEFORE),
        Entry("session-check-in", "client", Rhythm.EVERY),
    )
    session = factories.make_session(session.episode)
    link = factories.make_request(session, "outcome-check-in")
    assert "Go on" not in phone.get(open_and_answer(phone, link)).content.decode()
    assert go_on(phone, link[0]).status_code == 404


@pytest.mark.parametrize("code", ["outcome-check-in", "session-check-in"])
def test_from_one_questionnaire_the_others_follow_in_the_order_of_the_battery(phone, session, code):
    link = factories.make_request(session, code)
    open_and_answer(phone, link)
    go_on(phone, link[0])
    others = {"session-check-in": "outcome-check-in", "outcome-check-in": "session-check-in"}
    assert RatingRequest.objects.filter(redeemed_at=None).get().instrument == others[code]


def is_refused(response) -> bool:
    return response.status_code == 404 and "Nothing is wrong on your side." in response.content.decode()


def test_nobody_goes_on_without_the_cookie_of_the_form_before(browser_of, phone, session):
    link = factories.make_request(session)
    open_and_answer(phone, link)
    assert is_refused(go_on(browser_of(), link[0]))
    assert RatingRequest.objects.count() == 1


def test_nobody_goes_on_from_a_form_that_was_not_sent(phone, session):
    request, token = factories.make_request(session)
    phone.get(reverse("measures:link", args=[token]))
    assert is_refused(go_on(phone, request))


def test_a_used_link_leads_nowhere_two_hours_later(phone, session):
    link = factories.make_request(session)
    open_and_answer(phone, link)
    RatingRequest.objects.update(redeemed_at=Now() - actions.GOES_ON_FOR)
    assert is_refused(go_on(phone, link[0]))


def test_nobody_goes_on_to_a_therapist_who_has_left(phone, session, service):
    link = factories.make_request(session)
    open_and_answer(phone, link)
    accounts.update_person(person=service.ada, version=service.ada.version, is_active=False, by=service.sam)
    assert is_refused(go_on(phone, link[0]))


def test_a_post_that_starts_on_another_site_is_refused(phone, session):
    link = factories.make_request(session)
    open_and_answer(phone, link)
    address = reverse("measures:rate-next", args=[link[0].pk])
    assert is_refused(phone.post(address, headers={"Sec-Fetch-Site": "cross-site"}))


def test_the_token_of_the_next_link_is_in_no_page(phone, session):
    link = factories.make_request(session)
    open_and_answer(phone, link)
    onward = go_on(phone, link[0])
    following = RatingRequest.objects.get(instrument="outcome-check-in")
    token = factories.tokens.token_of(following.pk, following.nonce)
    assert token not in onward["Location"] + phone.get(onward["Location"]).content.decode()
    cookie = phone.cookies[f"rating-{following.pk.hex}"]
    assert cookie.value == token and cookie["httponly"] and cookie["path"] == onward["Location"]
