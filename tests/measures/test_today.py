from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from clients import actions as clients
from measures.selectors import today
from tests import factories

TODAY = timezone.localdate


def days_ago(days: int):
    return TODAY() - timedelta(days=days)


@pytest.mark.parametrize("attendances", [[], ["did-not-attend", "cancelled-late"]])
def test_client_never_seen_is_not_seen_since_the_episode_started(service, browser_of, attendances):
    episode = factories.make_episode(service.ada, weeks_ago=3)
    for attendance in attendances:
        factories.make_session(episode, attendance=attendance, held_on=days_ago(1))
    assert today(service.ada).not_seen == [episode]
    page = browser_of(service.ada).get(reverse("sessions_app:today")).content.decode()
    assert f"not seen yet since {episode.started_on:%-d %B %Y}" in page


def test_client_new_within_two_weeks_or_seen_in_them_is_not_missed(service):
    factories.make_episode(service.ada, code="R-0001", weeks_ago=2)
    seen = factories.make_episode(service.ada, code="R-0002")
    factories.make_session(seen, held_on=days_ago(14))
    assert today(service.ada).not_seen == []


def test_client_not_seen_for_longest_comes_first(service):
    never = factories.make_episode(service.ada, code="R-0001", weeks_ago=4)
    seen = factories.make_episode(service.ada, code="R-0002", weeks_ago=60)
    factories.make_session(seen, held_on=days_ago(20))
    assert today(service.ada).not_seen == [never, seen]


def test_sealed_rating_of_an_ended_episode_still_waits_for_the_own(service, browser_of):
    episode = factories.make_episode(service.ada)
    session = factories.make_session(episode)
    factories.rate_as_client(session)
    clients.end_episode(episode=episode, ended_on=TODAY(), ending="planned", by=service.ada)
    assert today(service.ada).to_rate == [session]
    factories.rate_as_therapist(session)
    assert today(service.ada).to_rate == []
