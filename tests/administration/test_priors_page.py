"""What is usual in the service: the values in force, what they rest on, or why there are none and what is used."""

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from administration import actions
from administration.selectors import priors as usual
from jobs.models import Job
from measures.models import ServicePrior
from measures.priors import estimate_priors
from measures.tasks import estimate_priors as job
from tests import factories

pytestmark = pytest.mark.django_db

PAGE = "/administration/priors/"


@pytest.fixture
def sam(service, browser_of):
    return browser_of(service.sam)


@pytest.fixture
def rated(service):
    factories.make_course(factories.make_episode(service.ada), [7, 8])


def words(browser, page: str = PAGE) -> str:
    return " ".join(browser.get(page).content.decode().split())


def own(service, **values) -> ServicePrior:
    """A second version, as the estimate of forty courses would store it."""
    starting = ServicePrior.objects.get(rater="client", scale="bond", version=1)
    defaults = {
        "version": 2,
        "n": 40, "mean": 7.5, "sd_between": 1.1, "within_sd": 0.8, "within_sd_cv": 0.4, "rise": 0.1, "sd": 1.4,
        "reliability": None, "correlation_scales": 0.55, "correlation_raters": None,
    }  # fmt: skip
    return ServicePrior.objects.create(
        organisation=service.organisation,
        instrument=starting.instrument,
        rater="client",
        edition_version=starting.edition_version,
        scale="bond",
        is_starting=False,
        **defaults | values,
    )


def test_a_service_without_ratings_is_told_which_measures_have_no_values(service, sam):
    page = words(sam)
    assert "On, and without values so far" in page and "Session check-in" in page
    assert "With the first rating our starting values stand in." in page
    assert "Strain check" not in page and "Patient Health" not in page, "they are not judged"


def test_starting_values_say_why_and_what_is_used(service, sam, rated):
    page = words(sam)
    assert "Session check-in, by the client" in page and "Means of the answers, 0 to 10." in page
    assert "starting values" in page and "0 of 30 courses" in page
    assert (
        "Goal, task and bond:</strong> no values of your own. Fewer than 30 courses with five ratings or more. "
        "Our starting values are used." in page
    )
    assert "about 1 false alarm in 120 looks" in page


def test_enough_courses_that_say_nothing_are_another_reason(service, sam, rated):
    ServicePrior.objects.filter(rater="client", scale="bond").update(n=31)
    assert "in too few of them do the ratings differ" in words(sam)


def test_own_values_say_from_how_many_courses_and_what_is_not_known(service, sam, rated):
    own(service)
    page = words(sam)
    today = timezone.localtime(timezone=service.organisation.zone)
    assert (
        f'40 courses <span class="sample muted">version 2, {today:%-d %B %Y}<' in page
        and "7.5" in page
        and "0.55" in page
    )
    assert "Bond:</strong> no reliability. Fewer than 30 clients" in page
    assert "Bond:</strong> no correlation with the other rater." in page and "else 0.30, ours" in page


def test_only_the_latest_version_is_shown(service, sam, rated):
    own(service)
    bond = [row for group in usual.priors(service.sam).groups for row in group.rows if row.scale == "bond"]
    assert sorted(row.prior.version for row in bond) == [1, 2], "the client’s own, and the therapist’s starting values"


def test_values_are_said_with_their_source(service, sam):
    page = words(sam)
    assert "Searle, Casella" in page and "ours, by judgement: mean 0.80" in page


def test_working_out_is_asked_for_shown_and_on_record(service, sam, rated):
    answer = sam.post(reverse("administration:priors-work-out"), follow=True)
    page = " ".join(answer.content.decode().split())
    assert "It is being worked out." in page and "hx-get" in page and "Work them out now" not in page
    event = AuditEvent.objects.get(action="priors.work-out-asked")
    assert event.person == service.sam
    asked = Job.objects.waiting().get(task=actions.PRIORS)
    assert asked.object_id == service.organisation.pk
    job(str(asked.pk))
    page = words(sam)
    assert "hx-get" not in page and "Last on " in page and "Work them out now" in page


def test_the_fragment_names_its_organisation(service, sam, rated):
    fragment = sam.get(reverse("administration:priors-progress"))
    assert fragment["X-Record"] == str(service.organisation.pk)
    assert "<html" not in fragment.content.decode() and "Session check-in" in fragment.content.decode()


def test_asked_for_twice_it_is_done_once(service, sam):
    for _ in range(2):
        sam.post(reverse("administration:priors-work-out"))
    assert Job.objects.waiting().filter(task=actions.PRIORS).count() == 1


def test_a_working_out_that_was_given_up_is_said(service, sam, rated):
    sam.post(reverse("administration:priors-work-out"))
    Job.objects.filter(task=actions.PRIORS).update(handed_at=timezone.now(), failed_at=timezone.now(), attempts=5)
    page = words(sam)
    assert "was given up after five attempts" in page and reverse("administration:job-list") in page


def test_nothing_of_another_service_is_shown(service, other_service, browser_of, rated):
    own(service)
    page = words(browser_of(other_service.sam))
    assert "by the client</h2>" not in page and "40 courses" not in page


def test_it_needs_the_same_few_queries_for_many_versions(service, sam, rated):
    few = len(factories.queries_of(sam, PAGE))
    estimate_priors(organisation_id=service.organisation.pk)
    for version in range(3, 9):
        own(service, version=version)
    assert len(factories.queries_of(sam, PAGE)) == few <= 15
