import gzip
import re
import uuid
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.test import Client as DjangoClient
from django.urls import reverse
from django.utils import timezone

from accounts import actions as accounts
from accounts.models import Supervision
from jobs.organisation import acting_in
from measures import actions, instruments
from measures.actions import LINK_LASTS
from measures.forms import RatingForm
from measures.models import Rating, RatingRequest
from sessions_app.models import TherapySession
from tests import factories
from tests.parallel import at_once

# Emoji, right-to-left text with its marks, markup: all of it somebody's words.
TEXT = "🫠 تعبت اليوم\u200f <script>alert(1)</script> & שלום"
USUAL = {"item-1": "8", "item-2": "7", "item-3": "6", "item-4": "6", "item-5": "9", "item-6": "10"}


@pytest.fixture
def session(service) -> TherapySession:
    return factories.make_session(factories.make_episode(service.ada))


@pytest.fixture
def link(session) -> tuple[RatingRequest, str]:
    return factories.make_request(session)


@pytest.fixture
def phone(browser_of):
    """The client's: nobody is signed in on it."""
    return browser_of()


def address(token: str) -> str:
    return reverse("measures:link", args=[token])


def rate_url(request: RatingRequest) -> str:
    return reverse("measures:rate", args=[request.pk])


def answers(**values: str) -> dict[str, str]:
    return {"submission": str(uuid.uuid4()), **USUAL, **{k.replace("item_", "item-"): v for k, v in values.items()}}


def is_usable(request: RatingRequest) -> bool:
    return RatingRequest.objects.get(pk=request.pk).is_open


# --- Opening ----------------------------------------------------------------------------------------


def test_link_leads_to_a_form_whose_address_holds_no_token(phone, link):
    request, token = link
    opened = phone.get(address(token), follow=True)
    assert opened.redirect_chain == [(rate_url(request), 302)]
    assert token not in opened.request["PATH_INFO"] + opened.request["QUERY_STRING"]
    assert token not in opened.content.decode()
    assert opened["Referrer-Policy"] == "no-referrer"
    assert "no-store" in opened["Cache-Control"]


def test_cookie_of_a_link_is_kept_from_scripts_and_from_other_pages(phone, link):
    request, token = link
    phone.get(address(token))
    cookie = phone.cookies[f"rating-{request.pk.hex}"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == rate_url(request)
    assert 0 < cookie["max-age"] <= 2 * 60 * 60


def test_scanners_that_open_a_link_fifty_times_leave_it_usable_and_create_no_session(phone, link):
    request, token = link
    before = Session.objects.count()
    for _ in range(25):
        assert phone.get(address(token)).status_code == 302
        assert phone.head(address(token)).status_code == 302
        assert phone.get(rate_url(request)).status_code == 200
        assert phone.head(rate_url(request)).status_code == 200
    assert phone.post(address(token)).status_code == 405
    assert phone.post(rate_url(request)).status_code in {200, 422}
    assert is_usable(request) and not Rating.objects.exists()
    assert Session.objects.count() == before and settings.SESSION_COOKIE_NAME not in phone.cookies
    assert phone.post(rate_url(request), answers()).status_code == 302


def test_answer_sent_without_opening_the_link_is_refused(browser_of, link):
    request, _token = link
    assert browser_of().post(rate_url(request), answers()).status_code == 404
    assert is_usable(request) and not Rating.objects.exists()


# --- Sending ----------------------------------------------------------------------------------------


def send(phone, link, sent: dict[str, str]):
    request, token = link
    phone.get(address(token))
    return phone.post(rate_url(request), sent)


def test_sent_answers_become_the_clients_rating_and_lead_to_thanks(phone, link, session):
    request, _token = link
    answer = send(phone, link, answers(comment="Good.", do_not_raise="on"))
    assert answer["Location"] == reverse("measures:thanks", args=[request.pk])
    assert "It has arrived" in phone.get(answer["Location"]).content.decode()
    rating = Rating.objects.get()
    assert (rating.session, rating.rater, rating.submitted_by) == (session, "client", None)
    assert rating.answers == {"1": 8.0, "2": 7.0, "3": 6.0, "4": 6.0, "5": 9.0, "6": 10.0}
    assert (rating.comment, rating.do_not_raise) == ("Good.", True)
    assert not is_usable(request)


def test_answers_sent_again_with_the_same_key_are_thanked_for_and_write_nothing_more(phone, link):
    sent = answers()
    first = send(phone, link, sent)
    for _ in range(3):
        again = phone.post(rate_url(link[0]), sent)
        assert (again.status_code, again["Location"]) == (302, first["Location"])
    assert "It has arrived" in phone.get(first["Location"]).content.decode()
    assert Rating.objects.count() == 1


@pytest.mark.parametrize("other", [{"item-1": "3"}, {"item-1": ""}, {"comment": "more"}, {"do_not_raise": "on"}])
def test_form_sent_again_with_other_answers_is_told_that_the_first_were_kept(phone, link, other):
    sent = answers(comment="CANARY")
    send(phone, link, sent)
    page = phone.post(rate_url(link[0]), {**sent, **other})
    assert page.status_code == 422
    assert "Your first answers were kept" in page.content.decode()
    assert "CANARY" not in page.content.decode()
    rating = Rating.objects.get()
    assert (rating.answers["1"], rating.comment, rating.do_not_raise) == (8.0, "CANARY", False)


def test_used_link_with_another_key_is_explained_kindly_and_writes_nothing(phone, link):
    send(phone, link, answers())
    page = phone.post(rate_url(link[0]), answers(comment="a second thought"))
    assert page.status_code == 404
    assert "Nothing is wrong on your side." in page.content.decode()
    assert Rating.objects.get().comment == ""


def test_used_link_never_shows_what_was_answered(phone, link):
    request, token = link
    sent = answers(comment="CANARY")
    send(phone, link, sent)
    thanks = reverse("measures:thanks", args=[request.pk])
    for url in (address(token), rate_url(request), thanks):
        page = phone.get(url, follow=True).content.decode()
        assert "CANARY" not in page and "checked" not in page
    assert "CANARY" not in phone.post(rate_url(request), sent, follow=True).content.decode()
    assert "CANARY" not in phone.post(rate_url(request), answers(), follow=True).content.decode()


def test_fifty_submits_at_the_same_moment_become_one_rating(committed):
    service = factories.make_service()
    with acting_in(service.organisation.pk):
        session = factories.make_session(factories.make_episode(service.ada))
        request, token = factories.make_request(session)
    phones = [DjangoClient() for _ in range(50)]
    for phone in phones:
        phone.get(address(token))
    # Every second one repeats the same form; the others opened the link on their own.
    forms = [answers(submission=str(uuid.UUID(int=0 if n % 2 else n + 1))) for n in range(50)]
    pages = at_once(*[lambda p=p, f=f: p.post(rate_url(request), f) for p, f in zip(phones, forms, strict=True)])
    with acting_in(service.organisation.pk):
        assert Rating.objects.count() == 1
        used = RatingRequest.objects.get().redeemed_key
    expected = [302 if uuid.UUID(form["submission"]) == used else 404 for form in forms]
    assert [page.status_code for page in pages] == expected


# --- Unusable ---------------------------------------------------------------------------------------


def expire(request: RatingRequest) -> None:
    RatingRequest.objects.filter(pk=request.pk).update(expires_at=Now() - timedelta(seconds=1))


def test_link_works_until_the_second_it_expires(phone, link):
    request, token = link
    RatingRequest.objects.filter(pk=request.pk).update(expires_at=Now() + timedelta(minutes=1))
    assert phone.get(address(token)).status_code == 302
    expire(request)
    assert phone.get(address(token)).status_code == 404


@pytest.mark.parametrize("days", [-400, 400])
def test_link_lasts_as_long_by_the_clock_of_the_database_whatever_another_clock_says(phone, session, monkeypatch, days):
    """The web server's clock jumps by more than a year, and back."""
    now = timezone.now
    with monkeypatch.context() as patch:
        patch.setattr("django.utils.timezone.now", lambda: now() + timedelta(days=days))
        request, token = factories.make_request(session)
        soon, later = Now() + LINK_LASTS - timedelta(seconds=30), Now() + LINK_LASTS + timedelta(seconds=30)
        assert RatingRequest.objects.filter(pk=request.pk, expires_at__range=(soon, later)).exists()
        assert phone.get(address(token)).status_code == 302
        assert phone.post(rate_url(request), answers(item_1="11")).status_code == 422
    assert phone.post(rate_url(request), answers()).status_code == 302
    assert Rating.objects.filter(rater="client").count() == 1


def test_link_that_expires_while_the_form_is_open_takes_no_answer(phone, link):
    request, token = link
    phone.get(address(token))
    expire(request)
    assert phone.post(rate_url(request), answers()).status_code == 404
    assert phone.post(rate_url(request), answers(item_1="11")).status_code == 404
    assert not Rating.objects.exists()


def test_link_withdrawn_while_the_form_is_open_takes_no_answer(phone, link, service):
    request, token = link
    phone.get(address(token))
    actions.revoke_request(request=request, by=service.ada)
    assert phone.post(rate_url(request), answers()).status_code == 404
    assert not Rating.objects.exists()


def test_newer_link_for_the_same_questionnaire_replaces_the_older(phone, link, session):
    newer, token = factories.make_request(session)
    assert phone.get(address(link[1])).status_code == 404
    assert phone.get(address(token))["Location"] == rate_url(newer)


def test_link_of_a_therapist_who_left_takes_no_answer(phone, link, service):
    request, token = link
    phone.get(address(token))
    accounts.update_person(person=service.ada, version=service.ada.version, is_active=False, by=service.sam)
    assert phone.get(address(token)).status_code == 404
    assert phone.get(rate_url(request)).status_code == 404
    assert phone.post(rate_url(request), answers()).status_code == 404
    assert phone.post(rate_url(request), answers(item_1="11")).status_code == 404
    assert not Rating.objects.exists()


def test_every_unusable_link_answers_the_same_bytes(browser_of, service, other_service):
    def new_link(code: str) -> tuple[RatingRequest, str]:
        return factories.make_request(factories.make_session(factories.make_episode(service.ada, code=code)))

    expired, revoked, used, unopened = (new_link(f"R-{number:04}") for number in range(4))
    expire(expired[0])
    actions.revoke_request(request=revoked[0], by=service.ada)
    send(browser_of(), used, answers())
    with acting_in(other_service.organisation.pk):
        elsewhere = factories.make_request(factories.make_session(factories.make_episode(other_service.ada)))
    borrowed = browser_of()
    borrowed.cookies[f"rating-{unopened[0].pk.hex}"] = elsewhere[1]
    pages = {
        "expired": browser_of().get(address(expired[1])),
        "withdrawn": browser_of().get(address(revoked[1])),
        "used": browser_of().get(address(used[1])),
        "mistyped": browser_of().get(address(unopened[1][:-1])),
        "invented": browser_of().get(address("a" * 40)),
        "very long": browser_of().get(address("a" * 3000)),
        "form without its link": browser_of().get(rate_url(unopened[0])),
        "form of no request": browser_of().get(reverse("measures:rate", args=[uuid.uuid4()])),
        "form with another service's token": borrowed.get(rate_url(unopened[0])),
        "answer with another service's token": borrowed.post(rate_url(unopened[0]), answers()),
        "answer without its link": browser_of().post(rate_url(unopened[0]), answers()),
        "thanks for nothing": browser_of().get(reverse("measures:thanks", args=[unopened[0].pk])),
    }
    first = pages["expired"]
    assert first.status_code == 404 and "Nothing is wrong on your side." in first.content.decode()
    for name, page in pages.items():
        assert (page.status_code, page.content, factories.headers_of(page)) == (
            404,
            first.content,
            factories.headers_of(first),
        ), name
    assert is_usable(unopened[0])


def test_two_links_open_on_one_device_do_not_mix(phone, service):
    links = [
        factories.make_request(factories.make_session(factories.make_episode(service.ada, code=code)))
        for code in ("R-0001", "R-0002")
    ]
    for request, token in links:
        assert phone.get(address(token))["Location"] == rate_url(request)
    for (request, _token), comment in zip(reversed(links), ("second", "first"), strict=True):
        assert phone.post(rate_url(request), answers(comment=comment)).status_code == 302
    kept = {rating.session.episode.client.code: rating.comment for rating in Rating.objects.all()}
    assert kept == {"R-0001": "first", "R-0002": "second"}


def test_alliance_and_outcome_of_one_session_have_links_of_their_own(phone, link, session):
    outcome = factories.make_request(session, instrument="outcome-check-in")
    send(phone, outcome, {"submission": str(uuid.uuid4()), "item-1": "5", "item-4": "5"})
    assert is_usable(link[0]) and not is_usable(outcome[0])
    assert Rating.objects.get().instrument == "outcome-check-in"


# --- Mistakes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["11", "-1", "7.5", "seven", "NaN", "1e1", "９"])
def test_answer_off_the_scale_is_named_beside_its_item_with_the_rest_kept(phone, link, typed):
    page = send(phone, link, answers(item_3=typed, comment=TEXT))
    words = "Please choose a whole number from 0 to 10."
    assert page.context["form"].problems == {"3": words}
    shown = page.content.decode()
    item = shown[shown.index('id="id_item-3"') : shown.index('id="id_item-4"')]
    assert words in item and "error" in item
    assert 'name="item-1" value="8" checked' in shown and 'name="item-6" value="10" checked' in shown
    assert "تعبت اليوم" in shown and "<script>alert" not in shown
    assert is_usable(link[0]) and not Rating.objects.exists()
    assert phone.post(rate_url(link[0]), answers()).status_code == 302


def test_refused_answers_keep_the_wish_not_to_raise_it(phone, link):
    page = send(phone, link, answers(item_3="11", do_not_raise="on"))
    assert re.search(r'name="do_not_raise"[^>]*checked', page.content.decode())


def test_item_the_questionnaire_does_not_have_is_refused(phone, link):
    page = send(phone, link, {**answers(), "item-7": "5"})
    assert "There is no item 7." in page.content.decode()
    assert is_usable(link[0]) and not Rating.objects.exists()


@pytest.mark.parametrize("key", ["", "not-a-key", "7"])
def test_form_without_its_key_is_not_taken_and_leaves_the_link_usable(phone, link, key):
    page = send(phone, link, answers(submission=key))
    assert page.status_code in {200, 422}
    assert is_usable(link[0]) and not Rating.objects.exists()


def test_answer_that_was_refused_is_not_taken_for_sent(phone, link):
    assert send(phone, link, answers(item_1="11")).status_code == 422


def test_items_may_be_skipped(phone, link):
    assert send(phone, link, {"submission": str(uuid.uuid4()), "item-5": "9", "item-6": "10"}).status_code == 302
    rating = Rating.objects.get()
    assert rating.answers == {"1": None, "2": None, "3": None, "4": None, "5": 9.0, "6": 10.0}
    scores = {score.scale: (score.value, bool(score.reason)) for score in rating.scores.all()}
    assert scores == {"goal": (None, True), "task": (None, True), "bond": (9.5, False), "total": (None, True)}


def test_sentence_alone_is_an_answer(phone, link):
    assert send(phone, link, {"submission": str(uuid.uuid4()), "comment": "Not today."}).status_code == 302
    assert Rating.objects.get().comment == "Not today."


def test_nothing_answered_is_said_so_and_leaves_the_link_usable(phone, link):
    page = send(phone, link, {"submission": str(uuid.uuid4()), "comment": "  "})
    assert "Nothing is answered yet." in page.content.decode()
    assert is_usable(link[0]) and not Rating.objects.exists()


def test_comment_that_is_too_long_is_refused_and_kept(phone, link):
    comment = "word " * 400 + "x"
    page = send(phone, link, answers(comment=comment))
    assert "Please keep it under 2000 characters." in page.content.decode()
    assert comment in page.content.decode()
    for described_by in re.findall(r'aria-describedby="([^"]+)"', page.content.decode()):
        for name in described_by.split():
            assert f'id="{name}"' in page.content.decode()
    assert is_usable(link[0])
    assert phone.post(rate_url(link[0]), answers(comment="x" * 2000)).status_code == 302


def test_comment_keeps_emoji_and_right_to_left_text_exactly(phone, link):
    send(phone, link, answers(comment=TEXT))
    assert Rating.objects.get().comment == TEXT


# --- The page ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_page_with_its_style_and_scripts_weighs_under_30_kb(phone, link, language):
    """On its way to the phone: the page as it is, the files compressed, as they are served."""
    page = phone.get(address(link[1]), follow=True, headers={"Accept-Language": language}).content
    files = re.findall(rb'(?:src|href)="/static/([^"]+)"', page)
    assert files == [
        b"icons/favicon.svg",
        b"css/client.css",
        b"js/draft.js",
        b"js/slider.js",
        b"js/steps.js",
        b"js/send.js",
    ]
    static = settings.BASE_DIR / "static"
    assert len(page) + sum(len(gzip.compress((static / name.decode()).read_bytes())) for name in files) < 30_000


def test_page_never_promises_that_nobody_will_ever_read_the_answers(phone, link, service):
    supervised = phone.get(address(link[1]), follow=True).content.decode()
    assert "A supervisor of <bdi>Ada Okafor</bdi> may read them too." in supervised
    accounts.end_supervision(supervision=Supervision.objects.get(therapist=service.ada), by=service.sam)
    alone = phone.get(address(link[1]), follow=True).content.decode()
    assert "Nobody else reads them now; a supervisor of theirs may be named later." in alone


def test_items_carry_their_number_only_where_their_wording_is_not_recorded():
    def shown(instrument: str, rater: str) -> str:
        form = RatingForm(edition=instruments.edition(instrument, rater))
        return "".join(render_to_string("components/rating_item.html", entry) for entry in form.items_to_show())

    assert "rating__number" not in shown("session-check-in", "client")
    numbered = re.findall(r'rating__number">(\d+)\.', shown("wai-36", "therapist"))
    assert numbered == [str(number) for number in range(1, 37)]


def test_page_names_no_other_host(phone, link):
    page = phone.get(address(link[1]), follow=True).content.decode()
    assert "://" not in page
    assert not re.search(r"""(?:src|href|action)=["']//""", page)


class Form(HTMLParser):
    """What a browser without JavaScript would send: hidden inputs, and the radio buttons that can be chosen."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.choices: dict[str, list[str]] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if tag == "input" and found.get("type") == "hidden":
            self.hidden[found["name"]] = found.get("value", "")
        if tag == "input" and found.get("type") == "radio":
            self.choices.setdefault(found["name"], []).append(found["value"])


def test_form_works_without_javascript(link):
    request, token = link
    phone = factories.Browser(enforce_csrf_checks=True)
    form = Form(phone.get(address(token), follow=True).content.decode())
    assert form.choices == {f"item-{number}": [*map(str, range(11)), ""] for number in range(1, 7)}
    sent = {**form.hidden, **{name: values[7] for name, values in form.choices.items()}}
    assert phone.post(rate_url(request), sent).status_code == 302
    assert set(Rating.objects.get().answers.values()) == {7.0}


def test_form_sent_from_another_site_is_refused(phone, link):
    request, token = link
    phone.get(address(token))
    page = phone.post(rate_url(request), answers(), headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status_code == 404
    assert is_usable(request) and not Rating.objects.exists()


# --- Making and withdrawing -------------------------------------------------------------------------


def test_token_is_stored_only_as_its_hash(link):
    request, token = link
    stored = str(list(RatingRequest.objects.values()))
    assert len(token) == 40 and token not in stored and request.token_hash in stored


def test_links_made_at_the_same_moment_end_in_one_open_link_and_no_error(committed):
    service = factories.make_service()
    with acting_in(service.organisation.pk):
        session = factories.make_session(factories.make_episode(service.ada))

    def press() -> RatingRequest:
        with acting_in(service.organisation.pk):
            mine = TherapySession.objects.get(pk=session.pk)
            return actions.request_rating(session=mine, instrument="session-check-in", by=service.ada)

    made = at_once(press, press, press, press)
    assert [type(request) for request in made] == [RatingRequest] * 4
    with acting_in(service.organisation.pk):
        assert RatingRequest.objects.filter(revoked_at=None, redeemed_at=None).count() == 1


@pytest.mark.parametrize("who", ["tom", "ruth", "sam"])
def test_only_the_therapist_of_the_session_makes_and_withdraws_its_links(service, session, link, who):
    with pytest.raises(PermissionDenied):
        actions.request_rating(session=session, instrument="session-check-in", by=getattr(service, who))
    with pytest.raises(PermissionDenied):
        actions.revoke_request(request=link[0], by=getattr(service, who))
    assert is_usable(link[0])


def test_link_for_a_session_the_client_has_rated_is_refused(service, session):
    factories.rate_as_client(session)
    with pytest.raises(ValidationError, match="already rated"):
        factories.make_request(session)


def test_link_for_a_meeting_that_did_not_take_place_is_refused(service):
    missed = factories.make_session(factories.make_episode(service.ada), attendance="did-not-attend")
    with pytest.raises(ValidationError, match="did not take place"):
        factories.make_request(missed)


def test_link_for_a_questionnaire_without_words_is_refused(session):
    with pytest.raises(ValidationError, match="wording is not recorded"):
        factories.make_request(session, instrument="wai-sr")


def test_withdrawing_a_used_link_changes_nothing(phone, service, link):
    send(phone, link, answers())
    actions.revoke_request(request=link[0], by=service.ada)
    request = RatingRequest.objects.get()
    assert request.redeemed_at and request.revoked_at is None


# --- A session that did not take place after all ----------------------------------------------------


def miss(session: TherapySession) -> None:
    session = TherapySession.objects.get(pk=session.pk)
    actions.change_session(
        session=session, version=session.version, attendance="did-not-attend", by=session.episode.therapist
    )


def test_open_link_of_a_session_that_did_not_take_place_is_withdrawn(phone, link, session):
    phone.get(address(link[1]))
    miss(session)
    assert not is_usable(link[0])
    page = phone.post(rate_url(link[0]), answers())
    assert page.status_code == 404 and "Nothing is wrong on your side." in page.content.decode()
    assert not Rating.objects.exists()


def test_answer_to_a_session_that_did_not_take_place_gets_the_kind_page(phone, link, session):
    """Past our own actions: even then a client never sees an error page."""
    phone.get(address(link[1]))
    TherapySession.objects.filter(pk=session.pk).update(attendance="did-not-attend")
    page = phone.post(rate_url(link[0]), answers())
    assert page.status_code == 404 and "Nothing is wrong on your side." in page.content.decode()
    assert not Rating.objects.exists()


def test_answer_and_change_of_attendance_at_the_same_moment_never_leave_a_rated_missed_session(committed):
    service = factories.make_service()
    with acting_in(service.organisation.pk):
        session = factories.make_session(factories.make_episode(service.ada))
        request, token = factories.make_request(session)
    phone = DjangoClient()
    phone.get(address(token))

    def change() -> None:
        with acting_in(service.organisation.pk):
            miss(session)

    page, changed = at_once(lambda: phone.post(rate_url(request), answers()), change)
    with acting_in(service.organisation.pk):
        took_place = TherapySession.objects.get().took_place
        assert Rating.objects.exists() == took_place == isinstance(changed, ValidationError)
    assert page.status_code == (302 if took_place else 404)
