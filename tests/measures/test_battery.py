"""What is rated when. A row of dots is a course of sessions; a mark stands where something is due."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.battery import (
    DEFAULT,
    Entry,
    Rhythm,
    Stretch,
    at_the_last,
    due,
    ordinal,
    overridden,
    preview,
)

CHECK_IN = Entry("session-check-in", "client", Rhythm.EVERY)
OWN = Entry("session-check-in", "therapist", Rhythm.EVERY)
PHQ = Entry("phq-9", "client", Rhythm.NTH, 4)
ENDING = Entry("ending-satisfaction", "client", Rhythm.ENDING)


def course(entry: Entry, sessions: int) -> str:
    """The sessions of a course that ends with its last one."""
    marks = [bool(due([entry], number, number == sessions)) for number in range(1, sessions + 1)]
    return "".join("x" if mark else "." for mark in marks)


@pytest.mark.parametrize(
    ("rhythm", "every", "drawn"),
    [
        (Rhythm.EVERY, None, "xxxxxxxxxx"),
        (Rhythm.NTH, 4, "x...x...x."),
        (Rhythm.NTH, 2, "x.x.x.x.x."),
        (Rhythm.NTH, 9, "x........x"),
        (Rhythm.FIRST_AND_LAST, None, "x........x"),
        (Rhythm.BEFORE, None, "xxxxxxxxxx"),
        (Rhythm.ENDING, None, ".........x"),
        (Rhythm.NEVER, None, ".........."),
    ],
)
def test_a_rhythm_marks_these_sessions(rhythm, every, drawn):
    assert course(Entry("any", "client", rhythm, every), 10) == drawn


def test_a_course_of_one_session_is_first_and_last_at_once():
    assert course(Entry("any", "client", Rhythm.FIRST_AND_LAST), 1) == "x"
    assert course(ENDING, 1) == "x"


def test_while_a_course_goes_on_no_session_is_the_last():
    assert not due([ENDING], 12)
    assert not due([Entry("any", "client", Rhythm.FIRST_AND_LAST)], 12)


def test_what_is_due_keeps_the_order_of_the_battery_and_names_each_instrument_once_by_each_rater():
    again = Entry("session-check-in", "client", Rhythm.ENDING)
    assert due([PHQ, CHECK_IN, OWN, again], 5, is_last=True) == [PHQ, CHECK_IN, OWN]
    assert due([PHQ, CHECK_IN, OWN, again], 6) == [CHECK_IN, OWN]


def test_a_service_that_has_not_chosen_rates_as_before():
    assert [(entry.instrument, entry.rater) for entry in due(DEFAULT, 7)] == [
        ("session-check-in", "client"),
        ("outcome-check-in", "client"),
        ("session-check-in", "therapist"),
    ]


# --- For one client


def test_what_is_chosen_for_a_client_takes_the_place_of_the_services():
    rarer = Entry("session-check-in", "client", Rhythm.NTH, 3)
    assert overridden([CHECK_IN, PHQ, OWN], [rarer]) == [rarer, PHQ, OWN]


def test_what_is_left_out_for_a_client_is_due_at_no_session():
    left_out = Entry("phq-9", "client", Rhythm.NEVER)
    assert due(overridden([CHECK_IN, PHQ], [left_out]), 1) == [CHECK_IN]


def test_what_is_added_for_a_client_comes_last():
    gad = Entry("gad-7", "client", Rhythm.EVERY)
    assert overridden([CHECK_IN], [gad]) == [CHECK_IN, gad]


def test_one_choice_for_a_client_replaces_every_line_of_the_same_instrument_and_rater():
    at_the_end = Entry("phq-9", "client", Rhythm.ENDING)
    weekly = Entry("phq-9", "client", Rhythm.EVERY)
    assert overridden([PHQ, CHECK_IN, at_the_end], [weekly]) == [weekly, CHECK_IN]


# --- In words


def test_the_preview_draws_sessions_with_the_same_together():
    """1 | 2 3 4 | 5: the fifth begins the rhythm of four anew."""
    both, one = (CHECK_IN, PHQ), (CHECK_IN,)
    assert preview([CHECK_IN, PHQ]) == [Stretch(1, 1, both), Stretch(2, 4, one), Stretch(5, 5, both)]


def test_a_stretch_says_its_sessions_in_words():
    words = [stretch.in_words for stretch in preview([CHECK_IN, Entry("any", "client", Rhythm.NTH, 3)])]
    assert words == ["Session 1", "Sessions 2 and 3", "Session 4", "Session 5"]
    assert preview([CHECK_IN])[0].in_words == "Sessions 1 to 5"


def test_the_preview_of_what_is_always_the_same_is_one_stretch():
    assert preview([CHECK_IN]) == [Stretch(1, 5, (CHECK_IN,))]
    assert preview([]) == [Stretch(1, 5, ())]


def test_the_preview_reaches_to_where_the_longest_rhythm_begins_anew():
    assert preview([Entry("any", "client", Rhythm.NTH, 26)])[-1].last == 27


def test_the_last_session_asks_besides_for_what_belongs_to_the_ending():
    assert at_the_last([CHECK_IN, PHQ, ENDING]) == [ENDING]


@pytest.mark.parametrize(
    ("number", "word"), [(2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"), (21, "21st")]
)
def test_ordinals_are_written_as_they_are_spoken(number, word):
    assert ordinal(number) == word
    assert Entry("any", "client", Rhythm.NTH, number).in_words == f"every {word} session"


def test_other_rhythms_are_said_in_words_of_their_own():
    assert (CHECK_IN.in_words, ENDING.in_words) == ("every session", "at the ending")


entries = st.builds(
    Entry,
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["client", "therapist"]),
    st.sampled_from([rhythm for rhythm in Rhythm if rhythm is not Rhythm.NTH]),
) | st.builds(
    Entry,
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["client", "therapist"]),
    st.just(Rhythm.NTH),
    st.integers(2, 26),
)


@given(st.lists(entries), st.integers(1, 200), st.booleans())
def test_what_is_due_is_in_the_battery_and_each_once(battery, number, is_last):
    found = due(battery, number, is_last)
    assert set(found) <= set(battery)
    assert len({entry.pair for entry in found}) == len(found)


@given(st.lists(entries), st.integers(1, 200))
def test_the_last_session_owes_whatever_it_would_owe_if_it_were_not(battery, number):
    assert {entry.pair for entry in due(battery, number)} <= {entry.pair for entry in due(battery, number, True)}


@given(st.lists(entries), st.lists(entries, unique_by=lambda entry: entry.pair), st.integers(1, 60))
def test_of_what_was_chosen_for_a_client_nothing_else_is_due(battery, own, number):
    chosen = {entry.pair: entry for entry in own}
    for entry in due(overridden(battery, own), number):
        assert chosen.get(entry.pair, entry) == entry


@given(st.lists(entries))
def test_the_preview_says_what_is_due_at_each_session_and_leaves_none_out(battery):
    stretches = preview(battery)
    assert [stretch.first for stretch in stretches] == [1, *(stretch.last + 1 for stretch in stretches[:-1])]
    for stretch in stretches:
        for number in range(stretch.first, stretch.last + 1):
            assert tuple(due(battery, number)) == stretch.entries
