"""What the service's charts say, from bodies written by hand."""

import pytest

from dashboards import service_words as words
from dashboards.service_words import HIDDEN, shown

MEAN = {"n": 9, "means": [7.0, 6.0, 8.0]}


def test_too_few_is_said_and_has_no_table():
    found = shown("retention", None)
    assert found.table is None and found.sentence == words.TOO_FEW


def test_sessions_rated_by_each_and_by_both():
    found = shown("completeness", {"n": 100, "rows": {"both": 60, "client": 20, "therapist": 10, "neither": 10}})
    assert found.sentence == "Of the sessions that took place clients rated 80 %, therapists rated 70 % and both 60 %."
    assert found.table.rows[-1] == ("All", "100", "100 %")


def test_nothing_is_said_that_a_hidden_part_would_tell():
    found = shown("completeness", {"n": 100, "rows": {"both": 60, "client": None, "therapist": None, "neither": 10}})
    assert found.sentence == "Of the sessions that took place both 60 %."
    assert [row[1] for row in found.table.rows] == ["60", HIDDEN, HIDDEN, "10", "100"]


def test_those_who_left_are_compared_in_the_last_session_with_enough_of_both():
    lower = {"n": 6, "means": [6.0, 6.0, 8.5]}
    rows = [{"session": 1, "stayed": MEAN, "left": MEAN}, {"session": 2, "stayed": MEAN, "left": lower}]
    body = {"n": {"stayed": 9, "left": 9}, "rows": [*rows, {"session": 3, "stayed": MEAN}], "within": {}}
    found = shown("alliance", body)
    assert found.sentence.startswith(
        "In session 2, the last with enough of both, those who left alone rated goal 1.0 lower"
    )
    assert found.table.rows[2] == ("3", "9", "7.0", "6.0", "8.0", HIDDEN, "", "", "")


def test_ruptures_and_what_was_tried():
    found = shown("ruptures", {"n": 40, "rows": {"none": 20, "tried": 15, "untried": 5}})
    assert found.sentence == (
        "In 20 of 40 courses of therapy (50 %) a rupture is on record. "
        "In 15 of these (75 %) something was tried about it."
    )


def test_a_rating_that_came_back_says_how_soon():
    body = {"n": 20, "rows": {"soon": 10, "later": 6, "not": None, "untold": None}, "median": 2}
    assert shown("returns", body).sentence == (
        "After 16 of 20 ruptures (80 %) the client’s rating came back; "
        "half of those that can be followed within 2 rated sessions."
    )


def curve(last, points, n=40):
    return {"n": n, "from": 1, "last": last, "points": points, "at_risk": [n, None], "grid": [1, 6]}


def test_how_many_have_not_left_alone():
    found = shown("retention", {"curves": {"all": curve(6, [[3, 80, 65, 90]])}})
    assert found.sentence == "After session 6, 80 % (65 to 90 %) had not left alone."
    assert found.table.rows == (("1", "100 %", "40"), ("6", "80 % (65 to 90 %)", HIDDEN))


@pytest.mark.parametrize(
    ("low", "high", "begins"),
    [(0.1, 0.5, "They go together"), (-0.5, -0.1, "They go in opposite directions"), (-0.1, 0.4, "It is open")],
)
def test_association_is_claimed_only_where_the_interval_leaves_out_nothing(low, high, begins):
    row = {"n": 9, "mean": 1.2, "low": 0.5, "high": 1.9}
    body = {"n": 27, "rows": {"low": row, "high": row}, "r": {"r": (low + high) / 2, "low": low, "high": high, "n": 27}}
    found = shown("outcome", body)
    assert found.sentence.startswith(begins)
    assert found.table.rows[1] == ("Middle third", HIDDEN, "", "")


def test_components_stand_in_their_own_order_whatever_the_order_of_the_stored():
    row = {"slope": 0.2, "low": 0.1, "high": 0.3, "n": 90}
    found = shown("lag", {"n": 12, "rows": {"bond": row, "goal": row, "task": {**row, "low": -0.1}}})
    assert [line[0] for line in found.table.rows] == ["Goal", "Task", "Bond"]
    assert "in goal and bond" in found.sentence


def test_content_says_whom_it_leaves_out():
    body = {"n": 30, "rows": {"0 to 5": 0, "6 to 8": 10, "9 to 10": 20}, "mean": {"mean": 7.2, "low": 6.5, "high": 7.9}}
    assert shown("content", body).sentence.startswith(
        "On average 7.2 of 10 (6.5 to 7.9). Who left alone seldom answers"
    )


def test_why_therapists_are_not_ranked_is_said_wherever_they_are_shown():
    row = {"n": 24, "goal": [6.9, 6.4, 7.3], "task": [6.5, 6.0, 7.0], "bond": [7.4, 7.0, 7.9]}
    found = words.therapists([("Ada", row)], is_whole=True, is_named=True)
    assert "no ranking" in found.sentence and found.table.rows[0][:3] == ("Ada", "24", "6.9")
    assert words.therapists([], is_whole=False, is_named=True).table is None
    assert "whom you supervise" in words.therapists([], is_whole=True, is_named=True).sentence
