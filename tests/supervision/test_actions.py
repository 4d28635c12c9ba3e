"""What can be done in supervision, by whom, and what it leaves behind."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from accounts import actions as accounts
from accounts.idempotency import StaleVersion
from accounts.models import AuditEvent, Supervision
from supervision import actions, selectors, states
from supervision.models import AgendaItem, NextStep
from supervision.selectors import targets
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


@pytest.fixture
def meeting(service):
    return factories.make_meeting(service.ruth, service.ada, state=states.UNDER_WAY)


def end_supervision(service):
    supervision = Supervision.objects.current().get(supervisor=service.ruth, therapist=service.ada)
    accounts.end_supervision(supervision=supervision, by=service.sam)


def events(action):
    return AuditEvent.objects.filter(action=action)


# --- Meetings -------------------------------------------------------------------------------------------


def test_a_supervisor_plans_a_meeting_with_whom_they_supervise(service):
    meeting = factories.make_meeting(service.ruth, service.ada, days=3)
    assert (meeting.state, meeting.held_on) == ("planned", service.organisation.today + timedelta(days=3))
    assert events("supervision.planned").get().client_id is None


@pytest.mark.parametrize("who", ["otto", "ada", "sam", "tom"])
def test_nobody_else_plans_one(service, who):
    with pytest.raises(PermissionDenied):
        actions.plan_meeting(therapist=service.ada, held_on=service.organisation.today, by=getattr(service, who))


def test_two_on_one_day_are_one_too_many_unless_one_was_called_off(service):
    factories.make_meeting(service.ruth, service.ada, state=states.CALLED_OFF)
    meeting = factories.make_meeting(service.ruth, service.ada)
    with pytest.raises(ValidationError, match="There is a meeting"):
        factories.make_meeting(service.ruth, service.ada)
    other = factories.make_meeting(service.ruth, service.ada, days=1)
    with pytest.raises(ValidationError, match="There is a meeting"):
        actions.change_day(meeting=other, held_on=meeting.held_on, version=1, by=service.ruth)


def test_a_meeting_that_was_called_off_does_not_come_back_onto_a_day_that_is_taken(service):
    called_off = factories.make_meeting(service.ruth, service.ada, state=states.CALLED_OFF)
    factories.make_meeting(service.ruth, service.ada)
    with pytest.raises(ValidationError, match="There is a meeting"):
        actions.move_meeting(meeting=called_off, to=states.PLANNED, by=service.ruth)


def test_what_was_done_by_mistake_is_taken_back(service, meeting):
    for to in (states.FINISHED, states.UNDER_WAY, states.PLANNED, states.CALLED_OFF, states.PLANNED):
        actions.move_meeting(meeting=meeting, to=to, by=service.ruth)
        meeting.refresh_from_db()
        assert (meeting.state, meeting.moved_by) == (to, service.ruth)


def test_a_meeting_that_somebody_moved_meanwhile_is_not_moved_again(service, meeting):
    stale = selectors.meeting_of(service.ruth, meeting.pk)
    actions.move_meeting(meeting=meeting, to=states.FINISHED, by=service.ruth)
    with pytest.raises(actions.ChangedMeanwhile):
        actions.move_meeting(meeting=stale, to=states.PLANNED, by=service.ruth)


def test_notes_are_the_supervisors_and_are_read_by_both_unless_it_is_said_otherwise(service, meeting):
    actions.write_notes(meeting=meeting, notes=" Slower. ", notes_shared=True, version=1, by=service.ruth)
    assert meeting.notes_for(service.ruth) == meeting.notes_for(service.ada) == "Slower."
    actions.write_notes(meeting=meeting, notes="Slower.", notes_shared=False, version=2, by=service.ruth)
    assert (meeting.notes_for(service.ruth), meeting.notes_for(service.ada)) == ("Slower.", "")
    with pytest.raises(PermissionDenied):
        actions.write_notes(meeting=meeting, notes="Mine.", notes_shared=True, version=3, by=service.ada)


def test_notes_do_not_overwrite_each_other(service, meeting):
    stale = selectors.meeting_of(service.ruth, meeting.pk)
    actions.write_notes(meeting=meeting, notes="First.", notes_shared=True, version=1, by=service.ruth)
    with pytest.raises(StaleVersion) as conflict:
        actions.write_notes(meeting=stale, notes="Second.", notes_shared=True, version=1, by=service.ruth)
    assert conflict.value.current.notes == "First."


def test_what_is_over_is_written_in_only_after_it_was_opened_again(service, meeting, episode):
    actions.move_meeting(meeting=meeting, to=states.FINISHED, by=service.ruth)
    for write in (
        lambda: actions.write_notes(meeting=meeting, notes="x", notes_shared=True, version=1, by=service.ruth),
        lambda: actions.discuss(meeting=meeting, episode=episode, told="", by=service.ruth),
        lambda: factories.make_step(meeting, episode),
        lambda: actions.change_day(meeting=meeting, held_on=meeting.held_on, version=1, by=service.ruth),
    ):
        with pytest.raises(actions.ChangedMeanwhile):
            write()


def test_who_supervised_once_reads_what_they_held_and_changes_nothing(service, meeting):
    end_supervision(service)
    assert selectors.meeting_of(service.ruth, meeting.pk) == meeting
    assert selectors.overview_of(service.ruth).former == [meeting]
    for write in (
        lambda: actions.move_meeting(meeting=meeting, to=states.FINISHED, by=service.ruth),
        lambda: actions.write_notes(meeting=meeting, notes="x", notes_shared=True, version=1, by=service.ruth),
        lambda: factories.make_step(meeting),
    ):
        with pytest.raises(PermissionDenied):
            write()


# --- The agenda -----------------------------------------------------------------------------------------


def test_a_therapist_brings_a_client_once(service, episode):
    item = factories.bring(episode, service.ruth)
    assert (item.is_brought, item.waits, events("agenda.put-on").get().client_id) == (True, True, episode.client_id)
    with pytest.raises(ValidationError, match="on the agenda already"):
        factories.bring(episode, service.ruth)


@pytest.mark.parametrize("who", ["tom", "otto", "sam"])
def test_nobody_else_puts_a_client_on_the_agenda(service, episode, who):
    with pytest.raises(PermissionDenied):
        actions.put_on_agenda(episode=episode, supervisor=service.ruth, why="", by=getattr(service, who))


def test_nothing_is_brought_to_somebody_who_does_not_supervise(service, episode):
    with pytest.raises(PermissionDenied):
        factories.bring(episode, service.otto)


def test_who_covers_brings_nobody_elses_client(service, episode):
    factories.make_cover(service.ada, by=service.tom)
    with pytest.raises(PermissionDenied):
        actions.put_on_agenda(episode=episode, supervisor=service.otto, why="", by=service.tom)


def test_what_waits_is_changed_or_taken_off_and_can_be_brought_again(service, episode):
    item = factories.bring(episode, service.ruth)
    actions.change_item(item=item, why="The silence.", version=1, by=service.ruth)
    actions.take_off_agenda(item=item, by=service.ada)
    with pytest.raises(actions.ChangedMeanwhile):
        actions.take_off_agenda(item=item, by=service.ada)
    assert factories.bring(episode, service.ruth).pk != item.pk


def test_what_was_brought_is_talked_about_and_waits_no_more(service, episode, meeting):
    item = factories.bring(episode, service.ruth)
    told = actions.discuss(meeting=meeting, episode=episode, told="Open 9 days.", by=service.ruth)
    assert (told.pk, told.meeting, told.told, told.is_brought) == (item.pk, meeting, "Open 9 days.", True)
    assert actions.discuss(meeting=meeting, episode=episode, told="Again.", by=service.ruth).told == "Open 9 days."
    assert selectors.waiting_items(service.ada, service.ada) == []


def test_not_talked_about_after_all_waits_again(service, episode, meeting):
    item = factories.bring(episode, service.ruth)
    actions.discuss(meeting=meeting, episode=episode, told="", by=service.ruth)
    actions.take_back_discussed(meeting=meeting, episode=episode, by=service.ruth)
    assert selectors.waiting_items(service.ada, service.ada) == [item]


def test_what_the_program_proposed_is_proposed_again_and_not_kept_waiting(service, episode, meeting):
    actions.discuss(meeting=meeting, episode=episode, told="Possible rupture.", by=service.ruth)
    actions.take_back_discussed(meeting=meeting, episode=episode, by=service.ruth)
    assert not AgendaItem.objects.waiting().exists()


def test_a_colleagues_client_is_not_talked_about_in_this_meeting(service, meeting):
    with pytest.raises(PermissionDenied):
        actions.discuss(meeting=meeting, episode=factories.make_episode(service.tom), told="", by=service.ruth)


# --- Next steps and learning targets --------------------------------------------------------------------


def test_a_next_step_has_an_owner_among_the_two_and_a_day(service, meeting, episode):
    step = factories.make_step(meeting, episode)
    assert (step.owner, step.status, step.component) == (service.ada, "open", "bond")
    assert events("next-step.agreed").get().client_id == episode.client_id
    with pytest.raises(ValidationError, match="one of the two"):
        factories.make_step(meeting, episode, owner=service.tom)


def test_what_came_of_it_is_said_by_either_and_taken_back(service, meeting, episode):
    step = factories.make_step(meeting, episode)
    actions.change_step(step=step, version=1, status="done", outcome="It was quiet.", by=service.ada)
    step = NextStep.objects.get(pk=step.pk)
    assert (step.status, step.settled_by, step.outcome) == ("done", service.ada, "It was quiet.")
    with pytest.raises(StaleVersion):
        actions.change_step(step=step, version=1, status="not-needed", by=service.ruth)
    actions.change_step(step=NextStep.objects.get(pk=step.pk), version=2, status="open", by=service.ruth)
    assert NextStep.objects.get(pk=step.pk).settled_by is None


def test_a_colleague_changes_no_step(service, meeting):
    with pytest.raises(PermissionDenied):
        actions.change_step(step=factories.make_step(meeting), version=1, status="done", by=service.tom)


@pytest.mark.parametrize(
    ("values", "field"),
    [({"codes": []}, "codes"), ({"codes": ["validate"]}, "codes"), ({"kind": "listening"}, "codes")],
)
def test_a_target_is_taken_from_the_vocabulary(service, values, field):
    with pytest.raises(ValidationError) as refused:
        factories.make_target(service.ada, by=service.ruth, **values)
    assert field in refused.value.message_dict


def test_a_target_is_not_counted_from_a_day_to_come(service):
    with pytest.raises(ValidationError, match="earlier day"):
        factories.make_target(service.ada, by=service.ada, set_on=service.organisation.today + timedelta(days=1))


def test_a_target_is_set_by_the_two_and_by_nobody_else(service):
    factories.make_target(service.ada, by=service.ada)
    for other in (service.otto, service.tom, service.sam):
        with pytest.raises(PermissionDenied):
            factories.make_target(service.ada, by=other)


def test_a_target_ends_and_is_taken_up_again(service):
    target = factories.make_target(service.ada, by=service.ruth)
    for version, is_ended in enumerate((True, False), start=1):
        target = targets.target_of(service.ada, target.pk)
        actions.change_target(target=target, words="Slower.", is_ended=is_ended, version=version, by=service.ada)
        assert targets.target_of(service.ruth, target.pk).is_open is not is_ended


def test_who_supervised_once_sees_no_target(service):
    target = factories.make_target(service.ada, by=service.ruth)
    end_supervision(service)
    assert targets.target_of(service.ruth, target.pk) is None


# --- What is counted, and what is followed --------------------------------------------------------------


def practice_of(service, reader):
    return {told.target.kind: told.practised.count for told in targets.targets_told(reader, service.ada)}


def test_practice_is_counted_from_the_record_alike_for_both(service, episode):
    for kind in states.TARGETS:
        factories.make_target(service.ada, by=service.ruth, kind=kind)
    first, second = factories.make_session(episode), factories.make_session(episode)
    rupture = factories.make_rupture(first)
    factories.make_rupture(second, noticed_by="client")
    factories.make_attempt(rupture, first)
    factories.make_attempt(rupture, second, strategies=["clarify"])
    colleagues = factories.make_session(factories.make_episode(service.tom, code="T-1"))
    factories.make_attempt(factories.make_rupture(colleagues), colleagues)
    assert practice_of(service, service.ada) == practice_of(service, service.ruth) == {"recognising": 1, "repairing": 1}


def test_a_rupture_that_was_confirmed_after_a_signal_counts_once_its_markers_are_noted(service, episode):
    factories.make_target(service.ada, by=service.ruth)
    signal = factories.make_signal(episode)
    factories.make_rupture(signal.session, noticed_by="score")
    assert practice_of(service, service.ruth) == {"recognising": 1}


def test_a_step_about_a_client_is_followed_in_the_ratings_after_the_meeting(service, episode):
    sessions = factories.make_course(episode, [7, 4, 6, 8])
    meeting = factories.make_meeting(service.ruth, service.ada, state=states.UNDER_WAY)
    meeting.held_on = sessions[1].held_on
    meeting.save(update_fields=["held_on"])
    factories.make_step(meeting, episode)
    factories.make_step(meeting)
    about, none = selectors.steps_told(list(selectors.steps(service.ada).order_by("episode")))
    assert about.words.startswith("The bond: 4.0 in session 2, before it; then 6.0 and 8.0 in sessions 3 and 4.")
    assert "not about one client" in none.words
