import pytest

from clients import states
from clients.states import (
    AGREED,
    AGREED_BY_BOTH,
    DONE,
    DROP,
    DROPPED,
    GOAL_NEXT,
    MOVES,
    NEGOTIATE,
    NEXT,
    NOT_DONE,
    OPEN,
    PARTLY,
    STATES,
    after,
)

OUTCOMES = (DONE, PARTLY, NOT_DONE)


def test_every_move_from_every_state_leads_somewhere_known_or_is_said_to_lead_nowhere():
    assert tuple(NEXT) == STATES
    for moves in NEXT.values():
        assert tuple(moves) == MOVES
        assert set(moves.values()) <= {*STATES, None}


def test_table_is_the_one_that_is_drawn():
    head, *rows = [line.split() for line in states.__doc__.splitlines() if line.startswith("    ")]
    assert tuple(head) == MOVES
    drawn = {state: [None if cell == "–" else cell for cell in cells] for state, *cells in rows}
    assert drawn == {state: list(moves.values()) for state, moves in NEXT.items()}


def test_no_state_is_a_dead_end_and_every_one_can_be_reached():
    assert all(any(moves.values()) for moves in NEXT.values())
    reached = {"proposed"}
    while (more := reached | {state for one in reached for state in NEXT[one].values() if state}) != reached:
        reached = more
    assert reached == set(STATES)


@pytest.mark.parametrize("state", STATES)
def test_outcome_can_be_told_only_of_what_both_have_agreed(state):
    assert [after(state, outcome) for outcome in OUTCOMES] == (
        list(OUTCOMES) if state in AGREED_BY_BOTH else [None, None, None]
    )


def test_terms_can_be_talked_about_again_from_everywhere():
    assert {after(state, NEGOTIATE) for state in STATES} == {"negotiated"}


def test_what_is_done_or_dropped_is_not_open_and_all_else_is():
    assert set(OPEN) == set(STATES) - {DONE, DROPPED}
    assert [state for state in STATES if after(state, DROP)] == list(OPEN)


@pytest.mark.parametrize(("state", "move"), [("lost", NEGOTIATE), (AGREED, "forget")])
def test_unknown_state_or_move_is_refused(state, move):
    with pytest.raises(ValueError, match="there is no"):
        after(state, move)


def test_goal_is_open_reached_or_dropped_and_each_can_be_taken_back():
    assert set(GOAL_NEXT) == set().union(*GOAL_NEXT.values())
    assert all(start in GOAL_NEXT[end] for start, ends in GOAL_NEXT.items() for end in ends)
