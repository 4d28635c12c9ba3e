"""What a course allows to say at its length; each series is drawn above its test."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dashboards.course import Line, Outcome, Pair, ScaleCourse, hints, lines, rescaled_means
from dashboards.sentences import ScaleTrend
from measures.statistics.minimum_n import MINIMUM_N
from measures.statistics.summary import Point, summarise

WITHIN_SD = 0.7
NOBODY = Pair((), ())


def points(*values: float | None) -> list[Point]:
    return [Point(session, value) for session, value in enumerate(values, start=1)]


def scale(*values: float | None, name: str = "bond", sd: float | None = 1.0) -> ScaleCourse:
    found = summarise(points(*values), value_range=(0, 10), sd=sd, reliability=0.9)
    trend = ScaleTrend(
        scale=name,
        points=points(*values),
        n=found.n,
        latest=found.latest,
        latest_session=found.latest_session,
        change=found.change,
        slope=found.slope,
        slope_low=found.slope_low,
        slope_high=found.slope_high,
        low=0,
        high=10,
    )
    return ScaleCourse(trend, found.reliable, WITHIN_SD)


def said(*values: float | None, pair: Pair = NOBODY, outcome: Outcome | None = None, **more: Any) -> dict[str, Line]:
    return {line.title: line for line in lines([scale(*values, **more)], pair, outcome)}


def hinted(*values: float | None, pair: Pair = NOBODY, **more: Any) -> list[str]:
    given_ = {"sessions": (), "missed": (), "drops": ()} | more
    return hints([scale(*values)], pair, client="Rowan", **given_)


# --- As far as the ratings allow ------------------------------------------------------------------------


def test_unrated_course_says_nothing():
    # _ _
    assert said(None, None) == {}


def test_two_ratings_say_only_from_when_on():
    # 7 |2|
    found = said(7, 2)
    assert not any(line.is_known for line in found.values())
    assert found["Change since the first rating"].says == "from 3 rated sessions on; so far 2"
    assert found["Slow erosion"].says == "from 10 rated sessions on; so far 2"


@given(st.lists(st.sampled_from([None, *range(11)]), max_size=14))
def test_no_method_speaks_below_its_number_of_ratings(values):
    n = sum(value is not None for value in values)
    found = said(*values)
    for title, method in (
        ("Change since the first rating", "reliable_change"),
        ("Direction over all sessions", "theil_sen"),
        ("Falls and returns", "rupture_episodes"),
        ("Slow erosion", "ewma"),
    ):
        assert not found or found[title].is_known == (n >= MINIMUM_N[method].n)


def test_change_is_held_against_measurement_error():
    # 7 7 |9|: with SD 1 and reliability .9 the criterion is 1.96 · √2 · √.1 = .88
    assert said(7, 7, 9)["Change since the first rating"].says == (
        "Bond +2.0, more than the 0.9 that measurement error explains."
    )
    assert "not more than" in said(7, 7, 7.5)["Change since the first rating"].says


def test_change_without_sd_and_reliability_says_what_is_missing():
    line = said(7, 7, 9, sd=None)["Change since the first rating"]
    assert not line.is_known and "SD and reliability" in line.says


def test_direction_is_said_with_its_interval_or_not_at_all():
    # 4 5 4 5 5 6 6 7 7 8   and   7 8 7 8 7
    assert said(4, 5, 4, 5, 5, 6, 6, 7, 7, 8)["Direction over all sessions"].says.startswith(
        "The bond: About 0.50 higher"
    )
    assert said(7, 8, 7, 8, 7)["Direction over all sessions"].says == "None that the ratings could tell from chance."


def test_fall_and_return_are_told_as_the_published_rule_finds_them():
    # 7 8 7 8 7 8 7 8 7 8 |2| 8
    assert said(7, 8, 7, 8, 7, 8, 7, 8, 7, 8, 2, 8)["Falls and returns"].says == (
        "Bond from 8.0 by 6.0 at session 11, back at session 12."
    )
    assert said(7, 8, 7, 8, 7, 8, 7, 8, 7, 8, 2)["Falls and returns"].says.endswith("at session 11, not back yet.")


def test_of_many_falls_the_last_three_are_told():
    # 9 |7| 9 |7| 9 |7| 9 |7| 9 |7|
    says = said(*[9, 7] * 5)["Falls and returns"].says
    assert says.startswith("2 earlier. Bond from 9.0 by 2.0 at session 6, ") and says.count("by 2.0") == 3


def test_fall_below_ten_ratings_counts_only_beyond_measurement_error():
    # 7 7 7 7 |5.8|: more than one SD of change (.99), and with SD 2 the criterion is 1.75
    assert said(7, 7, 7, 7, 5.8)["Falls and returns"].says != "None."
    assert said(7, 7, 7, 7, 5.8, sd=2.0)["Falls and returns"].says == "None."


def test_both_views_that_go_together_are_said_to():
    client, therapist = (0.5, 0.6, 0.7, 0.4, 0.8, 0.3), (0.4, 0.6, 0.6, 0.4, 0.7, 0.3)
    line = said(7, 7, 7, pair=Pair(client, therapist))["Both views, session by session"]
    assert line.says.startswith("Mostly together: r = 0.9") and line.says.endswith("6 sessions.")
    few = said(7, 7, 7, pair=Pair(client[:4], therapist[:4]))["Both views, session by session"]
    assert few.says == "from 5 sessions that both rated on; so far 4"


def test_view_that_never_changes_is_not_compared():
    line = said(7, 7, 7, pair=Pair((0.5,) * 6, (0.4, 0.6, 0.6, 0.4, 0.7, 0.3)))["Both views, session by session"]
    assert not line.is_known


def test_lagged_view_is_shown_from_ten_sessions_with_both():
    alliance = (7, 8, 6, 7, 9, 5, 7, 8, 6, 7, 8)
    outcome = Outcome("Outcome check-in", points(5, 7, 8, 6, 7, 9, 5, 7, 8, 6, 7), higher_is_better=True)
    title = "Alliance in one session, Outcome check-in in the next"
    assert said(*alliance, outcome=outcome)[title].says.startswith("Bond r = 1.00")
    assert said(*alliance[:9], outcome=outcome)[title].says == "from 10 sessions with both on; so far 9"
    assert title not in said(*alliance)


# --- Hints --------------------------------------------------------------------------------------------


def test_slow_erosion_is_hinted_at():
    # 8 8.5 8 8.5 8 7.5 7 6.5 6 5.5 5
    (hint,) = hinted(8, 8.5, 8, 8.5, 8, 7.5, 7, 6.5, 6, 5.5, 5)
    assert hint.startswith("The bond has slowly become lower")


def test_one_deep_fall_is_no_slow_erosion():
    # 7 8 7 8 7 8 7 8 7 8 |1|: noticed by itself
    assert hinted(*[7, 8] * 5, 1, drops={11}) == []
    assert len(hinted(*[7, 8] * 5, 1)) == 1


def test_steady_course_has_no_hint():
    assert hinted(*[7, 8] * 6, sessions=range(1, 13)) == []


def test_therapist_above_the_usual_gap_is_a_question():
    client, therapist = (0.5, 0.6, 0.5, 0.6, 0.5, 0.2), (0.5, 0.58, 0.5, 0.6, 0.48, 0.7)
    (hint,) = hinted(7, 7, pair=Pair(client, therapist))
    assert "higher than Rowan did, by 50 % of the scale" in hint and "no sign of anything by itself" in hint
    assert hinted(7, 7, pair=Pair(client, (0.5, 0.58, 0.5, 0.6, 0.48, 0.22))) == []


def test_meetings_missed_after_a_fall_are_a_possible_withdrawal():
    (hint,) = hinted(7, 7, sessions=range(1, 9), missed={7}, drops={6})
    assert hint == (
        "Missed or cancelled late: session 7, soon after the fall in session 6. A possible withdrawal; ask for the "
        "reason first."
    )
    assert hinted(7, 7, sessions=range(1, 9), missed={7}) == []
    assert "sessions 5 and 7." in hinted(7, 7, sessions=range(1, 9), missed={5, 7})[0]


# --- Two views on one scale ---------------------------------------------------------------------------


def test_rescaled_means_take_sessions_in_which_all_components_are_scored():
    found = rescaled_means({"goal": points(1, 4, None), "task": points(7, 4, 4)}, (1, 7))
    assert found == {1: 0.5, 2: 0.5}
