"""How often two people usually meet, without a database."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions_app.rhythm import Rhythm, every, usual_gap

MONDAY = date(2026, 3, 2)


def days(*gaps):
    found = [MONDAY]
    for gap in gaps:
        found.append(found[-1] + timedelta(days=gap))
    return found


def rhythm(*gaps, seen=None):
    met = days(*gaps)
    return Rhythm(met[-1], seen or met[-1], usual_gap(met))


@pytest.mark.parametrize(
    ("gaps", "usual"),
    [((), None), ((7,), None), ((7, 7), 7), ((7, 14), 10), ((7, 7, 21), 7), ((28,) * 6 + (7,) * 6, 7)],
)
def test_usual_gap_is_the_median_of_the_latest_six(gaps, usual):
    assert usual_gap(days(*gaps)) == usual


def test_two_meetings_on_one_day_are_one_day():
    assert usual_gap([*days(7, 7), MONDAY, MONDAY]) == 7


@pytest.mark.parametrize(
    ("after", "is_due", "is_missed"),
    [(0, False, False), (5, False, False), (6, True, False), (14, True, False), (15, False, True)],
)
def test_weekly_meeting_is_due_from_the_day_before_and_missed_after_two_weeks(after, is_due, is_missed):
    weekly = rhythm(7, 7, 7)
    today = weekly.last + timedelta(days=after)
    assert (weekly.is_due(today), weekly.is_missed(today)) == (is_due, is_missed)


def test_fortnightly_meeting_is_not_missed_before_four_weeks():
    fortnightly = rhythm(14, 14)
    assert not fortnightly.is_missed(fortnightly.last + timedelta(days=28))
    assert fortnightly.is_missed(fortnightly.last + timedelta(days=29))


def test_without_a_rhythm_nothing_is_due_and_two_weeks_are_long():
    new = Rhythm(None, MONDAY, None)
    assert not new.is_due(MONDAY + timedelta(days=7))
    assert not new.is_missed(MONDAY + timedelta(days=14)) and new.is_missed(MONDAY + timedelta(days=15))
    assert new.due_in_words(MONDAY) == new.usual_in_words == ""


def test_meeting_that_did_not_take_place_counts_as_planned_and_not_as_seen():
    cancelled = rhythm(7, 7, 7, seen=days(7, 7)[-1])
    assert cancelled.is_due(cancelled.last + timedelta(days=7))
    assert cancelled.is_missed(cancelled.last + timedelta(days=8))


@pytest.mark.parametrize(("after", "words"), [(6, "tomorrow"), (7, "today"), (8, "yesterday"), (11, "4 days ago")])
def test_words_say_when_and_how_often(after, words):
    weekly = rhythm(7, 7)
    assert weekly.due_in_words(weekly.last + timedelta(days=after)) == f"due {words}: usually every week"


def test_every_day_is_every_day():
    assert (every(1), every(10)) == ("every day", "every 10 days")


@given(st.lists(st.integers(1, 60), min_size=2, max_size=30), st.integers(0, 400))
def test_nobody_is_due_and_missed_at_once(gaps, after):
    met = rhythm(*gaps)
    today = met.last + timedelta(days=after)
    assert not (met.is_due(today) and met.is_missed(today))
    assert min(gaps) <= met.gap <= max(gaps)
