"""How the service is doing, as each person sees it."""

import copy
import re
from functools import cache

import pytest
from django.urls import reverse
from django.utils import timezone

from dashboards import actions
from dashboards.models import ServiceRun, ServiceSummary
from dashboards.service_summaries import summaries_of, tables_of
from dashboards.service_words import WHY_NO_RANKING
from jobs.models import Job
from tests import factories
from tests.dashboards import courses

pytestmark = pytest.mark.django_db
URL = reverse("dashboards:service")
MOST_QUERIES = 17  # two are of the session: when it ends, and that it is used


@cache
def invented():
    """Summaries of a service of 150, worked out once: what they are worked out from is the job's business."""
    facts = courses.service(2, clients=150)
    return list(summaries_of(facts, tables_of(facts, today=courses.TODAY), today=courses.TODAY))


@pytest.fixture
def past(service):
    """The summaries are there; of the therapists in them Ada and Tom are two."""
    for summary in invented():
        body = copy.deepcopy(summary.body)
        if body["therapists"]:
            rows = list(body["therapists"]["rows"].values())
            body["therapists"]["rows"] = {str(service.ada.pk): rows[0], str(service.tom.pk): rows[1]}
        ServiceSummary.objects.create(
            organisation=service.organisation,
            kind=summary.period.kind,
            starts_on=summary.period.starts_on,
            ends_on=summary.period.ends_on,
            modality=summary.modality,
            n=summary.n,
            body=body,
        )


def figure(browser, chart, **asked):
    return browser.get(reverse("dashboards:service-figure", args=[chart]), asked)


def text(response):
    return re.sub(r"\s+", " ", response.content.decode())


def test_before_anything_was_worked_out_it_says_what_will_be_here(service, browser_of):
    page = text(browser_of(service.ruth).get(URL))
    assert "Nothing has been worked out yet" in page and "Work out now" in page


def test_a_press_of_the_button_has_it_worked_out(service, browser_of):
    factories.make_session(factories.make_episode(service.ada))
    browser = browser_of(service.sam)
    assert browser.post(reverse("dashboards:service-work-out")).status_code == 302
    page = text(browser.get(URL))
    assert "It is being worked out anew" in page and "Episodes read" in page
    progress = browser.get(reverse("dashboards:service-progress"))
    assert progress["X-Record"] == str(service.organisation.pk) and "HX-Refresh" not in progress
    run = ServiceRun.objects.get()
    while not run.finished_at:
        actions.service_run_next(run_id=run.pk)
        run.refresh_from_db()
    assert browser.get(reverse("dashboards:service-progress"))["HX-Refresh"] == "true"


def test_a_working_out_that_was_given_up_says_so(service, browser_of):
    run = actions.start_service_run(organisation_id=service.organisation.pk)
    Job.objects.filter(object_id=run.pk).update(failed_at=timezone.now())
    assert "given up after five attempts" in text(browser_of(service.sam).get(URL))


def test_every_chart_has_its_question_sentence_n_note_and_table(service, past, browser_of):
    page = browser_of(service.ruth).get(URL).content.decode()
    assert page.count('class="card stack stack--tight service-chart"') == 9
    assert page.count("How this is worked out") == 9
    charts = re.findall(r'data-chart="([^"]+)"', page)
    assert len(charts) == page.count("<table") >= 7
    browser = browser_of(service.ruth)
    assert all(browser.get(address.replace("&amp;", "&")).status_code == 200 for address in charts)


def test_period_and_modality_stand_in_the_address_and_work_without_a_script(service, past, browser_of):
    year = str(ServiceSummary.objects.filter(kind="year").latest("starts_on").starts_on.year)
    page = text(browser_of(service.ruth).get(URL, {"period": year, "modality": "cbt"}))
    assert f'<option value="{year}" selected>' in page and '<option value="cbt" selected>' in page
    assert f"period={year}&amp;modality=cbt" in page or "Too few to be shown" in page


@pytest.mark.parametrize("asked", [{"period": "1999"}, {"period": "2026-q9"}, {"modality": "cards"}, {"period": "x'"}])
def test_what_there_is_not_is_not_found(service, past, browser_of, asked):
    assert browser_of(service.ruth).get(URL, asked).status_code == 404
    assert figure(browser_of(service.ruth), "completeness", **asked).status_code == 404


def test_a_chart_there_is_not_is_not_found(service, past, browser_of):
    assert figure(browser_of(service.ruth), "ranking").status_code == 404


def test_a_figure_that_has_not_changed_is_not_sent_again(service, past, browser_of):
    browser = browser_of(service.ruth)
    first = figure(browser, "alliance")
    again = browser.get(reverse("dashboards:service-figure", args=["alliance"]), HTTP_IF_NONE_MATCH=first["ETag"])
    assert (first.status_code, again.status_code) == (200, 304)


def test_a_supervisor_sees_by_name_those_whom_they_supervise_and_nobody_else(service, past, browser_of):
    for person, own, other in ((service.ruth, "Ada Okafor", "Tom Abara"), (service.otto, "Tom Abara", "Ada Okafor")):
        browser = browser_of(person)
        page = text(browser.get(URL))
        assert WHY_NO_RANKING in page
        section = page[page.index('id="therapists-title"') :]
        assert own in section and other not in section and "A therapist with" not in section
        assert other not in figure(browser, "therapists").content.decode()


def test_an_administrator_sees_therapists_without_names(service, past, browser_of):
    browser = browser_of(service.sam)
    found = text(browser.get(URL)) + figure(browser, "therapists").content.decode()
    assert "A therapist with " in found
    assert "Ada Okafor" not in found and "Tom Abara" not in found


def test_a_supervisor_who_is_a_therapist_sees_no_colleague(service, past, browser_of):
    service.tom.is_supervisor = True
    service.tom.save(update_fields=["is_supervisor"])
    browser = browser_of(service.tom)
    page = text(browser.get(URL))
    section = page[page.index('id="therapists-title"') :]
    assert "Ada Okafor" not in section and "A therapist with" not in section
    assert figure(browser, "therapists").status_code == 404


def test_therapists_come_in_the_same_order_on_every_visit_and_in_another_after_the_next_night():
    from dashboards.selectors.service import lot

    therapists = [f"therapist-{number}" for number in range(12)]
    orders = [sorted(therapists, key=lambda one, night=night: lot(night, one)) for night in ("a", "a", "b")]
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize("who", ["ada", "nils"])
def test_it_is_nobody_elses_business(service, past, browser_of, who):
    browser = browser_of(getattr(service, who))
    assert browser.get(URL).status_code == figure(browser, "alliance").status_code == 403
    assert ServiceSummary.objects.visible_to(getattr(service, who)).count() == 0


def test_it_needs_few_queries(service, past, browser_of):
    """The summaries of a small service are as many rows as those of a large one; the page reads one of them."""
    for person in (service.ruth, service.sam):
        queries = factories.queries_of(browser_of(person), URL)
        assert len(queries) <= MOST_QUERIES, queries


def test_navigation_leads_there_for_those_it_is_for(service, browser_of):
    assert "How the service is doing" in browser_of(service.sam).get(URL).content.decode()
    assert "How the service is doing" not in browser_of(service.ada).get(reverse("sessions_app:today")).content.decode()
