"""What is typed comes out of a PDF as it went in; charts on paper hold the points of the page's figures."""

from datetime import UTC, datetime
from io import BytesIO
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from dashboards import figures
from dashboards.printed import document as doc
from dashboards.printed.drawings import drawing
from dashboards.printed.service import table_of
from dashboards.printed.typeset import pdf_of
from dashboards.service_words import Table
from measures.statistics.summary import Point

AT = datetime(2026, 3, 24, 9, 5, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"
MARKUP = st.text(alphabet=r"""#$*_\<>&@`=/[]{}()~"'-+;:,.ab1 """, min_size=1, max_size=30)
AXIS = figures.SessionAxis(1, 6, {})


def pdf(*blocks, title="A report"):
    made = doc.made_for("Ada Okafor", AT)
    report = doc.Document(title, title, "Confidential", "Harbour", made, ["About"], blocks)
    return PdfReader(BytesIO(pdf_of(report, at=AT)))


def squeezed(text):
    """Without blanks: where a line ends is the typesetter's."""
    return "".join(text.split())


def alliance(values, **more):
    series = {
        (rater, "bond"): [Point(at, value) for at, value in enumerate(values, 1)] for rater in ("therapist", "client")
    }
    return figures.alliance_figure(series, value_range=(0, 10), axis=AXIS, **more)


@settings(max_examples=25, deadline=None)
@given(MARKUP)
def test_markup_of_typst_or_xml_comes_out_as_it_was_typed(typed):
    svg = drawing(
        alliance([1, 2], marks=[figures.Mark(1, 5, "bond", "client", "repair", figures.escaped(typed), "")]), height=300
    )
    blocks = [
        doc.heading(f"h{typed}h"), doc.words(f"w{typed}w", strong=f"s{typed}s"), doc.items([f"i{typed}i"]),
        doc.said(f"q{typed}q", f"o{typed}o"), doc.table(["a"], [[f"t{typed}t"]]),
        doc.together(doc.small(f"m{typed}m", strong=f"l{typed}l")),
        doc.beside(doc.words(f"b{typed}b"), doc.steps([f"d{typed}d"])),
    ]  # fmt: skip
    text = squeezed("".join(page.extract_text() for page in pdf(*blocks, title=f"T{typed}T").pages))
    for letter in "hwsiqotTmlbd":
        assert squeezed(f"{letter}{typed}{letter}") in text
    labels = [found.text for found in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    assert typed in labels


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=30))
def test_whatever_is_typed_there_is_a_tagged_pdf(typed):
    svg = drawing(figures.caseload_figure([], value_range=(0, 10)), height=200)
    label = {"name": "", "x": 0, "y": 5, "text": figures.escaped(typed), "showarrow": False, "font": {"size": 12}}
    figure = alliance([1, None, 3])
    figure["layout"]["annotations"] = [label]
    reader = pdf(
        doc.words(typed),
        doc.chart(drawing(figure, height=200), alt=typed),
        doc.chart(svg, alt="Dots"),
        title=f"x{typed}",
    )
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]


@given(st.lists(st.none() | st.floats(0, 10), min_size=6, max_size=6))
def test_a_chart_on_paper_has_a_mark_for_every_score_where_the_axis_says(values):
    found = ElementTree.fromstring(drawing(alliance(values), height=300)).iter(f"{SVG}polygon")
    marks = [one for one in found if one.get("fill") == figures.COLOURS["bond"]]
    heights = [float(one.get("points").split()[1].split(",")[1]) for one in marks]
    top, bottom, span = 12, 256, 10.8
    expected = [bottom - (value + 0.4) / span * (bottom - top) for value in values if value is not None]
    assert heights == pytest.approx(expected, abs=0.02)


def test_client_is_solid_and_filled_and_therapist_dashed_and_open():
    svg = drawing(alliance([1, 2, 3]), height=300)
    lines = [one.get("stroke-dasharray") for one in ElementTree.fromstring(svg).iter(f"{SVG}polyline")]
    assert lines == ["6 4", None]
    fills = [one.get("fill") for one in ElementTree.fromstring(svg).iter(f"{SVG}polygon")]
    assert fills == ["#FFFFFF"] * 3 + [figures.COLOURS["bond"]] * 3


def test_a_line_stops_where_nothing_was_rated():
    svg = drawing(alliance([1, 2, None, 4, 5, None]), height=300)
    assert len(list(ElementTree.fromstring(svg).iter(f"{SVG}polyline"))) == 4


def test_only_the_chosen_band_is_drawn():
    expected = {scale: {2: (3.0, 6.0)} for scale in ("goal", "bond")}
    one, none = (drawing(alliance([1, 2], expected=expected), height=300, band=band) for band in ("bond", ""))
    assert (one.count("fill-opacity"), none.count("fill-opacity")) == (1, 0)


def test_every_symbol_of_a_figure_can_be_drawn():
    for symbol in {*figures.SYMBOLS.values(), *(symbol for _, symbol, _ in figures.MARKS.values()), "x"}:
        figure = alliance([1])
        figure["data"][-1]["marker"]["symbol"] = symbol
        assert drawing(figure, height=200)


def test_a_sign_that_no_font_has_still_leaves_a_tagged_pdf():
    reader = pdf(doc.words("\U0001f9ff \ue123"))
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]


def test_what_belongs_together_stands_on_one_page():
    before = [doc.words("Before.")] * 40
    pages = [page.extract_text() for page in pdf(*before, doc.together(*[doc.words("Together.")] * 12)).pages]
    assert [page.count("Together.") for page in pages] == [0, 12]


def test_heads_of_a_table_say_once_what_they_share():
    found = table_of("alliance", Table(("Session", "n, stayed", "Goal, stayed", "n, left", "Goal, left"), ()))
    assert found["columns"] == ["Session", "n", "Goal", "n", "Goal"]
    assert [(group["text"], group["span"]) for group in found["groups"]] == [("", 1), ("Stayed", 2), ("Left", 2)]
    columns = ("", "Goal", "Goal, 95 % interval", "Low third", "n, low third")
    found = table_of("therapists", Table(columns, ()))
    assert found["columns"] == ["What", "Goal", "95 % interval", "Low third", "n"] and not found["groups"]
