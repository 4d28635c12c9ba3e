"""Each series is drawn above its test; |2| is the session that the sentence is about, _ a session without a rating.

What is expected of a session is worked out as on the page, from the starting values: clients around 8 of 10.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.sentences import (
    Change,
    Noticed,
    Return,
    ScaleTrend,
    came_back_at,
    change_in_words,
    expectation_in_words,
    gap_in_words,
    only_other_measures,
    total_in_words,
)
from measures.statistics.joint import Correlations, judge_together
from measures.statistics.prior import starting_prior
from measures.statistics.summary import Point, summarise

USUAL = [7, 8, 7, 8, 7]
NINE = [*USUAL, 8, 7, 8, 7]
CLAIMS = ("lower than expected", "rupture", "slipping", "come back", "came back", "rising", "Steady", "at the top")
HOW = "How it was worked out."


def course(series: dict[str, list[float | None]]) -> tuple[list[ScaleTrend], list[Noticed]]:
    """A client's three components and what was noticed in them, judged together."""
    length = max(map(len, series.values()), default=0)
    values = {("client", scale): [*found, *[None] * (length - len(found))] for scale, found in series.items()}
    looks = judge_together(
        range(1, length + 1),
        values,
        dict.fromkeys(values, starting_prior((0, 10))),
        Correlations(),
        value_range=(0, 10),
    )
    expected: dict[str, dict[int, tuple[float, float]]] = {scale: {} for scale in series}
    noticed = []
    for joint in looks:
        for (_, scale), look in joint.looks.items():
            expected[scale][joint.session] = (look.low, look.high)
        if joint.is_signal:
            rater, scale = joint.lowest
            look = joint.looks[joint.lowest]
            noticed.append(Noticed(joint.session, scale, rater, look.observed, look.low, look.high, "As on its card."))
    return [trend(scale, found, expected[scale]) for scale, found in series.items()], noticed


def trend(scale: str, values: list[float | None], expected: dict[int, tuple[float, float]] | None = None) -> ScaleTrend:
    points = [Point(session, value) for session, value in enumerate(values, start=1)]
    summary = summarise(points, value_range=(0, 10), sd=None, reliability=None, step=0.5)
    return ScaleTrend(
        scale=scale,
        points=points,
        n=summary.n,
        latest=summary.latest,
        latest_session=summary.latest_session,
        change=summary.change,
        slope=summary.slope,
        slope_low=summary.slope_low,
        slope_high=summary.slope_high,
        low=0,
        high=10,
        expected=expected or {},
    )


def said(
    bond: list[float | None],
    *,
    goal: list[float | None] | None = None,
    task: list[float | None] | None = None,
) -> Change:
    """The change of three components; a component that is not given is not rated."""
    trends, noticed = course({"goal": goal or [], "task": task or [], "bond": bond})
    return change_in_words(trends, client="Rowan", noticed=noticed, expectation=HOW)


def word(values: list[float | None]) -> str:
    return course({"bond": values})[0][0].word


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
    # 7 _ 8 _ 7 _ 8 _: four ratings to learn from, and none yet to hold against them
    change = said([7, None, 8, None, 7, None, 8, None])
    assert change.headline == "Latest: bond 8.0."


# --- What may be said from five on ------------------------------------------------------------------


def test_series_as_expected_is_steady():
    # 7 8 7 8 7 8
    change = said([*USUAL, 8])
    assert (change.headline, change.tone, change.scale) == ("Steady.", "neutral", None)
    assert change.detail == "The bond is what was expected."
    assert change.method == (HOW,)


def test_series_without_any_spread_is_steady():
    # 7 7 7 7 7 7
    change = said([7] * 6)
    assert (change.headline, change.detail) == ("Steady.", "The bond is what was expected.")


def test_latest_rating_of_a_component_too_new_to_expect_anything_of_claims_nothing():
    # goal 7 8 7 8 7   bond _ _ _ _ |2|
    change = said([None, None, None, None, 2], goal=USUAL)
    assert change.detail == "Agreement on goals is what was expected."


def test_fall_from_equal_ratings_shows():
    # 7 7 7 7 7 7 7 7 7 |2|   and   10 10 10 10 10 10 10 10 10 |2|
    assert said([7] * 9 + [2]).headline == "The bond is lower than expected: a possible rupture."
    assert said([10] * 9 + [2]).headline == "The bond is lower than expected: a possible rupture."


def test_rating_below_what_was_expected_is_a_possible_rupture_from_the_fifth_on():
    # 7 8 7 8 |2|
    change = said([7, 8, 7, 8, 2])
    assert change.headline == "The bond is lower than expected: a possible rupture."
    assert (change.tone, change.scale) == ("attention", "bond")
    assert change.detail.startswith("Session 5: 2.0, where 5.")
    assert change.method == (HOW,)


def test_fourth_rating_is_no_possible_rupture_yet():
    # 7 8 7 |2|
    assert said([7, 8, 7, 2]).tone == "neutral"


def test_confirmed_signal_is_called_a_rupture():
    # 7 8 7 8 7 |2|
    trends, noticed = course({"bond": [*USUAL, 2]})
    confirmed = [replace(one, is_confirmed=True) for one in noticed]
    change = change_in_words(trends, client="Rowan", noticed=confirmed)
    assert change.headline == "The bond is lower than expected: a rupture."


def test_dismissed_signal_is_not_brought_up_again():
    # 7 8 7 8 7 |2|, which the therapist dismissed: no signal is given
    trends, _ = course({"bond": [*USUAL, 2]})
    assert "rupture" not in change_in_words(trends, client="Rowan").headline


def test_fall_that_the_therapist_rated_says_whose_rating_it_is():
    trends, _ = course({"bond": [*USUAL, 8]})
    noticed = [Noticed(6, "task", "therapist", 3, 6.1, 9.0, "Task 3.0 as the therapist rates it; expected 6.1 to 9.0.")]
    change = change_in_words(trends, client="Rowan", noticed=noticed)
    assert (
        change.headline == "Agreement on tasks, as the therapist rates it, is lower than expected: a possible rupture."
    )


@pytest.mark.parametrize(
    ("scale", "name"), [("goal", "Agreement on goals"), ("task", "Agreement on tasks"), ("bond", "The bond")]
)
def test_component_that_fell_is_named(scale, name):
    # 7 8 7 8 7 8 7 8 7 |2| in one, 7 8 7 8 7 8 7 8 7 8 in the others
    series = {"goal": [*NINE, 8], "task": [*NINE, 8], "bond": [*NINE, 8]} | {scale: [*NINE, 2]}
    change = said(series["bond"], goal=series["goal"], task=series["task"])
    assert change.headline == f"{name} is lower than expected: a possible rupture."
    assert change.scale == scale


def test_deepest_fall_is_the_one_that_is_named():
    # goal … 7 |4|   task … 7 |3|   bond … 7 |1|
    assert said([*NINE, 1], goal=[*NINE, 4], task=[*NINE, 3]).scale == "bond"


def test_series_that_loses_a_little_each_time_is_slipping():
    # 9 6 9 6 9 6 5 5 4 4
    change = said([9, 6, 9, 6, 9, 6, 5, 5, 4, 4])
    assert change.headline == "The bond has been slipping."
    assert (change.tone, change.scale) == ("attention", "bond")
    assert "lower with each session over 10 ratings" in change.detail
    assert "−" in change.detail and "-0" not in change.detail, "a true minus sign"
    assert "Theil–Sen" in change.method[0]


def test_fall_comes_before_slipping():
    # bond 9 6 9 6 9 6 5 5 4 4   task 7 8 7 8 7 8 7 8 7 |1|
    change = said([9, 6, 9, 6, 9, 6, 5, 5, 4, 4], task=[*USUAL, 8, 7, 8, 7, 1])
    assert change.headline.startswith("Agreement on tasks is lower than expected")


def test_series_that_gains_a_little_each_time_is_rising():
    # 4 5 4 5 5 6 6 7 7 8
    change = said([4, 5, 4, 5, 5, 6, 6, 7, 7, 8])
    assert change.headline == "The bond has been rising."
    assert (change.tone, change.scale) == ("settled", "bond")
    assert "higher with each session" in change.detail


def test_series_back_at_what_was_expected_came_back():
    # 7 8 7 8 7 8 7 8 7 |2| 7
    change = said([*NINE, 2, 7])
    assert change.headline == "The bond came back."
    assert (change.tone, change.scale) == ("settled", "bond")
    assert change.detail.startswith("It was 2.0 at session 10, where 5.")
    assert change.detail.endswith("It was back in the next rated session, at session 11, and is 7.0 now.")


def test_series_above_everything_before_its_dip_went_further():
    # 7 8 7 8 7 8 7 8 7 |2| 9
    change = said([*NINE, 2, 9])
    assert change.headline == "The bond came back, and went further."
    assert "above anything before (8.0 at most)" in change.detail


def test_series_that_came_back_and_fell_again_is_lower_than_expected():
    # 7 8 7 8 7 8 7 8 7 2 8 |2|
    assert said([*NINE, 2, 8, 2]).headline == "The bond is lower than expected: a possible rupture."


def test_series_that_stays_low_has_not_come_back():
    # 7 8 7 8 7 8 7 8 7 |2| 3 3: the low level is expected by now, and still not where it was
    change = said([*NINE, 2, 3, 3])
    assert change.headline == "The bond has not come back since session 10."
    assert (change.tone, change.scale) == ("attention", "bond")
    assert change.detail.startswith("It was 2.0 then, where ")
    assert "was expected; now it is 3.0." in change.detail


def test_a_fall_after_a_preset_is_told_as_one():
    # 7 8 7 8 7 8 7 8 7 |2|
    fall = Noticed(10, "bond", "client", observed=2, low=6.5, high=7, sentence="", from_session=9)
    change = change_in_words([trend("bond", [*NINE, 2])], client="Robin", noticed=[fall])
    assert change.headline == "The bond fell: a possible rupture."
    assert change.detail.startswith("Session 10: 2.0, after 7.0 in session 9.")


def test_unrated_session_after_a_fall_leaves_the_fall_standing():
    # 7 8 7 8 7 8 7 8 7 |2| _
    change = said([*NINE, 2, None])
    assert change.headline.startswith("The bond is lower than expected") and change.detail.startswith("Session 10")


def test_return_is_news_for_five_ratings():
    # 7 8 7 8 7 8 7 8 7 |2| 7 7 7 7 7   and one more
    assert said([*NINE, 2, 7, 7, 7, 7, 7]).headline == "The bond came back."
    assert said([*NINE, 2, 7, 7, 7, 7, 7, 7]).headline == "Steady."


def test_what_was_tried_is_told_with_the_fall_and_with_the_return():
    # 7 8 7 8 7 |2|    and    7 8 7 8 7 |2| 3    and    7 8 7 8 7 |2| 8
    def told(values: list[float | None], tried: tuple[int, ...]) -> str:
        trends, noticed = course({"bond": values})
        noticed = [replace(one, tried=tried) for one in noticed]
        return change_in_words(trends, client="Rowan", noticed=noticed, expectation=HOW).detail

    assert told([*USUAL, 2], (6,)).endswith("was expected. A repair was tried in session 6.")
    assert told([*USUAL, 2, 3], (6, 7)).endswith("A repair was tried in sessions 6 and 7.")
    assert "was expected. A repair was tried in session 7. It was back" in told([*USUAL, 2, 8], (7,))
    assert "tried" not in told([*USUAL, 2, 8], ()) and "Worth asking" in told([*USUAL, 2], ())


def test_return_is_the_first_later_session_at_the_threshold_or_above():
    fell = Noticed(3, "bond", "client", 2.0, 5.0, 9.0, "")
    assert came_back_at(fell, [(1, 7.0), (3, 2.0), (5, 4.9), (6, 5.0), (7, 8.0)]) == Return(6, 5.0, after=2)
    assert came_back_at(fell, [(1, 7.0), (3, 2.0), (5, 4.9)]) is None


def test_series_at_the_top_says_what_such_ratings_can_not_show():
    # 10 10 10 9 10 10
    change = said([10, 10, 10, 9, 10, 10])
    assert change.headline == "The bond is rated at the top almost every time."
    assert (change.tone, change.scale) == ("neutral", "bond")
    assert "5 of 6 ratings are 10" in change.detail


def test_all_components_at_the_top_are_named_together():
    # goal, task, bond: 10 10 10 10
    trends = [trend(scale, [10, 10, 10, 10]) for scale in ("goal", "task", "bond")]
    change = change_in_words(trends, client="Robin")
    assert change.headline == (
        "Agreement on goals, agreement on tasks and the bond are rated at the top almost every time."
    )
    assert change.detail.startswith("4 of 4 ratings are 10.")


def test_fall_from_the_top_is_a_possible_rupture_all_the_same():
    # 10 9 10 9 10 10 10 10 10 |3|
    assert said([10, 9, 10, 9, 10, 10, 10, 10, 10, 3]).scale == "bond"
    assert "possible rupture" in said([10, 9, 10, 9, 10, 10, 10, 10, 10, 3]).headline


@given(st.lists(st.lists(st.sampled_from([None, *range(11)]), max_size=14), min_size=3, max_size=3))
def test_every_series_gets_a_sentence_in_a_known_tone(series):
    change = said(series[0], goal=series[1], task=series[2])
    assert change.headline.endswith(".") and change.detail
    assert change.tone in {"neutral", "attention", "settled"}
    assert change.scale in {None, "goal", "task", "bond"}
    assert "None" not in change.headline + change.detail and "nan" not in change.detail


@pytest.mark.parametrize(
    ("values", "expected_word"),
    [
        ([], "no rating"),
        ([7], "too few to say"),
        ([7, 7], "too few to say"),
        ([7, 7, 2], "too few to say"),
        ([7, 8, 7, 2], "too few to say"),
        ([*USUAL], "steady"),
        ([*USUAL, 2], "lower than expected"),
        ([*NINE, 2], "lower than expected"),
        ([9, 6, 9, 6, 9, 6, 5, 5, 4, 4], "slipping"),
        ([4, 5, 4, 5, 5, 6, 6, 7, 7, 8], "rising"),
        ([10, 10, 10, 9, 10, 10], "at the top"),
    ],
)
def test_word_in_the_table_agrees_with_the_sentence(values, expected_word):
    assert word(values) == expected_word


def test_top_is_said_from_three_ratings_on_because_it_claims_no_change():
    # 10 10   and   10 10 10
    assert said([10, 10]).headline == "Latest: bond 10.0."
    assert word([10, 10]) == "too few to say"
    assert said([10, 10, 10]).headline == "The bond is rated at the top almost every time."
    assert word([10, 10, 10]) == "at the top"


def test_rating_that_waits_for_the_therapists_is_not_called_missing():
    change = change_in_words([trend("goal", []), trend("task", []), trend("bond", [])], client="Rowan", waiting=1)
    assert change.headline == "Rated, and not shown yet." and "Rowan has rated" in change.detail


def test_component_with_two_ratings_names_no_change_beside_one_with_three():
    # goal 7 7 |7|   bond _ 7 |2|
    assert "moved" not in said([None, 7, 2], goal=[7, 7, 7]).detail


def test_skipped_component_says_from_which_session_it_is():
    # goal 7 |_|   bond 7 |6|
    assert said([7, 6], goal=[7, None]).headline == "Latest: goal 7.0 (session 1), bond 6.0."


def test_expectation_says_with_which_prior_and_rate():
    known = {"since": "14 March 2026", "one_in": 120, "rate": "default"}
    own = expectation_in_words(version=3, courses=214, needed=None, **known)
    assert "what is usual in your service (version 3, 14 March 2026, from 214 courses)" in own
    assert "at the default rate of your service: about 1 look in 120" in own
    starting = expectation_in_words(version=1, courses=12, needed=30, **known)
    assert "starting values, until your service has 30 courses with five ratings (12 so far)" in starting


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


# --- Measures known by their total ---------------------------------------------------------------------


def total(**changes):
    given = {"n": 8, "since_first": -12.0, "slope": (-2.0, -0.5), "is_reliable": None, "higher_is_better": False}
    return total_in_words(**given | changes)


def test_total_that_falls_is_better_where_lower_is_better():
    assert total() == "falling, which is better; −12.0 since the first"
    assert total(higher_is_better=True) == "falling, which is worse; −12.0 since the first"


def test_total_that_rises_says_so_with_its_sign():
    assert total(since_first=3.0, slope=(0.1, 1.0)) == "rising, which is worse; +3.0 since the first"


def test_slope_whose_interval_holds_zero_claims_no_direction():
    assert total(slope=(-1.0, 0.2)) == total(slope=(None, None)) == "−12.0 since the first"


def test_reliable_change_of_a_total_is_said():
    assert total(is_reliable=True).endswith("−12.0 since the first, more than chance")


def test_nothing_is_said_of_two_totals():
    assert total(n=2) == "too few to say"


def test_episode_with_other_measures_only_names_them():
    assert only_other_measures(["A", "B", "C"]).detail == "Below: A, B and C."
    assert only_other_measures(["A"]).headline == "The alliance has not been rated yet."
