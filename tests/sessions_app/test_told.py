"""What a session says of goals and tasks, the first challenge, and the core conditions."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.models import AuditEvent
from clients import actions as clients
from clients.actions import StaleVersion
from clients.models import Task
from dashboards.selectors.beside import beside
from sessions_app import actions, selectors
from sessions_app.models import CoreConditions, FirstChallenge, GoalProgress, TaskOutcome
from tests import factories

TODAY = timezone.localdate
BOTH = ("client", "therapist")


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


@pytest.fixture
def sessions(episode):
    """Five weekly sessions, the last one today."""
    return [factories.make_session(episode, held_on=TODAY() - timedelta(weeks=weeks)) for weeks in range(4, -1, -1)]


def tell(task, session, outcome, **values) -> TaskOutcome:
    given = {"task": task, "session": session, "outcome": outcome, "by": session.episode.therapist}
    return actions.record_outcome(**{**given, **values})


def status(task) -> str:
    return Task.objects.get(pk=task.pk).status


def events() -> int:
    return AuditEvent.objects.count()


# --- Progress -------------------------------------------------------------------------------------------


def test_progress_is_recorded_once_a_session_and_the_same_again_writes_nothing(service, episode, sessions):
    goal = factories.make_goal(episode)
    first = actions.record_progress(goal=goal, session=sessions[0], progress=3, by=service.ada)
    before = events()
    again = actions.record_progress(goal=goal, session=sessions[0], progress=3, by=service.ada)
    assert (again.pk, events()) == (first.pk, before)
    actions.record_progress(goal=goal, session=sessions[0], progress=4, by=service.ada)
    assert [row.progress for row in GoalProgress.objects.all()] == [4]
    assert events() == before + 1


def test_progress_can_be_taken_back_and_what_else_was_told_stays(service, episode, sessions):
    goal = factories.make_goal(episode, metric="times", baseline=0.0, target=4.0)
    told = {"goal": goal, "session": sessions[0], "by": service.ada}
    assert actions.record_progress(progress=None, **told) is None
    actions.record_standing(progress=3, measured=1.0, **told)
    assert actions.record_progress(progress=None, **told).measured == 1
    assert actions.record_standing(measured=None, **told) is None
    assert not GoalProgress.objects.exists()


@pytest.mark.parametrize("values", [{"progress": 11}, {"progress": -1}, {"measured": -1.0}])
def test_progress_out_of_range_is_refused(service, episode, sessions, values):
    goal = factories.make_goal(episode)
    with pytest.raises(ValidationError) as refused:
        actions.record_standing(goal=goal, session=sessions[0], by=service.ada, **values)
    assert list(refused.value.message_dict) == list(values)


def test_level_counts_only_where_the_five_were_written_before_the_day_of_the_session(service, episode, sessions):
    goal = factories.make_goal(episode)
    told = {"goal": goal, "by": service.ada, "level": 1}
    with pytest.raises(ValidationError, match="have not been written yet"):
        actions.record_standing(session=sessions[0], **told)
    texts = {"much_less": "a", "less": "b", "expected": "c", "more": "d", "much_more": "e"}
    scale = clients.write_levels(goal=goal, written_on=sessions[2].held_on, by=service.ada, **texts)
    for early in sessions[:3]:
        with pytest.raises(ValidationError, match="Choose a session after that day"):
            actions.record_standing(session=early, **told)
    row = actions.record_standing(session=sessions[3], **told)
    assert (row.level, row.scale) == (1, scale)
    row = actions.record_standing(goal=goal, session=sessions[3], level=None, progress=2, by=service.ada)
    assert (row.level, row.scale, row.progress) == (None, None, 2)


# --- Outcomes of tasks ----------------------------------------------------------------------------------


def test_outcome_is_recorded_once_a_session_and_the_same_again_writes_nothing(episode, sessions):
    task = factories.make_task(episode)
    first = tell(task, sessions[0], "partly", got_in_the_way=" Was ill. ")
    before = events()
    assert tell(task, sessions[0], "partly", got_in_the_way="Was ill.") == first
    assert (events(), first.got_in_the_way, status(task)) == (before, "Was ill.", "partly")
    tell(task, sessions[0], "done", got_in_the_way="")
    assert [(row.outcome, row.got_in_the_way) for row in TaskOutcome.objects.all()] == [("done", "")]


def test_status_follows_the_latest_session_that_was_told_of(episode, sessions):
    """Session  1        2     3          then again 1:done, 3:not-asked
    told        not-done –     partly
    """
    task = factories.make_task(episode)
    tell(task, sessions[0], "not-done")
    tell(task, sessions[1], "not-asked")
    assert status(task) == "not-done"
    tell(task, sessions[2], "partly")
    tell(task, sessions[0], "done")
    assert status(task) == "partly", "an earlier session does not change what a later one said"
    tell(task, sessions[2], "not-asked")
    assert status(task) == "done"
    tell(task, sessions[0], "not-asked")
    assert status(task) == "agreed"


def test_correction_does_not_undo_what_was_agreed_since(service, episode, sessions):
    task = factories.make_task(episode)
    tell(task, sessions[0], "not-done")
    task.refresh_from_db()
    clients.change_task(task=task, version=task.version, on=TODAY(), difficulty=3, agreed_by=BOTH, by=service.ada)
    tell(task, sessions[0], "partly")
    assert status(task) == "agreed"


def test_task_that_is_not_agreed_by_both_is_not_asked_about(episode, sessions):
    task = factories.make_task(episode, agreed_by=["therapist"])
    with pytest.raises(ValidationError) as refused:
        tell(task, sessions[0], "not-done")
    assert list(refused.value.message_dict) == ["outcome"]
    assert tell(task, sessions[0], "not-asked").outcome == "not-asked"
    assert status(task) == "proposed"


def test_several_recordings_share_one_transaction(service, episode, sessions):
    goal, task = factories.make_goal(episode), factories.make_task(episode)

    @transaction.atomic
    def log() -> None:
        tell(task, sessions[0], "done")
        actions.record_progress(goal=goal, session=sessions[0], progress=99, by=service.ada)

    with pytest.raises(ValidationError):
        log()
    assert (TaskOutcome.objects.count(), GoalProgress.objects.count(), status(task)) == (0, 0, "agreed")


def test_session_of_another_episode_is_refused_and_so_are_others(service, episode, sessions):
    other = factories.make_episode(service.ada, code="R-2")
    goal, task = factories.make_goal(other), factories.make_task(other)
    with pytest.raises(ValidationError):
        tell(task, sessions[0], "done")
    with pytest.raises(ValidationError):
        actions.record_progress(goal=goal, session=sessions[0], progress=1, by=service.ada)
    with pytest.raises(ValidationError):
        actions.mark_first_challenge(episode=other, session=sessions[0], version=0, by=service.ada)
    for person in (service.tom, service.ruth):
        with pytest.raises(PermissionDenied):
            tell(factories.make_task(episode), sessions[0], "done", by=person)


# --- Possible strains -----------------------------------------------------------------------------------


def test_task_not_done_is_a_possible_strain_in_the_task_component_with_a_question(episode, sessions):
    task = factories.make_task(episode)
    tell(task, sessions[3], "not-done", got_in_the_way="No time.")
    (strain,) = selectors.possible_strains(episode)
    assert (strain.task, strain.session, strain.component) == (task, sessions[3], "task")
    assert "was not done by session 4. A possible strain in the task component" in strain.sentence
    assert strain.question.endswith("?") and strain.got_in_the_way == "No time."


def test_strain_is_worth_asking_about_until_something_else_is_agreed_or_told(service, episode, sessions):
    def renegotiate(task):
        given = {"on": TODAY(), "difficulty": 2, "by": service.ada}
        clients.change_task(task=task, version=task.version, **given)

    def ease(task):
        clients.step_down(task=task, text="Nod", difficulty=1, proposed_by="both", on=TODAY(), by=service.ada)

    answers = {
        "done later": lambda task: tell(task, sessions[4], "done"),
        "renegotiated": renegotiate,
        "stepped down": ease,
        "dropped": lambda task: clients.drop_task(task=task, version=task.version, on=TODAY(), by=service.ada),
    }
    for answer in answers.values():
        task = factories.make_task(episode)
        tell(task, sessions[3], "not-done")
        assert [strain.task for strain in selectors.possible_strains(episode)] == [task]
        tell(task, sessions[4], "not-asked")
        assert selectors.possible_strains(episode), "not asking is no answer"
        answer(task)
        assert selectors.possible_strains(episode) == []


# --- What stands, and what was said ---------------------------------------------------------------------


def test_agreements_are_the_goals_with_their_progress_and_the_open_tasks_in_two_queries(
    service, episode, sessions, django_assert_num_queries
):
    goal = factories.make_goal(episode, metric="times", baseline=0.0, target=4.0)
    dropped = factories.make_goal(episode, text="Dropped")
    clients.settle_goal(goal=dropped, version=1, status="dropped", on=TODAY(), by=service.ada)
    tell_of = {"goal": goal, "by": service.ada}
    actions.record_standing(session=sessions[1], progress=5, measured=1.0, **tell_of)
    actions.record_standing(session=sessions[2], measured=3.0, **tell_of)
    done, task = factories.make_task(episode, text="Done"), factories.make_task(episode)
    tell(done, sessions[0], "done")
    tell(task, sessions[0], "partly")
    with django_assert_num_queries(2):
        found = selectors.agreements(episode)
    (now,) = found.goals
    assert (now.goal, now.progress, now.session, now.measured) == (goal, 5, 2, 3.0)
    assert now.towards.share == 0.75
    assert [(now.task, now.outcome) for now in found.tasks] == [(task, "partly")]


def test_log_tells_by_session_what_was_agreed_and_told(service, episode, sessions):
    first, second = sessions[0].held_on, sessions[1].held_on
    goal = factories.make_goal(episode, on=first)
    task = factories.make_task(episode, on=first + timedelta(days=1))
    tell(task, sessions[1], "not-done")
    actions.record_progress(goal=goal, session=sessions[1], progress=2, by=service.ada)
    clients.step_down(task=task, text="Nod", difficulty=1, proposed_by="both", on=second, by=service.ada)
    clients.settle_goal(goal=goal, version=1, status="reached", on=TODAY(), by=service.ada)
    parts = selectors.agreement_log(episode)
    assert [(part.heading, [row.kind for row in part.said]) for part in parts] == [
        ("session 1", ["agreed"]),
        ("between session 1 and session 2", ["agreed"]),
        ("session 2", ["stepped-down"]),
        ("session 5", ["reached"]),
    ]
    assert [row.outcome for row in parts[2].outcomes] == ["not-done"]
    assert [row.progress for row in parts[2].progress] == [2]


@pytest.mark.parametrize(("weeks", "heading"), [(6, "before session 1"), (0, "after session 1")])
def test_what_was_agreed_outside_all_sessions_has_its_place(episode, weeks, heading):
    factories.make_session(episode, held_on=TODAY() - timedelta(weeks=3))
    factories.make_goal(episode, on=TODAY() - timedelta(weeks=weeks))
    assert [part.heading for part in selectors.agreement_log(episode)] == [heading]


def test_log_of_an_episode_without_sessions_names_the_days(episode):
    factories.make_goal(episode)
    (part,) = selectors.agreement_log(episode)
    assert (part.heading, part.days) == ("no session yet", f"{TODAY():%-d %B %Y}")


# --- The first challenge --------------------------------------------------------------------------------


def test_first_challenge_is_in_one_session_and_can_be_moved_and_taken_back(service, episode, sessions):
    mark = {"episode": episode, "by": service.ada}
    actions.mark_first_challenge(session=sessions[3], version=0, what=" Asked about the drinking. ", **mark)
    assert selectors.first_challenge_of(episode).what == "Asked about the drinking."
    with pytest.raises(StaleVersion):
        actions.mark_first_challenge(session=sessions[4], version=0, **mark)
    actions.mark_first_challenge(session=sessions[4], version=1, **mark)
    assert FirstChallenge.objects.get().session == sessions[4]
    actions.mark_first_challenge(session=None, version=2, **mark)
    assert not FirstChallenge.objects.exists()
    assert AuditEvent.objects.filter(action__startswith="challenge.").count() == 3


# --- Core conditions ------------------------------------------------------------------------------------


def rate(session, by, *values) -> CoreConditions | None:
    return actions.rate_conditions(
        session=session, by=by, **dict(zip(("congruence", "regard", "empathy"), values, strict=True))
    )


def test_therapist_and_supervisor_each_rate_once_and_may_rate_again(service, sessions):
    rate(sessions[0], service.ada, 7, None, 8)
    rate(sessions[0], service.ruth, 5, 6, None)
    rate(sessions[0], service.ada, 7, 9, 8)
    found = [(row.rater, row.congruence, row.regard, row.empathy) for row in selectors.conditions_of(sessions[0])]
    assert found == [("therapist", 7, 9, 8), ("supervisor", 5, 6, None)]
    assert list(beside(sessions[0].episode).conditions) == [1]


def test_same_conditions_again_write_nothing_and_none_at_all_take_them_back(service, sessions):
    assert rate(sessions[0], service.ada, None, None, None) is None
    rate(sessions[0], service.ada, 7, 7, 7)
    before = events()
    rate(sessions[0], service.ada, 7, 7, 7)
    assert events() == before
    assert rate(sessions[0], service.ada, None, None, None) is None
    assert not CoreConditions.objects.exists()


def test_nobody_else_rates_the_core_conditions(service, sessions):
    for person in (service.tom, service.otto, service.sam, service.nils):
        with pytest.raises(PermissionDenied):
            rate(sessions[0], person, 5, 5, 5)
    with pytest.raises(ValidationError) as refused:
        rate(sessions[0], service.ada, 5, 11, 5)
    assert list(refused.value.message_dict) == ["regard"]
