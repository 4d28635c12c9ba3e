"""The client report as a PDF: read back with pypdf, and held against the database and the episode page."""

from io import BytesIO

import pytest
from django.urls import reverse
from pypdf import PdfReader

from accounts.models import AuditEvent
from measures.models import Rating
from tests import factories

pytestmark = pytest.mark.django_db
COURSE = [7, 8, 7, 8, 7, 8, 7, 8, 7, 2, 7]
MARKUP = r"#let x = $1$ *b* _i_ \\ <b>&amp; @ref ```` = // [ ] ~ `"


def report_of(browser, episode):
    response = browser.get(reverse("dashboards:client-report", args=[episode.pk]))
    assert (response.status_code, response["Content-Type"]) == (200, "application/pdf")
    return PdfReader(BytesIO(response.content))


def words_of(reader):
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def test_report_holds_the_numbers_of_the_database(service, browser_of):
    episode = factories.make_episode(service.ada)
    factories.make_course(episode, COURSE)
    words = words_of(report_of(browser_of(service.ada), episode))
    numbers = words.partition("The numbers")[2]
    for rating in Rating.objects.filter(session__episode=episode, rater="client"):
        session = rating.session
        scores = {score.scale: score.value for score in rating.scores.all()}
        row = f"{session.number} {session.held_on:%-d %B %Y} " + " ".join(
            f"{scores[scale]:.1f}" for scale in ("goal", "task", "bond")
        )
        assert row in numbers


def test_report_says_what_the_page_says_of_the_change_and_marks_it(service, browser_of):
    episode = factories.make_episode(service.ada)
    factories.make_course(episode, COURSE)
    words = words_of(report_of(browser_of(service.ada), episode))
    assert "The bond came back." in words
    assert words.count("possible rupture") >= 1 and "back" in words


def test_report_is_tagged_titled_dated_and_says_who_asked_on_every_page(service, browser_of):
    episode = factories.make_episode(service.ada)
    factories.make_course(episode, [7] * 60)
    reader = report_of(browser_of(service.ada), episode)
    root, count = reader.trailer["/Root"], len(reader.pages)
    assert root["/MarkInfo"]["/Marked"] and root["/StructTreeRoot"] and root["/Lang"].startswith("en")
    assert reader.metadata.title == f"Client report, {episode.client.code}"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert "pdfuaid" in root["/Metadata"].get_data().decode()
    assert count > 1
    for number, page in enumerate(reader.pages, start=1):
        text = page.extract_text()
        assert f"Page {number} of {count}" in text and f"Client {episode.client.code}" in text
        today = service.organisation.today
        assert f"Made for {service.ada.name} on {today:%-d %B %Y}" in text


def test_every_font_of_a_report_is_in_it(service, browser_of):
    episode = factories.make_episode(service.ada)
    factories.make_course(episode, COURSE)
    for page in report_of(browser_of(service.ada), episode).pages:
        for font in page["/Resources"].get("/Font", {}).values():
            descriptor = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            assert {"/FontFile2", "/FontFile3"} & set(descriptor)


def test_report_knows_the_client_by_code_alone(service, browser_of):
    episode = factories.make_episode(service.ada)
    episode.client.name = "Samuel"
    episode.client.save()
    factories.make_course(episode, COURSE)
    assert "Samuel" not in words_of(report_of(browser_of(service.ada), episode))


def test_what_is_typed_stands_in_a_report_as_it_was_typed(service, browser_of):
    episode = factories.make_episode(service.ada)
    factories.make_goal(episode, text=MARKUP)
    factories.make_course(episode, [7, 7])
    assert MARKUP in words_of(report_of(browser_of(service.ada), episode))


def test_of_an_episode_without_sessions_the_report_says_so(service, browser_of):
    words = words_of(report_of(browser_of(service.ada), factories.make_episode(service.ada)))
    assert "No session is on record." in words and "No goal and no task is on record." in words


def test_whoever_may_not_see_the_page_finds_no_report(service, browser_of):
    episode = factories.make_episode(service.ada)
    assert browser_of(service.tom).get(reverse("dashboards:client-report", args=[episode.pk])).status_code == 404
    assert not AuditEvent.objects.filter(action="client-report.made").exists()


def test_that_a_report_was_made_is_on_record(service, browser_of):
    episode = factories.make_episode(service.ada)
    report_of(browser_of(service.ada), episode)
    event = AuditEvent.objects.get(action="client-report.made")
    assert (event.person, event.client_id) == (service.ada, episode.client_id)


def test_a_report_needs_few_queries_however_long_the_episode_is(service, browser_of):
    episode = factories.make_episode(service.ada)
    sessions = factories.make_course(episode, [7] * 30)
    for session in sessions[20:]:
        factories.make_attempt(factories.make_rupture(session), session)
    queries = factories.queries_of(browser_of(service.ada), reverse("dashboards:client-report", args=[episode.pk]))
    assert len(queries) <= factories.MOST_QUERIES, queries
