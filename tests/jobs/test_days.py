"""Jobs and pages work by the calendar of the organisation they work for."""

import uuid
from datetime import date, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.models import Organisation
from dashboards.templatetags.words import days_ago
from jobs import actions
from jobs.models import Job
from tests import factories

pytestmark = pytest.mark.django_db
# Around midnight, where a day ends with 28 February, where a 29th follows, and in the hour that comes twice.
MOMENTS = [
    ("Europe/London", "2026-10-24T23:30Z", date(2026, 10, 25)),
    ("America/New_York", "2026-03-01T04:59Z", date(2026, 2, 28)),
    ("America/New_York", "2028-03-01T04:59Z", date(2028, 2, 29)),
    ("Australia/Lord_Howe", "2026-04-04T13:30Z", date(2026, 4, 5)),
    ("Australia/Lord_Howe", "2026-12-31T13:00Z", date(2027, 1, 1)),
    ("Asia/Kathmandu", "2028-02-28T18:14Z", date(2028, 2, 28)),
    ("Asia/Kathmandu", "2028-02-28T18:15Z", date(2028, 2, 29)),
]


def day_in_a_job(service, *, in_steps: bool) -> date:
    found = []

    def work(*_ids: uuid.UUID) -> None:
        found.append(timezone.localdate())

    job = Job.objects.create(
        task="measures.sweep_trends", object_id=uuid.uuid4(), organisation_id=service.organisation.pk
    )
    run = actions.run_job_in_steps if in_steps else actions.run_job
    run(job.pk, work)
    (day,) = found
    return day


@pytest.mark.parametrize("in_steps", [False, True])
@pytest.mark.parametrize(("zone", "moment", "day"), MOMENTS)
def test_a_day_in_a_job_is_the_day_where_the_organisation_works(service, monkeypatch, zone, moment, day, in_steps):
    Organisation.objects.update(time_zone=zone)
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime.fromisoformat(moment))
    with timezone.override("Etc/GMT+12"):
        assert day_in_a_job(service, in_steps=in_steps) == day
        assert str(timezone.get_current_timezone()) == "Etc/GMT+12"


@pytest.mark.parametrize(("zone", "moment", "day"), MOMENTS)
def test_a_session_is_logged_on_its_day_until_midnight_where_the_service_works_and_not_before(
    service, monkeypatch, zone, moment, day
):
    episode = factories.make_episode(service.ada)
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime.fromisoformat(moment))
    with timezone.override(zone):
        with pytest.raises(ValidationError, match="in the future"):
            factories.make_session(episode, held_on=day + timedelta(days=1))
        session = factories.make_session(episode, held_on=day)
        assert days_ago(session.held_on) == "today" and days_ago(day - timedelta(days=1)) == "yesterday"
