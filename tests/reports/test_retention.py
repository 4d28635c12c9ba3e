"""How long records are kept: nothing by itself unless a service says so, and then nobody without a long notice."""

from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import AuditEvent
from clients import actions as clients
from clients.models import Client, Episode
from jobs.models import Job
from reports.models import Erasure, RetentionNotice
from reports.privacy import erasure, retention, selectors
from reports.tasks import keep_retention
from tests import factories

pytestmark = pytest.mark.django_db


def ended(therapist, code, *, years=0, days=0):
    """An episode that ended so long ago."""
    episode = factories.make_episode(therapist, code=code, weeks_ago=52 * 12)
    last = retention.years_before(therapist.organisation.today, years) - timedelta(days=days)
    clients.end_episode(episode=episode, ended_on=last, ending="planned", by=therapist)
    return episode


def keep(service, years, days=30):
    service.organisation.refresh_from_db()
    retention.set_retention(
        organisation=service.organisation,
        version=service.organisation.version,
        years=years,
        notice_days=days,
        by=service.sam,
    )


def run(service):
    return retention.keep_retention(organisation_id=service.organisation.pk)


def codes(service, years):
    return [client.code for client in retention.due(service.organisation, years)]


def noticed_days_ago(days):
    RetentionNotice.objects.update(noticed_on=timezone.localdate() - timedelta(days=days))


@pytest.mark.parametrize(
    ("day", "years", "before"),
    [
        (date(2026, 12, 1), 7, date(2019, 12, 1)),
        (date(2028, 2, 29), 1, date(2027, 2, 28)),
        (date(2028, 2, 29), 4, date(2024, 2, 29)),
        (date(2027, 2, 28), 3, date(2024, 2, 28)),
    ],
)
def test_years_are_those_of_the_calendar(day, years, before):
    assert retention.years_before(day, years) == before


def test_due_is_whose_last_episode_ended_so_long_ago(service):
    ended(service.ada, "TODAY", years=7)
    ended(service.ada, "LONG-AGO", years=9)
    early = ended(service.ada, "EARLY", years=7)
    Episode.objects.filter(pk=early.pk).update(ended_on=early.ended_on + timedelta(days=1))
    back = ended(service.ada, "BACK", years=9)
    clients.start_episode(
        client=back.client,
        modality="cbt",
        practitioner_title="Counsellor",
        started_on=timezone.localdate(),
        by=service.ada,
    )
    factories.make_episode(service.ada, code="OPEN", weeks_ago=52 * 10)
    assert codes(service, 7) == ["LONG-AGO", "TODAY"]
    assert codes(service, 9) == ["LONG-AGO"]
    assert codes(service, 10) == []


def test_without_years_nothing_is_due_and_nothing_is_erased(service):
    ended(service.ada, "R-1", years=11)
    assert service.organisation.retention_years is None
    assert codes(service, None) == []
    assert run(service) == 0
    assert not RetentionNotice.objects.exists()
    assert not Erasure.objects.exists()


def test_what_is_due_is_erased_only_after_the_days_of_notice(service):
    episode = ended(service.ada, "R-1", years=8)
    ended(service.ada, "R-2", years=2)
    keep(service, 7, days=30)
    assert run(service) == 0
    noticed_days_ago(29)
    assert run(service) == 0
    noticed_days_ago(30)
    assert run(service) == 1
    request = Erasure.objects.get()
    assert (request.client, request.reason, request.state) == (episode.client, "retention", "erasing")
    assert run(service) == 0, "it is under way already"
    while erasure.take_step(erasure_id=request.pk, organisation_id=request.organisation_id):
        pass
    request.refresh_from_db()
    assert request.state == "done"
    assert set(request.after.values()) == {0}
    assert [client.code for client in Client.objects.all()] == ["R-2"]


def test_a_hold_or_a_longer_period_begins_the_days_anew(service):
    episode = ended(service.ada, "R-1", years=8)
    keep(service, 7)
    noticed_days_ago(300)
    hold = erasure.set_hold(client=episode.client, reason="A case at court.", by=service.sam)
    assert run(service) == 0
    assert not RetentionNotice.objects.exists()
    erasure.lift_hold(hold=hold, by=service.sam)
    assert run(service) == 0
    assert RetentionNotice.objects.get().noticed_on == service.organisation.today
    noticed_days_ago(300)
    keep(service, 10)
    assert not RetentionNotice.objects.exists()
    keep(service, 7)
    assert run(service) == 0
    noticed_days_ago(300)
    keep(service, None)
    assert run(service) == 0
    assert Client.objects.exists()


def test_an_administrator_decides_and_it_is_on_record(service):
    with pytest.raises(PermissionDenied):
        retention.set_retention(
            organisation=service.organisation,
            version=service.organisation.version,
            years=1,
            notice_days=30,
            by=service.ada,
        )
    keep(service, 7)
    event = AuditEvent.objects.filter(action="organisation.changed").latest("happened_at")
    assert (event.person, event.fields) == (service.sam, ["retention_years"])


def test_the_page_shows_codes_and_counts_and_since_when(service):
    episode = ended(service.ada, "R-1", years=8)
    factories.make_session(episode, held_on=episode.ended_on) if episode.is_open else None
    keep(service, 7, days=40)
    (row,) = selectors.due_records(service.organisation, 7)
    today = service.organisation.today
    assert (row.code, row.sessions, row.noticed_on, row.erased_from) == ("R-1", 0, today, today + timedelta(days=40))
    (looked_at,) = selectors.due_records(service.organisation, 5)
    assert looked_at.noticed_on is None


def test_the_nightly_job_goes_by_the_setting(service):
    ended(service.ada, "R-1", years=8)
    keep(service, 7)
    noticed_days_ago(31)
    job = Job.objects.create(
        task="reports.keep_retention", object_id=service.organisation.pk, organisation_id=service.organisation.pk
    )
    keep_retention(str(job.pk))
    assert Job.objects.filter(task=erasure.ERASE).count() == 1
