from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts import actions as accounts
from accounts.models import AuditEvent
from clients import actions, selectors
from clients.actions import StaleVersion
from clients.models import EngagementObjective
from tests import factories

TODAY = timezone.localdate


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


def assess(episode, **values) -> EngagementObjective:
    given = {"objective": "safe-space", "version": 0, "level": 2, "assessed_on": TODAY(), "by": episode.therapist}
    return actions.assess_objective(episode=episode, **{**given, **values})


def test_objective_is_kept_with_evidence_barriers_and_who_looked(episode):
    row = assess(episode, evidence=" She told of her brother. ", barriers=["distrust-service", "not-confidential"])
    assert (row.level, row.evidence, row.assessed_by) == (2, "She told of her brother.", episode.therapist)
    assert row.barriers == ["distrust-service", "not-confidential"]
    event = AuditEvent.objects.get(action="objective.assessed")
    assert event.client_id == episode.client_id and "level" in event.fields


def test_objective_is_looked_at_again_in_its_place(episode):
    assess(episode, barriers=["judgemental"])
    row = assess(episode, version=1, level=4)
    assert (row.version, row.level, row.barriers) == (2, 4, [])
    assert list(selectors.objectives_of(episode)) == ["safe-space"]


@pytest.mark.parametrize("version", [0, 2])
def test_objective_saved_meanwhile_is_shown_as_it_is_now(episode, version):
    assess(episode)
    with pytest.raises(StaleVersion) as stale:
        assess(episode, version=version, level=4)
    assert stale.value.current.level == 2


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"level": 5}, "level"),
        ({"barriers": ["expert"]}, "barriers"),
        ({"assessed_on": TODAY() + timedelta(days=2)}, "assessed_on"),
    ],
)
def test_assessment_that_cannot_be_is_refused_beside_its_field(episode, values, field):
    with pytest.raises(ValidationError) as refused:
        assess(episode, **values)
    assert list(refused.value.message_dict) == [field]


def test_expectations_and_needs_are_there_once_and_change_in_place(episode):
    by = episode.therapist
    actions.save_expectations(episode=episode, version=0, clients_role="Says what matters.", by=by)
    saved = actions.save_expectations(episode=episode, version=1, agreed_on=TODAY(), by=by)
    assert (saved.clients_role, saved.agreed_on, saved.version) == ("Says what matters.", TODAY(), 2)
    actions.save_needs(episode=episode, version=0, needs="Sleep", assessed_on=TODAY(), by=by)
    with pytest.raises(StaleVersion):
        actions.save_needs(episode=episode, version=0, needs="Work", assessed_on=TODAY(), by=by)
    assert selectors.needs_of(episode).needs == "Sleep"
    assert AuditEvent.objects.filter(action__in=("expectations.saved", "needs.assessed")).count() == 3


def test_only_the_own_therapist_writes_the_engagement_phase(service, episode):
    for person in (service.tom, service.ruth):
        with pytest.raises(PermissionDenied):
            assess(episode, by=person)
        with pytest.raises(PermissionDenied):
            actions.save_expectations(episode=episode, version=0, by=person)
        with pytest.raises(PermissionDenied):
            actions.save_needs(episode=episode, version=0, needs="Sleep", assessed_on=TODAY(), by=person)


def test_service_chooses_how_many_sessions_the_phase_is_given(service):
    assert service.organisation.engagement_sessions == 5
    for number in (0, 21):
        with pytest.raises(ValidationError):
            accounts.update_organisation(
                organisation=service.organisation, version=1, engagement_sessions=number, by=service.sam
            )
    accounts.update_organisation(organisation=service.organisation, version=1, engagement_sessions=8, by=service.sam)
    service.organisation.refresh_from_db()
    assert service.organisation.engagement_sessions == 8
