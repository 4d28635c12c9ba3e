"""Everything of an episode in its order, by kind."""

import pytest
from django.urls import reverse
from django.utils import timezone

from clients import actions as clients
from ruptures import actions as ruptures
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


def parts(browser, episode, show=""):
    answer = browser.get(reverse("dashboards:timeline", args=[episode.pk]), {"show": show} if show else {})
    assert answer.status_code == 200
    return answer.context["parts"]


def labels(found):
    return [(part.heading, [entry.label for entry in part.entries]) for part in found]


def test_nothing_yet_says_what_will_be_there(service, episode, browser_of):
    page = browser_of(service.ada).get(reverse("dashboards:timeline", args=[episode.pk])).content.decode()
    assert "Nothing here yet" in page


def test_a_story_is_told_in_its_order(service, episode, browser_of):
    signal = factories.make_signal(episode)
    ruptures.confirm_signal(signal=signal, by=service.ada)
    signal.refresh_from_db()
    later = factories.make_session(episode, attendance="late", held_on=timezone.localdate())
    factories.make_attempt(signal.rupture, later)
    factories.rate_as_therapist(later)
    factories.rate_as_client(later, 9, 9, 9)
    ruptures.judge_episode(episode_id=episode.pk)
    factories.make_agreed(later)
    found = dict(labels(parts(browser_of(service.ada), episode)))
    assert found["Session 1"][0] == "Engagement phase begins"
    assert found["Session 7"][-2:] == ["Noticed in the ratings", "Rupture"]
    told = found["Session 8"]
    assert told[:2] == ["Late", "First challenge"]
    assert {"Rowan rated", "You rated", "Repair attempt", "Came back", "Goal: agreed", "Task: agreed"} <= set(told)
    assert {"Task: not done", "Progress", "A collaborative partnership"} <= set(told)


@pytest.mark.parametrize("kind", ["ratings", "ruptures", "agreed", "engagement", "meetings"])
def test_a_filter_shows_one_kind_and_its_chip_counts_it(service, episode, browser_of, kind):
    session = factories.make_session(episode, attendance="late")
    factories.rate_as_therapist(session)
    factories.rate_as_client(session)
    factories.make_attempt(factories.make_rupture(session), session)
    factories.make_agreed(session)
    answer = browser_of(service.ada).get(reverse("dashboards:timeline", args=[episode.pk]), {"show": kind})
    found = [entry for part in answer.context["parts"] for entry in part.entries]
    chip = next(one for one in answer.context["filters"] if one["current"])
    assert found and {entry.kind for entry in found} == {kind} and chip["count"] == len(found)


def test_a_kind_that_does_not_exist_is_not_found(service, episode, browser_of):
    answer = browser_of(service.ada).get(reverse("dashboards:timeline", args=[episode.pk]), {"show": "everything"})
    assert answer.status_code == 404


def test_what_was_agreed_between_two_sessions_stands_between_them(service, episode, browser_of):
    first = factories.make_session(episode)
    factories.make_session(episode)
    clients.create_goal(episode=episode, text="Sleep", on=first.held_on, agreed_by=(), by=service.ada)
    found = labels(parts(browser_of(service.ada), episode, "agreed"))
    assert found == [("Session 1", ["Goal: proposed"])]


def test_a_sealed_rating_is_named_and_not_shown(service, episode, browser_of):
    factories.rate_as_client(factories.make_session(episode), 3, 3, 3)
    (part,) = parts(browser_of(service.ada), episode, "ratings")
    assert [entry.text for entry in part.entries] == ["Shown once the therapist has rated, too"]


def test_a_comment_that_is_held_back_is_not_in_it(service, episode, browser_of):
    factories.make_comment(factories.make_session(episode), "You looked bored.", do_not_raise=True)
    page = browser_of(service.ada).get(reverse("dashboards:timeline", args=[episode.pk])).content.decode()
    assert "You looked bored." not in page


def test_it_needs_the_same_few_queries_for_thirty_sessions(service, episode, browser_of):
    made = factories.make_course(episode, [7] * 30)
    for session in made[20:]:
        factories.make_attempt(factories.make_rupture(session), session)
    factories.make_agreed(made[0])
    queries = factories.queries_of(browser_of(service.ada), reverse("dashboards:timeline", args=[episode.pk]))
    assert len(queries) <= factories.MOST_QUERIES, queries
