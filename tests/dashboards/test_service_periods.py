from datetime import date

from dashboards.service_periods import EVERYTHING, parts_of, periods_of, quarter_period, year_period

TODAY = date(2026, 11, 30)


def labels(days):
    return [period.key for period in periods_of(days, today=TODAY)]


def test_periods_are_all_the_years_and_the_quarters_of_this_year_and_the_last():
    days = [date(2023, 5, 1), date(2025, 3, 31), date(2026, 10, 1)]
    assert labels(days) == ["all", "2026", "2025", "2023", "2026-q4", "2025-q1"]


def test_where_nobody_began_there_is_no_period():
    assert labels([]) == []


def test_a_quarter_begins_and_ends_with_its_months():
    assert (quarter_period(2026, 4).starts_on, quarter_period(2026, 4).ends_on) == (
        date(2026, 10, 1),
        date(2026, 12, 31),
    )
    assert quarter_period(2025, 1).ends_on == date(2025, 3, 31)
    assert quarter_period(2025, 1).label == "January to March 2025" and year_period(2025).label == "2025"


def test_periods_of_one_kind_never_overlap_and_add_up_to_the_one_above():
    days = [date(2025, month, day) for month in range(1, 13) for day in (1, 28)]
    periods = periods_of(days, today=TODAY)
    years, quarters = parts_of(EVERYTHING, periods), parts_of(year_period(2025), periods)
    assert years == [year_period(2025)] and len(quarters) == 4
    assert all(sum(quarter.has(day) for quarter in quarters) == 1 for day in days)
    assert parts_of(quarters[0], periods) == []
