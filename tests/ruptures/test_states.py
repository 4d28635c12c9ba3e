import pytest

from ruptures.states import ANSWERS, CONFIRMED, DISMISSED, EXPIRED, NEW, STATES, WITHDRAWN, answerable, state_now


def test_every_state_has_its_answers():
    assert set(ANSWERS) == set(STATES)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("has_evidence", [True, False])
@pytest.mark.parametrize("later", [0, 2, 3, 30])
def test_machine_leads_every_state_to_one_that_the_evidence_says(state, has_evidence, later):
    now = state_now(state, has_evidence=has_evidence, later_sessions=later)
    if state in {CONFIRMED, DISMISSED}:
        assert now == state
    elif not has_evidence:
        assert now == WITHDRAWN
    else:
        assert now == (EXPIRED if later >= 3 else NEW)
    assert state_now(now, has_evidence=has_evidence, later_sessions=later) == now


def test_withdrawn_signal_cannot_be_answered_and_a_late_answer_is_one():
    assert answerable(CONFIRMED) == [NEW, EXPIRED, DISMISSED]
    assert answerable(DISMISSED) == [NEW, EXPIRED, CONFIRMED]


def test_unknown_state_is_refused():
    with pytest.raises(ValueError, match="lost"):
        state_now("lost", has_evidence=True, later_sessions=0)
