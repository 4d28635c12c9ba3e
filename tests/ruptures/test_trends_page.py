"""What an administrator sees of trends: how far they are, what was set aside. Never a client's score."""

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from jobs.models import Job
from jobs.organisation import acting_in
from measures.actions import COMPUTE_TRENDS, make_trends_stale, sweep_trends
from measures.models import EpisodeSeries
from ruptures import actions
from ruptures.models import Recompute
from tests import factories


def page_of(browser) -> str:
    return " ".join(browser.get(reverse("ruptures:trends")).content.decode().split())


@pytest.fixture
def episode(service):
    episode = factories.make_episode(service.ada)
    factories.make_course(episode, [7, 8])
    return episode


def give_up(episode) -> None:
    """Five attempts to compute the trends of a new rating have failed."""
    make_trends_stale(episode)
    Job.objects.filter(task=COMPUTE_TRENDS).delete()
    Job.objects.create(
        organisation_id=episode.organisation_id,
        task=COMPUTE_TRENDS,
        object_id=episode.pk,
        handed_at=timezone.now(),
        failed_at=timezone.now(),
        attempts=5,
        last_error="FloatingPointError",
    )


def test_service_without_ratings_is_told_so(service, browser_of):
    assert "No session has been rated yet." in page_of(browser_of(service.sam))


def test_page_says_that_all_is_up_to_date_and_leads_to_what_is_judged_with(service, browser_of, episode):
    page = page_of(browser_of(service.sam))
    assert "1 of 1 episode up to date." in page
    assert reverse("administration:priors") in page and reverse("administration:thresholds") in page


def test_page_renews_itself_only_while_something_is_under_way(service, browser_of, episode):
    assert "hx-get" not in page_of(browser_of(service.sam))
    make_trends_stale(episode)
    page = page_of(browser_of(service.sam))
    assert "hx-get" in page and "0 of 1" in page
    fragment = browser_of(service.sam).get(reverse("ruptures:trends-progress"))
    assert fragment["X-Record"] == str(service.organisation.pk)


def test_recompute_is_asked_for_shown_and_on_record(service, browser_of, episode):
    browser = browser_of(service.sam)
    answer = browser.post(reverse("ruptures:recompute"), follow=True)
    assert "All trends are being computed again." in answer.content.decode()
    recompute = Recompute.objects.get()
    assert (recompute.done, recompute.total) == (0, 1) and "0 of 1" in page_of(browser)
    actions.recompute_next(recompute_id=recompute.pk)
    actions.recompute_next(recompute_id=recompute.pk)
    actions.judge_episode(episode_id=episode.pk)
    assert "All were last computed again on" in page_of(browser)


def test_episode_given_up_is_set_aside_in_sight_and_can_be_tried_again(committed):
    service = factories.make_service()
    organisation = service.organisation.pk
    with acting_in(organisation):
        episode = factories.make_episode(service.ada)
        factories.make_course(episode, [7, 8])
        give_up(episode)
    browser = Browser()
    factories.sign_in(browser, service.sam)
    page = page_of(browser)
    assert "Set aside after five attempts" in page
    assert episode.client.code in page and "FloatingPointError" in page and "0 of 1 episode up to date." in page
    with acting_in(organisation):
        assert sweep_trends(organisation_id=organisation) == 0, "not tried again by itself"
    answer = browser.post(reverse("ruptures:try-again"), follow=True)
    assert "1 episode is being tried again." in answer.content.decode()
    assert Job.objects.waiting().filter(task=COMPUTE_TRENDS, object_id=episode.pk).count() == 1
    assert "Set aside" not in page_of(browser)


def test_page_shows_nothing_of_another_organisation(service, other_service, browser_of, episode):
    give_up(episode)
    page = page_of(browser_of(other_service.sam))
    assert "No session has been rated yet." in page and "Set aside" not in page


def test_page_needs_the_same_few_queries_for_many_episodes(service, browser_of):
    for number in range(12):
        give_up_one = factories.make_episode(service.ada, code=f"C-{number}")
        factories.make_course(give_up_one, [7])
        make_trends_stale(give_up_one)
    assert EpisodeSeries.objects.count() == 12
    queries = factories.queries_of(browser_of(service.sam), reverse("ruptures:trends"))
    assert len(queries) <= factories.MOST_QUERIES, queries
