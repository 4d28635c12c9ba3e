from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts.models import AuditEvent
from clients import actions
from clients.actions import MoveRefused, StaleVersion
from clients.models import Agreement, Goal
from tests import factories

BOTH = ("client", "therapist")
TODAY = timezone.localdate


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


def change(goal: Goal, **values) -> Goal:
    given = {"version": goal.version, "on": TODAY(), "by": goal.episode.therapist}
    return actions.change_goal(goal=goal, **{**given, **values})


def history(goal: Goal) -> list[tuple[str, str, bool, bool]]:
    return [(row.kind, row.text, row.by_client, row.by_therapist) for row in goal.history.all()]


def test_goal_is_proposed_with_its_measure_and_the_event_of_it(episode):
    goal = actions.create_goal(
        episode=episode,
        text=" Fewer panic attacks ",
        on=TODAY(),
        metric="panic attacks a week",
        baseline=8,
        target=-50,
        is_target_relative=True,
        importance=9,
        by=episode.therapist,
    )
    goal.refresh_from_db()
    assert (goal.text, goal.status, goal.is_agreed, goal.version) == ("Fewer panic attacks", "open", False, 1)
    assert goal.aim_in_words == "panic attacks a week: from 8 to 4 (−50 %)"
    assert history(goal) == [("proposed", "Fewer panic attacks", False, False)]
    event = AuditEvent.objects.get(action="goal.proposed")
    assert (event.object_id, event.client_id, event.person) == (goal.pk, episode.client_id, episode.therapist)


def test_goal_that_both_agree_on_at_once_is_agreed_that_day(episode):
    day = TODAY() - timedelta(days=2)
    goal = factories.make_goal(episode, on=day)
    assert (goal.client_agreed_on, goal.therapist_agreed_on, goal.is_agreed) == (day, day, True)
    assert history(goal) == [("agreed", goal.text, True, True)]


def test_each_agrees_on_a_day_of_their_own(episode):
    goal = factories.make_goal(episode, agreed_by=["therapist"], on=TODAY() - timedelta(days=7))
    assert not goal.is_agreed
    goal = actions.agree_goal(goal=goal, version=1, on=TODAY(), agreed_by=["client"], by=episode.therapist)
    assert goal.is_agreed and goal.client_agreed_on - goal.therapist_agreed_on == timedelta(days=7)
    assert [row[0] for row in history(goal)] == ["proposed", "agreed"]


def test_nobody_agreeing_is_no_agreement(episode):
    goal = factories.make_goal(episode, agreed_by=())
    with pytest.raises(ValidationError) as refused:
        actions.agree_goal(goal=goal, version=1, on=TODAY(), agreed_by=[], by=episode.therapist)
    assert list(refused.value.message_dict) == ["agreed_by"]


@pytest.mark.parametrize(
    "terms", [{"text": "Attend a party"}, {"target": 3.0}, {"baseline": 1.0}, {"metric": "times a month"}]
)
def test_other_terms_are_a_new_agreement_and_the_old_one_is_kept_as_it_was(episode, terms):
    goal = factories.make_goal(episode, metric="times", baseline=0.0, target=2.0)
    before = goal.history.get()
    goal = change(goal, why="It was too little.", **terms)
    assert (goal.is_agreed, goal.version) == (False, 2)
    kept, renegotiated = goal.history.all()
    assert (kept.pk, kept.text, kept.terms, kept.by_client) == (before.pk, before.text, before.terms, True)
    assert (renegotiated.kind, renegotiated.why) == ("renegotiated", "It was too little.")
    assert all(getattr(renegotiated, name) == value for name, value in terms.items())


def test_renegotiation_that_both_agree_on_at_once_stays_agreed(episode):
    goal = change(factories.make_goal(episode), text="Attend a party", agreed_by=BOTH)
    assert goal.is_agreed and history(goal)[-1] == ("renegotiated", "Attend a party", True, True)


def test_importance_may_change_without_touching_the_agreement(episode):
    goal = change(factories.make_goal(episode, importance=5), importance=8)
    assert goal.is_agreed and len(history(goal)) == 1
    assert AuditEvent.objects.get(action="goal.changed").fields == ["importance"]


def test_goal_is_reached_or_dropped_with_its_day_and_can_be_taken_up_again(episode):
    for status in ("reached", "dropped"):
        goal = factories.make_goal(episode, text=f"To be {status}")
        settle = {"on": TODAY(), "by": episode.therapist}
        goal = actions.settle_goal(goal=goal, version=1, status=status, why="We looked back.", **settle)
        assert (goal.status, goal.ended_on) == (status, TODAY())
        with pytest.raises(MoveRefused):
            actions.settle_goal(goal=goal, version=2, status=status, **settle)
        with pytest.raises(MoveRefused, match="Take it up again"):
            change(goal, text="Something else")
        goal = actions.settle_goal(goal=goal, version=2, status="open", **settle)
        assert (goal.status, goal.ended_on, goal.is_agreed) == ("open", None, True)
        assert [row[0] for row in history(goal)] == ["agreed", status, "taken-up"]


def test_change_of_a_goal_saved_meanwhile_is_refused_with_the_goal_as_it_is_now(episode):
    goal = factories.make_goal(episode)
    change(goal, text="First")
    with pytest.raises(StaleVersion) as stale:
        change(goal, version=1, text="Second")
    assert stale.value.current.text == "First"


def test_levels_are_kept_with_their_day_and_another_wording_is_another_row(episode):
    goal = factories.make_goal(episode)
    texts = {"much_less": "a", "less": "b", "expected": "c", "more": "d", "much_more": "e"}
    first = actions.write_levels(goal=goal, written_on=TODAY(), by=episode.therapist, **texts)
    actions.write_levels(goal=goal, written_on=TODAY(), by=episode.therapist, **{**texts, "less": "almost"})
    assert first.levels == [("−2", "a"), ("−1", "b"), ("0", "c"), ("+1", "d"), ("+2", "e")]
    assert [scale.less for scale in goal.scales.all()] == ["b", "almost"]
    assert [row[0] for row in history(goal)] == ["agreed", "levels", "levels"]


@pytest.mark.parametrize("missing", ["much_less", "expected"])
def test_five_levels_are_five(episode, missing):
    texts = {"much_less": "a", "less": "b", "expected": "c", "more": "d", "much_more": "e", missing: ""}
    with pytest.raises(ValidationError) as refused:
        actions.write_levels(goal=factories.make_goal(episode), written_on=TODAY(), by=episode.therapist, **texts)
    assert list(refused.value.message_dict) == [missing]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"text": "  "}, "text"),
        ({"importance": 11}, "importance"),
        ({"importance": 0}, "importance"),
        ({"baseline": -1.0}, "baseline"),
        ({"on": TODAY() + timedelta(days=2)}, "on"),
        ({"on": TODAY() - timedelta(days=4000)}, "on"),
    ],
)
def test_goal_that_cannot_be_is_refused_beside_its_field(episode, values, field):
    with pytest.raises(ValidationError) as refused:
        factories.make_goal(episode, **values)
    assert list(refused.value.message_dict) == [field]
    assert not Agreement.objects.exists()


def test_only_the_own_therapist_writes_goals_and_only_while_the_episode_is_open(service, episode):
    goal = factories.make_goal(episode)
    for person in (service.tom, service.ruth):
        with pytest.raises(PermissionDenied):
            change(goal, text="Theirs", by=person)
    actions.end_episode(episode=episode, ended_on=TODAY(), ending="planned", by=service.ada)
    with pytest.raises(ValidationError, match="has ended"):
        change(goal, text="Too late")
    with pytest.raises(ValidationError, match="has ended"):
        factories.make_goal(episode)


def test_question_about_a_vague_goal_stands_until_there_is_a_measure_and_never_in_the_way(episode):
    goal = factories.make_goal(episode, text="Feel better")
    assert "How would you both notice?" in goal.question
    goal = change(goal, metric="evenings out a month", target=2.0)
    assert goal.question == ""


def test_readers_of_the_episode_read_its_goals(service, episode):
    factories.make_goal(episode)
    seen = {
        key: Goal.objects.visible_to(getattr(service, key)).count() for key in ("ada", "ruth", "tom", "otto", "sam")
    }
    assert seen == {"ada": 1, "ruth": 1, "tom": 0, "otto": 0, "sam": 0}
