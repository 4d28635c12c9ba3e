"""Two administrators at the same moment."""

import time

from accounts import actions
from accounts.models import Supervision, User
from jobs.organisation import acting_in
from tests import factories
from tests.parallel import at_once


def test_two_administrators_who_take_each_others_role_leave_one(committed):
    service = factories.make_service()
    with acting_in(service.organisation.pk):
        actions.update_person(person=service.nils, version=1, is_administrator=True, by=service.sam)

    def demote(person: User, by: User):
        def work():
            with acting_in(service.organisation.pk):
                actions.update_person(person=person, version=person.version, is_administrator=False, by=by)
                time.sleep(0.3)

        return work

    results = at_once(demote(service.nils, service.sam), demote(service.sam, service.nils))
    assert sorted(type(result).__name__ for result in results) == ["NoneType", "ValidationError"]
    with acting_in(service.organisation.pk):
        assert User.objects.filter(is_administrator=True).count() == 1


def test_a_supervision_started_twice_at_the_same_moment_starts_once(committed):
    service = factories.make_service()

    def start():
        with acting_in(service.organisation.pk):
            actions.start_supervision(supervisor=service.otto, therapist=service.ada, by=service.sam)
            time.sleep(0.3)

    results = at_once(start, start)
    assert sorted(type(result).__name__ for result in results) == ["NoneType", "ValidationError"]
    with acting_in(service.organisation.pk):
        assert Supervision.objects.current().filter(supervisor=service.otto, therapist=service.ada).count() == 1
