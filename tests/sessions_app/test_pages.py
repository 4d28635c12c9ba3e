import uuid
from html import escape

import pytest
from django.contrib.auth import get_user_model
from django.test import Client as DjangoClient
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Submission
from jobs.organisation import acting_in
from measures.models import EpisodeSeries, Rating, RatingRequest
from sessions_app.models import TherapySession
from tests import factories
from tests.parallel import at_once

# Hebrew and Arabic, a family joined by zero-width joiners, a flag, a combining accent, a right-to-left mark.
TEXT = "שלום 👩‍👩‍👧 مرحبا\u200f بكم 🏴󠁧󠁢󠁳󠁣󠁴󠁿 e\u0301 <b>&amp;"


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


@pytest.fixture
def browser(service, browser_of):
    return browser_of(service.ada)


def log_url(episode) -> str:
    return reverse("sessions_app:session-log", args=[episode.pk])


def form(**values) -> dict[str, object]:
    """What the log page sends: everything but the rating filled in."""
    filled = {
        "submission": str(uuid.uuid4()),
        "number": 1,
        "held_on": timezone.localdate().isoformat(),
        "attendance": "attended",
        "format": "in-person",
        "note": "",
        "item-1": "",
        "item-2": "",
        "item-3": "",
    }
    return {**filled, **{name.replace("item_", "item-"): value for name, value in values.items()}}


def edit_form(session: TherapySession, **values) -> dict[str, object]:
    return form(number=session.number, note=session.note, version=session.version, **values)


def is_chosen(page, item: int, value: int) -> bool:
    return f'name="item-{item}" value="{value}" checked' in page.content.decode()


# --- Logging ----------------------------------------------------------------------------------------


def test_session_is_logged_with_the_own_rating_and_a_link(browser, episode):
    answer = browser.post(log_url(episode), form(item_1=8, item_2=7, item_3=6, note="Good start.", wants_link="on"))
    session = TherapySession.objects.get()
    assert answer.status_code == 302 and answer["Location"] == reverse("sessions_app:session", args=[session.pk])
    rating = Rating.objects.get()
    assert (rating.rater, rating.answers, rating.session) == ("therapist", {"1": 8.0, "2": 7.0, "3": 6.0}, session)
    assert RatingRequest.objects.get().session == session
    page = browser.get(answer["Location"]).content.decode()
    assert "Good start." in page and "Session 1 is saved." in page and "data-client-link" in page


def test_page_proposes_today_and_the_next_number(browser, episode):
    factories.make_session(episode, number=4)
    shown = browser.get(log_url(episode)).context["form"]
    assert (shown["number"].value(), shown["held_on"].value()) == (5, timezone.localdate())


def test_untouched_rating_is_none(browser, episode):
    assert browser.post(log_url(episode), form()).status_code == 302
    assert TherapySession.objects.count() == 1
    assert not Rating.objects.exists() and not RatingRequest.objects.exists()


def test_zero_is_an_answer(browser, episode):
    browser.post(log_url(episode), form(item_1=0, item_2="", item_3=""))
    assert Rating.objects.get().answers == {"1": 0.0, "2": None, "3": None}


def test_form_sent_twice_writes_once_and_leads_to_the_same_place(browser, episode):
    sent = form(item_1=8, item_2=7, item_3=6, wants_link="on")
    first, second = browser.post(log_url(episode), sent), browser.post(log_url(episode), sent)
    assert first.status_code == second.status_code == 302
    assert first["Location"] == second["Location"]
    assert (TherapySession.objects.count(), Rating.objects.count(), RatingRequest.objects.count()) == (1, 1, 1)


def test_form_sent_again_with_other_content_is_refused_in_words_and_writes_nothing(browser, episode):
    sent = form(note="as saved")
    browser.post(log_url(episode), sent)
    page = browser.post(log_url(episode), {**sent, "number": 2, "note": "changed after going back"})
    assert page.status_code == 422
    assert "This form was already saved with other content." in page.content.decode()
    assert "changed after going back" in page.content.decode()
    assert [session.note for session in TherapySession.objects.all()] == ["as saved"]


def test_form_key_of_somebody_else_is_no_way_to_their_record(service, browser_of, browser, episode):
    sent = form()
    browser.post(log_url(episode), sent)
    other = factories.make_episode(service.tom, code="T-0001")
    page = browser_of(service.tom).post(log_url(other), sent)
    assert page.status_code == 422
    assert TherapySession.objects.count() == 1


@pytest.mark.parametrize("number", ["0", "1000", "seven", "", "-3", "1.5", "99999999999999999999"])
def test_number_that_is_none_is_refused_beside_its_field(browser, episode, number):
    page = browser.post(log_url(episode), form(number=number))
    assert page.status_code == 422
    assert list(page.context["form"].errors) == ["number"]
    assert f'value="{number}"' in page.content.decode() if number else True
    assert not TherapySession.objects.exists()


def test_number_that_is_taken_is_refused_beside_its_field_with_everything_typed_kept(browser, episode):
    factories.make_session(episode, number=1)
    page = browser.post(log_url(episode), form(note="a long note", item_1=3, item_2=4, item_3=0, format="phone"))
    assert page.status_code == 422
    assert list(page.context["form"].errors) == ["number"]
    assert "Session 1 is already logged." in page.content.decode()
    assert "a long note" in page.content.decode()
    assert is_chosen(page, 1, 3) and is_chosen(page, 2, 4) and is_chosen(page, 3, 0)
    assert page.context["form"]["format"].value() == "phone"
    assert not Rating.objects.exists()


def test_mistakes_in_the_meeting_and_in_the_rating_are_shown_together(browser, episode):
    page = browser.post(log_url(episode), form(number="0", item_1="11", item_2=4))
    assert page.status_code == 422
    assert list(page.context["form"].errors) == ["number"]
    assert page.context["own"].problems == {"1": "must be between 0 and 10"}
    assert page.content.decode().count("data-error-summary") == 1
    summary = page.content.decode().partition("data-error-summary")[2].partition("</div>")[0]
    assert 'href="#id_number"' in summary and 'href="#id_item-1"' in summary
    assert "must be between 0 and 10" in page.content.decode()
    assert is_chosen(page, 2, 4)


@pytest.mark.parametrize("answer", ["11", "-1", "7.5", "seven", "NaN", "1e1"])
def test_answer_off_the_scale_writes_nothing(browser, episode, answer):
    page = browser.post(log_url(episode), form(item_1=answer, note="kept"))
    assert page.status_code == 422
    assert "1" in page.context["own"].problems and "kept" in page.content.decode()
    assert not TherapySession.objects.exists()


def test_note_of_a_megabyte_is_refused_beside_its_field_and_kept_in_the_form(browser, episode):
    note = "word " * 200_000
    page = browser.post(log_url(episode), form(note=note))
    assert page.status_code == 422
    assert list(page.context["form"].errors) == ["note"]
    assert "This note is longer than 20,000 characters." in page.content.decode()
    assert note in page.content.decode()
    assert not TherapySession.objects.exists()


def test_note_keeps_emoji_and_right_to_left_text_exactly(browser, episode):
    location = browser.post(log_url(episode), form(note=TEXT))["Location"]
    assert TherapySession.objects.get().note == TEXT
    assert escape(TEXT) in browser.get(location).content.decode()


def test_rating_of_a_meeting_that_did_not_take_place_is_refused_and_everything_taken_back(browser, episode):
    page = browser.post(log_url(episode), form(attendance="did-not-attend", item_1=5, note="kept"))
    assert page.status_code == 422
    assert "This meeting did not take place, so there is nothing to rate." in page.content.decode()
    assert "kept" in page.content.decode() and is_chosen(page, 1, 5)
    assert not TherapySession.objects.exists() and not Rating.objects.exists() and not Submission.objects.exists()


def test_link_is_not_made_for_a_meeting_that_did_not_take_place(browser, episode):
    browser.post(log_url(episode), form(attendance="cancelled-late", wants_link="on"))
    assert TherapySession.objects.count() == 1
    assert not RatingRequest.objects.exists()


# --- Editing ----------------------------------------------------------------------------------------


@pytest.fixture
def session(episode):
    return factories.make_session(episode, note="as it was")


def edit_url(session: TherapySession) -> str:
    return reverse("sessions_app:session-edit", args=[session.pk])


@pytest.mark.parametrize("route", ["session", "session-edit"])
def test_page_that_shows_note_and_rating_leaves_the_event_of_it(service, browser, session, route):
    browser.get(reverse(f"sessions_app:{route}", args=[session.pk]))
    event = AuditEvent.objects.get(action="session.viewed")
    assert (event.object_id, event.client_id, event.person) == (session.pk, session.episode.client_id, service.ada)


def test_two_tabs_saving_one_session_show_both_texts_and_saving_again_works(browser, session):
    first_tab, second_tab = edit_form(session), edit_form(session)
    assert browser.post(edit_url(session), {**first_tab, "note": "from the first"}).status_code == 302
    conflict = browser.post(edit_url(session), {**second_tab, "note": "from the second", "item-1": 9})
    assert conflict.status_code == 409
    page = conflict.content.decode()
    assert "from the first" in page and "from the second" in page and is_chosen(conflict, 1, 9)
    assert TherapySession.objects.get().note == "from the first"
    assert not Rating.objects.exists()
    offered = conflict.context["form"]
    again = {name: offered[name].value() for name in offered.fields}
    assert browser.post(edit_url(session), {**again, "item-1": 9}).status_code == 302
    saved = TherapySession.objects.get()
    assert (saved.note, saved.version) == ("from the second", 3)
    assert Rating.objects.get().answers["1"] == 9.0


def saved_now(page) -> str:
    return page.content.decode().partition("Saved now")[2].partition("</section>")[0]


def test_conflict_shows_the_own_rating_saved_meanwhile_beside_the_one_typed(browser, session):
    first_tab, second_tab = edit_form(session, item_1=3, item_2=6), edit_form(session, item_1=9)
    browser.post(edit_url(session), first_tab)
    conflict = browser.post(edit_url(session), second_tab)
    assert conflict.status_code == 409
    assert ": 3" in saved_now(conflict) and ": 6" in saved_now(conflict) and "no answer" in saved_now(conflict)
    assert is_chosen(conflict, 1, 9)


def test_conflict_of_a_page_without_a_rating_takes_no_rating_back(browser, session):
    first_tab, second_tab = edit_form(session, item_1=3, item_2=6), edit_form(session)
    browser.post(edit_url(session), first_tab)
    conflict = browser.post(edit_url(session), {**second_tab, "note": "from the second"})
    assert conflict.status_code == 409
    assert is_chosen(conflict, 1, 3) and is_chosen(conflict, 2, 6)
    assert Rating.objects.get().answers["1"] == 3.0


def test_edit_sent_twice_is_no_conflict(browser, session):
    sent = edit_form(session, item_1=5)
    first, second = browser.post(edit_url(session), sent), browser.post(edit_url(session), sent)
    assert first.status_code == second.status_code == 302
    assert TherapySession.objects.get().version == 2
    assert Rating.objects.count() == 1


def test_mistake_in_an_edit_keeps_everything_typed(browser, session):
    page = browser.post(edit_url(session), {**edit_form(session, item_2=4), "note": TEXT, "held_on": "soon"})
    assert page.status_code == 422
    assert list(page.context["form"].errors) == ["held_on"]
    assert escape(TEXT) in page.content.decode() and 'value="soon"' in page.content.decode()
    assert is_chosen(page, 2, 4)
    assert TherapySession.objects.get().note == "as it was"


def test_saving_the_same_rating_again_writes_none(browser, session):
    factories.rate_as_therapist(session, 5, 6, 7)
    browser.post(edit_url(session), edit_form(session, item_1=5, item_2=6, item_3=7))
    assert Rating.objects.count() == 1


def test_changed_own_rating_supersedes_the_earlier(browser, session):
    factories.rate_as_therapist(session, 5, 6, 7)
    browser.post(edit_url(session), edit_form(session, item_1=5, item_2=6, item_3=8))
    assert Rating.objects.count() == 2
    assert Rating.objects.current().get().answers["3"] == 8.0


def test_saved_own_rating_is_corrected_but_not_emptied(browser, session):
    factories.rate_as_therapist(session, 5, 6, 7)
    page = browser.post(edit_url(session), {**edit_form(session), "note": "changed"})
    assert page.status_code == 422
    own = page.content.decode().partition('id="own"')[2].partition("</section>")[0]
    assert "A saved rating can be corrected, but not emptied." in own
    saved = TherapySession.objects.get()
    assert (saved.note, saved.version, Rating.objects.count()) == ("as it was", 1, 1)
    assert browser.post(edit_url(session), edit_form(session, item_1=5)).status_code == 302
    assert Rating.objects.current().get().answers == {"1": 5.0, "2": None, "3": None}


def test_session_with_another_number_makes_the_trends_stale(browser, session):
    episode = session.episode
    factories.make_course(episode, [7, 8])
    before = EpisodeSeries.objects.get(episode=episode)
    assert not before.is_updating
    browser.post(edit_url(session), {**edit_form(session), "number": 9})
    assert EpisodeSeries.objects.get(episode=episode).is_updating


def test_session_with_another_note_leaves_the_trends_as_they_are(browser, session):
    factories.make_course(session.episode, [7, 8])
    browser.post(edit_url(session), {**edit_form(session), "note": "other"})
    assert not EpisodeSeries.objects.get(episode=session.episode).is_updating


@pytest.mark.parametrize("rate", [factories.rate_as_client, factories.rate_as_therapist])
def test_session_with_ratings_can_not_become_one_that_did_not_take_place(browser, session, rate):
    rate(session)
    sent = edit_form(session, attendance="did-not-attend", item_1=7, item_2=7, item_3=7)
    if rate is factories.rate_as_client:
        sent |= {"item-1": "", "item-2": "", "item-3": ""}
    page = browser.post(edit_url(session), sent)
    assert page.status_code == 422
    assert list(page.context["form"].errors) == ["attendance"]
    assert "This session has ratings, so it took place." in page.content.decode()
    saved = TherapySession.objects.get()
    assert (saved.attendance, saved.version) == ("attended", 1)


def test_session_without_ratings_may_become_one_that_did_not_take_place_and_its_link_is_withdrawn(browser, session):
    request, _token = factories.make_request(session)
    assert browser.post(edit_url(session), edit_form(session, attendance="did-not-attend")).status_code == 302
    request.refresh_from_db()
    assert request.revoked_at and not TherapySession.objects.get().took_place


# --- At the same moment -----------------------------------------------------------------------------


@pytest.fixture
def committed_service(committed):
    return factories.make_service()


def signed_in(service: factories.Service) -> DjangoClient:
    browser = DjangoClient()
    with acting_in(service.organisation.pk):
        ada = get_user_model().objects.get(pk=service.ada.pk)
    factories.sign_in(browser, ada)
    return browser


def posts(service: factories.Service, url: str, *forms: dict[str, object]) -> list[object]:
    """Each form from a browser and a connection of its own, all at the same moment."""
    browsers = [signed_in(service) for _ in forms]
    return at_once(*[lambda b=browser, f=sent: b.post(url, f) for browser, sent in zip(browsers, forms, strict=True)])


def test_two_people_logging_one_number_at_the_same_moment_get_one_session_and_one_clear_error(committed_service):
    service = committed_service
    with acting_in(service.organisation.pk):
        episode = factories.make_episode(service.ada)
    answers = posts(service, log_url(episode), form(note="first", item_1=5), form(note="second", item_1=6))
    assert sorted(answer.status_code for answer in answers) == [302, 422]
    (refused,) = [answer for answer in answers if answer.status_code == 422]
    assert "Session 1 is already logged." in refused.content.decode()
    with acting_in(service.organisation.pk):
        assert (TherapySession.objects.count(), Rating.objects.count()) == (1, 1)


def test_one_form_sent_five_times_at_the_same_moment_writes_once_and_leads_to_one_place(committed_service):
    service = committed_service
    with acting_in(service.organisation.pk):
        episode = factories.make_episode(service.ada)
    answers = posts(service, log_url(episode), *[form(item_1=5, submission=str(uuid.UUID(int=7)))] * 5)
    assert [answer.status_code for answer in answers] == [302] * 5
    assert len({answer["Location"] for answer in answers}) == 1
    with acting_in(service.organisation.pk):
        assert (TherapySession.objects.count(), Rating.objects.count()) == (1, 1)


def test_one_edit_sent_five_times_at_the_same_moment_is_no_conflict(committed_service):
    service = committed_service
    with acting_in(service.organisation.pk):
        session = factories.make_session(factories.make_episode(service.ada))
    sent = edit_form(session, item_1=5, submission=str(uuid.UUID(int=7)))
    answers = posts(service, edit_url(session), *[sent] * 5)
    assert [answer.status_code for answer in answers] == [302] * 5
    with acting_in(service.organisation.pk):
        assert TherapySession.objects.get().version == 2
        assert Rating.objects.count() == 1
