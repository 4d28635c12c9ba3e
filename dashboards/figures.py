"""Figures in Plotly's JSON: points in, plain dicts out. No query, no clock.

Colours are set for light paper; the page's script replaces them by the reader's theme through each trace's
`meta.role`. Of what people typed only codes reach a figure, and those escaped; all else is numbers and our own words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from measures.statistics.summary import Point

COLOURS = {"goal": "#0069A8", "task": "#B24A00", "bond": "#00735A", "outcome": "#5A6675", "neutral": "#5A6675"}
SYMBOLS = {"goal": "circle", "task": "square", "bond": "diamond", "total": "circle"}
DASHES = {"client": "solid", "therapist": "dash"}
LABELS = {"goal": "Goal", "task": "Task", "bond": "Bond", "total": "Outcome"}
# Of the axis: what a line of 13 px takes of the chart's height.
LABEL_HEIGHT = 0.055
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


def alliance_figure(
    series: Mapping[tuple[str, str], Sequence[Point]],
    *,
    value_range: tuple[float, float],
    missed: Sequence[Missed] = (),
    axis: SessionAxis,
    band: tuple[str, float, float] | None = None,
) -> Figure:
    """Goal, task and bond by session: client solid, therapist dashed, a gap wherever nothing was rated.

    `series` maps (rater, scale) to one point per session; `band` is (scale, low, high) of the usual range.
    """
    traces = [line_trace(points, rater=rater, scale=scale, axis=axis) for (rater, scale), points in series.items()]
    low, high = value_range
    if missed:
        traces.append(missed_trace(missed, y=low))
    layout = session_layout(low, high, axis)
    layout["annotations"] = end_labels(series, span=high - low)
    if band:
        scale, band_low, band_high = band
        layout["shapes"] = [
            {
                "type": "rect",
                "name": scale,
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": band_low,
                "y1": band_high,
                "fillcolor": COLOURS[scale],
                "line": {"width": 0},
                "layer": "below",
            }
        ]
        layout["annotations"].append(
            {
                "name": scale,
                "xref": "paper",
                "x": 0,
                "xanchor": "left",
                "y": band_low,
                "yanchor": "top",
                "text": f"usual range, {LABELS[scale].lower()}",
                "showarrow": False,
                "font": {"size": 12, "color": COLOURS[scale]},
            }
        )
    return {"data": traces, "layout": layout}


def line_trace(points: Sequence[Point], *, rater: str, scale: str, axis: SessionAxis) -> dict[str, Any]:
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
        "cliponaxis": False,
        "connectgaps": False,
        "opacity": 1 if is_client else 0.7,
        "line": {"color": colour, "width": 2.5 if is_client else 1.5, "dash": DASHES[rater]},
        "marker": {
            "color": colour,
            "size": 8 if is_client else 6,
            "symbol": SYMBOLS[scale] if is_client else f"{SYMBOLS[scale]}-open",
        },
        "hovertemplate": f"%{{customdata}}<br>{label}, {rater}: %{{y:.1f}}<extra></extra>",
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
            "textposition": "top center",
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


def escaped(text: str) -> str:
    """Plotly reads a few tags in labels; a code is shown as it is written, never as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
