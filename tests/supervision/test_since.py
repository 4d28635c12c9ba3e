"""What a component did after a meeting, drawn as in the rule: 7.2 5.1 | 6.0 7.4"""

import pytest

from ruptures.aftermath import Unsaid
from supervision.since import NO_COMPONENT, NOT_RATED, NOT_YET, since

BLAME = ("because", "thanks to", "led to", "worked", "helped", "effect")


def words(*values, after, **more):
    """The series from session 1; the meeting was after so many sessions."""
    scored = [(number, value) for number, value in enumerate(values, start=1) if value is not None]
    found = since(scored, later=range(after + 1, len(values) + 1), scale="bond", **more)
    return found.reason if isinstance(found, Unsaid) else found.words


def test_the_rating_before_and_those_after_are_told():
    """7.2 5.1 | 6.0 7.4"""
    told = words(7.2, 5.1, 6.0, 7.4, after=2)
    assert told == "The bond: 5.1 in session 2, before it; then 6.0 and 7.4 in sessions 3 and 4."


def test_of_many_the_first_and_the_latest_are_told():
    """5.0 | 6.0 6.1 6.2 6.3 6.4"""
    told = words(5.0, 6.0, 6.1, 6.2, 6.3, 6.4, after=1)
    assert told == "The bond: 5.0 in session 1, before it; then 6.0 in session 2, and 6.4 now, in session 6."


def test_one_after_and_none_before():
    assert words(6.0, after=0) == "The bond: 6.0 in session 1. Nothing was rated before it."


def test_a_session_without_a_score_is_passed_over():
    """5.0 | – 7.0"""
    assert "then 7.0 in session 3" in words(5.0, None, 7.0, after=1)


@pytest.mark.parametrize(
    ("lows", "held_against"),
    [
        ({2: 5.5, 3: 5.5}, "None was lower than expected."),
        ({3: 7.5}, "Lower than expected in session 3."),
        ({2: 6.5, 3: 7.5}, "Lower than expected in sessions 2 and 3."),
        ({3: 6.5}, "That is no lower than expected."),
    ],
)
def test_they_are_held_against_what_was_expected_where_anything_was(lows, held_against):
    """5.0 | 6.0 7.0"""
    assert words(5.0, 6.0, 7.0, after=1, lows=lows).endswith(held_against)


def test_without_a_component_a_rating_or_one_after_the_meeting_there_is_a_reason_and_no_number():
    assert since([], later=[], scale="") == Unsaid(NO_COMPONENT)
    assert since([], later=[], scale="bond") == Unsaid(NOT_RATED)
    assert words(5.0, after=1) == NOT_YET


def test_no_words_say_that_it_came_from_it():
    told = words(5.0, 6.0, after=1, lows={2: 5.0}).lower()
    assert not [word for word in BLAME if word in told]
