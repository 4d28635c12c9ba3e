"""The caseload: whose episodes, why each is shown, what the filters, the search and the spreadsheet give."""

import csv
import io
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from clients import actions as clients
from dashboards.actions import keep_summaries
from dashboards.models import EpisodeSummary
from dashboards.selectors.caseload import caseload
from measures.actions.clients import enter_from_paper
from measures.battery import Entry, Rhythm
from ruptures import actions as ruptures
from ruptures.actions.repair import change_state
from sessions_app.models import TherapySession
from tests import factories

pytestmark = pytest.mark.django_db
URL = reverse("dashboards:caseload")


def days_ago(days):
    return timezone.localdate() - timedelta(days=days)


def make_steady(therapist, code):
    """Met every week until yesterday, rated each time."""
    episode = factories.make_episode(therapist, code=code, weeks_ago=40)
    for week in (3, 2, 1, 0):
        session = factories.make_session(episode, held_on=days_ago(1 + 7 * week))
        factories.rate_as_therapist(session)
        factories.rate_as_client(session)
    factories.judge(episode)
    return episode


def codes(rows):
    return [row.episode.code for row in rows]


def rows_of(person):
    """Of the caseload as it is once the worker has done its part."""
    keep_summaries(episode_ids=EpisodeSummary.objects.values_list("episode", flat=True))
    return caseload(person).rows()


@pytest.fixture
def needs(service):
    """Of Ada's clients one with each reason, and one with none, their codes against the order."""
    made = {code: make_steady(service.ada, code) for code in ("A-none", "C-rupture", "D-risk")}
    factories.make_risk_answer(made["D-risk"].sessions.last())
    factories.make_rupture(made["C-rupture"].sessions.last())
    away = factories.make_episode(service.ada, code="B-away", weeks_ago=40)
    factories.rate_as_client(factories.make_session(away, held_on=days_ago(30)))
    unrated = factories.make_episode(service.ada, code="A-unrated", weeks_ago=4)
    for day in (16, 9, 2):
        factories.make_session(unrated, held_on=days_ago(day))
    signalled = factories.make_episode(service.ada, code="E-signal", weeks_ago=60)
    for week, bond in zip(range(6, -1, -1), (8, 7, 8, 8, 7, 8, 2), strict=True):
        session = factories.make_session(signalled, held_on=days_ago(1 + 7 * week))
        factories.rate_as_therapist(session)
        factories.rate_as_client(session, bond=bond)
    ruptures.judge_episode(episode_id=signalled.pk)
    keep_summaries(episode_ids=EpisodeSummary.objects.values_list("episode", flat=True))
    return made


def test_rows_come_in_order_of_need_each_with_its_reason(service, needs, browser_of):
    rows = browser_of(service.ruth).get(URL).context["rows"]
    assert codes(rows) == ["D-risk", "E-signal", "C-rupture", "B-away", "A-unrated", "A-none"]
    assert [row.row.kinds[:1] for row in rows] == [["risk"], ["signal"], ["rupture"], ["not-seen"], ["missing"], []]
    page = browser_of(service.ruth).get(URL).content.decode()
    for words in (
        "Possible rupture in session 7: bond.",
        "Not seen for 30 days.",
        "Withdrawal in session 4, confirmed",
    ):
        assert words in page


@pytest.mark.parametrize("kind", ["risk", "signal", "rupture", "not-seen", "missing"])
def test_a_filter_counts_and_shows_one_reason(service, needs, browser_of, kind):
    answer = browser_of(service.ruth).get(URL, {"show": kind})
    chip = next(one for one in answer.context["filters"] if one["kind"] == kind)
    assert all(kind in row.row.kinds for row in answer.context["rows"])
    assert chip["count"] == len(answer.context["rows"]) > 0
    figure = browser_of(service.ruth).get(reverse("dashboards:caseload-figure"), {"show": kind}).json()
    assert {code for trace in figure["data"] for code in trace["text"]} <= set(codes(answer.context["rows"]))


def test_search_finds_codes_and_therapists(service, needs, browser_of):
    ruth = browser_of(service.ruth)
    assert codes(ruth.get(URL, {"q": "c-rup"}).context["rows"]) == ["C-rupture"]
    assert len(ruth.get(URL, {"q": service.ada.name}).context["rows"]) == 6
    nobody = ruth.get(URL, {"q": "\x00nobody"})
    assert nobody.status_code == 200 and "Nobody found" in nobody.content.decode()
    assert ruth.get(URL, {"show": "everything"}).status_code == 404


def test_spreadsheet_has_what_is_shown_in_its_order(service, needs, browser_of):
    clients.create_client(code="=1+1", name="", by=service.ada)
    factories.make_episode(service.ada, code="@risky", name="", weeks_ago=1)
    ruth = browser_of(service.ruth)
    answer = ruth.get(reverse("dashboards:caseload-csv"), {"q": "r"})
    (head, *rows) = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert head == ["client", "therapist", "sessions", "goal", "task", "bond", "instrument", "why", "last seen"]
    shown = codes(ruth.get(URL, {"q": "r"}).context["rows"])
    assert [row[0].lstrip("'") for row in rows] == shown and "'@risky" in [row[0] for row in rows]
    assert AuditEvent.objects.filter(action="caseload.exported", client_id__isnull=False).count() == len(rows)


def test_therapist_sees_the_own_and_a_supervisor_with_clients_chooses(service, needs, browser_of):
    factories.make_episode(service.tom, code="T-1", weeks_ago=1)
    assert codes(browser_of(service.tom).get(URL).context["rows"]) == ["T-1"]
    assert "T-1" not in codes(browser_of(service.ada).get(URL).context["rows"])
    service.ruth.is_therapist = True
    service.ruth.save()
    factories.make_episode(service.ruth, code="R-own", weeks_ago=1)
    assert codes(caseload(service.ruth, own=True).rows()) == ["R-own"]
    assert "R-own" not in codes(caseload(service.ruth).rows())
    page = browser_of(service.ruth).get(URL, {"whose": "own"}).content.decode()
    assert "R-own" in page and "Of those I supervise" in page


def test_counts_above_are_the_rows_below_for_everybody(service, needs, browser_of):
    for person in (service.ruth, service.ada, service.tom):
        answer = browser_of(person).get(URL)
        for chip in answer.context["filters"]:
            rows = browser_of(person).get(URL, {"show": chip["kind"]}).context["rows"]
            assert len(rows) == chip["count"], (person, chip)


def test_nobody_there_says_what_will_be(service, browser_of):
    assert "Your open episodes appear here" in browser_of(service.tom).get(URL).content.decode()


def test_page_needs_the_same_few_queries_for_thirty_episodes(service, browser_of):
    for number in range(3):
        make_steady(service.ada, f"S-{number}")
    rows_of(service.ruth)
    few = factories.queries_of(browser_of(service.ruth), URL)
    for number in range(3, 20):
        make_steady(service.ada, f"S-{number}")
    rows_of(service.ruth)
    many = factories.queries_of(browser_of(service.ruth), URL)
    assert len(many) == len(few) <= 15, many


def test_ratings_are_missing_only_where_they_were_due_and_are_no_longer_on_their_way(service, browser_of):
    episode = factories.make_episode(service.ada, weeks_ago=20)
    for day in (29, 22, 15, 8, 1):
        factories.make_session(episode, held_on=days_ago(day))
    (row,) = rows_of(service.ruth)
    assert row.reasons[-1].words == "The last 4 sessions are without a rating by the client."
    factories.make_battery(service, Entry("session-check-in", "therapist", Rhythm.EVERY))
    TherapySession.objects.update(created_at=timezone.now())
    assert "missing" not in rows_of(service.ruth)[0].kinds


def test_rupture_that_is_resolved_is_no_reason_any_more(service):
    episode = factories.make_episode(service.ada)
    signal = factories.make_signal(episode)
    ruptures.confirm_signal(signal=signal, by=service.ada)
    signal.refresh_from_db()
    assert "rupture" in rows_of(service.ruth)[0].kinds
    change_state(rupture=signal.rupture, to="resolved", by=service.ada)
    assert not {"rupture", "signal"} & set(rows_of(service.ruth)[0].kinds)


def test_rating_known_by_one_component_alone_breaks_no_list(service, browser_of):
    session = factories.make_session(factories.make_episode(service.ada), held_on=days_ago(1))
    enter_from_paper(
        session=session,
        instrument="session-check-in",
        rater="client",
        filled_in_on=session.held_on,
        answers={},
        totals={"goal": 7},
        by=service.ada,
    )
    factories.rate_as_therapist(session)
    ruptures.judge_episode(episode_id=session.episode_id)
    assert browser_of(service.ada).get(reverse("clients:client-list")).status_code == 200
    assert browser_of(service.ruth).get(URL).status_code == 200
