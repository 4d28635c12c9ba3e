"""An ending as the therapist tells it and as the client does, side by side; and a client who comes back."""

import re
import uuid

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from clients import actions
from clients.models import Ending, Episode
from clients.views import episodes
from measures import schedule
from measures.models import EndingView, Rating, RatingRequest
from measures.selectors import ENDING, session_for_ending, today
from ruptures.actions import judge_episode
from ruptures.models import Rupture
from tests import factories

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate
WORDS = "They wrote that the new job leaves no time."


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


def form(**values):
    return {"submission": uuid.uuid4(), "ended_on": TODAY().isoformat(), "ending": "client", **values}


def end(browser, episode, **values):
    return browser.post(reverse("clients:episode-end", args=[episode.pk]), form(**values))


def link_in(page) -> str:
    return re.search(r'href="http://testserver(/r/[^"]+)"', page.content.decode()).group(1)


# --- The therapist's account ----------------------------------------------------------------------------


def test_ending_keeps_who_decided_in_the_therapists_words(service, episode, browser_of):
    factories.make_session(episode)
    answer = end(browser_of(service.ada), episode, words=f" {WORDS} ")
    assert answer["Location"] == reverse("dashboards:episode", args=[episode.pk])
    episode.refresh_from_db()
    assert (episode.ending, episode.ending_words, episode.ended_on) == ("client", WORDS, TODAY())
    for reader in (service.ada, service.ruth):
        assert WORDS in browser_of(reader).get(answer["Location"]).content.decode()


def test_ending_that_cannot_be_saved_loses_nothing_typed(service, episode, browser_of):
    answer = end(browser_of(service.ada), episode, ending="", words=WORDS)
    assert answer.status_code == 422 and WORDS in answer.content.decode()
    assert answer.context["form"].errors == {"ending": ["Choose how it ended."]}
    answer = end(browser_of(service.ada), episode, words="x" * 1001)
    assert list(answer.context["form"].errors) == ["words"]
    with pytest.raises(ValidationError):
        actions.end_episode(episode=episode, ended_on=TODAY(), ending="client", words="x" * 1001, by=service.ada)
    assert Episode.objects.get().is_open


def test_ending_sent_twice_ends_once_and_leads_to_the_same_page(service, episode, browser_of):
    factories.make_session(episode)
    sent = form(wants_link="on")
    ada, url = browser_of(service.ada), reverse("clients:episode-end", args=[episode.pk])
    first, second = ada.post(url, sent), ada.post(url, sent)
    assert first.status_code == second.status_code == 302 and first["Location"] == second["Location"]
    assert RatingRequest.objects.filter(instrument=ENDING).count() == 1
    assert ada.post(url, form()).status_code == 404, "there is nothing left to end"


def test_who_covers_can_end_an_episode(service, episode, browser_of):
    factories.make_cover(service.ada, by=service.tom)
    assert end(browser_of(service.tom), episode).status_code == 302
    assert not Episode.objects.get().is_open


# --- The client's account -------------------------------------------------------------------------------


def test_the_link_belongs_to_the_last_session_that_took_place(service, episode, browser_of):
    factories.make_session(episode)
    last = factories.make_session(episode)
    factories.make_session(episode, attendance="did-not-attend")
    answer = end(browser_of(service.ada), episode, wants_link="on")
    assert answer["Location"] == reverse("sessions_app:session", args=[last.pk]) + "#link"
    request = RatingRequest.objects.get()
    assert (request.session, request.instrument) == (last, ENDING)
    assert "Looking back: the client’s link" in browser_of(service.ada).get(answer["Location"]).content.decode()


def test_where_nobody_was_ever_seen_there_is_nothing_to_ask(service, episode, browser_of):
    factories.make_session(episode, attendance="did-not-attend")
    page = browser_of(service.ada).get(reverse("clients:episode-end", args=[episode.pk]))
    assert "wants_link" not in page.content.decode()
    answer = end(browser_of(service.ada), episode, wants_link="on")
    assert not RatingRequest.objects.exists()
    assert "No session took place" in browser_of(service.ada).get(answer["Location"]).content.decode()


@pytest.fixture
def asked(service, episode, browser_of):
    """Ada's browser after she ended the episode, the page of the episode and the link."""
    factories.make_course(episode, [7])
    ada = browser_of(service.ada)
    answer = end(ada, episode, wants_link="on", words=WORDS)
    return ada, reverse("dashboards:episode", args=[episode.pk]), link_in(ada.get(answer["Location"]))


def send(link, **values):
    phone = factories.Browser()
    page = phone.get(link, follow=True)
    address = page.redirect_chain[-1][0]
    return page, phone.post(address, {"submission": uuid.uuid4(), **values}), phone


def test_both_accounts_stand_side_by_side(service, asked, browser_of):
    ada, page, link = asked
    waiting = ada.get(page).content.decode()
    assert "Asked, and not answered yet." in waiting and "Show the link" in waiting
    form, sent, phone = send(link, **{"item-1": 3, "ending_view": "service", "comment": "It was cut short."})
    shown = form.content.decode()
    assert "<h1>Looking back</h1>" in shown and "2 questions" in shown
    assert "How did it end, as you see it?" in shown and "next time" not in shown and "raise this" not in shown
    assert all(str(label) in shown for label in EndingView.labels)
    assert sent.status_code == 302
    assert "Your answers are kept. The link has done its work" in phone.get(sent["Location"]).content.decode()
    rating = Rating.objects.get(instrument=ENDING)
    assert (rating.ending_view, rating.comment, rating.submitted_by) == ("service", "It was cut short.", None)
    for reader in (service.ada, service.ruth):
        told = " ".join(browser_of(reader).get(page).content.decode().split())
        assert "By the client alone" in told and WORDS in told
        assert "“The service ended it”" in told and "It was cut short." in told and "<strong>3</strong> of 10" in told
    assert rating in today(service.ada).received, "also of an episode that has ended"


def test_one_question_of_an_ending_makes_no_chart_of_its_own(asked, episode):
    ada, page, link = asked
    send(link, **{"item-1": 9})
    shown = ada.get(page)
    assert shown.context["state"].by_total == [] and not shown.context["comment"]
    figure = reverse("dashboards:episode-figure", args=[episode.pk])
    assert ada.get(f"{figure}?total={ENDING}").status_code == 404


@pytest.mark.parametrize("values", [{"ending_view": "mutual"}, {"comment": "Thank you."}, {"item-1": 0}])
def test_any_part_of_the_view_may_be_left_out(asked, values):
    ada, page, link = asked
    assert send(link, **values)[1].status_code == 302
    assert ada.get(page).status_code == 200


@pytest.mark.parametrize(
    "values", [{}, {"ending_view": ""}, {"ending_view": "vanished"}, {"ending_view": "client", "item-1": 11}]
)
def test_an_empty_or_unknown_view_is_not_sent_and_the_link_stays(asked, values):
    answer = send(asked[2], **values)[1]
    assert answer.status_code == 422 and "Not sent yet" in answer.content.decode()
    assert not Rating.objects.filter(instrument=ENDING).exists()
    assert send(asked[2], **{"item-1": 5})[1].status_code == 302


def test_the_same_view_sent_twice_is_kept_once_and_another_one_is_not_added(asked):
    key = uuid.uuid4()
    phone = factories.Browser()
    address = phone.get(asked[2], follow=True).redirect_chain[-1][0]
    first = {"submission": key, "item-1": 5, "ending_view": "mutual"}
    assert [phone.post(address, first).status_code for _ in range(2)] == [302, 302]
    assert phone.post(address, {**first, "ending_view": "client"}).status_code == 422
    assert Rating.objects.get(instrument=ENDING).ending_view == "mutual"


def test_another_questionnaire_takes_no_view_of_an_ending(service, episode):
    _request, token = factories.make_request(factories.make_session(episode))
    _page, sent, _phone = send(reverse("measures:link", args=[token]), **{"item-1": 5, "ending_view": "client"})
    assert sent.status_code == 302
    assert Rating.objects.get().ending_view == ""


def test_a_link_that_expired_can_be_made_again_until_there_is_an_answer(service, asked, episode):
    ada, page, _link = asked
    RatingRequest.objects.update(expires_at=timezone.now())
    assert "Not asked, or the link has expired." in ada.get(page).content.decode()
    session = session_for_ending(Episode.objects.get())
    again = ada.post(reverse("measures:request-create", args=[session.pk]), {"instrument": ENDING}, follow=True)
    send(link_in(again), **{"item-1": 8})
    assert session_for_ending(Episode.objects.get()) is None
    asking = schedule.asking(session, rated=schedule.rated_pairs(session), asked=set())
    assert ENDING not in {instrument.code for instrument in asking.others}


def test_the_view_of_an_ending_is_asked_only_after_one(service, episode, browser_of):
    session = factories.make_session(episode)
    asking = browser_of(service.ada).post(reverse("measures:request-create", args=[session.pk]), {"instrument": ENDING})
    assert asking.status_code == 404 and not RatingRequest.objects.exists()


def test_the_clients_words_for_an_ending_are_the_therapists_kinds():
    assert EndingView.values == Ending.values


# --- Coming back ----------------------------------------------------------------------------------------


def test_a_client_who_comes_back_starts_a_new_episode_and_each_leads_to_the_other(service, asked, episode):
    ada, page, _link = asked
    start = reverse("clients:episode-create", args=[episode.client_id])
    assert f'href="{start}"' in ada.get(page).content.decode()
    assert "Rowan comes back. The earlier episode stays as it is" in ada.get(start).content.decode()
    answer = ada.post(start, {"modality": "cbt", "practitioner_title": "x", "started_on": TODAY().isoformat()})
    new = ada.get(answer["Location"]).content.decode()
    assert "Earlier: " in new and "with you, 1 session" in new and "Log session 1" in new
    old = ada.get(page).content.decode()
    assert "Later: " in old and start not in old


# --- Ruptures still open --------------------------------------------------------------------------------


def test_ending_asks_how_each_open_rupture_stands(service, episode, browser_of):
    tried, untried = (factories.make_rupture(factories.make_session(episode)) for _ in range(2))
    factories.make_attempt(tried, tried.session)
    ada = browser_of(service.ada)
    page = ada.get(reverse("clients:episode-end", args=[episode.pk])).content.decode()
    assert "Still open between you" in page and "Withdrawal, session 1" in page and "Withdrawal, session 2" in page
    answer = end(ada, episode, **{f"rupture-{tried.pk}": "settled"}, words=WORDS)
    assert answer.status_code == 422 and WORDS in answer.content.decode()
    assert list(answer.context["form"].errors) == [f"rupture-{untried.pk}"]
    assert Episode.objects.get().is_open
    end(ada, episode, **{f"rupture-{tried.pk}": "settled", f"rupture-{untried.pk}": "unresolved"})
    assert [found.state for found in Rupture.objects.order_by("session__number")] == ["resolved", "unresolved"]
    assert not Episode.objects.get().is_open


def test_what_nobody_has_called_a_rupture_was_none_or_stays_a_possible_one(service, episode, browser_of):
    session = factories.make_session(episode)
    factories.rate_as_therapist(session)
    factories.check_strain(session, 6)
    judge_episode(episode_id=episode.pk)
    (suspected,) = Rupture.objects.all()
    ada = browser_of(service.ada)
    page = ada.get(reverse("clients:episode-end", args=[episode.pk])).content.decode()
    assert "It stays unresolved" in page and "It was none" in page and "It has settled" not in page
    assert end(ada, episode, **{f"rupture-{suspected.pk}": "settled"}).status_code == 422
    with transaction.atomic():
        end(ada, episode, **{f"rupture-{suspected.pk}": "none"})
        dismissed = Rupture.objects.get()
        assert (dismissed.state, dismissed.reason) == ("dismissed", "other")
        transaction.set_rollback(True)
    end(ada, episode, **{f"rupture-{suspected.pk}": "unresolved"})
    assert (Rupture.objects.get().state, Rupture.objects.get().name) == ("unresolved", "Possible rupture")


def test_ending_without_an_open_rupture_asks_nothing(service, episode, browser_of):
    page = browser_of(service.ada).get(reverse("clients:episode-end", args=[episode.pk])).content.decode()
    assert "Still open between you" not in page


def test_rupture_noted_meanwhile_is_not_ended_unasked(service, episode, browser_of, monkeypatch):
    session = factories.make_session(episode)
    ada, shown = browser_of(service.ada), episodes.open_ruptures

    def and_then_one_is_noted(of):
        found = shown(of)
        if not Rupture.objects.exists():
            factories.make_rupture(session)
        return found

    monkeypatch.setattr(episodes, "open_ruptures", and_then_one_is_noted)
    answer = end(ada, episode, words=WORDS)
    assert answer.status_code == 422 and "Meanwhile a withdrawal, session 1 was noted" in answer.content.decode()
    assert Episode.objects.get().is_open and WORDS in answer.content.decode()
