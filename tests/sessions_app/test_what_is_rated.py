"""What a session page shows of the battery, and the therapist's own ratings beside the meeting."""

import re
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from clients import actions as clients
from measures import actions as measures
from measures.actions import clients as for_client
from measures.actions import service as chosen
from measures.battery import DEFAULT, Entry, Rhythm
from measures.models import Rating, RatingRequest
from sessions_app.models import TherapySession
from tests import factories

pytestmark = pytest.mark.django_db

CHECK_IN, OUTCOME, OWN = DEFAULT
STRAIN = Entry("strain-check", "therapist", Rhythm.EVERY)
WAI = Entry("wai-srt", "therapist", Rhythm.EVERY)


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


@pytest.fixture
def browser(service, browser_of):
    return browser_of(service.ada)


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def lines(browser, session) -> list[str]:
    """The lines of what is rated, each as it is read."""
    page = browser.get(reverse("sessions_app:session", args=[session.pk])).content.decode()
    card = page.partition('id="wanted-title"')[2].partition("</section>")[0]
    return [text_of(line) for line in card.split("<li")[1:]]


def today_session(episode) -> TherapySession:
    return factories.make_session(episode, held_on=timezone.localdate())


# --- Due, done, missing


def test_each_line_says_how_far_it_is_and_offers_its_action(browser, episode):
    session = today_session(episode)
    first, second, own = lines(browser, session)
    assert "Session check-in Rowan, every session due Make a link for Session check-in Enter from paper" in first
    assert "due The same link leads on to it. Enter from paper" in second and "Make a link" not in second
    assert "Session check-in you, every session due Rate with Session check-in Enter from paper" in own
    request, token = factories.make_request(session)
    assert "link open Enter from paper" in lines(browser, session)[0]
    measures.redeem_request(request_id=request.pk, token=token, key=uuid.uuid4(), answers={1: 7.0})
    factories.rate_as_therapist(session)
    done, open_line, own = lines(browser, session)
    assert done.endswith("every session done") and own.endswith("every session done")
    assert "due Make a link for Outcome check-in" in open_line


def test_what_was_not_rated_within_a_week_is_missing(browser, episode):
    session = factories.make_session(episode, held_on=timezone.localdate() - timedelta(days=8))
    assert all(" missing " in line for line in lines(browser, session))
    assert all(" due " in line for line in lines(browser, today_session(episode)))


def test_without_words_there_is_only_paper(service, browser, episode):
    factories.make_battery(service, Entry("phq-9", "client", Rhythm.EVERY))
    (line,) = lines(browser, today_session(episode))
    assert "due Enter from paper" in line and "Make a link" not in line


def test_what_comes_before_the_session_is_asked_by_a_link_of_its_own(service, browser, episode):
    factories.make_battery(service, Entry("outcome-check-in", "client", Rhythm.BEFORE), CHECK_IN)
    before, after = lines(browser, today_session(episode))
    assert "Rowan, before every session due Make a link" in before and "Make a link" in after


def test_a_supervisor_sees_how_far_it_is_and_no_action(service, browser_of, episode):
    session = today_session(episode)
    found = lines(browser_of(service.ruth), session)
    assert found[2].endswith("Session check-in Ada Okafor, every session due")
    assert "Make a link" not in " ".join(found) and "paper" not in " ".join(found)


def test_a_meeting_that_did_not_take_place_wants_nothing(browser, episode):
    assert lines(browser, factories.make_session(episode, attendance="cancelled-late")) == []


def test_the_link_says_what_it_leads_on_to(browser, episode):
    session = today_session(episode)
    factories.make_request(session)
    page = text_of(browser.get(reverse("sessions_app:session", args=[session.pk])).content.decode())
    assert "It leads on to: Outcome check-in." in page
    factories.make_request(session, "outcome-check-in")
    page = text_of(browser.get(reverse("sessions_app:session", args=[session.pk])).content.decode())
    assert page.count("It leads on to:") == 2


def test_something_else_offers_what_is_on_and_in_words_and_was_not_asked(service, browser, episode):
    session = today_session(episode)
    factories.make_request(session)
    factories.make_wording(service, "gad-7")
    page = browser.get(reverse("sessions_app:session", args=[session.pk]))
    assert {one.code for one in page.context["others"]} == {
        "gad-7",
        "outcome-check-in",
        "strain-check",
    }
    browser.post(reverse("measures:request-create", args=[session.pk]), {"instrument": "gad-7"})
    assert RatingRequest.objects.filter(instrument="gad-7").exists()
    chosen.switch_instrument(instrument="gad-7", is_on=False, by=service.sam)
    off = browser.post(reverse("measures:request-create", args=[session.pk]), {"instrument": "gad-7"})
    assert off.status_code == 404


def test_session_page_asks_few_queries_whatever_is_rated(service, browser, episode):
    session = today_session(episode)
    factories.make_choices(service, episode)
    for entry in (Entry("phq-9", "client", Rhythm.EVERY), STRAIN):
        chosen.add_entry(entry=entry, by=service.sam)
    factories.rate_as_client(session)
    factories.rate_as_therapist(session)
    factories.make_request(session, "outcome-check-in")
    queries = factories.queries_of(browser, reverse("sessions_app:session", args=[session.pk]))
    assert len(queries) <= factories.MOST_QUERIES, queries


def test_ending_an_episode_leads_to_what_the_ending_asks_for(service, browser, episode):
    end = reverse("clients:episode-end", args=[episode.pk])
    today = timezone.localdate().isoformat()
    chosen.add_entry(entry=Entry("ending-satisfaction", "client", Rhythm.ENDING), by=service.sam)
    session = today_session(episode)
    assert len(lines(browser, session)) == 3
    ended = browser.post(end, {"ended_on": today, "ending": "planned"})
    assert ended["Location"] == reverse("sessions_app:session", args=[session.pk]) + "#link"
    assert "Looking back Rowan, at the ending due" in lines(browser, session)[3]


def test_ending_an_episode_that_asks_for_nothing_leads_to_the_episode(browser, episode):
    today_session(episode)
    end = reverse("clients:episode-end", args=[episode.pk])
    ended = browser.post(end, {"ended_on": timezone.localdate().isoformat(), "ending": "planned"})
    assert ended["Location"] == reverse("dashboards:episode", args=[episode.pk])


# --- Beside a score


def test_beside_a_rating_stands_how_each_score_came_about(browser, episode):
    session = factories.make_session(episode)
    factories.rate_as_therapist(session)
    measures.record_rating(
        session=session, instrument="wai-36", rater="client", answers={n: 4.0 for n in range(1, 37) if n != 20}, by=None
    )
    page = text_of(browser.get(reverse("sessions_app:session", args=[session.pk])).content.decode())
    assert "Items 1, 20 and 29 are reversed first: 7 counts as 1, 1 as 7." in page
    assert "Item 20 was not answered in this rating; the score is estimated from the others." in page
    assert "The answer to item 1: 0 to 10, higher is better." in page


def test_an_edition_no_longer_in_use_says_so_and_shows_its_scores(browser, episode):
    session = factories.make_session(episode)
    factories.rate_as_therapist(session)
    # No edition has a second version yet: only the number is moved.
    Rating.objects.update(edition_version="0")
    page = text_of(browser.get(reverse("sessions_app:session", args=[session.pk])).content.decode())
    assert "Made with edition 0, which is no longer in use; its key is not shown." in page and "7.0" in page


# --- The therapist's own


def log(episode) -> str:
    return reverse("sessions_app:session-log", args=[episode.pk])


def meeting(**values: object) -> dict[str, object]:
    today = timezone.localdate().isoformat()
    filled = {"number": 1, "held_on": today, "attendance": "attended", "format": "video", "note": ""}
    return {"submission": str(uuid.uuid4()), **filled, **values}


def test_every_instrument_that_the_therapist_owes_is_on_the_page_and_saved(service, browser, episode):
    factories.make_battery(service, OWN, STRAIN, WAI)
    page = browser.get(log(episode)).content.decode()
    assert page.count('name="own"') == 3 and 'name="strain-check-item-1"' in page
    assert "Its words" not in page and "The words are not recorded here" in page
    sent = {"own": ["session-check-in", "strain-check", "wai-srt"], "item-1": "8", "strain-check-item-1": "3"}
    browser.post(log(episode), meeting(**sent, **{"wai-srt-item-10": "5"}))
    answers = {rating.instrument: rating.answers for rating in Rating.objects.all()}
    assert answers["session-check-in"]["1"] == 8 and answers["strain-check"]["1"] == 3 and answers["wai-srt"]["10"] == 5


def test_what_stood_on_the_page_is_saved_although_the_battery_changed_meanwhile(service, browser, episode):
    sent = meeting(own="session-check-in", **{"item-1": "8"})
    factories.make_battery(service, STRAIN)
    browser.post(log(episode), sent)
    assert Rating.objects.get().instrument == "session-check-in"


@pytest.mark.parametrize("own", ["phq-9", "srs", "nothing", "session-check-in:not-an-id"])
def test_a_page_that_names_no_instrument_of_therapists_is_read_as_the_battery_says(browser, episode, own):
    browser.post(log(episode), meeting(own=own, **{"item-1": "8"}))
    assert Rating.objects.get().instrument == "session-check-in"


def test_what_was_switched_off_meanwhile_is_left_out_and_never_read_as_something_else(service, browser, episode):
    factories.make_battery(service, OWN, STRAIN)
    sent = {"own": ["session-check-in", "strain-check"], "item-1": "8", "strain-check-item-1": "3"}
    chosen.switch_instrument(instrument="session-check-in", is_on=False, by=service.sam)
    page = browser.post(log(episode), meeting(**sent), follow=True).content.decode()
    rating = Rating.objects.get()
    assert rating.instrument == "strain-check" and rating.answers["1"] == 3
    assert "is not rated here any more; it was left out" in page


def test_draft_of_one_rating_is_not_put_into_another(service, browser, episode):
    factories.make_battery(service, OWN)
    kept = browser.post(
        reverse("sessions_app:log-draft", args=[episode.pk]), meeting(own="session-check-in", **{"item-1": "8"})
    )
    assert kept.status_code == 204 and 'name="item-1" value="8" checked' in browser.get(log(episode)).content.decode()
    factories.make_battery(service, STRAIN)
    assert 'name="item-1" value="8" checked' not in browser.get(log(episode)).content.decode()


def test_mistakes_in_two_ratings_are_both_named(service, browser, episode):
    factories.make_battery(service, OWN, STRAIN)
    sent = {"own": ["session-check-in", "strain-check"], "item-1": "11", "strain-check-item-2": "no"}
    page = browser.post(log(episode), meeting(**sent))
    assert page.status_code == 422 and page.context["own"].problems == {
        "1": "must be between 0 and 10",
        "strain-check-2": "must be a number",
    }
    summary = page.content.decode().partition("data-error-summary")[2].partition("</div>")[0]
    assert 'href="#id_item-1"' in summary and 'href="#id_strain-check-item-2"' in summary


def test_a_battery_without_the_therapist_leaves_only_the_meeting(service, browser, episode):
    factories.make_battery(service, Entry("phq-9", "client", Rhythm.EVERY))
    page = browser.get(log(episode)).content.decode()
    assert "seen from your chair" not in page and "wants_link" not in page
    assert browser.post(log(episode), meeting()).status_code == 302
    assert TherapySession.objects.count() == 1 and not RatingRequest.objects.exists()


def test_recorded_words_of_a_therapists_form_are_asked_and_kept_with_the_rating(service, browser, episode):
    factories.make_battery(service, WAI)
    wording = factories.make_wording(service, "wai-srt", "therapist", introduction="<b>Think</b> of today.")
    page = browser.get(log(episode)).content.decode()
    assert "Question 10 in en" in page and "&lt;b&gt;Think&lt;/b&gt; of today." in page
    assert f'value="wai-srt:{wording.pk}"' in page
    browser.post(log(episode), meeting(own=f"wai-srt:{wording.pk}", **{"item-1": "4"}))
    assert Rating.objects.get().wording == wording
    session = TherapySession.objects.get()
    factories.make_wording(service, "wai-srt", "therapist", items=[[f"Other {n}", "", ""] for n in range(1, 11)])
    shown = browser.get(reverse("sessions_app:session", args=[session.pk])).content.decode()
    assert "1. Question 1 in en" in shown and "Other 1" not in shown


def test_the_log_page_names_what_its_link_leads_through(service, browser, episode):
    page = text_of(browser.get(log(episode)).content.decode())
    assert "It leads through: Session check-in, then Outcome check-in." in page


def test_an_edit_shows_what_was_rated_besides_what_is_owed(service, browser, episode):
    session = factories.make_session(episode)
    measures.submit_rating(
        session=session, instrument="strain-check", rater="therapist", answers={1: 4.0}, by=service.ada
    )
    page = browser.get(reverse("sessions_app:session-edit", args=[session.pk]))
    assert [form.edition.instrument for form in page.context["own"].forms] == ["session-check-in", "strain-check"]
    sent = meeting(own=["session-check-in", "strain-check"], version=1, **{"strain-check-item-1": "6"})
    browser.post(reverse("sessions_app:session-edit", args=[session.pk]), sent)
    assert Rating.objects.current().get().answers["1"] == 6


def test_a_rating_from_paper_by_its_total_is_not_emptied_by_an_edit(service, browser, episode):
    session = factories.make_session(episode)
    for_client.enter_from_paper(
        session=session, instrument="session-check-in", rater="therapist", filled_in_on=session.held_on, answers={},
        totals={"total": "7"}, by=service.ada,
    )  # fmt: skip
    answer = browser.post(reverse("sessions_app:session-edit", args=[session.pk]), meeting(version=1, note="x"))
    assert answer.status_code == 302
    assert Rating.objects.current().get().scores.get().value == 7


def test_clients_of_an_ended_episode_can_still_be_asked(service, browser, episode):
    session = today_session(episode)
    clients.end_episode(episode=episode, ended_on=timezone.localdate(), ending="planned", by=service.ada)
    browser.post(reverse("measures:request-create", args=[session.pk]), {"instrument": "session-check-in"})
    assert RatingRequest.objects.get().is_open
