"""Each series is drawn above its test; |2| is the session that the sentence is about, _ a session without a rating."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.sentences import Change, ScaleTrend, change_in_words, gap_in_words
from measures.statistics.summary import Point, summarise

USUAL = [7, 8, 7, 8, 7]
CLAIMS = ("lower than usual", "rupture", "slipping", "came back", "rising", "Steady", "at the top")


def trend(scale: str, values: list[float | None]) -> ScaleTrend:
    points = [Point(session, value) for session, value in enumerate(values, start=1)]
    summary = summarise(points, value_range=(0, 10), sd=None, reliability=None)
    return ScaleTrend(
        scale=scale,
        points=points,
        n=summary.n,
        latest=summary.latest,
        latest_session=summary.latest_session,
        change=summary.change,
        baseline=summary.baseline,
        baseline_low=summary.baseline_low,
        baseline_high=summary.baseline_high,
        slope=summary.slope,
        slope_low=summary.slope_low,
        slope_high=summary.slope_high,
        low=0,
        high=10,
    )


def said(
    bond: list[float | None],
    *,
    goal: list[float | None] | None = None,
    task: list[float | None] | None = None,
) -> Change:
    """The change of three components; a component that is not given is not rated."""
    trends = [trend("goal", goal or []), trend("task", task or []), trend("bond", bond)]
    return change_in_words(trends, client="Rowan")


# --- Too few to claim anything ----------------------------------------------------------------------


def test_no_rating_is_said_so():
    # (nothing)
    change = said([])
    assert (change.headline, change.tone, change.scale) == ("No rating yet.", "neutral", None)
    assert "Rowan" in change.detail


def test_sessions_without_a_rating_are_no_rating():
    # _ _ _
    assert said([None, None, None]).headline == "No rating yet."


def test_one_rating_is_shown_without_a_claim():
    # |7|
    change = said([7], goal=[6], task=[5])
    assert change.headline == "Latest: goal 6.0, task 5.0, bond 7.0."
    assert change.detail.startswith("1 rating so far.")
    assert (change.tone, change.scale) == ("neutral", None)


def test_two_ratings_are_shown_without_a_change():
    # 7 |2|
    change = said([7, 2])
    assert change.headline == "Latest: bond 2.0."
    assert change.detail.startswith("2 ratings so far.")
    assert "moved" not in change.detail


def test_three_ratings_name_the_last_change_without_a_claim():
    # 7 7 |2|
    change = said([7, 7, 2], goal=[6, 6, 7])
    assert change.headline == "Latest: goal 7.0, bond 2.0."
    assert "The bond moved down by 5.0 since the rating before." in change.detail
    assert (change.tone, change.scale) == ("neutral", None)


def test_four_ratings_that_did_not_move_name_no_change():
    # 7 7 7 |7|
    change = said([7, 7, 7, 7])
    assert change.headline == "Latest: bond 7.0." and "moved" not in change.detail


def test_change_upwards_is_called_up():
    # 7 6 |9|
    assert "The bond moved up by 3.0" in said([7, 6, 9]).detail


@given(st.lists(st.lists(st.sampled_from([None, *range(10)]), max_size=4), min_size=3, max_size=3))
def test_nothing_is_claimed_below_five_ratings(series):
    # ? ? ? ?
    change = said(series[0], goal=series[1], task=series[2])
    assert change.tone == "neutral" and change.scale is None
    assert not any(claim in change.headline for claim in CLAIMS)


def test_missed_sessions_do_not_count_towards_the_five():
    # 7 _ 8 _ 7 _ 8 _ |1|: five ratings make the usual range and nothing is held against it yet
    change = said([7, None, 8, None, 7, None, 8, None])
    assert change.headline == "Latest: bond 8.0."


# --- What may be said from five on ------------------------------------------------------------------


def test_series_in_its_usual_range_is_steady():
    # 7 8 7 8 7 8
    change = said([*USUAL, 8])
    assert (change.headline, change.tone, change.scale) == ("Steady.", "neutral", None)
    assert "where they usually are" in change.detail
    assert "usual range" in change.method[0]


def test_series_without_any_spread_has_no_usual_range_to_be_in():
    # 7 7 7 7 7 7
    change = said([7] * 6)
    assert change.headline == "Steady."
    assert "no usual range" in change.detail


def test_rating_below_the_usual_range_is_a_possible_rupture():
    # 7 8 7 8 7 |2|
    change = said([*USUAL, 2])
    assert change.headline == "The bond is lower than usual: a possible rupture."
    assert (change.tone, change.scale) == ("attention", "bond")
    assert change.detail.startswith("Session 6: 2.0. The first five ratings were around 7.4")
    assert "from 4.7 to 10.0" in change.detail


def test_low_rating_among_the_first_five_is_part_of_the_usual_range():
    # 7 8 7 8 |2|
    change = said([7, 8, 7, 8, 2])
    assert change.tone == "neutral" and "lower than usual" not in change.headline


@pytest.mark.parametrize(
    ("scale", "name"), [("goal", "Agreement on goals"), ("task", "Agreement on tasks"), ("bond", "The bond")]
)
def test_component_that_fell_is_named(scale, name):
    # 7 8 7 8 7 |2| in one, 7 8 7 8 7 8 in the others
    series = {"goal": [*USUAL, 8], "task": [*USUAL, 8], "bond": [*USUAL, 8]} | {scale: [*USUAL, 2]}
    change = said(series["bond"], goal=series["goal"], task=series["task"])
    assert change.headline == f"{name} is lower than usual: a possible rupture."
    assert change.scale == scale


def test_deepest_fall_comes_first_and_the_others_are_named_too():
    # goal 7 8 7 8 7 |4|   task 7 8 7 8 7 |3|   bond 7 8 7 8 7 |1|
    change = said([*USUAL, 1], goal=[*USUAL, 4], task=[*USUAL, 3])
    assert change.scale == "bond"
    assert "So is agreement on goals and agreement on tasks." in change.detail


def test_series_that_loses_a_little_each_time_is_slipping():
    # 9 6 9 6 9 6 5 5 4 4
    change = said([9, 6, 9, 6, 9, 6, 5, 5, 4, 4])
    assert change.headline == "The bond has been slipping."
    assert (change.tone, change.scale) == ("attention", "bond")
    assert "lower with each session over 10 ratings" in change.detail
    assert "−" in change.detail and "-0" not in change.detail, "a true minus sign"
    assert "Theil–Sen" in change.method[0]


def test_fall_below_the_usual_range_comes_before_slipping():
    # bond 9 6 9 6 9 6 5 5 4 4   task 7 8 7 8 7 8 7 8 7 |1|
    change = said([9, 6, 9, 6, 9, 6, 5, 5, 4, 4], task=[*USUAL, 8, 7, 8, 7, 1])
    assert change.headline.startswith("Agreement on tasks is lower than usual")


def test_series_that_gains_a_little_each_time_is_rising():
    # 4 5 4 5 5 6 6 7 7 8
    change = said([4, 5, 4, 5, 5, 6, 6, 7, 7, 8])
    assert change.headline == "The bond has been rising."
    assert (change.tone, change.scale) == ("settled", "bond")
    assert "higher with each session" in change.detail


def test_series_back_in_its_usual_range_came_back():
    # 7 8 7 8 7 |2| 7
    change = said([*USUAL, 2, 7])
    assert change.headline == "The bond came back."
    assert (change.tone, change.scale) == ("settled", "bond")
    assert "It was 2.0 at session 6" in change.detail and "inside that range again" in change.detail


def test_series_above_everything_before_its_dip_went_further():
    # 7 8 7 8 7 |2| 9
    change = said([*USUAL, 2, 9])
    assert change.headline == "The bond came back, and went further."
    assert "above anything before the dip (8.0 at most)" in change.detail


def test_series_that_came_back_and_fell_again_is_lower_than_usual():
    # 7 8 7 8 7 2 8 |2|
    assert said([*USUAL, 2, 8, 2]).headline == "The bond is lower than usual: a possible rupture."


def test_unrated_session_after_a_fall_leaves_the_fall_standing():
    # 7 8 7 8 7 |2| _
    change = said([*USUAL, 2, None])
    assert change.headline.startswith("The bond is lower than usual") and change.detail.startswith("Session 6")


def test_series_at_the_top_says_what_such_ratings_can_not_show():
    # 10 10 10 9 10 10
    change = said([10, 10, 10, 9, 10, 10])
    assert change.headline == "The bond is rated at the top almost every time."
    assert (change.tone, change.scale) == ("neutral", "bond")
    assert "5 of 6 ratings are 10" in change.detail


def test_fall_from_the_top_is_a_possible_rupture_all_the_same():
    # 10 9 10 9 10 10 10 10 |3|
    assert said([10, 9, 10, 9, 10, 10, 10, 10, 3]).headline == "The bond is lower than usual: a possible rupture."


@given(st.lists(st.lists(st.sampled_from([None, *range(11)]), max_size=14), min_size=3, max_size=3))
def test_every_series_gets_a_sentence_in_a_known_tone(series):
    change = said(series[0], goal=series[1], task=series[2])
    assert change.headline.endswith(".") and change.detail
    assert change.tone in {"neutral", "attention", "settled"}
    assert change.scale in {None, "goal", "task", "bond"}
    assert "None" not in change.headline + change.detail and "nan" not in change.detail


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([], "no rating"),
        ([7], "too few to say"),
        ([7, 7], "too few to say"),
        ([7, 7, 2], "too few to say"),
        ([7, 8, 7, 2], "too few to say"),
        ([*USUAL], "steady"),
        ([*USUAL, 2], "lower than usual"),
        ([9, 6, 9, 6, 9, 6, 5, 5, 4, 4], "slipping"),
        ([4, 5, 4, 5, 5, 6, 6, 7, 7, 8], "rising"),
        ([10, 10, 10, 9, 10, 10], "at the top"),
    ],
)
def test_word_in_the_table_agrees_with_the_sentence(values, word):
    assert trend("bond", values).word == word


def test_top_is_said_from_three_ratings_on_because_it_claims_no_change():
    # 10 10   and   10 10 10
    assert said([10, 10]).headline == "Latest: bond 10.0."
    assert trend("bond", [10, 10]).word == "too few to say"
    assert said([10, 10, 10]).headline == "The bond is rated at the top almost every time."
    assert trend("bond", [10, 10, 10]).word == "at the top"


# --- The two views of one session -------------------------------------------------------------------


def test_gap_names_the_component_that_differs_most_and_who_rates_it_higher():
    words = gap_in_words({"goal": 7, "task": 4, "bond": 8}, {"goal": 6.5, "task": 8, "bond": 8}, name="Rowan")
    assert words == "You rate agreement on tasks 4.0 higher than Rowan does."


def test_gap_below_half_a_point_is_much_alike():
    assert (
        gap_in_words({"bond": 8}, {"bond": 7.6}, name="Rowan") == "You and Rowan rate the three components much alike."
    )


def test_gap_with_a_side_missing_is_not_said():
    assert gap_in_words({"bond": None}, {"bond": 7}, name="Rowan") == ""
    assert gap_in_words({}, {}, name="Rowan") == ""


def test_gap_with_a_rating_of_zero_is_a_gap():
    assert gap_in_words({"bond": 0}, {"bond": 7}, name="Rowan") == "You rate the bond 7.0 higher than Rowan does."
