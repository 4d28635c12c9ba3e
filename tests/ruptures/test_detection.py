"""Possible ruptures, erosion and hints. The series stands above each test, what is found between bars."""

import json
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ruptures.detection import (
    PRESETS,
    Component,
    Erosion,
    PossibleWithdrawal,
    Preset,
    component,
    gradual_erosion,
    possible_withdrawal,
    rupture_episodes,
    therapist_above,
)

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "vectors.json").read_text("utf-8"))
OWN = Preset("test", "1 SD of its own", k=1, is_stricter=False, is_reliable=False)
steady = settings(deadline=None)


def found(*scores, preset=OWN, **more):
    """Episodes of scores by session from 1, None for a missed rating."""
    scored = [(session, score) for session, score in enumerate(scores, start=1) if score is not None]
    return rupture_episodes([s for s, _ in scored], [v for _, v in scored], preset, **more)


def short(*scores, **more):
    return [
        (each.session, each.peak, each.lowest, each.repaired_session, each.status) for each in found(*scores, **more)
    ]


# Episodes


def test_the_reference_series_has_its_two_episodes():
    # 64 66 67 |55 60| 66 68 69 68 |57 58 59
    [vector] = [vector for vector in VECTORS if vector["id"] == "vepisode_1"]
    given_, expected = vector["input"], vector["expected"]
    # The tolerance is given in points, and the SD is rounded.
    preset = replace(OWN, k=given_["k"], window=given_["window"], tolerance=given_["tol"] / expected["sd"] + 1e-9)
    assert [
        {"rupture_session": each.session, "drop": each.drop, "repaired_session": each.repaired_session}
        for each in found(*given_["x"], preset=preset)
    ] == expected["episodes"]


def test_a_fall_that_comes_back_is_repaired():
    # 36 37 36 |28 30| 36 36
    assert short(36, 37, 36, 28, 30, 36, 36) == [(4, 36, 28, 6, "repaired")]


def test_a_fall_that_stays_is_open_while_the_window_lasts_and_then_unrepaired():
    # 36 37 36 |28 29 29| 28
    assert short(36, 37, 36, 28, 29, 29) == [(4, 36, 28, None, "open")]
    assert short(36, 37, 36, 28, 29, 29, 28) == [(4, 36, 28, None, "unrepaired")]


def test_the_window_counts_scored_sessions():
    # 36 37 36 |28 . . 29 .| 36
    assert short(36, 37, 36, 28, None, None, 29, None, 36) == [(4, 36, 28, 9, "repaired")]


def test_a_second_fall_before_the_repair_belongs_to_the_first():
    # 36 37 36 |30 22 31| 36 36
    assert short(36, 37, 36, 30, 22, 31, 36, 36, preset=replace(OWN, k=0.9)) == [(4, 36, 22, 7, "repaired")]


def test_a_fall_after_the_repair_is_another():
    # 36 37 36 |28| 36 36 |28| 36
    assert [each[0] for each in short(36, 37, 36, 28, 36, 36, 28, 36)] == [4, 7]


def test_half_the_fall_made_good_is_enough_where_that_is_asked():
    # 36 37 36 |28| 32 31 32 31
    series = (36, 37, 36, 28, 32, 31, 32, 31)
    assert short(*series)[0][-1] == "unrepaired"
    assert short(*series, preset=replace(OWN, is_half=True)) == [(4, 36, 28, 5, "repaired")]


def test_the_stricter_of_both_sds_decides():
    # 36 37 36 |34| 36 36: its own SD is .98, the service's 3
    gumz = PRESETS["gumz-lenient"]
    assert short(36, 37, 36, 34, 36, 36, preset=gumz, sd_of_change=0.5)
    assert short(36, 37, 36, 34, 36, 36, preset=gumz, sd_of_change=3) == []
    assert short(36, 37, 36, 28, 36, 36, preset=gumz, sd_of_change=3)


def test_the_own_series_asks_for_a_reliable_change_as_well():
    # 36 37 36 |32| 36 36
    own = PRESETS["own-series"]
    assert short(36, 37, 36, 32, 36, 36, preset=own, reliable_change=3)
    assert short(36, 37, 36, 32, 36, 36, preset=own, reliable_change=5) == []


def test_what_a_preset_needs_and_five_scores_are_needed():
    assert found(36, 37, 36, 28) is None
    assert found(36, 37, 36, 28, 30, preset=PRESETS["gumz-strict"]) is None
    assert found(36, 37, 36, 28, 30, preset=PRESETS["own-series"]) is None


def test_the_presets_are_these():
    assert [
        (p.name, p.k, p.is_stricter, p.is_reliable, p.window, p.tolerance, p.is_half) for p in PRESETS.values()
    ] == [
        ("gumz-lenient", 1, True, False, 3, 0.5, False),
        ("gumz-strict", 2, True, False, 3, 0.5, False),
        ("own-series", 1.5, False, True, 3, 0.5, False),
    ]


def test_detection_refuses_what_it_cannot_use():
    for sessions, scores, message in (
        ([1, 2], [1], "its session"),
        ([2, 1], [1, 2], "rise"),
        ([1], [math.nan], "finite"),
    ):
        with pytest.raises(ValueError, match=message):
            rupture_episodes(sessions, scores, OWN)


quarters = st.integers(0, 40).map(lambda quarter: quarter / 4)
series = st.lists(st.one_of(st.none(), quarters), min_size=5, max_size=15)


@steady
@given(series, st.sampled_from([0.5, 2, 8]), st.integers(-50, 50))
def test_episodes_move_with_the_scores(scores, a, b):
    # Powers of two and whole numbers, so that the arithmetic is exact.
    for preset in PRESETS.values():
        before = found(*scores, preset=preset, sd_of_change=1, reliable_change=1)
        moved = [None if score is None else a * score + b for score in scores]
        after = found(*moved, preset=preset, sd_of_change=a, reliable_change=a)
        assert [(e.session, e.repaired_session, e.status) for e in before or ()] == [
            (e.session, e.repaired_session, e.status) for e in after or ()
        ]


@steady
@given(quarters, st.integers(5, 20))
def test_a_constant_series_has_no_episode(score, n):
    for preset in (OWN, *PRESETS.values()):
        assert found(*[score] * n, preset=preset, sd_of_change=1, reliable_change=1) == ()


@steady
@given(series, st.integers(0, 5))
def test_nulls_at_the_end_change_nothing(scores, extra):
    assert found(*scores, *[None] * extra) == found(*scores)


@steady
@given(series)
def test_episodes_do_not_overlap(scores):
    episodes = found(*scores) or ()
    for earlier, later in pairwise(episodes):
        assert later.session > (earlier.repaired_session or earlier.session)
        assert earlier.lowest < earlier.peak


# Gradual erosion


def test_a_run_of_falls_is_erosion():
    # 36 37 |36 35 34 33| 34
    assert gradual_erosion(range(1, 8), [36, 37, 36, 35, 34, 33, 34]) == Erosion(2, 6, 4, 4)


def test_a_single_fall_or_a_small_run_is_none():
    # 36 37 37 |28| 36 37
    assert gradual_erosion(range(1, 7), [36, 37, 37, 28, 36, 37]) is None
    # 30 |29.9 29.8| 40 20 40
    assert gradual_erosion(range(1, 7), [30, 29.9, 29.8, 40, 20, 40]) is None
    assert gradual_erosion(range(1, 5), [4, 3, 2, 1]) is None


def test_of_runs_equally_long_the_latest_is_told():
    # 9 |7 5| 9 |7 5| 9
    assert gradual_erosion(range(1, 8), [9, 7, 5, 9, 7, 5, 9]).last_session == 6


# The component


def test_the_component_that_fell_most_in_its_own_spread_is_named():
    # goal 8 to 6 at SD 2, bond 8 to 6.5 at SD .5
    before, now = {"goal": 8, "task": 7, "bond": 8}, {"goal": 6, "task": 7.5, "bond": 6.5}
    assert component(before, now, {"goal": 2, "task": 1, "bond": 0.5}) == Component("bond", 3)


def test_no_component_is_named_where_none_fell_or_one_is_missing():
    spread = {"goal": 1, "bond": 1}
    assert component({"goal": 5, "bond": 5}, {"goal": 5, "bond": 6}, spread) is None
    assert component({"goal": 5, "bond": None}, {"goal": 4}, spread) == Component("goal", 1)
    with pytest.raises(ValueError, match="greater than 0"):
        component({}, {}, {"goal": 0})


# Therapist above client


def test_a_therapist_above_beyond_the_usual_gap_is_told():
    # gaps -.2 -.1 -.15 -.1 -.2 |.2|
    usual = [-0.2, -0.1, -0.15, -0.1, -0.2]
    above = therapist_above([*usual, 0.2])
    assert (above.gap, above.earlier_n) == (0.2, 5)
    assert above.usual_at_most < 0.2


@pytest.mark.parametrize(
    "gaps",
    [
        [],
        [0.3],
        [-0.2, -0.1, -0.15, -0.1, 0.3],  # four earlier ones
        [-0.21, -0.2, -0.2, -0.2, -0.2, -0.05],  # beyond the usual, and still below the client
        [0.1, 0.3, 0.0, 0.2, 0.3, 0.25],  # above, as usual
        [-0.2] * 5 + [0.3],  # no spread, no limit
    ],
)
def test_other_gaps_are_not(gaps):
    assert therapist_above(gaps) is None


# Attendance


def test_missed_within_two_sessions_after_a_fall_is_a_hint():
    # 1 2 |3| 4 |x|
    assert possible_withdrawal([1, 2, 3, 4, 5], {5}, {3}) == PossibleWithdrawal((5,), 3)
    assert possible_withdrawal([1, 2, 3, 4, 5, 6], {6}, {3}) is None


def test_two_of_the_last_four_are_a_hint_without_a_fall():
    # 1 2 |x| 4 |x|
    assert possible_withdrawal([1, 2, 3, 4, 5], {3, 5}, set()) == PossibleWithdrawal((3, 5), None)
    assert possible_withdrawal([1, 2, 3, 4, 5], {1, 5}, set()) is None
    assert possible_withdrawal([], {1}, set()) is None
