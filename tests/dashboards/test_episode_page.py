import pytest
from django.urls import reverse

from tests import factories

pytestmark = pytest.mark.django_db


def test_therapist_sees_what_changed(service, browser_of):
    episode = factories.make_episode(service.ada)
    factories.make_course(episode, [7, 8, 7, 8, 7, 8, 7, 8, 7, 2])
    page = browser_of(service.ada).get(reverse("dashboards:episode", args=[episode.pk]))
    assert page.status_code == 200
    assert "The bond is lower than usual: a possible rupture." in page.content.decode()


def test_outsider_finds_nothing(service, browser_of):
    episode = factories.make_episode(service.ada)
    assert browser_of(service.tom).get(reverse("dashboards:episode", args=[episode.pk])).status_code == 404


def test_page_needs_the_same_few_queries_for_thirty_sessions(service, browser_of):
    episode = factories.make_episode(service.ada)
    factories.make_course(episode, [7] * 30)
    queries = factories.queries_of(browser_of(service.ada), reverse("dashboards:episode", args=[episode.pk]))
    assert len(queries) <= 15, queries
