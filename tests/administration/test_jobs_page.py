"""Background jobs as an administrator sees them: the own organisation's, in words, with what may be done about them."""

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from administration import actions
from jobs import selectors
from jobs.actions import ask_again, request_job, run_job
from jobs.models import Job, PeriodicRun
from jobs.tasks import PERIODIC
from tests import factories

pytestmark = pytest.mark.django_db

PAGE = "/administration/jobs/"
SWEEP, TRENDS, MAIL = "measures.sweep_trends", "ruptures.judge_episode", "measures.send_invitation"


@pytest.fixture
def sam(service, browser_of):
    return browser_of(service.sam)


def words(browser, page: str = PAGE) -> str:
    return " ".join(browser.get(page).content.decode().split())


def give_up(organisation, task: str, *, error: str = "KeyError", object_id=None, ago: int = 1) -> Job:
    at = timezone.now() - timedelta(minutes=ago)
    return Job.objects.create(
        organisation_id=organisation.pk,
        task=task,
        object_id=object_id or uuid.uuid4(),
        handed_at=at,
        started_at=at,
        failed_at=at,
        attempts=5,
        last_error=error,
    )


def post(browser, name: str, task: str) -> str:
    answer = browser.post(reverse(f"administration:{name}", args=[task]), follow=True)
    return " ".join(answer.content.decode().split())


# --- What is seen -----------------------------------------------------------------------------------------


def test_with_nothing_to_do_the_page_says_what_would_be_here(service, sam):
    page = words(sam)
    assert "What could not be done in five attempts would stand here" in page
    assert "Work usually waits for less than a second." in page


def test_what_was_given_up_is_counted_by_kind_with_the_error_in_words(service, sam):
    give_up(service.organisation, TRENDS, error="FloatingPointError")
    give_up(service.organisation, TRENDS, error="FloatingPointError")
    give_up(service.organisation, TRENDS, error="lost")
    give_up(service.organisation, MAIL, error="SMTPServerDisconnected")
    (mail, trends) = sorted(sam.get(PAGE).context["work"].given_up, key=lambda line: line.kind.task)
    assert (mail.standing.number_given_up, trends.standing.number_given_up) == (1, 3)
    page = words(sam)
    assert "Trends and signals of an episode" in page and "An e-mail with a client’s link" in page
    assert "A calculation met numbers that it cannot work with" in page and "FloatingPointError × 2" in page
    assert "The mail server was out of reach or said no." in page


def test_what_waits_and_what_is_under_way_is_counted_with_the_oldest(service, sam):
    organisation = service.organisation.pk
    for _ in range(3):
        request_job(task=TRENDS, object_id=uuid.uuid4(), organisation_id=organisation)
    one = Job.objects.filter(task=TRENDS).first()
    hours = timezone.now() - timedelta(hours=3)
    Job.objects.filter(pk=one.pk).update(handed_at=timezone.now(), requested_at=hours)
    Job.objects.exclude(pk=one.pk).update(last_error="OperationalError", attempts=2)
    (line,) = sam.get(PAGE).context["work"].open
    assert (line.standing.waiting, line.standing.under_way) == (2, 1)
    page = words(sam)
    assert "3 hours" in page and "The database was out of reach" in page


def test_finished_jobs_are_not_on_it(service, sam):
    request_job(task=SWEEP, object_id=service.organisation.pk, organisation_id=service.organisation.pk)
    run_job(Job.objects.get().pk, lambda object_id: None)
    work = sam.get(PAGE).context["work"]
    assert not work.open and not work.given_up


def test_what_repeats_says_when_it_was_asked_for_and_done(service, sam):
    assert "not in the last two days" in words(sam)
    PeriodicRun.objects.create(name="sweep", period_start=timezone.now())
    request_job(task=SWEEP, object_id=service.organisation.pk, organisation_id=service.organisation.pk)
    run_job(Job.objects.get().pk, lambda object_id: None)
    row = next(row for row in sam.get(PAGE).context["work"].periodic if row.kind.task == SWEEP)
    assert row.asked_at and row.done_at and row.kind.rhythm == "every minute"
    page = words(sam)
    assert ">runs</span>" in page and ">at work</span>" in page and "has stopped" not in page


def test_a_clock_and_a_worker_that_are_not_heard_of_are_said(service, sam):
    long_ago = timezone.now() - timedelta(minutes=6)
    PeriodicRun.objects.create(name="sweep", period_start=long_ago, started_at=long_ago)
    page = words(sam)
    assert (
        page.count("not heard of") == 2 and "last 6 minutes ago" in page and "(<code>beat</code>) has stopped" in page
    )
    PeriodicRun.objects.create(name="sweep", period_start=timezone.now())
    assert "the worker or the relay has stopped" in words(sam)


# --- What may be done about it ----------------------------------------------------------------------------


def test_what_was_given_up_is_tried_again_and_on_record(service, sam):
    objects = {give_up(service.organisation, TRENDS).object_id for _ in range(2)}
    give_up(service.organisation, SWEEP)
    assert "2 jobs are being tried again: Trends and signals of an episode." in post(sam, "job-retry", TRENDS)
    assert set(Job.objects.waiting().values_list("object_id", flat=True)) == objects
    assert [job.task for job in Job.objects.failed()] == [SWEEP]
    event = AuditEvent.objects.get(action="jobs.tried-again")
    assert (event.person, event.fields) == (service.sam, [TRENDS])


def test_the_same_work_given_up_twice_is_tried_again_once(service, sam):
    one = give_up(service.organisation, TRENDS)
    give_up(service.organisation, TRENDS, object_id=one.object_id)
    request_job(task=TRENDS, object_id=one.object_id, organisation_id=service.organisation.pk)
    assert ask_again(task=TRENDS, organisation_id=service.organisation.pk) == 1
    assert Job.objects.get().object_id == one.object_id


def test_nothing_to_try_again_is_said_and_leaves_no_event(service, sam):
    assert "nothing of this kind to try again" in post(sam, "job-retry", TRENDS)
    assert "nothing of this kind to try again" in post(sam, "job-retry", "no.such_kind")
    assert not AuditEvent.objects.filter(action="jobs.tried-again").exists()


def test_work_that_succeeds_takes_what_was_given_up_of_the_same_with_it(service):
    gone, other = give_up(service.organisation, TRENDS), give_up(service.organisation, TRENDS)
    request_job(task=TRENDS, object_id=gone.object_id, organisation_id=service.organisation.pk)
    run_job(Job.objects.waiting().get().pk, lambda object_id: None)
    assert list(Job.objects.failed()) == [other]


def test_putting_away_says_first_what_it_means(service, sam):
    give_up(service.organisation, SWEEP)
    assert "Nothing is lost: the clock asks for it again" in words(
        sam, reverse("administration:job-put-away", args=[SWEEP])
    )
    assert Job.objects.failed().count() == 1
    assert "1 put away: Looking for trends that were forgotten." in post(sam, "job-put-away", SWEEP)
    assert not Job.objects.failed().exists()
    event = AuditEvent.objects.get(action="jobs.put-away")
    assert (event.person, event.fields) == (service.sam, [SWEEP])


@pytest.mark.parametrize("task", [TRENDS, MAIL, "reports.write_import", "no.such_kind"])
def test_what_would_stay_half_done_cannot_be_put_away(service, sam, task):
    give_up(service.organisation, task)
    url = reverse("administration:job-put-away", args=[task])
    assert url not in words(sam)
    assert (sam.get(url).status_code, sam.post(url).status_code) == (404, 404)
    with pytest.raises(ValueError, match="cannot be put away"):
        actions.put_jobs_away(task=task, by=service.sam)
    assert Job.objects.failed().count() == 1


def test_a_kind_without_words_is_shown_all_the_same(service, sam):
    give_up(service.organisation, "clients.new_thing")
    assert "Other work (clients.new_thing)" in words(sam)


# --- Whose they are ---------------------------------------------------------------------------------------


def test_an_administrator_never_sees_or_touches_the_jobs_of_another_service(service, other_service, sam):
    """The table stands outside row-level security: only the query keeps them apart."""
    theirs = give_up(other_service.organisation, SWEEP, error="MemoryError")
    request_job(task=TRENDS, object_id=uuid.uuid4(), organisation_id=other_service.organisation.pk)
    request_job(task=SWEEP, object_id=other_service.organisation.pk, organisation_id=other_service.organisation.pk)
    run_job(Job.objects.waiting().get(task=SWEEP).pk, lambda object_id: None)
    theirs = theirs if Job.objects.filter(pk=theirs.pk).exists() else give_up(other_service.organisation, SWEEP)
    work = sam.get(PAGE).context["work"]
    assert not work.given_up and not work.open and not work.heart.done
    post(sam, "job-retry", SWEEP)
    post(sam, "job-put-away", SWEEP)
    assert Job.objects.failed().get() == theirs
    assert selectors.work_on(
        task=SWEEP, object_id=other_service.organisation.pk, organisation_id=service.organisation.pk
    ) == selectors.Work(is_under_way=False, is_given_up=False, finished_at=None)


def test_nothing_on_the_page_leads_to_a_record(service, sam):
    episode = factories.make_episode(service.ada, code="K-7731", name="Kestrel")
    give_up(service.organisation, TRENDS, object_id=episode.pk)
    page = words(sam)
    assert not [word for word in ("K-7731", "Kestrel", str(episode.pk)) if word in page]


def test_it_needs_the_same_few_queries_for_many_jobs(service, sam):
    few = len(factories.queries_of(sam, PAGE))
    for task in [*PERIODIC.values(), TRENDS, MAIL]:
        for error in ("KeyError", "lost"):
            give_up(service.organisation, task, error=error)
            request_job(task=task, object_id=uuid.uuid4(), organisation_id=service.organisation.pk)
    assert len(factories.queries_of(sam, PAGE)) == few <= 15
