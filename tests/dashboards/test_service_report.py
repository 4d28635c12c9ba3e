"""The service report as a PDF: read back, and held against the service's page and the figures it draws."""

import html
import re

import pytest
from django.urls import reverse
from django.utils.html import strip_tags

from accounts.models import AuditEvent
from dashboards.models import ServiceSummary
from dashboards.printed.service import NOBODY_IN_BOTH, NOTHING_YET, TOO_FEW
from dashboards.service_charts import CHARTS
from dashboards.service_periods import Period
from dashboards.service_words import HIDDEN, WHY_NO_RANKING
from tests import factories
from tests.dashboards.reading import check_form, check_is_vectors, report_at, squeezed, text_of
from tests.dashboards.test_service_page import URL, figure, past

pytestmark = pytest.mark.django_db
REPORT = reverse("dashboards:service-report")
MOST_QUERIES = 15
__all__ = ["past"]


def plain(markup):
    return squeezed(html.unescape(strip_tags(markup)))


def page_of(browser, **asked):
    response = browser.get(URL, asked)
    assert response.status_code == 200
    return response.content.decode()


def tables_of(page):
    """Of every table of numbers on the page what is in its cells, without blanks."""
    return [plain(body) for body in re.findall(r"<tbody>(.*?)</tbody>", page, re.S)]


def without_controls(page):
    """The questions, without what there is for a screen alone."""
    sections = "".join(re.findall(r'<section class="[^"]*service-chart".*?</section>', page, re.S))
    return re.sub("<noscript>.*?</noscript>|All method notes", "", sections, flags=re.S)


def asked_of(summary):
    period = Period(summary.kind, summary.starts_on, summary.ends_on)
    return {"period": period.key, "modality": summary.modality}


def test_every_number_and_every_word_of_the_pages_charts_is_in_the_report(service, past, browser_of):
    browser = browser_of(service.ruth)
    page, text = page_of(browser), text_of(report_at(browser, REPORT))
    assert len(tables_of(page)) == 9
    assert all(cells in text for cells in tables_of(page))
    for told in re.findall(r"<(?:h2|p)\b[^>]*>(.*?)</(?:h2|p)>", without_controls(page), re.S):
        assert plain(told) in text, told


def test_its_charts_are_the_figures_of_the_page_as_vectors(service, past, browser_of):
    browser = browser_of(service.ruth)
    reader = report_at(browser, REPORT)
    check_is_vectors(reader)
    text = text_of(reader)
    for chart in CHARTS:
        labels = [one["text"] for one in figure(browser, chart.key).json()["layout"]["annotations"]]
        assert labels
        for label in labels:
            assert squeezed(html.unescape(label).replace("<br>", " ")) in text, label


def test_the_filters_of_the_page_are_those_of_the_report(service, past, browser_of):
    browser = browser_of(service.ruth)
    for summary in ServiceSummary.objects.exclude(modality="")[:6]:
        asked = asked_of(summary)
        page, text = page_of(browser, **asked), text_of(report_at(browser, REPORT, **asked))
        link = f'href="{REPORT}?period={asked["period"]}&amp;modality={asked["modality"]}"'
        assert (link in page) == bool(tables_of(page)) == (squeezed(TOO_FEW) not in text)
        assert all(cells in text for cells in tables_of(page))


def test_what_is_too_few_to_be_shown_is_not_in_the_report(service, past, browser_of):
    browser, found = browser_of(service.ruth), 0
    for summary in ServiceSummary.objects.all():
        bodies = [summary.body.get(key) for key in ("completeness", "returns", "ruptures", "content")]
        if found < 4 and any(body and None in body["rows"].values() for body in bodies):
            found += 1
            asked = asked_of(summary)
            tables = [one for one in tables_of(page_of(browser, **asked)) if squeezed(HIDDEN) in one]
            text = text_of(report_at(browser, REPORT, **asked))
            assert tables and all(cells in text for cells in tables), "with nothing between its cells"
            assert squeezed("too few to be shown") in text
    assert found


def test_before_anything_was_worked_out_it_says_so(service, browser_of):
    assert squeezed(NOTHING_YET) in text_of(report_at(browser_of(service.ruth), REPORT))
    assert REPORT not in page_of(browser_of(service.ruth))


def test_where_nobody_is_in_both_it_says_so(service, past, browser_of):
    gone = ServiceSummary.objects.filter(kind="quarter").exclude(modality="").first()
    asked = asked_of(gone)
    gone.delete()
    text = text_of(report_at(browser_of(service.ruth), REPORT, **asked))
    assert squeezed(NOBODY_IN_BOTH) in text


@pytest.mark.parametrize("asked", [{"period": "1999"}, {"modality": "cards"}])
def test_of_what_there_is_not_there_is_no_report(service, past, browser_of, asked):
    assert browser_of(service.ruth).get(REPORT, asked).status_code == 404
    assert not AuditEvent.objects.filter(action="service-report.made").exists()


def test_it_is_tagged_titled_dated_and_says_who_asked_on_every_page(service, past, browser_of):
    reader = report_at(browser_of(service.ruth), REPORT)
    today = service.organisation.today
    assert len(reader.pages) > 3
    check_form(
        reader,
        title="Service report, All years, all modalities",
        on_each=(
            "Confidential · Service report · All years, all modalities",
            service.organisation.name,
            f"Made for {service.ruth.name} on {today:%-d %B %Y}",
        ),
    )


def test_therapists_are_in_it_as_their_reader_may_see_them_in_the_order_of_the_page(service, past, browser_of):
    for person, own, other in ((service.ruth, "Ada Okafor", "Tom Abara"), (service.otto, "Tom Abara", "Ada Okafor")):
        text = text_of(report_at(browser_of(person), REPORT))
        assert squeezed(WHY_NO_RANKING) in text
        assert squeezed(own) in text and squeezed(other) not in text and squeezed("A therapist with") not in text
    browser = browser_of(service.sam)
    page, text = page_of(browser), text_of(report_at(browser, REPORT))
    assert squeezed("Ada Okafor") not in text and squeezed("Tom Abara") not in text
    names = re.findall(r">(A therapist with \d+ clients)<", page)
    assert len(names) == 2
    assert text.rindex(squeezed(names[0])) < text.rindex(squeezed(names[1]))


def test_a_supervisor_who_is_a_therapist_finds_no_colleague_in_it(service, past, browser_of):
    service.tom.is_supervisor = True
    service.tom.save(update_fields=["is_supervisor"])
    text = text_of(report_at(browser_of(service.tom), REPORT))
    assert squeezed("Ada Okafor") not in text and squeezed("A therapist with") not in text


def test_that_it_was_made_is_on_record(service, past, browser_of):
    report_at(browser_of(service.sam), REPORT)
    event = AuditEvent.objects.get(action="service-report.made")
    assert (event.person, event.client_id, event.object_id) == (service.sam, None, service.organisation.pk)


@pytest.mark.parametrize("who", ["ada", "nils"])
def test_it_is_nobody_elses_business(service, past, browser_of, who):
    assert browser_of(getattr(service, who)).get(REPORT).status_code == 403
    assert not AuditEvent.objects.filter(action="service-report.made").exists()


def test_it_needs_few_queries(service, past, browser_of):
    for person in (service.ruth, service.sam):
        queries = factories.queries_of(browser_of(person), REPORT)
        assert len(queries) <= MOST_QUERIES, queries
