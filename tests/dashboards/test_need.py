"""Why an episode is worth talking about, and in which order, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards import need
from dashboards.need import OpenRupture, Standing


def placed(code="A", **standing):
    return need.place(need.weights(Standing(**standing), of=5), code)


def test_order_is_risk_signal_rupture_engagement_not_seen_missing_and_then_the_rest_by_code():
    made = {
        "F": {"missing": 2},
        "E": {"days_not_seen": 20},
        "D": {"session": 5},
        "C": {"rupture_days": 0},
        "B": {"new_signals": 1},
        "A": {"has_risk": True},
        "Z": {},
        "Y": {"missing": 1, "session": 4, "has_objective": True},
    }
    assert sorted(made, key=lambda code: placed(code, **made[code])) == list("ABCDEFYZ")


def test_what_the_trend_says_of_itself_counts_where_nobody_keeps_a_rupture():
    assert list(need.weights(Standing(is_worth_a_look=True), of=5)) == ["signal"]
    assert list(need.weights(Standing(is_worth_a_look=True, rupture_days=3), of=5)) == ["rupture"]
    assert list(need.weights(Standing(new_signals=1, rupture_days=3), of=5)) == ["signal", "rupture"]


def test_rupture_that_has_been_open_for_longest_comes_first():
    (longest, shorter, new) = need.of_ruptures(
        [
            OpenRupture("Rupture", "session 10", 0, "Confirmed"),
            OpenRupture("Rupture", "session 9", 1, "Confirmed"),
            OpenRupture("Withdrawal", "session 3", 12, "In repair"),
        ]
    )
    assert new.words == "Rupture in session 10, confirmed: open since today."
    assert longest.words == "Withdrawal in session 3, in repair: open 12 days."
    assert shorter.words == "Rupture in session 9, confirmed: open 1 day."
    assert placed("B", rupture_days=longest.weight) < placed("A", rupture_days=shorter.weight)


def test_several_reasons_count_by_the_first_kind():
    assert placed(days_not_seen=20, new_signals=1)[0] == need.ORDER.index("signal")


@pytest.mark.parametrize(
    ("session", "is_looked_at", "is_missing", "is_told"),
    [
        (4, True, True, False),
        (5, False, True, True),
        (6, False, True, True),
        (7, False, True, False),
        (7, True, True, True),
        (7, True, False, False),
    ],
)
def test_gate_is_told_of_at_the_gate_and_later_where_somebody_looked(session, is_looked_at, is_missing, is_told):
    standing = Standing(session=session, has_objective=is_looked_at, lacks_objective=is_missing)
    assert list(need.weights(standing, of=5)) == (["engagement"] if is_told else [])


@pytest.mark.parametrize(
    ("rated", "words"),
    [
        ([], None),
        ([False], None),
        ([True, True, False, True], None),
        ([False, True, False], "2 of the last 3 sessions without a rating by the client."),
        ([True] * 9 + [False, False, True, True, False], "3 of the last 5 sessions without a rating by the client."),
        ([False, False], "The last 2 sessions are without a rating by the client."),
    ],
)
def test_missing_ratings_are_told_from_two_of_the_last_five(rated, words):
    assert [reason.words for reason in need.of_missing(rated)] == ([words] if words else [])


def test_absence_says_how_often_they_usually_meet():
    assert need.of_absence(23, "usually every week")[0].words == "Not seen for 23 days, usually every week."
    assert need.of_absence(23, "")[0].words == "Not seen for 23 days."


@given(st.lists(st.booleans(), max_size=40))
def test_what_came_before_the_last_five_changes_nothing(rated):
    assert need.of_missing(rated) == need.of_missing(rated[-need.LATEST :])
