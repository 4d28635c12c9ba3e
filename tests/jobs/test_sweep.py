"""What the sweep asks for again, and what it leaves among the failed."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from jobs.models import Job
from measures import actions
from measures.models import EpisodeSeries
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def stale(service):
    """An episode whose trends are older than its ratings, as nobody works."""
    episode = factories.make_episode(service.ada)
    factories.rate_as_therapist(factories.make_session(episode))
    assert EpisodeSeries.objects.get(episode=episode).computed_version == 0
    return episode


def asked_for(service) -> int:
    return actions.sweep_trends(organisation_id=service.organisation.pk)


def test_what_failed_for_good_is_not_asked_for_again(service, stale):
    Job.objects.update(failed_at=Now() + timedelta(seconds=1))
    assert asked_for(service) == 0


def test_a_failure_from_before_the_latest_rating_stands_in_the_way_of_nothing(service, stale):
    Job.objects.update(failed_at=Now() - timedelta(days=1))
    assert asked_for(service) == 1


def test_a_failure_of_another_episode_stands_in_the_way_of_nothing(service, stale):
    other = factories.make_episode(service.ada, code="R-0418")
    factories.rate_as_therapist(factories.make_session(other))
    Job.objects.filter(object_id=other.pk).update(failed_at=Now() + timedelta(seconds=1))
    Job.objects.exclude(object_id=other.pk).delete()
    assert asked_for(service) == 1
    assert Job.objects.waiting().get().object_id == stale.pk
