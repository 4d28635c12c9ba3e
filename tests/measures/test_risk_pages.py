"""Risk answers where they are met: today, caseload, episode and session page; and nowhere for clients."""

import re
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from accounts import actions as accounts
from accounts.models import RISK_TEXT, AuditEvent
from dashboards.templatetags.words import waited
from measures import instruments
from measures.actions import record_rating
from measures.actions.risk import CORRECTED, acknowledge_risk
from measures.models import Rating, RiskAnswer
from measures.views.risk import IN_FULL
from tests import factories

TODAY, CASELOAD = reverse("sessions_app:today"), reverse("dashboards:caseload")
DONE = "Rang the same day; appointment tomorrow."


@pytest.fixture
def session(service):
    return factories.make_session(factories.make_episode(service.ada))


@pytest.fixture
def answer(session) -> RiskAnswer:
    return factories.make_risk_answer(session)


@pytest.fixture
def ada(service, browser_of):
    return browser_of(service.ada)


@pytest.fixture
def ruth(service, browser_of):
    return browser_of(service.ruth)


def pass_on() -> None:
    RiskAnswer.objects.update(passed_on_at=Now())


def episode_url(answer) -> str:
    return reverse("dashboards:episode", args=[answer.rating.session.episode_id])


def session_url(answer) -> str:
    return reverse("sessions_app:session", args=[answer.rating.session_id])


def url_of(answer) -> str:
    return reverse("measures:risk-answer", args=[answer.pk])


def text(browser, url: str) -> str:
    page = browser.get(url)
    assert page.status_code == 200
    return " ".join(re.sub(r"<[^>]*>", " ", page.content.decode()).split())


def form(**values) -> dict[str, object]:
    return {"submission": str(uuid.uuid4()), "done": DONE, "back": "today", **values}


# --- At the top -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["today", "episode", "session"])
def test_therapist_meets_it_before_anything_else(ada, answer, page):
    factories.rate_as_client(answer.rating.session)
    said = text(ada, {"today": TODAY, "episode": episode_url(answer), "session": session_url(answer)}[page])
    assert said.index("A risk answer waits to be acknowledged") < said.index("has rated")
    assert "Item 9: answered 2 , on 0 to 3" in said and "Patient Health Questionnaire" in said
    assert RISK_TEXT in said
    assert "has waited less than a minute" in said and "Passed on if nobody has acknowledged it by" in said
    assert "What was done" in said and "Acknowledge" in said


def test_the_services_own_text_stands_there_and_its_hours(service, ada, answer):
    organisation = service.organisation
    changes = {"risk_text": "Ring Dr Moor on 0117.", "risk_hours": 3}
    accounts.update_organisation(organisation=organisation, version=organisation.version, by=service.sam, **changes)
    said = text(ada, TODAY)
    assert "Ring Dr Moor on 0117." in said and RISK_TEXT not in said
    by = timezone.localtime(RiskAnswer.objects.get().raised_at + timedelta(hours=3))
    assert f"by {by:%a} {by.day} {by:%B, %H:%M}" in said


def test_question_stands_there_where_there_are_words_for_it(ada, phq_9_in_words, answer):
    page = ada.get(TODAY).content.decode()
    assert "<q>Words of &lt;i&gt;9&lt;/i&gt;.</q>" in page and "on 0 (never) to 3 (often)" in page


def test_all_items_of_one_rating_stand_together(ada, session):
    record_rating(session=session, instrument="core-om", rater="client", answers={6: 1, 16: 4, 24: 0}, by=None)
    said = text(ada, TODAY)
    assert "Item 6: answered 1" in said and "Item 16: answered 4" in said and "Item 24" not in said


def test_today_without_any_says_nothing_of_risk(ada, session):
    assert "risk answer" not in text(ada, TODAY)


def test_sealed_rating_shows_its_answer_about_harm_and_nothing_else(ada, session, monkeypatch):
    shipped = instruments.instruments()
    check_in = shipped["session-check-in"]
    edition = replace(check_in.editions["client"], risk_items=(5,), risk_above=0)
    asking = {**shipped, "session-check-in": replace(check_in, editions={**check_in.editions, "client": edition})}
    for place in ("measures.instruments.instruments", "measures.catalogue.instruments"):
        monkeypatch.setattr(place, lambda: asking)
    rating = factories.rate_as_client(session, goal=4, task=4, bond=9, comment="Nobody knows this yet.")
    assert rating in Rating.objects.sealed()
    for url in (TODAY, episode_url(rating.risk_answer), session_url(rating.risk_answer), url_of(rating.risk_answer)):
        said = text(ada, url)
        assert "Item 5: answered 9" in said
        assert "Item 1" not in said and "4.0" not in said and "Nobody knows this yet." not in said
    assert "Rate it yourself first" in text(ada, session_url(rating.risk_answer))


def test_who_was_shown_one_is_on_record(service, ada, ruth, answer):
    ada.get(TODAY)
    ruth.get(CASELOAD)
    ada.get(url_of(answer))
    ada.get(reverse("measures:risk-now"))
    viewed = AuditEvent.objects.filter(action="risk-answer.viewed", client_id=answer.rating.session.episode.client_id)
    assert sorted(event.person.name for event in viewed) == ["Ada Okafor"] * 3 + ["Ruth Lindqvist"]


# --- The supervisor ---------------------------------------------------------------------------------------


def test_supervisor_sees_it_first_of_all_and_acts_once_it_is_passed_on(service, ruth, answer):
    factories.make_signal(factories.make_episode(service.ada, code="A-1"))
    said = text(ruth, CASELOAD)
    assert said.index("A risk answer waits") < said.index("Where is the bond now")
    assert "Until then it is for Ada Okafor to acknowledge." in said and "What was done" not in said
    rows = ruth.get(CASELOAD).context["rows"]
    assert [(row.episode.code, row.row.has_risk) for row in rows] == [("R-0417", True), ("A-1", False)]
    pass_on()
    said = text(ruth, CASELOAD)
    assert "as nobody had acknowledged it" in said and "What was done" in said
    assert ruth.post(url_of(answer), form(back="caseload"))["Location"] == CASELOAD
    assert RiskAnswer.objects.get().acknowledged_by == service.ruth
    assert not ruth.get(CASELOAD).context["rows"][0].row.has_risk


@pytest.mark.parametrize(("page", "back"), [(TODAY, "today"), (CASELOAD, "caseload")])
def test_of_many_the_first_stand_in_full_and_the_others_by_whose_they_are(service, browser_of, answer, page, back):
    """Each is at the top, with a page where it is acknowledged; who saw what it says is on record."""
    session = answer.rating.session
    others = [factories.make_risk_answer(factories.make_session(session.episode)) for _ in range(IN_FULL + 1)]
    pass_on()
    browser = browser_of(service.ada if page == TODAY else service.ruth)
    shown = browser.get(page).content.decode()
    assert f"{len(others) + 1} risk answers wait to be acknowledged" in shown
    assert shown.count("What was done") == shown.count("Item 9: answered") == IN_FULL
    assert AuditEvent.objects.filter(action="risk-answer.viewed").count() == IN_FULL
    for last in others[-2:]:
        assert f'<a href="{url_of(last)}?back={back}">Rowan, {last.rating.session}</a>' in shown
    its_own = browser.get(url_of(others[-1]), {"back": back}).content.decode()
    assert f'name="back" value="{back}"' in its_own and "Item 9: answered" in its_own


def test_supervisors_client_list_and_the_therapists_mark_the_episode(ada, ruth, answer):
    url = reverse("clients:client-list")
    assert "risk answer waits" in text(ada, url) and "risk answer waits" in text(ruth, url)
    factories.rate_by_phq_9(answer.rating.session, harm=0)
    assert "risk answer waits" not in text(ada, url)


def test_of_own_clients_it_is_not_on_the_caseload(service, ada, answer):
    ada_too = {"person": service.ada, "version": service.ada.version, "is_supervisor": True, "by": service.sam}
    accounts.update_person(**ada_too)
    assert "risk answer" not in text(ada, CASELOAD)


# --- Acknowledging ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("back", "place"),
    [("today", lambda answer: TODAY), ("episode", episode_url), ("session", session_url), ("//evil", session_url)],
)
def test_acknowledged_it_leads_back_to_where_the_form_stood(ada, answer, back, place):
    assert ada.post(url_of(answer), form(back=back))["Location"] == place(answer)
    assert RiskAnswer.objects.get().done == DONE


def test_afterwards_a_quiet_line_says_who_when_and_what_was_done(ada, ruth, answer):
    ada.post(url_of(answer), form())
    assert "risk answer" not in text(ada, TODAY)
    assert "1 earlier risk answer Session 1 Item 9: answered 2" in text(ada, episode_url(answer))
    for browser in (ada, ruth):
        for url in (episode_url(answer), session_url(answer), url_of(answer)):
            said = text(browser, url)
            assert f"{DONE} Acknowledged by Ada Okafor, {timezone.localtime():%a}" in said
            assert "waits to be acknowledged" not in said


def test_what_was_taken_back_says_why(ada, answer):
    factories.rate_by_phq_9(answer.rating.session, harm=0)
    assert CORRECTED in text(ada, session_url(answer)) and CORRECTED in text(ada, episode_url(answer))


@pytest.mark.parametrize("done", ["  ", "x" * 2001])
def test_what_was_refused_stands_beside_its_field_and_nothing_typed_is_lost(ada, answer, done):
    page = ada.post(url_of(answer), form(done=done))
    said = page.content.decode()
    assert page.status_code == 422
    assert f'id="risk-{answer.pk}-done_error"' in said and 'name="back" value="today"' in said
    assert done.strip() in said and RiskAnswer.objects.get().is_open
    assert ada.post(url_of(answer), form())["Location"] == TODAY


def test_form_sent_twice_acknowledges_once_and_leads_to_the_same_place(ada, answer):
    sent = form()
    first, second = ada.post(url_of(answer), sent), ada.post(url_of(answer), sent)
    assert (first.status_code, first["Location"]) == (second.status_code, second["Location"]) == (302, TODAY)


def test_the_later_of_two_people_is_shown_both_texts(ada, ruth, answer):
    pass_on()
    ruth.post(url_of(answer), form(done="Spoke to the crisis team."))
    page = ada.post(url_of(answer), form())
    said = page.content.decode()
    assert page.status_code == 409 and "This was settled meanwhile." in said
    assert DONE in said and "Spoke to the crisis team." in said
    assert RiskAnswer.objects.get().done == "Spoke to the crisis team."


def test_form_gone_back_to_and_changed_is_shown_beside_what_is_kept(ada, answer):
    sent = form()
    ada.post(url_of(answer), sent)
    page = ada.post(url_of(answer), {**sent, "done": "Something else."})
    assert page.status_code == 409 and "Something else." in page.content.decode()
    assert RiskAnswer.objects.get().done == DONE


# --- An open page -----------------------------------------------------------------------------------------


def seen_in(page) -> str:
    found = re.search(r'name="seen" value="(\w+)"', page.content.decode())
    assert found
    return found[1]


def test_open_page_is_told_only_when_there_is_something_new(service, ada, session):
    url = reverse("measures:risk-now")
    seen = seen_in(ada.get(TODAY))
    nothing = ada.get(url, {"seen": seen})
    assert (nothing.status_code, nothing["X-Record"]) == (204, str(service.ada.pk))
    factories.make_risk_answer(session)
    something = ada.get(url, {"seen": seen})
    assert something.status_code == 200 and seen_in(something) != seen
    assert 'hx-swap-oob="innerHTML">A risk answer waits to be acknowledged' in something.content.decode()
    assert ada.get(url, {"seen": seen_in(something)}).status_code == 204


def test_open_caseload_is_told_when_one_is_passed_on(ruth, answer):
    url = reverse("measures:risk-now")
    seen = seen_in(ruth.get(CASELOAD))
    assert ruth.get(url, {"seen": seen, "back": "caseload"}).status_code == 204
    pass_on()
    assert "What was done" in ruth.get(url, {"seen": seen, "back": "caseload"}).content.decode()


def test_open_episode_page_is_told_of_its_own_episode_alone(service, ada, answer):
    other = factories.make_session(factories.make_episode(service.ada, code="R-2"))
    url = reverse("measures:risk-of-episode", args=[other.episode_id])
    seen = seen_in(ada.get(reverse("dashboards:episode", args=[other.episode_id])))
    assert ada.get(url, {"seen": seen}).status_code == 204
    factories.make_risk_answer(other)
    told = ada.get(url, {"seen": seen, "back": "session"})
    assert (told.status_code, told["X-Record"]) == (200, str(other.episode_id))
    assert str(answer.pk) not in told.content.decode() and 'name="back" value="session"' in told.content.decode()


# --- Administrators, queries ------------------------------------------------------------------------------


def test_administrator_reads_how_many_wait_unread_and_not_whose(service, browser_of, answer):
    sam, url = browser_of(service.sam), reverse("accounts:person-list")
    assert "Risk answers wait unread" not in text(sam, url)
    pass_on()
    accounts.end_supervision(supervision=service.ruth.supervisions_given.get(), by=service.sam)
    said = text(sam, url)
    assert "Risk answers wait unread" in said and "Ada Okafor: 1 , and nobody who may sign in supervises them." in said
    assert not [word for word in ("R-0417", "Rowan", "Patient Health", "Item 9") if word in said]


@pytest.mark.parametrize("page", ["today", "episode", "session", "fragment", "caseload", "client list"])
def test_page_needs_no_more_queries_for_six_of_them_than_for_one(service, browser_of, answer, page):
    person = service.ruth if page == "caseload" else service.ada
    url = {
        "today": TODAY,
        "episode": episode_url(answer),
        "session": session_url(answer),
        "fragment": reverse("measures:risk-now"),
        "caseload": CASELOAD,
        "client list": reverse("clients:client-list"),
    }[page]
    few = factories.queries_of(browser_of(person), url)
    for number in range(5):
        session = factories.make_session(answer.rating.session.episode)
        acknowledged = factories.make_risk_answer(session)
        if number % 2:
            acknowledge_risk(answer=acknowledged, done=DONE, by=service.ada)
    many = factories.queries_of(browser_of(person), url)
    assert len(many) == len(few) <= factories.MOST_QUERIES, many


# --- Clients ----------------------------------------------------------------------------------------------


def without_ids(body: bytes) -> bytes:
    """And without how many seconds the link still lasts."""
    return re.sub(rb'[0-9a-f]{8}-[0-9a-f-]{27}|data-lasts="\d+"', b"", body)


def pages_of_client(service, answer: str, code: str) -> list[bytes]:
    """All that a client is shown from the link to a second try with other answers, in a fresh browser."""
    session = factories.make_session(factories.make_episode(service.ada, code=code))
    request, token = factories.make_request(session, "phq-9")
    phone = factories.Browser()
    form = phone.get(reverse("measures:link", args=[token]), follow=True)
    url = reverse("measures:rate", args=[request.pk])
    sent = {"submission": str(uuid.uuid4()), "item-1": "1", "item-9": answer}
    refused = phone.post(url, {**sent, "item-1": "77"})
    thanks = phone.post(url, sent, follow=True)
    again = phone.get(reverse("measures:link", args=[token]))
    kept = phone.post(url, {**sent, "item-1": "2"})
    assert [page.status_code for page in (form, refused, thanks, again, kept)] == [200, 422, 200, 404, 422]
    for page in (form, refused, thanks, kept):
        assert service.organisation.emergency_text in page.content.decode()
    # The form that was refused shows what was typed, which is the client's own answer.
    shown = [without_ids(page.content) for page in (form, thanks, again, kept)]
    return [*shown, without_ids(refused.content).replace(b" checked", b"")]


def test_no_client_is_shown_a_verdict(service, phq_9_in_words):
    quiet = pages_of_client(service, "0", "R-1")
    telling = pages_of_client(service, "3", "R-2")
    assert [found.rating.session.episode.client.code for found in RiskAnswer.objects.all()] == ["R-2"]
    assert telling == quiet


# --- Words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(seconds=60), "1 minute"),
        (timedelta(minutes=59, seconds=59), "59 minutes"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=23, minutes=59), "23 hours"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=9, hours=5), "9 days"),
    ],
)
def test_how_long_it_has_waited_in_words(time, words, monkeypatch):
    now = timezone.now()
    monkeypatch.setattr("dashboards.templatetags.words.timezone.now", lambda: now)
    assert waited(now - time) == words
