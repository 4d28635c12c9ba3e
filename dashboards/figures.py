"""Figures in Plotly's JSON: points in, plain dicts out. No query, no clock.

Colours are set for light paper; the page's script replaces them by the reader's theme through each trace's
`meta.role`. Of what people typed only codes reach a figure, and those escaped; all else is numbers and our own words.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from textwrap import wrap
from typing import Any

from measures.statistics.summary import Point

COLOURS = {"goal": "#0069A8", "task": "#B24A00", "bond": "#00735A", "outcome": "#5A6675", "neutral": "#5A6675"}
SYMBOLS = {"goal": "circle", "task": "square", "bond": "diamond", "total": "circle"}
DASHES = {"client": "solid", "therapist": "dash"}
LABELS = {"goal": "Goal", "task": "Task", "bond": "Bond", "total": "Outcome"}
# Of the axis: what a line of 13 px takes of the chart's height.
LABEL_HEIGHT = 0.055
# Of the range: a mark from its point, and what mark and word need. Letters in a line under the pointer.
MARK_DISTANCE = 0.05
MARK_ROOM = 0.14
HOVER_WIDTH = 48
# Of a mark's role: name, symbol, and the role whose colour it has.
MARKS = {
    "attention": ("Noticed", "triangle-down", "attention"),
    "repair": ("Repair attempt", "diamond", "settled"),
    "settled": ("Came back", "triangle-up", "settled"),
}
Figure = dict[str, Any]


@dataclass(frozen=True)
class SessionAxis:
    """Session numbers from the first to the last.

    `labels` are the names of meetings that are more than a number. At each of `breaks` another part of the episode
    begins (the therapy after its baseline, a follow-up after the therapy), and lines stop before it: how much time lies
    between is not known.
    """

    first: int
    last: int
    labels: Mapping[int, str]
    breaks: frozenset[int] = frozenset()

    def tick(self, session: int) -> str:
        """Short enough to stand upright on a phone: F1 for “Follow-up 1”, B for “Baseline”."""
        label = self.labels.get(session)
        if label is None:
            return str(session)
        return "".join(word if word.isdigit() else word[0].upper() for word in label.split())

    def name(self, session: int) -> str:
        return self.labels.get(session) or f"Session {session}"


@dataclass(frozen=True)
class Missed:
    """A planned meeting that did not take place, on the session axis."""

    session: int
    words: str


@dataclass(frozen=True)
class Engagement:
    """The first `sessions` of a course, and the session of the first challenge, with which the second phase begins."""

    sessions: int
    challenged_in: int | None = None


@dataclass(frozen=True)
class Mark:
    """A session with a fall or a rupture (`attention`), with a repair attempt (`repair`), or in which a scale came back
    (`settled`), at the score `value`."""

    session: int
    value: float
    scale: str
    rater: str
    role: str
    word: str
    sentence: str
    is_above: bool = False


def alliance_figure(
    series: Mapping[tuple[str, str], Sequence[Point]],
    *,
    value_range: tuple[float, float],
    missed: Sequence[Missed] = (),
    axis: SessionAxis,
    expected: Mapping[str, Mapping[int, tuple[float, float]]] | None = None,
    marks: Sequence[Mark] = (),
    engagement: Engagement | None = None,
    is_rescaled: bool = False,
) -> Figure:
    """Goal, task and bond by session: client solid, therapist dashed, a gap wherever nothing was rated.

    `series` maps (rater, scale) to one point per session; `expected` gives of the client's scales the lower and upper
    end by session. The bands of all three are there; the page shows the one that its reader chose. `is_rescaled` puts
    everything on 0 to 1, the lowest and the highest possible answer.
    """
    bands = expected or {}
    if is_rescaled:
        series, bands, marks = rescaled(series, bands, marks, value_range=value_range)
        value_range = (0.0, 1.0)
    decimals = 2 if is_rescaled else 1
    traces = [band_trace(by_session, scale=scale) for scale, by_session in bands.items() if by_session]
    for (rater, scale), points in series.items():
        of_scale = bands.get(scale, {}) if rater == "client" else {}
        notes = {
            session: f"expected {low:.{decimals}f} to {high:.{decimals}f}" for session, (low, high) in of_scale.items()
        }
        notes |= {mark.session: mark.sentence for mark in marks if (mark.rater, mark.scale) == (rater, scale)}
        traces.append(line_trace(points, rater=rater, scale=scale, axis=axis, notes=notes, decimals=decimals))
    low, high = value_range
    places = placed(marks, value_range)
    traces += mark_traces(places, span=high - low)
    if missed:
        traces.append(missed_trace(missed, y=low))
    layout = session_layout(low, high, axis)
    layout["annotations"] = end_labels(series, span=high - low) + mark_words(places, axis=axis, span=high - low)
    layout["meta"] = {"zoom": zoom(series, bands, low, high)}
    if engagement is not None:
        show_engagement(layout, engagement, axis)
    return {"data": traces, "layout": layout}


def show_engagement(layout: dict[str, Any], engagement: Engagement, axis: SessionAxis) -> None:
    """Light shading over the first sessions with its word above, and a dotted line where the second phase begins."""
    over = {"xref": "x", "yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    word = {"yref": "paper", "showarrow": False, "font": {"size": 12}}
    shaded = {"type": "rect", "name": "neutral engagement", "x0": 0.5, "x1": engagement.sessions + 0.5}
    layout["shapes"] = [{**over, **shaded, "fillcolor": COLOURS["neutral"], "opacity": 1, "line": {"width": 0}}]
    above = {"x": 0.5, "y": 1, "xanchor": "left", "yanchor": "bottom"}
    layout["annotations"].append({**word, **above, "name": "neutral engagement", "text": "engagement"})
    layout["margin"]["t"] = 26
    session = engagement.challenged_in
    if session is not None:
        line = {"type": "line", "name": "total challenge", "x0": session, "x1": session}
        layout["shapes"].append({**over, **line, "line": {"width": 1, "dash": "dot"}})
        beneath = {"x": session, "y": 0, "xanchor": anchor_at(session, axis), "yanchor": "bottom", "yshift": 14}
        text = {"name": "total challenge", "text": "first challenge", "bgcolor": "#FFFFFF", "borderpad": 1}
        layout["annotations"].append({**word, **beneath, **text})


def rescaled(
    series: Mapping[tuple[str, str], Sequence[Point]],
    bands: Mapping[str, Mapping[int, tuple[float, float]]],
    marks: Sequence[Mark],
    *,
    value_range: tuple[float, float],
) -> tuple[dict[tuple[str, str], list[Point]], dict[str, dict[int, tuple[float, float]]], list[Mark]]:
    lowest, highest = value_range

    def part(value: float) -> float:
        return (value - lowest) / (highest - lowest)

    return (
        {
            key: [Point(point.session, None if point.value is None else part(point.value)) for point in points]
            for key, points in series.items()
        },
        {scale: {at: (part(low), part(high)) for at, (low, high) in ends.items()} for scale, ends in bands.items()},
        [replace(mark, value=part(mark.value)) for mark in marks],
    )


def zoom(
    series: Mapping[tuple[str, str], Sequence[Point]],
    bands: Mapping[str, Mapping[int, tuple[float, float]]],
    low: float,
    high: float,
) -> list[float]:
    """The part of the scale that is used, for those who ask for it; the full range is what is shown first."""
    values = [point.value for points in series.values() for point in points if point.value is not None]
    values += [end for by_session in bands.values() for ends in by_session.values() for end in ends]
    pad = 0.06 * (high - low)
    return [max(low, min(values, default=low)) - pad, min(high, max(values, default=high)) + pad]


def band_trace(by_session: Mapping[int, tuple[float, float]], *, scale: str) -> dict[str, Any]:
    """What was expected, a step as wide as its session; broken where no session was held against anything."""
    x: list[float | None] = []
    y: list[float | None] = []
    for run in runs(sorted(by_session)):
        edges = [edge for session in run for edge in (session - 0.5, session + 0.5)]
        x += [*edges, *reversed(edges), edges[0], None]
        lows = [by_session[session][0] for session in run for _ in range(2)]
        highs = [by_session[session][1] for session in run for _ in range(2)]
        y += [*highs, *reversed(lows), highs[0], None]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"Expected, {LABELS[scale].lower()}",
        "x": x[:-1],
        "y": y[:-1],
        "fill": "toself",
        "fillcolor": COLOURS[scale],
        "line": {"color": COLOURS[scale], "width": 0},
        "opacity": 0.9,
        "hoverinfo": "skip",
        "meta": {"role": scale, "rater": "client", "kind": "band"},
        "showlegend": False,
    }


def runs(sessions: Sequence[int]) -> list[list[int]]:
    """Session numbers in runs that follow one upon the other."""
    found: list[list[int]] = []
    for session in sessions:
        if found and session == found[-1][-1] + 1:
            found[-1].append(session)
        else:
            found.append([session])
    return found


def mark_traces(places: Sequence[tuple[Mark, int]], *, span: float) -> list[dict[str, Any]]:
    """▼ at what fell, ◆ at what was tried, ▲ at what came back; `places` are the marks with the side they stand on."""
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "x": [mark.session for mark, _ in of_role],
            "y": [mark.value + side * MARK_DISTANCE * span for mark, side in of_role],
            "cliponaxis": False,
            "marker": {"symbol": symbol, "size": 12},
            "customdata": [wrapped(mark.sentence) for mark, _ in of_role],
            "hovertemplate": "%{customdata}<extra></extra>",
            "meta": {"role": colour, "kind": "mark"},
            "showlegend": False,
        }
        for role, (name, symbol, colour) in MARKS.items()
        if (of_role := [place for place in places if place[0].role == role])
    ]


def placed(marks: Sequence[Mark], value_range: tuple[float, float]) -> list[tuple[Mark, int]]:
    """What fell is marked beneath its point, −1, what came back above it, 1; the other side where the scale ends.

    What was tried stands beneath as well, and above where something fell in the same session; a mark may ask for it.
    """
    low, high = value_range
    fell = {mark.session for mark in marks if mark.role == "attention"}
    places = []
    for mark in marks:
        is_above = mark.is_above or mark.role == "settled" or (mark.role == "repair" and mark.session in fell)
        side = 1 if is_above else -1
        has_room = low <= mark.value + side * MARK_ROOM * (high - low) <= high
        places.append((mark, side if has_room else -side))
    return places


def mark_words(places: Sequence[tuple[Mark, int]], *, axis: SessionAxis, span: float) -> list[dict[str, Any]]:
    return [
        {
            "name": MARKS[mark.role][2],
            "x": mark.session,
            "y": mark.value + side * MARK_DISTANCE * span,
            "xanchor": anchor_at(mark.session, axis),
            "yanchor": "bottom" if side > 0 else "top",
            "yshift": 6 * side,
            "text": mark.word,
            "showarrow": False,
            "bgcolor": "#FFFFFF",
            "borderpad": 1,
            "font": {"size": 12},
        }
        for mark, side in places
        if mark.word
    ]


def anchor_at(session: int, axis: SessionAxis) -> str:
    """Words near an end of the axis reach inwards."""
    part = (session - axis.first) / max(axis.last - axis.first, 4)
    return "left" if part < 0.2 else "right" if part > 0.8 else "center"


def line_trace(
    points: Sequence[Point],
    *,
    rater: str,
    scale: str,
    axis: SessionAxis,
    notes: Mapping[int, str] | None = None,
    decimals: int = 1,
) -> dict[str, Any]:
    """`notes` are what else is said of a session under the pointer."""
    said = notes or {}
    shown: list[Point] = []
    for point in points:
        if point.session in axis.breaks:
            shown.append(Point(point.session, None))
        shown.append(point)
    colour = COLOURS.get(scale, COLOURS["outcome"])
    is_client = rater == "client"
    label = LABELS[scale]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": f"{label}, {rater}",
        "x": [point.session for point in shown],
        "y": [point.value for point in shown],
        "customdata": [escaped(axis.name(point.session)) for point in shown],
        "text": [f"<br>{wrapped(said[point.session])}" if point.session in said else "" for point in shown],
        "cliponaxis": False,
        "connectgaps": False,
        "opacity": 1 if is_client else 0.7,
        "line": {"color": colour, "width": 2.5 if is_client else 1.5, "dash": DASHES[rater]},
        "marker": {
            "color": colour,
            "size": 8 if is_client else 6,
            "symbol": SYMBOLS[scale] if is_client else f"{SYMBOLS[scale]}-open",
        },
        "hovertemplate": f"%{{customdata}}<br>{label}, {rater}: %{{y:.{decimals}f}}%{{text}}<extra></extra>",
        "meta": {"role": scale if scale in COLOURS else "outcome", "rater": rater},
        "showlegend": False,
    }


def end_labels(series: Mapping[tuple[str, str], Sequence[Point]], *, span: float) -> list[dict[str, Any]]:
    """The component's name at the end of each of the client's lines, kept apart where the lines meet."""
    ends = []
    for (rater, scale), points in series.items():
        scored = [point for point in points if point.value is not None]
        if rater == "client" and scored:
            ends.append((scored[-1].value or 0.0, scored[-1].session, scale))
    labels, above = [], float("inf")
    for value, session, scale in sorted(ends, reverse=True):
        height = min(value, above - LABEL_HEIGHT * span)
        above = height
        labels.append(
            {
                "name": scale,
                "x": session,
                "y": height,
                "xanchor": "left",
                "xshift": 8,
                "text": LABELS[scale],
                "showarrow": False,
                "font": {"size": 13, "color": COLOURS[scale]},
            }
        )
    return labels


def missed_trace(missed: Sequence[Missed], *, y: float) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "Did not take place",
        "x": [meeting.session for meeting in missed],
        "y": [y] * len(missed),
        "customdata": [meeting.words for meeting in missed],
        "cliponaxis": False,
        "marker": {"symbol": "x", "size": 8, "color": "#8A5A00"},
        "hovertemplate": "Session %{x}<br>%{customdata}<extra></extra>",
        "meta": {"role": "attention"},
        "showlegend": False,
    }


def session_layout(low: float, high: float, axis: SessionAxis) -> dict[str, Any]:
    count = axis.last - axis.first + 1
    step = 1 if count <= 20 else 2 if count <= 40 else 5
    ticks = sorted({*range(axis.first, axis.last + 1, step), *axis.labels})
    return {
        "xaxis": {
            "title": {"text": "Session"},
            "tickmode": "array",
            "tickvals": ticks,
            "ticktext": [escaped(axis.tick(tick)) for tick in ticks],
            "range": [axis.first - 0.5, max(axis.last, axis.first + 4) + 0.9],
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
        },
        "yaxis": {
            "range": [low - 0.04 * (high - low), high + 0.04 * (high - low)],
            "dtick": even_step(high - low),
            "tick0": low if (high - low) % even_step(high - low) == 0 else 0,
            "zeroline": False,
            "fixedrange": True,
        },
        "margin": {"l": 36, "r": 44, "t": 12, "b": 44},
        "hovermode": "closest",
        "showlegend": False,
    }


def even_step(span: float) -> float:
    """The smallest step of a round number that divides a range into seven parts or fewer."""
    steps = (base * 10.0**power for power in range(-3, 9) for base in (1, 2, 5))
    return next((step for step in steps if span / step <= 7), span)


def total_figure(points: Sequence[Point], *, value_range: tuple[float, float], axis: SessionAxis) -> Figure:
    """One measure by its total, on the same session axis as the alliance above it; one y-axis of its own."""
    low, high = value_range
    trace = line_trace(points, rater="client", scale="total", axis=axis)
    trace["line"]["color"] = trace["marker"]["color"] = COLOURS["outcome"]
    return {"data": [trace], "layout": session_layout(low, high, axis)}


LABEL_SIDES = ("top center", "middle right", "middle left", "bottom center")


@dataclass(frozen=True)
class Dot:
    """One episode in the caseload's overview."""

    code: str
    url: str
    bond: float
    change: float
    needs_a_look: bool


def caseload_figure(dots: Sequence[Dot], *, value_range: tuple[float, float]) -> Figure:
    """Bond now against its change since the rating before; a dot per episode that leads to its page."""
    low, high = value_range
    groups = [
        ("bond", "circle", [dot for dot in dots if not dot.needs_a_look]),
        ("attention", "triangle-down", [dot for dot in dots if dot.needs_a_look]),
    ]
    traces = [
        {
            "type": "scatter",
            "mode": "markers+text" if role == "attention" else "markers",
            "name": "Worth a look" if role == "attention" else "Others",
            "x": [dot.change for dot in group],
            "y": [dot.bond for dot in group],
            "text": [escaped(dot.code) for dot in group],
            "textposition": label_places(group),
            "customdata": [{"url": dot.url} for dot in group],
            "hovertemplate": "%{text}<br>Bond now %{y:.1f}, change %{x:+.1f}<extra></extra>",
            "marker": {
                "symbol": symbol,
                "size": 11,
                "color": "#8A5A00" if role == "attention" else COLOURS["bond"],
                "opacity": 0.85,
            },
            "meta": {"role": role},
            "cliponaxis": False,
            "showlegend": False,
        }
        for role, symbol, group in groups
        if group
    ]
    reach = max([abs(dot.change) for dot in dots] + [2]) * 1.1
    layout = session_layout(low, high, SessionAxis(1, 5, {}))
    layout["xaxis"] = {
        "title": {"text": "Change since the rating before"},
        "range": [-reach, reach],
        "zeroline": True,
        "fixedrange": True,
        "showgrid": True,
    }
    layout["yaxis"]["title"] = {"text": "Bond now"}
    layout["margin"]["l"] = 52
    return {"data": traces, "layout": layout}


def label_places(dots: Sequence[Dot]) -> list[str]:
    """Above each dot; where several share one place, each beside it at another side."""
    seen: Counter[tuple[float, float]] = Counter()
    places = []
    for dot in dots:
        here = (dot.change, dot.bond)
        places.append(LABEL_SIDES[seen[here] % len(LABEL_SIDES)])
        seen[here] += 1
    return places


def wrapped(text: str) -> str:
    return "<br>".join(wrap(escaped(text), HOVER_WIDTH))


def escaped(text: str) -> str:
    """Plotly reads a few tags in labels; a code is shown as it is written, never as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
