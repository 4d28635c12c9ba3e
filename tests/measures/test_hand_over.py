"""The therapist's device in the client's hands: nothing but the ratings of one session, until the password."""

import uuid

import pytest
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from accounts import actions as accounts
from accounts.models import AuditEvent
from measures import actions, schedule
from measures.models import Rating, RatingRequest
from tests import factories
from tests.access.world import address, make_world, route_names
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

BACK = "/hand-back/"


@pytest.fixture
def session(service):
    return factories.make_session(factories.make_episode(service.ada))


@pytest.fixture
def due(session):
    """Two links of the session, the alliance's made first."""
    return [factories.make_request(session, code)[0] for code in ("session-check-in", "outcome-check-in")]


@pytest.fixture
def tablet(service, browser_of, session, due):
    """Ada's, signed in and handed over; its CSRF checks are on, as in a browser."""
    browser = browser_of(service.ada)
    answer = browser.post(reverse("measures:hand-over", args=[session.pk]))
    assert (answer.status_code, answer["Location"]) == (302, rate(due[0]))
    return browser


def rate(request):
    return reverse("measures:rate", args=[request.pk])


def thanks(request):
    return reverse("measures:thanks", args=[request.pk])


def send(tablet, request, **values):
    return tablet.post(rate(request), {"submission": uuid.uuid4(), "item-1": "5", **values})


def give_back(tablet, password=PASSWORD):
    return tablet.post(BACK, {"password": password})


# --- Locked -----------------------------------------------------------------------------------------


def test_the_due_ratings_follow_each_other_and_then_the_device_is_given_back(tablet, due, session):
    assert tablet.get(rate(due[0])).status_code == 200
    assert send(tablet, due[0])["Location"] == thanks(due[0])
    page = tablet.get(thanks(due[0])).content.decode()
    assert "Go on: 4 more questions" in page and rate(due[1]) in page
    assert send(tablet, due[1])["Location"] == thanks(due[1])
    last = tablet.get(thanks(due[1])).content.decode()
    assert "Please give the device back to <bdi>Ada Okafor</bdi>." in last and "Go on" not in last
    assert Rating.objects.filter(session=session, rater="client", submitted_by=None).count() == 2


def test_no_other_address_answers_on_a_device_that_was_handed_over(service, other_service):
    world = make_world(service, other_service)
    browser = world.browser("ada")
    browser.post(address(world, "measures:hand-over"))
    allowed = {"health", "ready", "metrics", "measures:rate", "measures:thanks", "measures:hand-back"}
    before = AuditEvent.objects.count()
    for route in route_names() - allowed:
        for method in (browser.get, browser.head, browser.post, browser.put, browser.delete):
            answer = method(address(world, route))
            assert (answer.status_code, answer["Location"]) == (302, BACK), route
    assert AuditEvent.objects.count() == before, "nothing was looked at"
    assert browser.get("/nowhere/")["Location"] == BACK
    other_form = factories.make_request(world.unrated, "outcome-check-in")[0]
    assert browser.get(rate(other_form))["Location"] == BACK, "a link that was made later is not among those"


def test_a_part_of_a_page_in_another_tab_has_its_page_loaded_again(tablet, session):
    part = reverse("dashboards:episode-change", args=[session.episode_id])
    answer = tablet.get(part, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Refresh"], answer.content) == (204, "true", b"")


def test_pages_on_it_keep_nothing_and_say_so_to_no_one(tablet, due):
    page = tablet.get(rate(due[0])).content.decode()
    assert 'autocomplete="off"' in page and "js/draft.js" not in page and "data-lasts" not in page
    assert "kept on this device" not in page
    assert "js/handed-over.js" in page and "data-handed-over" in page
    assert tablet.get(rate(due[0]))["Cache-Control"] == "no-store, private"
    back = tablet.get(BACK).content.decode()
    assert 'autocomplete="new-password"' in back, "or a browser would fill in what it has saved"
    assert rate(due[0]) in back and "Nobody watches these answers" in back
    assert "R-0417" not in page + back and "Rowan" not in page + back


def test_the_language_chosen_on_it_lasts_until_it_is_given_back(tablet, due):
    chosen = tablet.post(rate(due[0]), {"language": "ar", "item-1": "4"})
    assert 'dir="rtl"' in chosen.content.decode()
    assert "rating-language" not in tablet.cookies
    assert 'lang="ar" dir="rtl"' in tablet.get(rate(due[1])).content.decode()
    assert 'lang="ar" dir="rtl"' in tablet.get(BACK).content.decode()
    give_back(tablet)
    assert "ar" not in tablet.session.get("handed-over", {}).values()


def test_a_link_that_was_withdrawn_meanwhile_leads_back_to_the_therapist(tablet, due, service):
    for request in due:
        actions.revoke_request(request=request, by=service.ada)
    page = tablet.get(rate(due[0]))
    assert page.status_code == 404 and BACK in page.content.decode()
    assert rate(due[0]) not in tablet.get(BACK).content.decode()


# --- Unlocked ---------------------------------------------------------------------------------------


def test_the_password_opens_the_device_where_it_was_handed_over(tablet, due, session, service):
    answer = give_back(tablet)
    assert answer["Location"] == reverse("sessions_app:session", args=[session.pk])
    assert "The device is yours again." in tablet.get(answer["Location"]).content.decode()
    assert tablet.get(reverse("clients:client-list")).status_code == 200
    assert tablet.get(rate(due[0])).status_code == 404, "its cookie went too; the link still works"
    assert RatingRequest.objects.get(pk=due[0].pk).is_open
    events = AuditEvent.objects.filter(person=service.ada).values_list("action", "client_id")
    assert ("session.handed-over", session.episode.client_id) in events
    assert ("person.took-device-back", None) in events


def test_a_copied_session_is_worth_nothing_after_the_device_is_given_back(tablet, service, browser_of):
    copied = tablet.cookies["sessionid"].value
    give_back(tablet)
    thief = browser_of()
    thief.cookies["sessionid"] = copied
    assert thief.get(reverse("clients:client-list"))["Location"].startswith("/sign-in/")
    assert not Session.objects.filter(pk=copied).exists()


def test_a_tab_that_was_still_loading_cannot_save_the_open_session_over_the_lock(service, browser_of, session, due):
    browser = browser_of(service.ada)
    before = browser.cookies["sessionid"].value
    browser.post(reverse("measures:hand-over", args=[session.pk]))
    assert browser.cookies["sessionid"].value != before
    assert not Session.objects.filter(pk=before).exists()


@pytest.mark.parametrize("password", ["", "not the password at all", " "])
def test_another_password_opens_nothing(tablet, password):
    page = give_back(tablet, password)
    assert page.status_code == 200
    assert (
        "Enter your password." if not password.strip() else "This password is not correct."
    ) in page.content.decode()
    assert tablet.get(reverse("home"))["Location"] == BACK


def test_somebody_elses_password_opens_nothing(tablet, service):
    """Everybody's is the same in these tests, so Tom gets one of his own."""
    service.tom.set_password("a password only Tom knows")
    service.tom.save(update_fields=["password"])
    assert give_back(tablet, "a password only Tom knows").status_code == 200
    assert tablet.get(reverse("home"))["Location"] == BACK


def test_guesses_are_counted_and_kept_like_those_at_sign_in_and_lock_nobody_out(tablet, service, browser_of):
    for number in range(20):
        give_back(tablet, f"guess number {number} of many")
    stopped = give_back(tablet)
    assert "There were too many tries." in stopped.content.decode()
    assert tablet.get(reverse("home"))["Location"] == BACK, "even the right one comes too late"
    kept = AuditEvent.objects.filter(action="person.sign-in-failed", object_id=service.ada.pk)
    assert kept.count() == 20
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    form = {"login": service.ada.email, "password": PASSWORD}
    assert browser_of().post(reverse("account_login"), form, **elsewhere).status_code == 302


def test_a_form_from_another_site_opens_nothing(service, session, due):
    browser = factories.Browser(enforce_csrf_checks=True)
    browser.sign_in(service.ada)
    stored = browser.session
    stored["handed-over"] = {"pages": [BACK], "leads_to": BACK, "requests": [], "session": str(session.pk)}
    stored.save()
    assert give_back(browser).status_code == 403
    assert browser.get("/today/")["Location"] == BACK


def test_a_therapist_who_is_signed_out_meanwhile_leaves_the_form_to_the_client(tablet, service, due):
    accounts.update_person(person=service.ada, version=service.ada.version, is_active=False, by=service.sam)
    assert tablet.get(reverse("clients:client-list"))["Location"].startswith("/sign-in/")
    assert tablet.get(BACK)["Location"].startswith("/sign-in/")


def test_a_device_that_was_not_handed_over_has_nothing_to_give_back(service, browser_of):
    assert browser_of(service.ada).get(BACK)["Location"] == reverse("home")


# --- Who may ----------------------------------------------------------------------------------------


def test_once_everything_is_rated_there_is_nothing_to_hand_over(service, browser_of, session):
    for instrument in schedule.to_ask(session):
        items = dict.fromkeys(range(1, instrument.editions["client"].number_of_items + 1), 5)
        actions.record_rating(session=session, instrument=instrument.code, rater="client", answers=items, by=None)
    with pytest.raises(ValidationError, match="nothing left that the client could rate"):
        actions.hand_over_device(session=session, by=service.ada)
    browser = browser_of(service.ada)
    answer = browser.post(reverse("measures:hand-over", args=[session.pk]))
    assert answer["Location"] == reverse("sessions_app:session", args=[session.pk])
    page = browser.get(answer["Location"]).content.decode()
    assert "There is nothing left that the client could rate here." in page and "Hand over this device" not in page


@pytest.mark.parametrize("who", ["tom", "ruth", "sam"])
def test_only_the_therapist_of_the_session_hands_it_over(service, session, due, who):
    with pytest.raises(PermissionDenied):
        actions.hand_over_device(session=session, by=getattr(service, who))
