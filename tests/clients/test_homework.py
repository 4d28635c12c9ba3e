from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts.models import AuditEvent
from clients import actions
from clients.actions import MoveRefused, StaleVersion
from clients.models import Task
from clients.selectors import open_tasks
from jobs.organisation import acting_in
from tests import factories
from tests.parallel import at_once

BOTH = ("client", "therapist")
TODAY = timezone.localdate


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


def call(action, task: Task, **values):
    given = {"version": task.version, "on": TODAY(), "by": task.episode.therapist}
    return action(task=task, **{**given, **values})


def easier(task: Task, text: str = "Say good morning", **values) -> Task:
    given = {"text": text, "proposed_by": "both", "on": TODAY(), "agreed_by": BOTH, "by": task.episode.therapist}
    return actions.step_down(task=task, **{**given, **values})


def history(task: Task) -> list[tuple[str, int | None]]:
    return [(row.kind, row.difficulty) for row in task.history.all()]


def test_task_is_proposed_with_reason_and_difficulty_and_the_event_of_it(episode):
    goal = factories.make_goal(episode)
    task = factories.make_task(episode, goal=goal, rationale="To see what happens.", agreed_by=())
    task.refresh_from_db()
    assert (task.status, task.goal, task.difficulty_proposed, task.difficulty_agreed) == ("proposed", goal, 7, None)
    assert AuditEvent.objects.get(action="task.proposed").client_id == episode.client_id


def test_difficulty_agreed_may_be_another_than_the_one_proposed_and_both_are_kept(episode):
    task = factories.make_task(episode, agreed_by=["therapist"])
    task = call(actions.agree_task, task, agreed_by=["client"], difficulty=4)
    assert (task.status, task.difficulty_proposed, task.difficulty_agreed, task.difficulty) == ("agreed", 7, 4, 4)
    assert history(task) == [("proposed", 7), ("agreed", 4)]


def test_difficulty_that_only_one_of_them_names_is_proposed(episode):
    task = factories.make_task(episode, agreed_by=())
    task = call(actions.agree_task, task, agreed_by=["client"], difficulty=4)
    assert (task.status, task.difficulty_proposed, task.difficulty_agreed) == ("proposed", 4, None)


def test_agreed_task_need_not_be_agreed_on_again(episode):
    with pytest.raises(MoveRefused, match="already"):
        call(actions.agree_task, factories.make_task(episode), agreed_by=BOTH)


@pytest.mark.parametrize("terms", [{"text": "Ask two colleagues"}, {"difficulty": 5}])
def test_other_terms_are_a_new_agreement_and_the_old_one_is_kept(episode, terms):
    task = call(actions.change_task, factories.make_task(episode), **terms)
    assert (task.status, task.is_agreed, task.difficulty_agreed) == ("negotiated", False, None)
    assert history(task) == [("agreed", 7), ("renegotiated", terms.get("difficulty", 7))]
    assert task.history.first().text == "Ask a colleague one question"


def test_reason_and_goal_may_change_without_touching_the_agreement(episode):
    goal = factories.make_goal(episode)
    task = call(actions.change_task, factories.make_task(episode), rationale="Because.", goal=goal, difficulty=7)
    assert (task.status, task.goal, len(history(task))) == ("agreed", goal, 1)


def test_renegotiation_that_both_agree_on_at_once_stays_agreed(episode):
    task = call(actions.change_task, factories.make_task(episode), difficulty=5, agreed_by=BOTH)
    assert (task.status, task.difficulty_proposed, task.difficulty_agreed) == ("agreed", 5, 5)


def test_agreement_told_while_changing_something_else_is_kept(episode):
    task = call(
        actions.change_task, factories.make_task(episode, agreed_by=["client"]), rationale="Why.", agreed_by=BOTH
    )
    assert (task.status, task.rationale, [kind for kind, _ in history(task)]) == (
        "agreed",
        "Why.",
        ["proposed", "agreed"],
    )


# --- Stepping down --------------------------------------------------------------------------------------


def test_easier_task_is_linked_to_the_harder_one_and_has_its_goal(episode):
    goal = factories.make_goal(episode)
    harder = factories.make_task(episode, goal=goal)
    task = easier(harder, difficulty=4)
    assert (task.step_down_of, task.goal, task.status, task.difficulty) == (harder, goal, "agreed", 4)
    assert history(task) == [("stepped-down", 4)]


def test_harder_task_waits_while_the_easier_one_is_open_and_comes_back_afterwards(episode):
    harder = factories.make_task(episode)
    task = easier(harder, difficulty=4)
    easiest = easier(task, text="Nod", difficulty=1)
    assert open_tasks(episode) == [easiest]
    call(actions.drop_task, easiest)
    assert open_tasks(episode) == [task]
    actions.move_task(task, "done")
    assert open_tasks(episode) == [harder]


@pytest.mark.parametrize("difficulty", [7, 9])
def test_easier_task_that_is_not_easier_is_refused_beside_its_difficulty(episode, difficulty):
    with pytest.raises(ValidationError) as refused:
        easier(factories.make_task(episode), difficulty=difficulty)
    assert refused.value.message_dict == {"difficulty": ["An easier task has a difficulty below 7."]}


def test_difficulty_that_nobody_named_stands_in_nobodys_way(episode):
    assert easier(factories.make_task(episode, difficulty=None), difficulty=9).difficulty == 9
    assert easier(factories.make_task(episode)).difficulty is None


def test_task_that_is_not_open_is_not_stepped_down(episode):
    task = call(actions.drop_task, factories.make_task(episode))
    with pytest.raises(MoveRefused, match="Take it up again"):
        easier(task, difficulty=1)


# --- Dropping and taking up -----------------------------------------------------------------------------


def test_dropped_task_can_be_taken_up_and_waits_for_both_again(episode):
    task = call(actions.drop_task, factories.make_task(episode), why="Another one fits better.")
    assert (task.status, open_tasks(episode)) == ("dropped", [])
    with pytest.raises(MoveRefused):
        call(actions.drop_task, task)
    task = call(actions.take_up_task, task)
    assert (task.status, task.is_agreed, [kind for kind, _ in history(task)]) == (
        "negotiated",
        False,
        ["agreed", "dropped", "taken-up"],
    )
    with pytest.raises(MoveRefused, match="open already"):
        call(actions.take_up_task, task)


@pytest.mark.parametrize("action", [actions.change_task, actions.drop_task, actions.agree_task])
def test_task_saved_meanwhile_is_shown_as_it_is_now(episode, action):
    task = factories.make_task(episode, agreed_by=())
    call(actions.change_task, task, text="First")
    more = {"agreed_by": BOTH} if action is actions.agree_task else {}
    with pytest.raises(StaleVersion) as stale:
        call(action, task, version=1, **more)
    assert stale.value.current.text == "First"


def test_two_who_change_one_task_at_the_same_moment_do_not_overwrite_each_other(committed):
    service = factories.make_service()
    with acting_in(service.organisation.pk):
        task = factories.make_task(factories.make_episode(service.ada))

    def to(text: str):
        def work() -> Task:
            with acting_in(service.organisation.pk):
                return call(actions.change_task, task, text=text)

        return work

    results = at_once(to("One"), to("Two"))
    assert sorted(type(result).__name__ for result in results) == ["StaleVersion", "Task"]


# --- Who and when ---------------------------------------------------------------------------------------


def test_only_the_own_therapist_writes_tasks(service, episode):
    task = factories.make_task(episode)
    for person in (service.tom, service.ruth):
        for action in (actions.change_task, actions.drop_task):
            with pytest.raises(PermissionDenied):
                call(action, task, by=person)
        with pytest.raises(PermissionDenied):
            easier(task, difficulty=1, by=person)
    assert Task.objects.get().version == 1


def test_goal_of_another_episode_is_refused(service, episode):
    goal = factories.make_goal(factories.make_episode(service.ada, code="R-2"))
    with pytest.raises(ValidationError) as refused:
        factories.make_task(episode, goal=goal)
    assert list(refused.value.message_dict) == ["goal"]


@pytest.mark.parametrize(
    ("values", "field"),
    [({"text": ""}, "text"), ({"difficulty": 11}, "difficulty_proposed"), ({"on": TODAY() + timedelta(days=2)}, "on")],
)
def test_task_that_cannot_be_is_refused_beside_its_field(episode, values, field):
    with pytest.raises(ValidationError) as refused:
        factories.make_task(episode, **values)
    assert field in refused.value.message_dict
