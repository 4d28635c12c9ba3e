from dataclasses import replace
from itertools import pairwise
from typing import Any

import plotly.graph_objects
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards import figures
from dashboards.figures import Dot, Engagement, Mark, Missed, SessionAxis
from measures.statistics.summary import Point

EXPECTED = {"bond": {1: (5.5, 9.0), 2: (5.0, 9.0), 4: (6.5, 9.5)}, "goal": {}}
MARKS = [
    Mark(4, 6.0, "bond", "client", "attention", "possible rupture", "Bond 6.0; expected 6.5 to 9.5."),
    Mark(2, 8.0, "bond", "client", "settled", "back", "Back at what was expected."),
]
VALUES = st.one_of(st.none(), st.floats(0, 10))


def points(*values: float | None) -> list[Point]:
    return [Point(session, value) for session, value in enumerate(values, start=1)]


def up_to(last: int, labels: dict[int, str] | None = None, *, first: int = 1) -> SessionAxis:
    return SessionAxis(first, last, labels or {})


def alliance(**changes: Any) -> figures.Figure:
    series = {
        (rater, scale): points(7, 8, None, 6) for rater in ("therapist", "client") for scale in ("goal", "task", "bond")
    }
    given = {"series": series, "value_range": (0, 10), "axis": up_to(4)}
    given |= changes
    return figures.alliance_figure(given.pop("series"), **given)


def is_valid(figure: figures.Figure) -> bool:
    """Plotly's own schema: raises ValueError for anything it does not know."""
    return bool(plotly.graph_objects.Figure(figure).to_dict()["layout"])


def line(figure: figures.Figure, rater: str, scale: str) -> dict[str, Any]:
    return next(t for t in figure["data"] if t["meta"] == {"role": scale, "rater": rater})


# --- The alliance -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "figure",
    [
        alliance(),
        alliance(missed=[Missed(3, "Did not attend")], expected=EXPECTED, marks=MARKS),
        alliance(marks=[*MARKS, Mark(3, 7.0, "bond", "client", "repair", "repair", "Repair attempt: owned a part.")]),
        alliance(expected=EXPECTED, marks=MARKS, is_rescaled=True),
        alliance(engagement=Engagement(5, challenged_in=3)),
        alliance(series={}),
        alliance(series={("client", "bond"): points(None, None)}),
        figures.total_figure(points(3, None, 4), value_range=(0, 10), axis=up_to(3)),
        figures.total_figure([], value_range=(0, 10), axis=up_to(1)),
        figures.caseload_figure([], value_range=(0, 10)),
        figures.caseload_figure([Dot("R-1", "/x/", 7, -1, True), Dot("R-2", "/y/", 7, 1, False)], value_range=(0, 10)),
    ],
)
def test_figure_is_valid_plotly(figure):
    assert is_valid(figure)


def test_schema_refuses_a_figure_that_is_wrong():
    figure = alliance()
    figure["data"][0]["markers"] = {}
    with pytest.raises(ValueError):
        is_valid(figure)


@given(st.lists(VALUES, min_size=1, max_size=60))
def test_line_has_one_point_per_planned_session_and_a_gap_for_every_missing_one(values):
    figure = alliance(series={("client", "bond"): points(*values)}, axis=up_to(len(values)))
    trace = line(figure, "client", "bond")
    assert trace["x"] == list(range(1, len(values) + 1))
    assert trace["y"] == values
    assert trace["connectgaps"] is False
    assert is_valid(figure)


def test_no_line_is_joined_over_a_gap():
    outcome = figures.total_figure(points(3, None, 4), value_range=(0, 10), axis=up_to(3))
    assert [trace["connectgaps"] for trace in [*alliance()["data"], *outcome["data"]]] == [False] * 7
    assert outcome["data"][0]["y"] == [3, None, 4]


@pytest.mark.parametrize("value_range", [(0, 10), (1, 7), (1, 5), (0, 4)])
def test_axis_shows_the_full_range_of_the_scale(value_range):
    low, high = value_range
    for figure in (
        alliance(series={("client", "bond"): points(low, high)}, value_range=value_range),
        figures.total_figure(points(high, high), value_range=value_range, axis=up_to(2)),
    ):
        axis = figure["layout"]["yaxis"]
        below, above = low - axis["range"][0], axis["range"][1] - high
        assert 0 < below < 0.1 * (high - low) and 0 < above < 0.1 * (high - low)
        assert axis["tick0"] == low and axis["fixedrange"] is True


@pytest.mark.parametrize("last_session", [1, 4, 20, 21, 40, 41, 60, 200])
def test_session_axis_reaches_the_last_session_with_ticks_that_can_be_read(last_session):
    axis = alliance(axis=up_to(last_session))["layout"]["xaxis"]
    assert axis["range"][0] < 1 and axis["range"][1] > last_session
    assert axis["tickvals"][0] == 1 and len(axis["tickvals"]) <= 40
    assert axis["ticktext"] == [str(tick) for tick in axis["tickvals"]]


@pytest.mark.parametrize(
    ("span", "step"), [(10, 2), (6, 1), (4, 1), (63, 10), (40, 10), (27, 5), (252, 50), (1, 0.2), (0.5, 0.1)]
)
def test_values_are_marked_in_even_steps(span, step):
    assert figures.even_step(span) == pytest.approx(step)
    assert span / figures.even_step(span) <= 7


def test_line_stops_where_another_part_of_the_episode_begins():
    """B 1 2 | F1: the follow-up is not the next session."""
    axis = figures.SessionAxis(0, 3, {0: "Baseline", 3: "Follow-up 1"}, frozenset({1, 3}))
    given = [Point(0, 20), Point(1, 21), Point(2, 18), Point(3, 9)]
    (trace,) = figures.total_figure(given, value_range=(0, 63), axis=axis)["data"]
    assert trace["x"] == [0, 1, 1, 2, 3, 3]
    assert trace["y"] == [20, None, 21, 18, None, 9]
    assert trace["customdata"] == ["Baseline", "Session 1", "Session 1", "Session 2", "Follow-up 1", "Follow-up 1"]


def test_named_meetings_are_short_on_the_axis():
    layout = alliance(axis=up_to(3, {0: "Baseline", 3: "Follow-up 12"}, first=0))["layout"]["xaxis"]
    assert layout["ticktext"] == ["B", "1", "2", "F12"]


def test_client_is_solid_and_filled_and_therapist_dashed_and_open():
    for scale in ("goal", "task", "bond"):
        client, therapist = line(alliance(), "client", scale), line(alliance(), "therapist", scale)
        assert (client["line"]["dash"], therapist["line"]["dash"]) == ("solid", "dash")
        assert therapist["marker"]["symbol"] == f"{client['marker']['symbol']}-open"
        assert client["line"]["color"] == therapist["line"]["color"] == figures.COLOURS[scale]


def test_components_differ_in_colour_and_in_shape():
    lines = [line(alliance(), "client", scale) for scale in ("goal", "task", "bond")]
    assert len({trace["line"]["color"] for trace in lines}) == 3
    assert len({trace["marker"]["symbol"] for trace in lines}) == 3


def test_meetings_that_did_not_take_place_are_marked_on_the_axis_with_the_reason():
    figure = alliance(missed=[Missed(2, "Cancelled by us"), Missed(3, "Did not attend")], value_range=(1, 7), series={})
    (trace,) = figure["data"]
    assert (trace["x"], trace["y"]) == ([2, 3], [1, 1])
    assert trace["customdata"] == ["Cancelled by us", "Did not attend"]
    assert trace["mode"] == "markers" and trace["marker"]["symbol"] == "x"


def traces_of(figure: figures.Figure, kind: str) -> list[dict[str, Any]]:
    return [trace for trace in figure["data"] if trace["meta"].get("kind") == kind]


def test_expected_range_lies_behind_its_own_component_and_is_broken_at_missed_sessions():
    """Steps of session 1 and 2, then a gap, then 4; goal was not held against anything and has no band."""
    figure = alliance(expected=EXPECTED)
    (band,) = traces_of(figure, "band")
    assert figure["data"][0] is band and band["meta"]["role"] == "bond"
    assert band["x"] == [0.5, 1.5, 1.5, 2.5, 2.5, 1.5, 1.5, 0.5, 0.5, None, 3.5, 4.5, 4.5, 3.5, 3.5]
    assert band["y"] == [9, 9, 9, 9, 5, 5, 5.5, 5.5, 9, None, 9.5, 9.5, 6.5, 6.5, 9.5]


def words_of(figure: figures.Figure) -> dict[str, dict[str, Any]]:
    return {note["text"]: note for note in figure["layout"]["annotations"] if note["name"] in ("attention", "settled")}


def test_what_was_noticed_stands_beneath_its_point_and_what_came_back_above():
    figure = alliance(marks=MARKS)
    noticed, back = traces_of(figure, "mark")
    assert (noticed["x"], noticed["y"]) == ([4], [5.5])
    assert (back["x"], back["y"]) == ([2], [8.5])
    assert noticed["marker"]["symbol"] != back["marker"]["symbol"]
    words = words_of(figure)
    assert (words["possible rupture"]["yanchor"], words["back"]["yanchor"]) == ("top", "bottom")


REPAIR = replace(MARKS[0], session=3, value=7.0, role="repair", word="repair")


def test_what_was_tried_has_a_mark_of_its_own_beneath_its_point():
    noticed, tried, back = traces_of(alliance(marks=[*MARKS, REPAIR]), "mark")
    assert (tried["name"], tried["x"], tried["y"]) == ("Repair attempt", [3], [6.5])
    assert len({trace["marker"]["symbol"] for trace in (noticed, tried, back)}) == 3
    assert tried["meta"]["role"] == back["meta"]["role"] == "settled"
    assert words_of(alliance(marks=[REPAIR]))["repair"]["yanchor"] == "top"


def test_what_was_tried_stands_above_where_something_fell_in_the_same_session_or_when_it_asks_for_it():
    same = replace(REPAIR, session=4, value=6.0)
    (noticed, tried) = traces_of(alliance(marks=[MARKS[0], same]), "mark")
    assert (noticed["y"], tried["y"]) == ([5.5], [6.5])
    (tried,) = traces_of(alliance(marks=[replace(REPAIR, is_above=True)]), "mark")
    assert tried["y"] == [7.5]


def test_mark_at_the_end_of_the_scale_stands_on_the_side_that_has_room():
    ends = [replace(MARKS[0], value=0.5), replace(MARKS[1], value=10)]
    noticed, back = traces_of(alliance(marks=ends), "mark")
    assert (noticed["y"], back["y"]) == ([1.0], [9.5])


def test_words_near_the_ends_of_the_axis_reach_inwards():
    at = {session: replace(MARKS[0], session=session, word=str(session)) for session in (1, 6, 10)}
    words = words_of(alliance(marks=list(at.values()), axis=up_to(10)))
    assert [words[str(session)]["xanchor"] for session in at] == ["left", "center", "right"]


def test_part_of_an_earlier_fall_is_marked_without_a_word():
    figure = alliance(marks=[MARKS[0], replace(MARKS[0], session=5, word="")])
    assert traces_of(figure, "mark")[0]["x"] == [4, 5] and list(words_of(figure)) == ["possible rupture"]


def test_point_says_what_was_expected_of_it_and_the_noticed_one_its_sentence():
    bond = line(alliance(expected=EXPECTED, marks=MARKS[:1]), "client", "bond")
    assert bond["text"] == [
        "<br>expected 5.5 to 9.0",
        "<br>expected 5.0 to 9.0",
        "",
        "<br>Bond 6.0; expected 6.5 to 9.5.",
    ]
    assert line(alliance(expected=EXPECTED), "therapist", "bond")["text"] == [""] * 4


def test_rescaled_figure_has_the_lowest_answer_at_0_and_the_highest_at_1():
    series = {("client", "bond"): points(1, 4, None, 7)}
    expected = {"bond": {4: (2.5, 7.0)}}
    figure = alliance(series=series, value_range=(1, 7), expected=expected, marks=MARKS[:1], is_rescaled=True)
    assert line(figure, "client", "bond")["y"] == [0, 0.5, None, 1]
    (band,) = traces_of(figure, "band")
    assert min(band["y"]) == 0.25 and max(band["y"]) == 1
    assert figure["layout"]["yaxis"]["range"] == [-0.04, 1.04]
    assert (
        "expected 0.25 to 1.00"
        in line(alliance(series=series, value_range=(1, 7), expected=expected, is_rescaled=True), "client", "bond")[
            "text"
        ][3]
    )


def test_zoom_is_the_part_of_the_scale_that_is_used():
    low, high = alliance(expected=EXPECTED)["layout"]["meta"]["zoom"]
    assert 4 < low < 5 and 9.5 < high < 10.5
    low, high = alliance(series={})["layout"]["meta"]["zoom"]
    assert low < 0 and high > 10


@given(st.lists(st.floats(0, 10), min_size=3, max_size=3))
def test_labels_at_the_end_of_the_lines_are_kept_apart(ends):
    series = {("client", s): points(5, end) for s, end in zip(("goal", "task", "bond"), ends, strict=True)}
    labels = alliance(series=series, axis=up_to(2))["layout"]["annotations"]
    heights = sorted(label["y"] for label in labels)
    assert len(heights) == 3
    assert all(above - below >= 10 * figures.LABEL_HEIGHT - 1e-9 for below, above in pairwise(heights))


def test_label_stands_beside_the_last_rated_session_of_the_client():
    figure = alliance(series={("client", "bond"): points(7, 6, None), ("therapist", "goal"): points(1, 1, 1)})
    (label,) = figure["layout"]["annotations"]
    assert (label["x"], label["y"], label["text"]) == (2, 6, "Bond")


# --- The caseload -----------------------------------------------------------------------------------


def as_plotly_shows(text: str) -> str:
    """Plotly turns tags into markup and then a few entities back into characters."""
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return text


HOSTILE = ['<a href="https://evil.example">R-1</a>', "<b>R</b>", "R&amp;D", "<br>", "${alert(1)}", "$$x$$", "%{x}"]


@given(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30), st.text("<>&;ltgamp/ahref=\"'${}%", max_size=30)))
def test_code_stays_text_in_the_caseload(code):
    figure = figures.caseload_figure([Dot(code, "/x/", 7, -1, True)], value_range=(0, 10))
    (shown,) = figure["data"][0]["text"]
    assert "<" not in shown and ">" not in shown, "markup would become a live link"
    assert as_plotly_shows(shown) == code
    assert is_valid(figure)
    figure["data"][0]["text"] = [""]
    assert figure == figures.caseload_figure([Dot("", "/x/", 7, -1, True)], value_range=(0, 10)), "it is nowhere else"


def test_code_takes_no_part_in_the_template_of_the_hover_text():
    templates = {
        trace["hovertemplate"]
        for code in HOSTILE
        for trace in figures.caseload_figure([Dot(code, "/x/", 7, -1, False)], value_range=(0, 10))["data"]
    }
    assert templates == {"%{text}<br>Bond now %{y:.1f}, change %{x:+.1f}<extra></extra>"}


def test_dots_lead_to_their_pages_and_those_worth_a_look_differ_in_shape():
    dots = [Dot("R-1", "/1/", 7, -3, True), Dot("R-2", "/2/", 8, 0.5, False)]
    others, worth_a_look = figures.caseload_figure(dots, value_range=(0, 10))["data"]
    assert others["customdata"] == [{"url": "/2/"}] and worth_a_look["customdata"] == [{"url": "/1/"}]
    assert (worth_a_look["x"], worth_a_look["y"]) == ([-3], [7])
    assert others["marker"]["symbol"] != worth_a_look["marker"]["symbol"]


def test_codes_of_dots_at_one_place_stand_at_different_sides_of_it():
    dots = [Dot(f"R-{number}", "/", 7, -3, True) for number in range(3)]
    (trace,) = figures.caseload_figure(dots, value_range=(0, 10))["data"]
    assert len(set(trace["textposition"])) == 3


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(-10, 10)), min_size=1, max_size=20))
def test_every_dot_lies_inside_the_axes(found):
    dots = [Dot(f"R-{i}", "/", bond, change, bool(i % 2)) for i, (bond, change) in enumerate(found)]
    figure = figures.caseload_figure(dots, value_range=(0, 10))
    low, high = figure["layout"]["xaxis"]["range"]
    assert low == -high
    assert all(low < change < high for _, change in found)
    assert sum(len(trace["x"]) for trace in figure["data"]) == len(dots)


# --- The engagement phase ---------------------------------------------------------------------------


@pytest.mark.parametrize("sessions", [1, 5, 20])
def test_first_sessions_are_shaded_beneath_the_lines_with_a_word_above_them(sessions):
    layout = alliance(engagement=Engagement(sessions), axis=up_to(14))["layout"]
    (shape,) = layout["shapes"]
    assert (shape["x0"], shape["x1"], shape["layer"], shape["yref"]) == (0.5, sessions + 0.5, "below", "paper")
    word = next(note for note in layout["annotations"] if note["text"] == "engagement")
    assert (word["x"], word["y"], word["yanchor"]) == (0.5, 1, "bottom"), "outside the plot, where no line runs"
    assert layout["margin"]["t"] >= 24


def test_shading_and_challenge_have_the_roles_that_give_them_their_colours():
    layout = alliance(engagement=Engagement(5, challenged_in=2))["layout"]
    assert [shape["name"].split()[0] for shape in layout["shapes"]] == ["neutral", "total"]
    names = {note["text"]: note["name"].split()[0] for note in layout["annotations"]}
    assert (names["engagement"], names["first challenge"]) == ("neutral", "total")


@pytest.mark.parametrize(("session", "side"), [(1, "left"), (7, "center"), (14, "right")])
def test_first_challenge_is_a_line_with_a_word_that_stays_on_the_chart(session, side):
    layout = alliance(engagement=Engagement(5, challenged_in=session), axis=up_to(14))["layout"]
    _shaded, line = layout["shapes"]
    assert (line["type"], line["x0"], line["x1"], line["line"]["dash"]) == ("line", session, session, "dot")
    assert next(note for note in layout["annotations"] if note["text"] == "first challenge")["xanchor"] == side


def test_chart_without_an_engagement_phase_has_neither():
    assert "shapes" not in alliance()["layout"]
