"""Signals where they are met: on the episode page and on today."""

import uuid

import pytest
from django.urls import reverse

from clients.actions import end_episode
from ruptures import actions
from ruptures.models import Rupture, Signal
from sessions_app.models import TherapySession
from tests import factories


@pytest.fixture
def signal(service):
    return factories.make_signal(factories.make_episode(service.ada))


def episode_page(browser, signal) -> str:
    return browser.get(reverse("dashboards:episode", args=[signal.session.episode_id])).content.decode()


def test_episode_page_gives_the_sentence_the_numbers_and_a_conversation(browser_of, service, signal):
    page = episode_page(browser_of(service.ada), signal)
    assert "Possible rupture, session 7" in page
    assert "Bond 2.0; expected" in page and "About 1 look in 120 is this low in a steady course." in page
    assert "How was it for you to be here with me last time?" in page
    assert "It was a rupture" in page and "No rupture, because …" in page


def test_supervisor_reads_the_signal_and_does_not_answer_it(browser_of, service, signal):
    page = episode_page(browser_of(service.ruth), signal)
    assert "Bond 2.0; expected" in page and "It was a rupture" not in page


def test_one_click_confirms_and_leads_to_the_rupture(browser_of, service, signal):
    browser = browser_of(service.ada)
    answer = browser.post(reverse("ruptures:signal-confirm", args=[signal.pk]))
    page_of_rupture = reverse("ruptures:rupture", args=[Rupture.objects.get().pk])
    assert (answer.status_code, answer["Location"]) == (302, page_of_rupture)
    page = episode_page(browser, signal)
    assert "Rupture, session 7" in page and "Confirmed as a rupture by Ada Okafor" in page
    assert page_of_rupture in page and "No rupture, because …" not in page


def test_therapist_dismisses_with_a_reason_and_not_without(browser_of, service, signal):
    browser, url = browser_of(service.ada), reverse("ruptures:signal-dismiss", args=[signal.pk])
    assert "Choose why this was no rupture." in browser.post(url, follow=True).content.decode()
    answer = browser.post(url, {"reason": "outside"})
    assert answer["Location"].endswith(f"#signal-{signal.pk}")
    assert Signal.objects.get().state == "dismissed"
    assert "Something outside the therapy explains it" in episode_page(browser, signal)


def test_second_answer_of_another_tab_says_that_there_is_one(browser_of, service, signal):
    browser, url = browser_of(service.ada), reverse("ruptures:signal-confirm", args=[signal.pk])
    browser.post(url)
    assert "This has been answered" in browser.post(url, follow=True).content.decode()


def test_unknown_signal_is_not_found(browser_of, service):
    assert browser_of(service.ada).post(reverse("ruptures:signal-confirm", args=[uuid.uuid4()])).status_code == 404


def test_withdrawn_signal_is_gone_from_the_page(browser_of, service, signal):
    factories.rate_as_client(signal.session, bond=8)
    factories.rate_as_therapist(signal.session, bond=8)
    actions.judge_episode(episode_id=signal.session.episode_id)
    assert f"signal-{signal.pk}" not in episode_page(browser_of(service.ada), signal)


def test_today_lists_new_signals_of_open_episodes_until_they_are_answered(browser_of, service, signal):
    browser, url = browser_of(service.ada), reverse("sessions_app:today")
    link = reverse("dashboards:episode", args=[signal.session.episode_id]) + f"#signal-{signal.pk}"
    assert link in browser.get(url).content.decode()
    actions.dismiss_signal(signal=signal, reason="talked", by=service.ada)
    assert link not in browser.get(url).content.decode()


def test_today_does_not_ask_about_an_ended_episode(browser_of, service, signal):
    last = TherapySession.objects.latest("held_on")
    end_episode(episode=signal.session.episode, ended_on=last.held_on, ending="planned", by=service.ada)
    assert "Possible ruptures" not in browser_of(service.ada).get(reverse("sessions_app:today")).content.decode()


def test_open_page_shows_no_sealed_session(browser_of, service, signal):
    """The client's next rating is far below, too, and waits for the therapist's own."""
    session = factories.make_session(signal.session.episode)
    factories.rate_as_client(session, goal=0, task=0, bond=0)
    actions.judge_episode(episode_id=signal.session.episode_id)
    page = episode_page(browser_of(service.ada), signal)
    assert "Possible rupture, session 8" not in page and "Possible rupture, session 7" in page
