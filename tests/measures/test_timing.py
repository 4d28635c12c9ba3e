from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.timing import pause_after, reminder_at

MADE = datetime(2026, 3, 24, 15, 0, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
HOURS = st.integers(0, 167)
DELAYS = st.timedeltas(timedelta(0), timedelta(days=10))


def test_by_default_a_reminder_is_due_a_day_after_the_first():
    assert reminder_at(MADE, MADE + WEEK, 144) == MADE + DAY


def test_reminder_is_due_so_many_hours_before_the_end():
    assert reminder_at(MADE, MADE + WEEK, 24) == MADE + 6 * DAY


def test_no_hours_are_no_reminder():
    assert reminder_at(MADE, MADE + WEEK, 0) is None


def test_reminder_of_a_first_that_was_late_comes_a_day_after_it():
    assert reminder_at(MADE + 3 * DAY, MADE + WEEK, 144) == MADE + 4 * DAY


def test_there_is_no_reminder_where_a_day_later_is_too_late():
    assert reminder_at(MADE + 6 * DAY, MADE + WEEK, 144) is None


@given(HOURS, DELAYS)
def test_reminder_is_never_sooner_than_a_day_after_the_first_nor_after_the_end(hours, delay):
    due = reminder_at(MADE + delay, MADE + WEEK, hours)
    assert due is None or MADE + delay + DAY <= due < MADE + WEEK


@pytest.mark.parametrize(("attempts", "minutes"), [(1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (60_000, 60)])
def test_pause_doubles_up_to_an_hour(attempts, minutes):
    assert pause_after(attempts) == timedelta(minutes=minutes)
