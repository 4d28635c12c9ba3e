import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.targets import (
    BELOW_NOTHING,
    NOT_A_TARGET,
    Target,
    aim_in_words,
    change_of,
    number_of,
    plain,
    progress_towards,
    read_target,
)

NUMBERS = st.integers(0, 999_999_999).map(lambda thousandths: thousandths / 1000)
CHANGES = st.integers(-100_000, 999_999).map(lambda thousandths: Target(thousandths / 1000, is_relative=True))


@pytest.mark.parametrize(
    ("written", "target"),
    [
        ("4", Target(4)),
        (" 2,5 ", Target(2.5)),
        ("0", Target(0)),
        ("−50 %", Target(-50, True)),
        ("-50%", Target(-50, True)),
        ("+20 %", Target(20, True)),
        ("50 % fewer", Target(-50, True)),
        ("50% Less", Target(-50, True)),
        ("30 % more", Target(30, True)),
        ("half", Target(-50, True)),
        ("-100 %", Target(-100, True)),
        ("0 %", Target(0, True)),
    ],
)
def test_target_is_read_as_people_write_it(written, target):
    assert read_target(written) == target


@pytest.mark.parametrize(
    "written", ["", "soon", "4 times", "4 fewer", "-4", "4 %%", "−50 % fewer", "50 % better", "1234567", "1.2345", "²"]
)
def test_what_is_no_target_says_how_one_is_written(written):
    with pytest.raises(ValueError) as refused:
        read_target(written)
    assert str(refused.value) == NOT_A_TARGET


def test_change_without_a_direction_is_asked_for_one():
    with pytest.raises(ValueError, match="−50 % is less than at the start"):
        read_target("50 %")


def test_target_below_nothing_is_refused():
    with pytest.raises(ValueError) as refused:
        read_target("120 % less")
    assert str(refused.value) == BELOW_NOTHING


@pytest.mark.parametrize(
    ("target", "baseline", "number"),
    [
        (Target(-50, True), 8, 4),  # half the baseline
        (Target(25, True), 8, 10),
        (Target(-100, True), 8, 0),
        (Target(4), 8, 4),
        (Target(4), None, 4),
        (Target(-50, True), None, None),
        (None, 8, None),
    ],
)
def test_relative_target_is_a_number_once_there_is_a_baseline(target, baseline, number):
    assert number_of(target, baseline) == number


@given(NUMBERS.map(Target) | CHANGES)
def test_what_is_written_of_a_target_reads_as_that_target(target):
    assert read_target(str(target)) == target


@given(st.integers(-100, 900), st.integers(1, 100_000))
def test_change_leads_to_a_number_and_back(change, baseline):
    target = Target(change, is_relative=True)
    assert change_of(number_of(target, baseline), baseline) == target


def test_nothing_is_a_share_of_nothing():
    assert change_of(4, 0) is None


@pytest.mark.parametrize(
    ("target", "baseline", "words"),
    [
        (Target(-50, True), 8, "panic attacks a week: from 8 to 4 (−50 %)"),
        (Target(4), 8, "panic attacks a week: from 8 to 4 (−50 %)"),
        (Target(2), 0, "panic attacks a week: from 0 to 2"),
        (Target(4), None, "panic attacks a week: target 4"),
        (Target(-50, True), None, "panic attacks a week: target −50 % of the start, which is not known yet"),
        (None, 8, "panic attacks a week: 8 at the start"),
        (None, None, "panic attacks a week"),
    ],
)
def test_aim_is_one_line_whatever_is_known_of_it(target, baseline, words):
    assert aim_in_words(target, baseline=baseline, metric="panic attacks a week") == words


def test_goal_without_a_measure_has_no_aim_in_words():
    assert aim_in_words(None, baseline=None, metric="") == ""


@pytest.mark.parametrize(
    ("target", "baseline", "now", "share", "words"),
    [
        (Target(-50, True), 8, 6, 0.5, "50 % of the way"),
        (Target(4), 8, 4, 1, "at the target"),
        (Target(4), 8, 2, 1.5, "past the target"),
        (Target(4), 8, 8, 0, "where it started"),
        (Target(4), 8, 9, -0.25, "further away than at the start"),
        (Target(2), 0, 1, 0.5, "50 % of the way"),
        (None, 8, 6, None, "no target yet"),
        (Target(-50, True), None, 6, None, "where it started is not known yet"),
        (Target(4), None, 6, None, "where it started is not known yet"),
        (Target(8), 8, 6, None, "the target is where it started"),
        (Target(-50, True), 0, 6, None, "the target is where it started"),
        (Target(4), 8, None, None, "not measured since"),
    ],
)
def test_progress_is_a_share_of_the_way_or_the_reason_why_there_is_none(target, baseline, now, share, words):
    progress = progress_towards(target, baseline=baseline, now=now)
    assert (progress.share, progress.words) == (share, words)


@given(CHANGES | NUMBERS.map(Target), st.integers(1, 100_000))
def test_start_and_target_are_the_two_ends_of_the_way(target, baseline):
    number = number_of(target, baseline)
    if number != baseline:
        assert progress_towards(target, baseline=baseline, now=baseline).share == 0
        assert progress_towards(target, baseline=baseline, now=number).share == 1


@pytest.mark.parametrize(("value", "words"), [(4.0, "4"), (2.5, "2.5"), (-50, "−50"), (0.125, "0.125"), (100, "100")])
def test_numbers_have_the_digits_they_need(value, words):
    assert plain(value) == words
