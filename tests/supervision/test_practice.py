from datetime import date

import pytest

from supervision.practice import Occasion, practised

SINCE = date(2026, 3, 2)


def occasion(day, *codes, code="R-1", session=1):
    return Occasion(code, session, date(2026, 3, day), codes)


def test_each_occasion_counts_once_however_many_of_its_markers_are_meant():
    found = practised(
        "recognising", ["appeasing", "denial"], [occasion(4, "appeasing", "denial"), occasion(9, "denial")], since=SINCE
    )
    assert found.count == len(found.rows) == 2
    assert found.sentence == "2 occasions of practice on record since 2 March 2026."
    assert [words for _one, words in found.rows] == [
        ("Said all was fine",),
        ("Said all was fine", "Agreed too quickly"),
    ]


def test_the_day_on_which_the_target_was_set_counts_and_the_one_before_does_not():
    found = practised("repairing", ["validate"], [occasion(1, "validate"), occasion(2, "validate")], since=SINCE)
    assert [one.day.day for one in found.occasions] == [2]
    assert found.sentence == "1 occasion of practice on record since 2 March 2026."


def test_what_is_no_part_of_the_target_is_no_practice_of_it():
    found = practised("repairing", ["validate"], [occasion(4, "clarify")], since=SINCE)
    assert found.sentence == "No practice on record since 2 March 2026."


def test_a_kind_that_there_is_not_is_refused():
    with pytest.raises(KeyError):
        practised("listening", ["validate"], [], since=SINCE)
