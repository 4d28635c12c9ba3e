from itertools import product

import pytest

from clients.engagement import BY_CODE, LEVELS, OBJECTIVES, THERE, gate_in_words, missing

ALL_THERE = {"safe-space": 3, "partnership": 4, "problem": 3}


def test_three_objectives_stand_in_order_each_with_its_own_barriers():
    assert [objective.code for objective in OBJECTIVES] == ["safe-space", "partnership", "problem"]
    assert [len(objective.barriers) for objective in OBJECTIVES] == [5, 5, 2]
    codes = [code for objective in OBJECTIVES for code in objective.barriers]
    assert len(codes) == len(set(codes))
    assert list(BY_CODE.values()) == list(OBJECTIVES) and list(LEVELS) == [0, 1, 2, 3, 4]


def test_gate_is_passed_once_all_three_are_there_and_names_the_others_in_order():
    for levels in product(LEVELS, repeat=3):
        by_code = dict(zip(BY_CODE, levels, strict=True))
        without = [objective.code for objective in missing(by_code)]
        assert without == [code for code in BY_CODE if by_code[code] < THERE]
        words = gate_in_words(by_code, session=4, of=5)
        assert ("can begin" in words) == (min(levels) >= THERE)
        assert not without or f"{BY_CODE[without[0]].name} is still missing" in words


@pytest.mark.parametrize(
    ("levels", "session", "words"),
    [
        ({}, 0, "Before the first of 5 sessions: the three objectives have not been looked at yet."),
        ({}, 2, "Session 2 of 5: the three objectives have not been looked at yet."),
        (ALL_THERE | {"problem": 2}, 4, "Session 4 of 5: agreement that a problem exists is still missing."),
        (
            {"safe-space": 1},
            1,
            "Session 1 of 5: a safe space is still missing; a collaborative partnership and agreement that a problem "
            "exists come after it.",
        ),
        (
            {"safe-space": 3},
            5,
            "Session 5 of 5: a collaborative partnership has not been looked at yet; agreement that a problem exists "
            "comes after it.",
        ),
        (
            ALL_THERE | {"problem": 0},
            7,
            "Session 7, after the first 5: agreement that a problem exists is still missing.",
        ),
        (ALL_THERE, 5, "Session 5 of 5: all three objectives are there. The second phase can begin."),
    ],
)
def test_gate_says_where_the_phase_stands_and_what_is_missing(levels, session, words):
    assert gate_in_words(levels, session=session, of=5) == words


def test_first_challenge_begins_the_second_phase_and_what_is_missing_is_still_said():
    words = gate_in_words(ALL_THERE, session=9, of=5, challenged_in=6)
    assert words == "Second phase since session 6. Strain is to be expected now, and worth asking about."
    words = gate_in_words({"safe-space": 2, "partnership": 3, "problem": 3}, session=9, of=5, challenged_in=4)
    assert words.endswith("A safe space is still missing: worth going back to.")


def test_service_that_counts_one_session_reads_well():
    assert gate_in_words({}, session=0, of=1).startswith("Before the first of 1 session:")
