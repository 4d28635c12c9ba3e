import pytest
from django.urls import reverse

from measures import actions as measures
from ruptures import actions as ruptures
from tests import factories

pytestmark = pytest.mark.django_db


def test_therapist_sees_what_changed(service, browser_of):
    episode = factories.make_episode(service.ada)
    factories.make_course(episode, [7, 8, 7, 8, 7, 8, 7, 8, 7, 2])
    page = browser_of(service.ada).get(reverse("dashboards:episode", args=[episode.pk]))
    assert page.status_code == 200
    assert "The bond is lower than expected: a possible rupture." in page.content.decode()


def test_outsider_finds_nothing(service, browser_of):
    episode = factories.make_episode(service.ada)
    assert browser_of(service.tom).get(reverse("dashboards:episode", args=[episode.pk])).status_code == 404


def test_page_needs_the_same_few_queries_for_thirty_sessions(service, browser_of):
    episode = factories.make_episode(service.ada)
    sessions = factories.make_course(episode, [7] * 30)
    for session in sessions[20:]:
        factories.make_attempt(factories.make_rupture(session), session)
    queries = factories.queries_of(browser_of(service.ada), reverse("dashboards:episode", args=[episode.pk]))
    assert len(queries) <= factories.MOST_QUERIES, queries


def test_figure_that_the_page_has_already_is_not_sent_again(service, browser_of):
    episode = factories.make_episode(service.ada)
    factories.make_course(episode, [7, 8, 7, 8, 7, 2])
    url = reverse("dashboards:episode-figure", args=[episode.pk])
    first = browser_of(service.ada).get(url)
    again = browser_of(service.ada).get(url, headers={"If-None-Match": first["ETag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    other = browser_of(service.ada).get(f"{url}?rescaled=1", headers={"If-None-Match": first["ETag"]})
    assert other.status_code == 200 and other["ETag"] != first["ETag"]


def test_figure_and_sentence_tell_of_the_same_signal(service, browser_of):
    """7 8 7 8 7 |2| 7: marked where it fell and where it was back, with what was expected around it."""
    episode = factories.make_episode(service.ada)
    factories.make_course(episode, [7, 8, 7, 8, 7, 2, 7])
    data = browser_of(service.ada).get(reverse("dashboards:episode-figure", args=[episode.pk])).json()["data"]
    marks = {trace["name"]: trace for trace in data if trace["meta"].get("kind") == "mark"}
    assert (marks["Noticed"]["x"], marks["Came back"]["x"]) == ([6], [7])
    page = browser_of(service.ada).get(reverse("dashboards:episode", args=[episode.pk])).content.decode()
    assert "The bond came back." in page and "It was back in the next rated session, at session 7" in page


def test_page_says_what_the_outcome_beside_the_alliance_allows(service, browser_of):
    episode = factories.make_episode(service.ada)
    for session in factories.make_course(episode, [7, 8, 7, 8, 7]):
        measures.record_rating(
            session=session,
            instrument="outcome-check-in",
            rater="client",
            answers=dict.fromkeys(range(1, 5), 5),
            by=None,
        )
    ruptures.judge_episode(episode_id=episode.pk)
    page = browser_of(service.ada).get(reverse("dashboards:episode", args=[episode.pk])).content.decode()
    assert "from 10 sessions with both on; so far 5" in page


def test_therapist_sets_a_new_baseline(service, browser_of):
    episode = factories.make_episode(service.ada)
    factories.make_course(episode, [7, 8, 7, 8, 7, 2, 3, 2])
    url = reverse("dashboards:episode", args=[episode.pk])
    browser = browser_of(service.ada)
    answer = browser.post(reverse("measures:baseline", args=[episode.pk]), {"session": "6"}, follow=True)
    assert answer.redirect_chain[-1][0] == url
    assert "learnt from session 6 on" in answer.content.decode()
    assert "Baseline set anew at session 6" in answer.content.decode()


@pytest.mark.parametrize("session", ["", "99", "-1", "1.5", "²", "9" * 40])
def test_baseline_at_a_session_that_is_not_there_changes_nothing(service, browser_of, session):
    episode = factories.make_episode(service.ada)
    factories.make_course(episode, [7, 8])
    answer = browser_of(service.ada).post(reverse("measures:baseline", args=[episode.pk]), {"session": session})
    assert answer.status_code == 404
    assert episode.series.baseline_from == 1
