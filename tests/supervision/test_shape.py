"""The V in coordinates, each test with its course."""

from supervision.shape import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, shape, window

SPAN = (0, 10)


def drawn(*values, **more):
    sessions = list(range(1, len(values) + 1))
    return shape(dict(zip(sessions, values, strict=True)), {}, span=SPAN, sessions=sessions, **more)


def test_the_whole_range_is_drawn_from_foot_to_top_and_from_edge_to_edge():
    """10 0 10"""
    found = drawn(10, 0, 10)
    assert [(point.x, point.y) for point in found.points] == [
        (LEFT, TOP),
        ((LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM),
        (WIDTH - RIGHT, TOP),
    ]
    assert len(found.lines) == 1


def test_no_line_runs_over_a_session_without_a_score():
    """7 6 – 5 8"""
    found = drawn(7, 6, None, 5, 8)
    assert len(found.lines) == 2 and found.points[2].y is None and found.points[2].label_y is None


def test_each_session_says_what_it_was_in_a_sign_and_in_words():
    """7 |4| 5 8"""
    found = drawn(7, 4, 5, 8, fell=2, tried={2, 3}, back=4)
    assert [point.sign for point in found.points] == ["", "▼◆", "◆", "●"]
    assert [point.words for point in found.points] == ["", "fell, repair tried", "repair tried", "back"]


def test_numbers_stay_within_the_picture():
    found = drawn(10, 9.8, 0)
    assert all(10 <= point.label_y <= HEIGHT - BOTTOM + 17 for point in found.points)


def test_without_any_score_nothing_is_drawn():
    assert drawn(None, None) is None


def test_one_session_is_a_point():
    found = drawn(5)
    assert found.lines == () and found.sessions == "session 1"


def test_the_window_shows_some_before_and_after_and_reaches_as_far_as_the_return():
    sessions = list(range(1, 31))
    assert window(sessions, around=10) == [6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
    assert window(sessions, around=10, until=20)[-1] == 21
    assert window(sessions, around=2) == [1, 2, 3, 4, 5, 6, 7]
    assert window(sessions, around=None) == list(range(21, 31))
