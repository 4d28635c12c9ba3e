"""A client looks at their own ratings, on the therapist's screen and nowhere else."""

import pytest
from django.urls import reverse

from accounts.models import AuditEvent, Organisation
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def episode(service):
    episode = factories.make_episode(service.ada)
    factories.make_signal(episode)
    return episode


def url_of(episode) -> str:
    return reverse("dashboards:together", args=[episode.pk])


def test_page_shows_what_the_client_answered_and_nothing_else(service, episode, browser_of):
    answer = browser_of(service.ada).get(url_of(episode))
    page = answer.content.decode()
    assert "Your ratings, session by session" in page and 'scope="row">Session 7' in page
    for hidden in ("Rowan", "R-0417", "rupture", "expected", "Today", "Clients", "Ada"):
        assert hidden not in page.split("<main")[1], hidden
    assert "topbar" not in page


def test_chart_has_the_clients_lines_alone(service, episode, browser_of):
    url = reverse("dashboards:episode-figure", args=[episode.pk])
    figure = browser_of(service.ada).get(url, {"own": 1}).json()
    assert [trace["name"] for trace in figure["data"]] == ["Goal, client", "Task, client", "Bond, client"]
    assert not figure["layout"].get("shapes")
    whole = browser_of(service.ada).get(url).json()
    assert len(whole["data"]) > 3


def test_service_that_does_not_want_it_has_neither_page_nor_link(service, episode, browser_of):
    ada = browser_of(service.ada)
    link = f'href="{url_of(episode)}"'
    course = reverse("dashboards:episode", args=[episode.pk])
    assert link in ada.get(course).content.decode()
    Organisation.objects.update(shows_clients_chart=False)
    assert ada.get(url_of(episode)).status_code == 403
    assert link not in ada.get(course).content.decode()


def test_supervisor_does_not_show_it(service, episode, browser_of):
    assert browser_of(service.ruth).get(url_of(episode)).status_code == 403


def test_client_with_a_link_gets_no_chart(service, episode, client):
    _request, token = factories.make_request(factories.make_session(episode))
    client.get(reverse("measures:link", args=[token]), follow=True)
    answer = client.get(url_of(episode))
    assert answer.status_code == 302 and "sign-in" in answer["Location"]
    figure = client.get(reverse("dashboards:episode-figure", args=[episode.pk]), {"own": 1})
    assert figure.status_code in (302, 401, 403)


def test_latest_answers_wait_for_the_therapists_own(service, browser_of):
    episode = factories.make_episode(service.ada)
    factories.rate_as_client(factories.make_session(episode), 3, 3, 3)
    page = browser_of(service.ada).get(url_of(episode)).content.decode()
    assert "once your therapist has rated the session, too" in page and "3.0" not in page


def test_showing_it_is_on_record(service, episode, browser_of):
    browser_of(service.ada).get(url_of(episode))
    assert AuditEvent.objects.filter(action="episode.shown-to-client").count() == 1
