from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from clients import actions as clients
from measures.selectors import today
from sessions_app.actions.drafts import save_draft
from tests import factories

TODAY = timezone.localdate


def days_ago(days: int):
    return TODAY() - timedelta(days=days)


def not_seen(user):
    return [met.episode for met in today(user).not_seen]


@pytest.mark.parametrize("attendances", [[], ["did-not-attend", "cancelled-late"]])
def test_client_never_seen_is_not_seen_since_the_episode_started(service, browser_of, attendances):
    episode = factories.make_episode(service.ada, weeks_ago=3)
    for attendance in attendances:
        factories.make_session(episode, attendance=attendance, held_on=days_ago(1))
    assert not_seen(service.ada) == [episode]
    page = browser_of(service.ada).get(reverse("sessions_app:today")).content.decode()
    assert f"not seen yet since {episode.started_on:%-d %B %Y}" in page


def test_client_new_within_two_weeks_or_seen_in_them_is_not_missed(service):
    factories.make_episode(service.ada, code="R-0001", weeks_ago=2)
    seen = factories.make_episode(service.ada, code="R-0002")
    factories.make_session(seen, held_on=days_ago(14))
    assert not_seen(service.ada) == []


def test_client_not_seen_for_longest_comes_first(service):
    never = factories.make_episode(service.ada, code="R-0001", weeks_ago=4)
    seen = factories.make_episode(service.ada, code="R-0002", weeks_ago=60)
    factories.make_session(seen, held_on=days_ago(20))
    assert not_seen(service.ada) == [never, seen]


def test_sealed_rating_of_an_ended_episode_still_waits_for_the_own(service, browser_of):
    episode = factories.make_episode(service.ada)
    session = factories.make_session(episode)
    factories.rate_as_client(session)
    clients.end_episode(episode=episode, ended_on=TODAY(), ending="planned", by=service.ada)
    assert today(service.ada).to_rate == [session]
    factories.rate_as_therapist(session)
    assert today(service.ada).to_rate == []


def make_weekly(therapist, last_days_ago, *, code="R-0009", attendance="attended"):
    """Met every week, the last time so many days ago."""
    episode = factories.make_episode(therapist, code=code, weeks_ago=40)
    for week in (3, 2, 1):
        factories.make_session(episode, held_on=days_ago(last_days_ago + 7 * week))
    factories.make_session(episode, held_on=days_ago(last_days_ago), attendance=attendance)
    return episode


def test_whom_one_would_meet_about_now_is_there_with_what_came_before(service, browser_of):
    tomorrow = make_weekly(service.ada, 6, code="R-0001")
    late = make_weekly(service.ada, 9, code="R-0002")
    make_weekly(service.ada, 3, code="R-0003")
    make_weekly(service.tom, 7, code="R-0004")
    assert [met.episode for met in today(service.ada).due] == [late, tomorrow]
    page = browser_of(service.ada).get(reverse("sessions_app:today")).content.decode()
    assert "due tomorrow: usually every week" in page and "due 2 days ago: usually every week" in page
    assert reverse("dashboards:before-session", args=[tomorrow.pk]) in page
    assert reverse("sessions_app:session-log", args=[late.pk]) in page
    assert reverse("sessions_app:session-log", args=[tomorrow.pk]) not in page


def test_longer_than_usual_follows_how_often_one_meets(service):
    fortnightly = factories.make_episode(service.ada, weeks_ago=40)
    for weeks in (9, 7, 5, 3):
        factories.make_session(fortnightly, held_on=days_ago(7 * weeks))
    weekly = make_weekly(service.ada, 15, code="R-0002")
    assert not_seen(service.ada) == [weekly]
    assert [met.episode for met in today(service.ada).due] == [fortnightly]


def test_log_that_was_begun_is_there_until_it_is_saved(service, browser_of):
    episode = factories.make_episode(service.ada)
    save_draft(episode=episode, content={"note": ["Half a"]}, version=0, by=service.ada)
    assert [draft.episode for draft in today(service.ada).drafts] == [episode]
    assert today(service.tom).drafts == []
    page = browser_of(service.ada).get(reverse("sessions_app:today")).content.decode()
    assert "Begun, not saved yet" in page and "Half a" not in page
    clients.end_episode(episode=episode, ended_on=TODAY(), ending="planned", by=service.ada)
    assert today(service.ada).drafts == []


def test_comment_that_is_held_back_is_not_told_of(service, browser_of):
    session = factories.make_session(factories.make_episode(service.ada))
    factories.make_comment(session, do_not_raise=True)
    page = browser_of(service.ada).get(reverse("sessions_app:today")).content.decode()
    assert "Ratings received this week" in page and ">comment<" not in page
