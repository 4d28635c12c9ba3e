import pytest

from supervision import states


def test_every_way_has_its_way_back_but_to_the_finish_through_the_middle():
    for before, after in states.WAYS:
        assert (after, before) in states.WAYS


def test_every_state_can_be_reached_and_left():
    assert (
        {after for _before, after in states.WAYS} == {before for before, _after in states.WAYS} == set(states.MEETINGS)
    )


def test_a_planned_meeting_is_not_finished_before_it_began():
    assert not states.may(states.PLANNED, states.FINISHED)
    assert states.ways(states.PLANNED) == {states.UNDER_WAY: "Start", states.CALLED_OFF: "Call it off"}


def test_a_state_that_there_is_not_is_refused():
    with pytest.raises(ValueError):
        states.may(states.PLANNED, "lost")
