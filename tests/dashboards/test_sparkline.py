from hypothesis import given
from hypothesis import strategies as st

from dashboards.sparkline import EDGE, HEIGHT, WIDTH, sparkline

VALUES = st.lists(st.one_of(st.none(), st.floats(0, 10)), max_size=60)


def places(drawn) -> list[tuple[float, float]]:
    joined = [tuple(map(float, place.split(","))) for line in drawn.lines for place in line.split()]
    return joined + list(drawn.dots)


def test_line_goes_from_left_to_right_and_from_low_to_high():
    drawn = sparkline([0, 5, 10], low=0, high=10)
    assert drawn.lines == ("4,24 60,14 116,4",)
    assert drawn.dots == ((116, 4),)


def test_no_line_is_joined_over_a_missing_value():
    """6 7 – 8 – 9 9"""
    drawn = sparkline([6, 7, None, 8, None, 9, 9], low=0, high=10)
    assert [len(line.split()) for line in drawn.lines] == [2, 2]
    assert len(drawn.dots) == 2, "the single one, and the last"


def test_nothing_is_drawn_of_nothing():
    assert sparkline([], low=0, high=10) == sparkline([None, None], low=0, high=10)


def test_single_value_is_one_dot():
    assert sparkline([None, 3], low=1, high=5).dots == ((116, 14),)


@given(VALUES)
def test_every_value_has_its_place_inside_the_frame_and_missing_ones_have_none(values):
    drawn = sparkline(values, low=0, high=10)
    assert all(EDGE <= x <= WIDTH - EDGE and EDGE <= y <= HEIGHT - EDGE for x, y in places(drawn))
    there = [value for value in values if value is not None]
    assert len({x for x, _ in places(drawn)}) == len(there)
