"""One page before a session: the next conversation, and nothing the client asked not to raise yet."""

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from clients.actions import end_episode
from ruptures import actions as ruptures
from sessions_app import actions as sessions
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


def page_of(browser, episode) -> str:
    answer = browser.get(reverse("dashboards:before-session", args=[episode.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_is_there_before_the_first_session(service, episode, browser_of):
    page = page_of(browser_of(service.ada), episode)
    assert "Before session 1 with Rowan" in page and "Goals and tasks that you both agree on stand here" in page


def test_what_dropped_what_is_open_and_what_was_tried_stand_on_it(service, episode, browser_of):
    signal = factories.make_signal(episode)
    page = page_of(browser_of(service.ada), episode)
    assert "Possible rupture, session 7." in page and signal.sentence in page
    ruptures.confirm_signal(signal=signal, by=service.ada)
    signal.refresh_from_db()
    factories.make_attempt(signal.rupture, signal.session, strategies=["validate"])
    page = page_of(browser_of(service.ada), episode)
    assert "Possible rupture, session 7." not in page
    assert "Rupture, session 7" in page and "Tried: took it as understandable (session 7)" in page
    assert "has not come back" in page or "has not been rated since" in page


def test_agreed_tasks_and_a_possible_strain_stand_on_it(service, episode, browser_of):
    session = factories.make_session(episode)
    task = factories.make_task(episode)
    sessions.record_outcome(task=task, session=session, outcome="not-done", got_in_the_way="No time.", by=service.ada)
    page = page_of(browser_of(service.ada), episode)
    assert "Ask a colleague one question" in page and "In the way: No time." in page
    assert f"{reverse('ruptures:rupture-create', args=[episode.pk])}?task={task.pk}" in page


def test_the_line_for_next_time_comes_first(service, episode, browser_of):
    factories.make_session(episode, next_time="Ask about the letter.")
    page = page_of(browser_of(service.ada), episode)
    assert page.index("Ask about the letter.") < page.index("What changed")


def test_a_comment_that_may_be_raised_says_so_and_one_held_back_is_not_known_of(service, episode, browser_of):
    factories.make_comment(factories.make_session(episode), "A little slower, please.")
    page = page_of(browser_of(service.ada), episode)
    assert "may be raised" in page and "A little slower, please." in page
    factories.make_comment(factories.make_session(episode), "You looked bored.", do_not_raise=True)
    for reader in (service.ada, service.ruth):
        page = page_of(browser_of(reader), episode)
        assert "You looked bored." not in page and "not to raise" not in page
        assert "A little slower, please." in page


def test_gap_between_both_views_is_for_the_therapist(service, episode, browser_of):
    for _ in range(4):
        session = factories.make_session(episode)
        factories.rate_as_therapist(session, 5, 5, 5)
        factories.rate_as_client(session, 9, 9, 9)
    assert "Two views." in page_of(browser_of(service.ada), episode)
    assert "Two views." not in page_of(browser_of(service.ruth), episode)


def test_looking_at_it_is_on_record(service, episode, browser_of):
    page_of(browser_of(service.ada), episode)
    assert AuditEvent.objects.filter(action="before-session.viewed", object_id=episode.pk).count() == 1


def test_it_needs_the_same_few_queries_for_thirty_sessions(service, episode, browser_of):
    for session in factories.make_course(episode, [7] * 30)[20:]:
        factories.make_attempt(factories.make_rupture(session), session)
    queries = factories.queries_of(browser_of(service.ada), reverse("dashboards:before-session", args=[episode.pk]))
    assert len(queries) <= factories.MOST_QUERIES, queries


def test_a_line_is_used_up_by_a_session_and_not_by_one_that_was_missed(service, episode, browser_of):
    factories.make_session(episode, next_time="Ask about the letter.")
    factories.make_session(episode, attendance="did-not-attend")
    log = reverse("sessions_app:session-log", args=[episode.pk])
    assert "Ask about the letter." in page_of(browser_of(service.ada), episode)
    assert "Ask about the letter." in browser_of(service.ada).get(log).content.decode()
    factories.make_session(episode)
    assert "Ask about the letter." not in page_of(browser_of(service.ada), episode)
    assert "Ask about the letter." not in browser_of(service.ada).get(log).content.decode()


def test_of_an_ended_episode_it_leads_to_its_course(service, episode, browser_of):
    end_episode(episode=episode, ended_on=timezone.localdate(), ending="planned", by=service.ada)
    answer = browser_of(service.ada).get(reverse("dashboards:before-session", args=[episode.pk]))
    assert answer["Location"] == reverse("dashboards:episode", args=[episode.pk])
