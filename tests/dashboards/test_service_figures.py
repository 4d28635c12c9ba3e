"""Each chart of the service is one that Plotly knows, is labelled where it stands, and shows nothing that is hidden."""

import plotly.graph_objects
import pytest

from dashboards import methods, service_figures, service_words
from dashboards.selectors.service import DRAW
from dashboards.service_charts import CHARTS
from dashboards.service_summaries import summaries_of, tables_of
from measures.statistics.early_alliance import THIRDS
from tests.dashboards.courses import TODAY, course, service

ROW = {"n": 24, "goal": [6.9, 6.4, 7.3], "task": [6.5, 6.0, 7.0], "bond": [7.4, 7.0, 7.9]}


@pytest.fixture(scope="module")
def summaries():
    """Of a large service, of one that is just large enough, and of one in which nobody is unlike another."""
    services = [service(3, clients=400), service(5, clients=12), [course(number) for number in range(30)]]
    return [one for facts in services for one in summaries_of(facts, tables_of(facts, today=TODAY), today=TODAY)]


def is_valid(figure):
    """Plotly's own schema: raises ValueError for anything it does not know."""
    return bool(plotly.graph_objects.Figure(figure).to_dict()["layout"])


@pytest.mark.parametrize("key", DRAW)
def test_figures_are_ones_that_plotly_knows(summaries, key):
    drawn = [DRAW[key](one.body[key]) for one in summaries if one.body[key]]
    assert drawn and all(map(is_valid, drawn))


@pytest.mark.parametrize("count", [1, 4, 40])
def test_therapists_are_a_row_each_as_far_as_there_is_room(count):
    figure = service_figures.therapists_figure([(f"A <b>{number}", ROW) for number in range(count)])
    assert is_valid(figure)
    assert len(figure["data"][0]["y"]) == min(count, service_figures.MOST_ROWS)
    assert figure["data"][0]["customdata"][0] == "A &lt;b&gt;0", "a name is never markup"


def test_every_chart_is_drawn_and_has_words_and_a_note():
    keys = [chart.key for chart in CHARTS]
    assert {*DRAW, "therapists"} == set(keys) == set(service_words.QUESTIONS) == set(methods.OF_THE_SERVICE)


def test_what_is_not_shown_has_its_name_and_no_bar():
    figure = service_figures.bars_figure([("Back", 30), ("Not back", None)], of=40)
    assert figure["data"][0]["x"] == [75, None]
    assert [note["text"] for note in figure["layout"]["annotations"]] == [
        "Back: 30 (75 %)",
        "Not back: too few to be shown",
    ]


def test_lines_stop_where_too_few_rated():
    rows = [{"session": 1, "stayed": {"n": 9, "means": [7, 6, 8]}}, {"session": 2}]
    figure = service_figures.alliance_figure({"rows": rows, "n": {"stayed": 9, "left": None}})
    assert [trace["y"] for trace in figure["data"]] == [[7, None], [6, None], [8, None]]
    assert not any(trace["connectgaps"] for trace in figure["data"])


def test_those_who_left_are_told_from_those_who_stayed_without_colour():
    both = {"n": 9, "means": [7, 6, 8]}
    figure = service_figures.alliance_figure({"rows": [{"session": 1, "stayed": both, "left": both}], "n": {}})
    stayed, left = figure["data"][:2]
    assert stayed["line"]["dash"] != left["line"]["dash"] and left["marker"]["symbol"].endswith("-open")
    assert {"stayed", "left"} <= {note["text"] for note in figure["layout"]["annotations"]}


def test_a_curve_falls_in_steps_and_goes_on_to_where_it_ends():
    curve = {"from": 1, "last": 8, "points": [[2, 90, 80, 95], [5, 75, None, None]]}
    assert service_figures.steps_of(curve) == [(0, 100, 100, 100), (2, 90, 80, 95), (5, 75, 75, 75), (8, 75, 75, 75)]


def test_thirds_differ_in_shape_and_line():
    assert len({service_figures.DASHES[third] for third in THIRDS}) == len(THIRDS)
    assert len({service_figures.THIRD_SYMBOLS[third] for third in THIRDS}) == len(THIRDS)
