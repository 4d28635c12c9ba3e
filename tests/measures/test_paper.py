"""Ratings from paper: by the numbers of the items, or by their totals."""

import uuid
from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from measures import actions, scoring
from measures.actions import clients as for_client
from measures.actions import service as chosen
from measures.models import Rating, RiskAnswer, Score
from reports.selectors import completed_rating
from sessions_app.models import TherapySession
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(service) -> TherapySession:
    day = timezone.localdate() - timedelta(days=3)
    return factories.make_session(factories.make_episode(service.ada), held_on=day)


@pytest.fixture
def browser(service, browser_of):
    return browser_of(service.ada)


def enter(session: TherapySession, **more) -> Rating:
    entry = {
        "session": session,
        "instrument": "phq-9",
        "rater": "client",
        "filled_in_on": session.held_on,
        "answers": {},
        "totals": {},
        "by": session.episode.therapist,
    }
    return for_client.enter_from_paper(**{**entry, **more})


# --- The action


def test_answers_by_number_are_scored_by_the_key(service, session):
    rating = enter(session, answers=dict.fromkeys(range(1, 10), 2.0))
    assert (rating.answers["9"], rating.rater, rating.submitted_by) == (2.0, "client", None)
    assert (rating.entered_by, timezone.localdate(rating.submitted_at)) == (service.ada, session.held_on)
    assert Score.objects.get(rating=rating).value == 18
    event = AuditEvent.objects.get(action="rating.submitted")
    assert (event.person, event.fields) == (service.ada, ["client", "paper", "phq-9"])


def test_totals_alone_are_kept_without_answers_and_only_those_that_were_given(session):
    rating = enter(session, instrument="wai-36", rater="observer", totals={"bond": "60", "total": "180", "goal": ""})
    assert rating.answers == {} and rating.submitted_by == rating.entered_by
    assert dict(rating.scores.values_list("scale", "value")) == {"bond": 60, "total": 180}


def test_the_total_of_a_measure_of_the_services_own_is_entered(service, session):
    factories.make_import(service)
    rating = enter(session, instrument="mood", totals={"total": "21"})
    assert rating.scores.get().mean == 21


def test_a_therapists_own_rating_can_be_on_paper_without_any_words(session):
    rating = enter(session, instrument="wai-srt", rater="therapist", answers=dict.fromkeys(range(1, 11), 4.0))
    assert rating.scores.get(scale="total").value == 40
    assert rating.submitted_by == rating.entered_by == session.episode.therapist


def test_a_correction_supersedes_and_the_first_entry_stays(session):
    first = enter(session, totals={"total": "12"})
    second = enter(session, totals={"total": "21"})
    first.refresh_from_db()
    assert (first.superseded_by, Rating.objects.current().get()) == (second, second)


@pytest.mark.parametrize("entered", [False, True])
def test_what_a_client_sent_is_not_replaced_by_what_somebody_types(session, entered):
    factories.rate_as_client(session)
    with pytest.raises(ValidationError, match="It stands as it came"):
        enter(session, instrument="session-check-in", answers={1: 1.0} if entered else {}, totals={"total": "1"})


def test_a_link_that_was_open_stops_when_the_paper_is_entered(session):
    request, _token = factories.make_request(session)
    enter(session, instrument="session-check-in", answers={1: 5.0})
    request.refresh_from_db()
    assert request.revoked_by == session.episode.therapist


def test_the_therapist_has_seen_what_they_enter_so_it_does_not_wait(session):
    enter(session, instrument="session-check-in", answers={1: 5.0})
    assert not Rating.objects.sealed().exists()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "Nothing is entered yet"),
        ({"answers": {1: 1.0}, "totals": {"total": "3"}}, "not both"),
        ({"instrument": "srs", "totals": {"total": "30"}}, "is off in your service"),
        ({"filled_in_on": date(2999, 1, 1), "totals": {"total": "3"}}, "in the future"),
        ({"filled_in_on": date(1999, 1, 1), "totals": {"total": "3"}}, "The episode started on"),
    ],
)
def test_an_entry_that_cannot_be_is_refused(session, more, words):
    with pytest.raises(ValidationError, match=words):
        enter(session, **more)
    assert not Rating.objects.exists()


@pytest.mark.parametrize("more", [{"totals": {"total": "28"}}, {"answers": {1: 4.0}}, {"answers": {10: 1.0}}])
def test_numbers_off_the_scale_are_refused(session, more):
    with pytest.raises(scoring.AnswerProblem):
        enter(session, **more)


def test_a_meeting_that_did_not_take_place_has_nothing_on_paper(session):
    actions.change_session(session=session, version=1, attendance="did-not-attend", by=session.episode.therapist)
    with pytest.raises(ValidationError, match="did not take place"):
        enter(session, totals={"total": "3"})


@pytest.mark.parametrize("who", ["tom", "ruth", "sam"])
def test_only_the_therapist_enters(service, session, who):
    with pytest.raises(PermissionDenied):
        enter(session, totals={"total": "3"}, by=getattr(service, who))


def test_an_answer_about_harm_is_raised_from_paper_as_from_a_link_and_taken_back_by_a_correction(service, session):
    rating = enter(session, answers={9: 2.0})
    raised = RiskAnswer.objects.get()
    assert (raised.rating, raised.answers) == (rating, {"9": 2})
    assert AuditEvent.objects.get(action="risk-answer.raised").person == service.ada
    enter(session, answers={9: 0.0})
    raised.refresh_from_db()
    assert raised.withdrawn_at


def test_what_is_filled_in_today_is_not_of_later_today(session):
    rating = enter(session, filled_in_on=timezone.localdate(), totals={"total": "3"})
    assert rating.submitted_at <= timezone.now()


def test_old_ratings_of_what_was_switched_off_stay(service, session, browser):
    enter(session, totals={"total": "14"})
    chosen.switch_instrument(instrument="phq-9", is_on=False, by=service.sam)
    page = browser.get(reverse("sessions_app:session", args=[session.pk])).content.decode()
    assert "Patient Health Questionnaire, 9 items" in page and "14.0" in page
    assert 'value="phq-9:client"' not in browser.get(address(session)).content.decode()


def test_a_document_of_it_says_that_it_was_on_paper(session):
    assert completed_rating(enter(session, totals={"total": "14"})).is_from_paper
    assert not completed_rating(factories.rate_as_therapist(session)).is_from_paper


# --- The page


def address(session: TherapySession, measure: str = "") -> str:
    return reverse("measures:paper", args=[session.pk]) + (f"?measure={measure}" if measure else "")


def form(session: TherapySession, **values: str) -> dict[str, str]:
    given = {"submission": str(uuid.uuid4()), "measure": "phq-9:client", "filled_in_on": f"{session.held_on}"}
    return given | {name.replace("item_", "item-").replace("total_", "total-"): v for name, v in values.items()}


def test_page_asks_which_and_then_for_each_item_and_the_totals(browser, session):
    which = browser.get(address(session)).content.decode()
    assert 'value="phq-9:client"' in which and 'value="wai-36:observer"' in which and "srs:client" not in which
    page = browser.get(address(session, "wai-36:observer"))
    shown = page.context["form"]
    assert len(shown.item_fields()) == 36
    assert [field.label for field in shown.total_fields()] == [
        "Goal, 12 to 84",
        "Task, 12 to 84",
        "Bond, 12 to 84",
        "Total, 36 to 252",
    ]
    assert shown["filled_in_on"].value() == session.held_on


@pytest.mark.parametrize("measure", ["srs:client", "nothing:client", "phq-9:therapist", "phq-9", "x"])
def test_a_measure_that_cannot_be_entered_is_asked_for_again(browser, session, measure):
    assert browser.get(address(session, measure)).status_code == 422
    assert browser.post(address(session), {**form(session, total_total="3"), "measure": measure}).status_code == 422
    assert not Rating.objects.exists()


def test_an_entry_leads_back_to_the_session_which_says_by_whom_it_was_entered(browser, session):
    sent = form(session, total_total="14")
    for _ in range(2):
        answer = browser.post(address(session), sent)
        assert answer["Location"] == reverse("sessions_app:session", args=[session.pk])
    assert Rating.objects.count() == 1
    page = browser.get(answer["Location"]).content.decode()
    assert "Entered from paper by Ada Okafor" in page and "filled in on" in page and "14.0" in page
    assert "the score is the one that was given" in page and "item by item" not in page


def test_mistakes_are_named_beside_their_boxes_and_everything_typed_stays(browser, session):
    page = browser.post(address(session), form(session, item_1="3", item_2="9", item_3="many", total_total="90"))
    assert page.status_code == 422
    assert {name: list(words) for name, words in page.context["form"].errors.items()} == {
        "item-2": ["must be between 0 and 3"],
        "item-3": ["must be a number"],
        "total-total": ["must be between 0 and 27"],
    }
    shown = page.content.decode()
    assert 'value="9"' in shown and 'value="many"' in shown and 'value="90"' in shown
    assert 'aria-describedby="id_item-2_error"' in shown and 'id="id_item-2_error"' in shown


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "Nothing is entered yet."),
        ({"item_1": "1", "total_total": "3"}, "not both"),
        ({"item_1": "0", "total_total": "3"}, "not both"),
    ],
)
def test_neither_and_both_are_refused(browser, session, values, words):
    page = browser.post(address(session), form(session, **values))
    assert page.status_code == 422 and words in page.content.decode()


def test_a_correction_begins_with_what_was_entered(browser, session):
    enter(session, answers={1: 3.0, 2: 0.0}, filled_in_on=session.held_on - timedelta(days=1))
    shown = browser.get(address(session, "phq-9:client")).context["form"]
    assert [shown[f"item-{n}"].value() for n in (1, 2, 3)] == ["3", "0", None]
    assert shown["filled_in_on"].value() == session.held_on - timedelta(days=1)
    enter(session, totals={"total": "13"})
    shown = browser.get(address(session, "phq-9:client")).context["form"]
    assert (shown["total-total"].value(), shown["item-1"].value()) == ("13", None)


def test_what_the_client_sent_is_not_shown_on_the_page_that_would_replace_it(browser, session):
    factories.rate_as_client(session, goal=9, comment="CANARY")
    page = browser.get(address(session, "session-check-in:client")).content.decode()
    assert "it stands as it came" in page and "CANARY" not in page and 'name="item-1"' not in page
