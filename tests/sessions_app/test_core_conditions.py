import uuid
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from dashboards.selectors.beside import beside
from sessions_app import actions
from sessions_app.models import CoreConditions
from tests import factories


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


def url(session) -> str:
    return reverse("sessions_app:core-conditions", args=[session.pk])


def rate(browser, session, **values):
    return browser.post(url(session), {"submission": str(uuid.uuid4()), **values}, follow=True)


def text(answer) -> str:
    return unescape(answer.content.decode())


def test_therapist_and_supervisor_rate_and_both_read_both(service, browser_of, episode):
    session = factories.make_session(episode)
    page = text(rate(browser_of(service.ada), session, congruence=7, empathy=8))
    assert "The core conditions are saved." in page and "How were you with Rowan in this session?" in page
    page = text(rate(browser_of(service.ruth), session, regard=6))
    assert "When you have discussed this session: how did Ada Okafor come across in it?" in page
    assert "Ada Okafor, therapist" in page and "Ruth Lindqvist, supervisor" in page
    assert [
        (row.rater, row.congruence, row.regard, row.empathy) for row in CoreConditions.objects.order_by("-rater")
    ] == [
        ("therapist", 7, None, 8),
        ("supervisor", None, 6, None),
    ]


def test_own_rating_is_in_the_form_and_nobody_elses(service, browser_of, episode):
    session = factories.make_session(episode)
    actions.rate_conditions(session=session, congruence=7, regard=None, empathy=None, by=service.ada)
    chosen = 'name="congruence" value="7" checked'
    assert chosen in text(browser_of(service.ada).get(url(session)))
    assert chosen not in text(browser_of(service.ruth).get(url(session)))


def test_number_that_is_none_of_the_line_is_refused_beside_it(service, browser_of, episode):
    session = factories.make_session(episode)
    answer = rate(browser_of(service.ada), session, congruence="11", regard=5)
    page = text(answer)
    assert answer.status_code == 422 and "Choose a number from 0 to 10, or none." in page
    assert 'name="regard" value="5" checked' in page and not CoreConditions.objects.exists()


def test_meeting_that_did_not_take_place_is_not_asked_about(service, browser_of, episode):
    session = factories.make_session(episode, attendance="did-not-attend")
    page = text(browser_of(service.ada).get(reverse("sessions_app:session", args=[session.pk])))
    assert "Core conditions" not in page


def test_episode_page_shows_them_beside_the_bond_once_there_are_any(service, browser_of, episode):
    made = factories.make_course(episode, [6, 7, 8])
    page = reverse("dashboards:episode", args=[episode.pk])
    assert "How were the core conditions" not in text(browser_of(service.ada).get(page))
    for session, value in zip(made, [4, None, 9], strict=True):
        actions.rate_conditions(session=session, congruence=5, regard=value, empathy=None, by=service.ada)
    shown = browser_of(service.ada).get(page)
    assert "How were the core conditions, beside the bond?" in text(shown)
    agreed = shown.context["agreed"]
    assert [(series.name, list(series.values), series.latest) for series in agreed.conditions] == [
        ("Bond", [6, 7, 8], 8),
        ("Congruence", [5, 5, 5], 5),
        ("Regard", [4, None, 9], 9),
        ("Empathy", [None, None, None], None),
    ]
    assert agreed.rows == [("3", [8, 5, 9, None]), ("2", [7, 5, None, None]), ("1", [6, 5, 4, None])]


def test_after_a_hand_over_nobody_rates_and_both_go_on_reading(service, browser_of, episode):
    session = factories.make_session(episode)
    actions.rate_conditions(session=session, congruence=7, regard=None, empathy=None, by=service.ada)
    factories.hand_over(episode, to=service.tom, on=timezone.localdate())
    for person in (service.ada, service.tom, service.ruth):
        page = text(browser_of(person).get(reverse("sessions_app:session", args=[session.pk])))
        assert "Ada Okafor, therapist" in page and "Save core conditions" not in page
        assert rate(browser_of(person), session, congruence=1).status_code == 403
    assert CoreConditions.objects.get().congruence == 7


def test_the_therapists_own_rating_counts_before_that_of_who_covered(service, episode):
    session = factories.make_session(episode)
    factories.make_cover(service.ada, by=service.tom)
    for by, value in ((service.ada, 7), (service.tom, 2)):
        actions.rate_conditions(session=session, congruence=value, regard=None, empathy=None, by=by)
    assert beside(episode).conditions[session.number]["congruence"] == 7
