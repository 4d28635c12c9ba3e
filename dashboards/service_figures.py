"""The service's charts in Plotly's JSON: their figures in, plain dicts out. Colours and roles as in `figures`.

Every line and mark is labelled where it stands; names stand above bars and rows, so that a phone needs no margin for
them. What may not be seen is not in the figures, and so has no mark.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from measures.instruments import COMPONENTS
from measures.statistics.early_alliance import THIRDS

from .figures import COLOURS, LABELS, SYMBOLS, Figure, escaped
from .service_charts import LAST_EARLY, LEFT, STAYED

Body = Mapping[str, Any]
# Of a panel in rows of one unit: where a bar and its name are.
BAR, NAME = 0.0, 0.42
NEUTRAL, INK = "neutral", "total"
DASHES = {"all": "solid", "low": "dot", "middle": "dash", "high": "solid"}
THIRD_SYMBOLS = {"low": "triangle-down", "middle": "circle", "high": "triangle-up"}
THIRD_NAMES = {"low": "low third", "middle": "middle third", "high": "high third"}
FRAME: dict[str, Any] = {"margin": {"l": 40, "r": 16, "t": 26, "b": 44}, "hovermode": "closest", "showlegend": False}
BENEATH = {"xanchor": "center", "yanchor": "top", "yshift": -4}
# A figure of rows has room for so many people; the table has all.
MOST_ROWS = 24


def bars_figure(rows: Sequence[tuple[str, int | None]], *, of: int) -> Figure:
    """Parts of a whole, a bar each as long as its share; one that is not shown has its name and no bar."""
    places = [-float(number) for number in range(len(rows))]
    shares = [None if count is None else 100 * count / of for _, count in rows]
    bars = {
        "type": "bar",
        "orientation": "h",
        "name": "Share",
        "x": shares,
        "y": places,
        "width": 0.36,
        "customdata": [escaped(name) for name, _ in rows],
        "hovertemplate": "%{customdata}: %{x:.0f} %<extra></extra>",
        "marker": {"color": COLOURS["neutral"]},
        "meta": {"role": "outcome"},
        "showlegend": False,
    }
    words = [
        label(0, place + NAME, f"{escaped(name)}: {in_words(count, share)}", role=INK)
        for (name, count), place, share in zip(rows, places, shares, strict=True)
    ]
    layout = {
        **FRAME,
        "margin": {**FRAME["margin"], "l": 8, "t": 8},
        "xaxis": {**axis("Per cent", [0, 101]), "dtick": 25},
        "yaxis": {**hidden_axis([places[-1] - 0.4, 0.8])},
        "annotations": words,
    }
    return {"data": [bars], "layout": layout}


def in_words(count: int | None, share: float | None) -> str:
    return "too few to be shown" if count is None or share is None else f"{count} ({share:.0f} %)"


def alliance_figure(body: Body) -> Figure:
    """Goal, task and bond each in a panel: those who stayed solid and filled, those who left dashed and hollow."""
    traces, words = [], []
    layout: dict[str, Any] = {**FRAME, "margin": {**FRAME["margin"], "r": 62, "t": 30}}
    rows = body["rows"]
    last = rows[-1]["session"]
    for place, component in enumerate(COMPONENTS):
        suffix = "" if place == 0 else str(place + 1)
        top = 1 - place * 0.345
        layout[f"yaxis{suffix}"] = {**axis("", [-0.4, 10.4]), "domain": [top - 0.29, top], "dtick": 5}
        words.append(
            label(0, top, f"{LABELS[component]}, 0 to 10", role=component, xref="paper", yref="paper", yshift=1)
        )
        ends = []
        for group in (STAYED, LEFT):
            points = [(row["session"], row[group]) for row in rows if group in row]
            if points:
                traces.append(group_line(rows, group, component, place, axis=f"y{suffix}"))
                ends.append((points[-1][1]["means"][place], points[-1][0], group))
        words += end_words(ends, component, yref=f"y{suffix}")
    layout["xaxis"] = {
        **axis("Session", [0.5, last + 0.5]),
        "anchor": "y3",
        "tickmode": "array",
        "tickvals": list(range(1, last + 1)),
        "ticktext": [str(session) for session in range(1, last + 1)],
        "showgrid": False,
    }
    return {"data": traces, "layout": {**layout, "annotations": words}}


def group_line(rows: Sequence[Body], group: str, component: str, place: int, *, axis: str) -> dict[str, Any]:
    """A gap wherever too few rated a session to be shown."""
    has_stayed = group == STAYED
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": f"{LABELS[component]}, {group}",
        "x": [row["session"] for row in rows],
        "y": [row[group]["means"][place] if group in row else None for row in rows],
        "text": [str(row[group]["n"]) if group in row else "" for row in rows],
        "yaxis": axis,
        "connectgaps": False,
        "cliponaxis": False,
        "line": {
            "color": COLOURS[component],
            "width": 2.5 if has_stayed else 1.5,
            "dash": "solid" if has_stayed else "dash",
        },
        "marker": {
            "color": COLOURS[component],
            "size": 7,
            "symbol": SYMBOLS[component] if has_stayed else f"{SYMBOLS[component]}-open",
        },
        "hovertemplate": f"Session %{{x}}<br>{LABELS[component]}, {group}: %{{y:.1f}}, n = %{{text}}<extra></extra>",
        "meta": {"role": component},
        "showlegend": False,
    }


def end_words(
    ends: Sequence[tuple[float, int, str]], role: str, *, yref: str, gap: float = 2.4
) -> list[dict[str, Any]]:
    """The name of each line at its end, kept apart where lines meet."""
    found, above = [], float("inf")
    for value, session, name in sorted(ends, reverse=True):
        above = min(value, above - gap)
        found.append(label(session, above, name, role=role, yref=yref, xshift=8, yanchor="middle"))
    return found


def retention_figure(body: Body) -> Figure:
    """All above, thirds of the early alliance beneath; steps, and a light band from end to end of each interval."""
    curves = body["curves"]
    has_thirds = any(third in curves for third in THIRDS)
    upper = {**axis("Per cent", [-2, 104]), "dtick": 25, "domain": [0.56 if has_thirds else 0, 1]}
    layout: dict[str, Any] = {**FRAME, "margin": {**FRAME["margin"], "l": 48, "r": 60}, "yaxis": upper}
    traces = [*band_and_steps(curves["all"], "all", axis="y")]
    words = [label(0, 1, "All", role=INK, xref="paper", yref="paper", yshift=2)]
    furthest = max(curve["last"] for curve in curves.values())
    if has_thirds:
        layout["yaxis2"] = {**upper, "domain": [0, 0.44]}
        said = f"By early alliance, from session {LAST_EARLY} on"
        words.append(label(0, 0.44, said, role=INK, xref="paper", yref="paper", yshift=2))
        ends = []
        for third in THIRDS:
            if third in curves:
                traces += band_and_steps(curves[third], third, axis="y2")
                ends.append((steps_of(curves[third])[-1][1], curves[third]["last"], third))
        words += end_words(ends, INK, yref="y2", gap=15)
    layout["xaxis"] = {
        **axis("Session", [0, furthest + 0.5]),
        "anchor": "y2" if has_thirds else "y",
        "tickmode": "array",
        "tickvals": list(range(0, furthest + 1, 2 if furthest > 10 else 1)),
        "showgrid": False,
    }
    return {"data": traces, "layout": {**layout, "annotations": words}}


def steps_of(curve: Body) -> list[tuple[int, int, int, int]]:
    """Session, per cent still there and the ends of its interval, from where everybody was there to where it ends."""
    found = [(curve["from"] - 1, 100, 100, 100)]
    for session, value, low, high in curve["points"]:
        found.append((session, value, value if low is None else low, value if high is None else high))
    if found[-1][0] < curve["last"]:
        found.append((curve["last"], *found[-1][1:]))
    return found


def band_and_steps(curve: Body, name: str, *, axis: str) -> list[dict[str, Any]]:
    steps = steps_of(curve)
    x, lows, highs = [float(steps[0][0])], [float(steps[0][2])], [float(steps[0][3])]
    for session, _, low, high in steps[1:]:
        x += [session, session]
        lows += [lows[-1], low]
        highs += [highs[-1], high]
    shared = {"type": "scatter", "yaxis": axis, "meta": {"role": INK}, "showlegend": False}
    shown_name = THIRD_NAMES.get(name, name)
    band = {
        **shared,
        "mode": "lines",
        "name": f"Interval, {shown_name}",
        "x": [*x, *reversed(x)],
        "y": [*highs, *reversed(lows)],
        "fill": "toself",
        "fillcolor": "rgba(27,36,48,0.1)",
        "line": {"color": COLOURS["neutral"], "width": 0},
        "hoverinfo": "skip",
    }
    line = {
        **shared,
        "mode": "lines",
        "name": shown_name,
        "x": [step[0] for step in steps],
        "y": [step[1] for step in steps],
        "line": {"color": COLOURS["neutral"], "width": 2, "dash": DASHES[name], "shape": "hv"},
        "hovertemplate": f"After session %{{x}}: %{{y}} % still there ({shown_name})<extra></extra>",
    }
    return [band, line]


def outcome_figure(body: Body) -> Figure:
    rows = [(third, body["rows"][third]) for third in THIRDS if third in body["rows"]]
    ends = [end for _, row in rows for end in (row["low"], row["high"], row["mean"]) if end is not None]
    low, high = min([*ends, 0]) - 0.5, max([*ends, 1]) + 0.5
    # Not ticks: a phone shows every other of them.
    names = [
        label(place, 0, THIRD_NAMES[third].replace(" ", "<br>"), role=NEUTRAL, yref="paper", **BENEATH)
        for place, third in enumerate(THIRDS)
    ]
    trace = {
        "type": "scatter",
        "mode": "markers+text",
        "name": "Change",
        "x": [THIRDS.index(third) for third, _ in rows],
        "y": [row["mean"] for _, row in rows],
        "text": [f"{row['mean']:+.1f}".replace("-", "−") for _, row in rows],
        "textposition": "middle right",
        "error_y": interval([row["mean"] for _, row in rows], [row for _, row in rows]),
        "marker": {"size": 11, "color": COLOURS["outcome"], "symbol": [THIRD_SYMBOLS[third] for third, _ in rows]},
        "hovertemplate": "%{y:+.1f}<extra></extra>",
        "cliponaxis": False,
        "meta": {"role": INK},
        "showlegend": False,
    }
    layout = {
        **FRAME,
        "margin": {**FRAME["margin"], "l": 52, "b": 64},
        "xaxis": {**axis("Early alliance", [-0.5, 2.5]), "showticklabels": False, "showgrid": False, "dtick": 1},
        "yaxis": {**axis("Change in outcome", [low, high]), "zeroline": True},
    }
    layout["xaxis"]["title"]["standoff"] = 40
    return {"data": [trace], "layout": {**layout, "annotations": names}}


def interval(means: Sequence[float], rows: Sequence[Body]) -> dict[str, Any]:
    above = [0 if row["high"] is None else row["high"] - mean for mean, row in zip(means, rows, strict=True)]
    below = [0 if row["low"] is None else mean - row["low"] for mean, row in zip(means, rows, strict=True)]
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 1.5, "width": 5}


def lag_figure(body: Body) -> Figure:
    """A row per component: how much better the next outcome is for a point more, with its interval, around 0."""
    traces, words = [], []
    reach = max(1.0, *(abs(row[end]) for row in body["rows"].values() for end in ("low", "high")))
    for number, component in enumerate(component for component in COMPONENTS if component in body["rows"]):
        row = body["rows"][component]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": LABELS[component],
                "x": [row["slope"]],
                "y": [-number],
                "error_x": interval([row["slope"]], [row]),
                "marker": {"size": 11, "color": COLOURS[component], "symbol": SYMBOLS[component]},
                "hovertemplate": f"{LABELS[component]}: %{{x:.2f}}<extra></extra>",
                "meta": {"role": component},
                "showlegend": False,
            }
        )
        words.append(label(-reach, -number + NAME, f"{LABELS[component]}: {signed(row['slope'])}", role=component))
    layout = {
        **FRAME,
        "margin": {**FRAME["margin"], "l": 16, "t": 8},
        "xaxis": {**axis("Points of outcome for a point more", [-reach - 0.03, reach + 0.03]), "zeroline": True},
        "yaxis": hidden_axis([-len(traces) + 0.5, 0.8]),
        "annotations": words,
    }
    return {"data": traces, "layout": layout}


def therapists_figure(rows: Sequence[tuple[str, Body]]) -> Figure:
    """A row per therapist, in the order given: three marks with their intervals, the name above them."""
    shown = rows[:MOST_ROWS]
    traces = []
    for place, component in enumerate(COMPONENTS):
        means = [row[component][0] for _, row in shown]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": LABELS[component],
                "x": means,
                "y": [-number - 0.16 * place for number in range(len(shown))],
                "error_x": interval(means, [{"low": row[component][1], "high": row[component][2]} for _, row in shown]),
                "marker": {"size": 9, "color": COLOURS[component], "symbol": SYMBOLS[component]},
                "customdata": [escaped(name) for name, _ in shown],
                "hovertemplate": f"%{{customdata}}<br>{LABELS[component]}: %{{x:.1f}}<extra></extra>",
                "cliponaxis": False,
                "meta": {"role": component},
                "showlegend": False,
            }
        )
    words = [label(0, -number + 0.2, escaped(name), role=INK) for number, (name, _) in enumerate(shown)]
    words += [
        label(row[component][2], -0.16 * place, LABELS[component], role=component, xshift=8, yanchor="middle")
        for place, component in enumerate(COMPONENTS)
        for _, row in shown[:1]
    ]
    layout = {
        **FRAME,
        "margin": {**FRAME["margin"], "l": 16, "r": 60, "t": 8},
        "xaxis": {**axis("Mean of clients’ ratings, 0 to 10", [0, 10.2]), "dtick": 2},
        "yaxis": hidden_axis([-len(shown) + 0.4, 0.7]),
        "annotations": words,
    }
    return {"data": traces, "layout": layout}


def label(x: float, y: float, text: str, *, role: str, **more: Any) -> dict[str, Any]:
    font = {"size": 13, "color": COLOURS.get(role, COLOURS["neutral"])}
    place = {"x": x, "y": y, "xanchor": "left", "yanchor": "bottom" if more.get("yref") == "paper" else "middle"}
    return {"name": role, **place, "text": text, "showarrow": False, "font": font, **more}


def axis(title: str, ends: Sequence[float]) -> dict[str, Any]:
    found: dict[str, Any] = {"range": list(ends), "zeroline": False, "fixedrange": True}
    return {**found, "title": {"text": title}} if title else found


def hidden_axis(ends: Sequence[float]) -> dict[str, Any]:
    return {"range": list(ends), "visible": False, "fixedrange": True}


def signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
