import itertools

import pytest

from ruptures.lifecycle import (
    ATTEMPT,
    CLOSED,
    CONFIRMED,
    DISMISSED,
    ENDING,
    IN_REPAIR,
    LABELS,
    NOTHING,
    OPEN,
    RESOLVED,
    STATES,
    STRAIN_CHECK,
    SUSPECTED,
    THERAPIST,
    TRANSITIONS,
    UNRESOLVED,
    WHO,
    Transition,
    may,
    ways,
)

# Who may (columns) make what of a rupture in which state (rows): every pair has its cell.
TABLE = {
    #            therapist                 attempt      ending        strain check
    NOTHING: ({CONFIRMED}, set(), set(), {SUSPECTED}),
    SUSPECTED: ({CONFIRMED, DISMISSED}, {IN_REPAIR}, {UNRESOLVED}, {DISMISSED}),
    CONFIRMED: ({RESOLVED, DISMISSED}, {IN_REPAIR}, {UNRESOLVED}, set()),
    IN_REPAIR: ({RESOLVED, DISMISSED}, set(), {UNRESOLVED}, set()),
    RESOLVED: ({IN_REPAIR}, set(), set(), set()),
    UNRESOLVED: (set(), set(), set(), set()),
    DISMISSED: ({CONFIRMED}, set(), set(), {SUSPECTED}),
}


@pytest.mark.parametrize("before", [NOTHING, *STATES])
@pytest.mark.parametrize("who", WHO)
def test_every_state_has_its_answer_for_everybody(before, who):
    expected = TABLE[before][(THERAPIST, ATTEMPT, ENDING, STRAIN_CHECK).index(who)]
    assert set(ways(before, who)) == expected
    assert {after for after in STATES if may(before, after, who)} == expected


def test_no_change_stands_twice_and_none_leads_back_to_where_it_began():
    steps = [(step.before, step.after, step.who) for step in TRANSITIONS]
    assert len(steps) == len(set(steps))
    assert all(isinstance(step, Transition) and step.before != step.after and step.when for step in TRANSITIONS)


def reached(*starts: str) -> set[str]:
    found, left = set(), list(starts)
    while left:
        state = left.pop()
        if state not in found:
            found.add(state)
            left += [step.after for step in TRANSITIONS if step.before == state]
    return found


def test_every_state_can_be_reached_and_only_the_ending_is_the_end():
    assert reached(NOTHING) == {NOTHING, *STATES}
    assert {state for state in STATES if reached(state) == {state}} == {UNRESOLVED}
    assert all({RESOLVED, UNRESOLVED, DISMISSED} <= reached(state) for state in OPEN)


def test_states_are_open_or_closed_and_have_a_name():
    assert set(OPEN) | set(CLOSED) == set(STATES) == set(LABELS) and not set(OPEN) & set(CLOSED)


def test_nobody_but_the_therapist_closes_or_opens_what_a_person_has_said():
    by_rating = {(step.before, step.after) for step in TRANSITIONS if step.who == STRAIN_CHECK}
    assert by_rating == {(NOTHING, SUSPECTED), (SUSPECTED, DISMISSED), (DISMISSED, SUSPECTED)}


@pytest.mark.parametrize("word", ["lost", None])
def test_word_that_is_not_in_the_table_is_refused(word):
    for before, after, who in itertools.permutations([SUSPECTED, CONFIRMED, word]):
        with pytest.raises(ValueError, match="there is no change"):
            may(before, after, who)
    with pytest.raises(ValueError, match="supervisor"):
        may(SUSPECTED, CONFIRMED, "supervisor")
