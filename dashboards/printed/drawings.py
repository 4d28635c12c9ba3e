"""The charts of the pages as SVG, drawn from the same Plotly JSON: what stands on paper is what the page shows.

A figure in, SVG text out; no query, no clock. Only what our own figures use is drawn. Lengths are the figure's own
pixels. Without colour everything stays told apart: lines by dashes, points by their mark and whether it is filled,
and each by its name where it ends.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape, quoteattr  # nosec B406 # they write, and parse nothing

from ..figures import Figure, even_step

WIDTH = 680
FONT = "Libertinus Serif"
INK, GRID, SHADE, BAND, BAR = "#1B2430", "#D5DAE0", "#F1F3F5", "#DDE2E7", "#8793A1"
SIZE = 13
DASHES = {"dash": "6 4", "dot": "1.5 3.5"}
# What XML may not hold, however it is written.
CONTROL = {number: None for number in range(32) if number not in (9, 10, 13)} | {0xFFFE: None, 0xFFFF: None}
CONTROL |= dict.fromkeys(range(0xD800, 0xE000))


@dataclass(frozen=True)
class Scale:
    """From the numbers of an axis to pixels."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


@dataclass(frozen=True)
class Frame:
    """Where the axes of a figure lie on its picture."""

    x: Scale
    ys: Mapping[str, Scale]
    left: float
    right: float
    top: float
    bottom: float

    def across(self, value: float, ref: str) -> float:
        return self.left + value * (self.right - self.left) if ref == "paper" else self.x.at(value)

    def down(self, value: float, ref: str) -> float:
        return self.bottom - value * (self.bottom - self.top) if ref == "paper" else self.ys[ref].at(value)


def drawing(figure: Figure, *, height: int, band: str = "") -> str:
    """`band` is the scale whose expected range is shown, as on the page that shows one of them at first."""
    layout = figure["layout"]
    frame = frame_of(layout, height)
    parts = [*shapes(layout, frame)]
    traces = [trace for trace in figure["data"] if is_shown(trace, band)]
    parts += [part for trace in traces if trace.get("fill") for part in area(trace, frame)]
    parts += [*axes(layout, frame)]
    parts += [part for trace in traces if not trace.get("fill") for part in trace_parts(trace, frame)]
    parts += [annotation(one, frame) for one in layout.get("annotations", ())]
    return svg_of(parts, width=WIDTH, height=height)


def svg_of(parts: Sequence[str], *, width: float, height: float) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    return "".join([head, f'<g font-family="{FONT}">', *parts, "</g></svg>"])


def is_shown(trace: Mapping[str, Any], band: str) -> bool:
    return bool(trace["meta"].get("kind") != "band" or trace["meta"]["role"] == band)


def frame_of(layout: Mapping[str, Any], height: int) -> Frame:
    margin = layout["margin"]
    left, right, top, bottom = margin["l"], WIDTH - margin["r"], margin["t"], height - margin["b"]
    start, end = layout["xaxis"]["range"]
    ys = {}
    for name, one in layout.items():
        if name.startswith("yaxis"):
            first, last = one.get("domain", (0, 1))
            low, high = one["range"]
            span = bottom - top
            ys[name.replace("axis", "")] = Scale(low, high, bottom - first * span, bottom - last * span)
    return Frame(Scale(start, end, left, right), ys, left, right, top, bottom)


def shapes(layout: Mapping[str, Any], frame: Frame) -> Iterator[str]:
    for one in layout.get("shapes", ()):
        x0, x1 = frame.across(one["x0"], one["xref"]), frame.across(one["x1"], one["xref"])
        y0, y1 = frame.down(one["y0"], one["yref"]), frame.down(one["y1"], one["yref"])
        if one["type"] == "rect":
            yield f'<rect x="{n(x0)}" y="{n(y1)}" width="{n(x1 - x0)}" height="{n(y0 - y1)}" fill="{SHADE}"/>'
        else:
            yield line(x0, y0, x1, y1, INK, 1, DASHES.get(one["line"].get("dash", ""), ""))


def axes(layout: Mapping[str, Any], frame: Frame) -> Iterator[str]:
    for name, scale in frame.ys.items():
        one = layout[name.replace("y", "yaxis")]
        if one.get("visible", True):
            yield from y_axis(one, scale, frame)
    one = layout["xaxis"]
    vertical = one.get("showgrid", True)
    for value, said in ticks(one):
        x = frame.x.at(value)
        if vertical:
            yield line(x, frame.top, x, frame.bottom, INK if one.get("zeroline") and value == 0 else GRID, 0.8)
        if one.get("showticklabels", True):
            yield text(x, frame.bottom + 17, said, anchor="center")
    yield line(frame.left, frame.bottom, frame.right, frame.bottom, INK, 0.8)
    if "title" in one:
        below = frame.bottom + max(35, one["title"].get("standoff", 0) + 14)
        yield text((frame.left + frame.right) / 2, below, one["title"]["text"], anchor="center")


def y_axis(one: Mapping[str, Any], scale: Scale, frame: Frame) -> Iterator[str]:
    for value, said in ticks(one):
        y = scale.at(value)
        yield line(frame.left, y, frame.right, y, INK if one.get("zeroline") and value == 0 else GRID, 0.8)
        yield text(frame.left - 7, y + 4, said, anchor="right")
    if "title" in one:
        x, y = 13, (scale.start + scale.end) / 2
        said = text(0, 0, one["title"]["text"], anchor="center")
        yield f'<g transform="translate({n(x)} {n(y)}) rotate(-90)">{said}</g>'


def ticks(one: Mapping[str, Any]) -> list[tuple[float, str]]:
    if "tickvals" in one:
        return list(
            zip(one["tickvals"], one["ticktext"] if "ticktext" in one else map(str, one["tickvals"]), strict=True)
        )
    low, high = one["range"]
    step = one.get("dtick") or even_step(high - low)
    start = one.get("tick0", 0)
    first, last = -int((start - low) / step + 1e-9), int((high - start) / step + 1e-9)
    found = [start + number * step for number in range(first, last + 1)]
    return [(value, f"{round(value, 3):g}".replace("-", "−")) for value in found if low <= value <= high]


def trace_parts(trace: Mapping[str, Any], frame: Frame) -> Iterator[str]:
    if trace["type"] == "bar":
        yield from bars(trace, frame)
        return
    down = frame.ys[trace.get("yaxis", "y")]
    colour = trace.get("line", trace.get("marker", {})).get("color", INK)
    places = [
        None if x is None or y is None else (frame.x.at(x), down.at(y))
        for x, y in zip(trace["x"], trace["y"], strict=True)
    ]
    if "lines" in trace["mode"]:
        yield from polylines(places, trace["line"], colour)
    yield from intervals(trace, frame, down, colour)
    if "markers" in trace["mode"]:
        marker = trace["marker"]
        edge = "#FFFFFF" if trace["meta"].get("kind") == "mark" else ""
        symbols = marker["symbol"] if isinstance(marker["symbol"], list) else [marker["symbol"]] * len(places)
        for place, symbol in zip(places, symbols, strict=True):
            if place is not None:
                yield symbol_at(*place, symbol, marker["size"], marker.get("color", INK), edge)
    if "text" in trace["mode"]:
        for place, said in zip(places, trace["text"], strict=True):
            if place is not None:
                yield text(place[0] + 10, place[1] + 4, said, anchor="left")


def bars(trace: Mapping[str, Any], frame: Frame) -> Iterator[str]:
    half = trace["width"] / 2
    for x, y in zip(trace["x"], trace["y"], strict=True):
        if x is not None:
            top, bottom = frame.ys["y"].at(y + half), frame.ys["y"].at(y - half)
            start = frame.x.at(0)
            yield (
                f'<rect x="{n(start)}" y="{n(top)}" width="{n(frame.x.at(x) - start)}" height="{n(bottom - top)}" '
                f'fill="{BAR}"/>'
            )


def polylines(places: Sequence[tuple[float, float] | None], style: Mapping[str, Any], colour: str) -> Iterator[str]:
    for is_there, run in groupby(places, key=lambda place: place is not None):
        points = [place for place in run if place is not None]
        if is_there and len(points) > 1:
            if style.get("shape") == "hv":
                points = [corner for at, place in enumerate(points) for corner in stepped(points, at, place)]
            joined = " ".join(f"{n(x)},{n(y)}" for x, y in points)
            dash = DASHES.get(style.get("dash", ""), "")
            yield (
                f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="{style["width"]}"'
                f'{f" stroke-dasharray={quoteattr(dash)}" if dash else ""} stroke-linejoin="round"/>'
            )


def stepped(points: Sequence[tuple[float, float]], at: int, place: tuple[float, float]) -> list[tuple[float, float]]:
    return [(place[0], points[at - 1][1]), place] if at else [place]


def area(trace: Mapping[str, Any], frame: Frame) -> Iterator[str]:
    down = frame.ys[trace.get("yaxis", "y")]
    pairs = list(zip(trace["x"], trace["y"], strict=True))
    for is_there, run in groupby(pairs, key=lambda pair: pair[0] is not None):
        if is_there:
            joined = " ".join(f"{n(frame.x.at(x))},{n(down.at(y))}" for x, y in run)
            yield f'<polygon points="{joined}" fill="{BAND}" fill-opacity="0.8"/>'


def intervals(trace: Mapping[str, Any], frame: Frame, down: Scale, colour: str) -> Iterator[str]:
    for number, (x, y) in enumerate(zip(trace["x"], trace["y"], strict=True)):
        for name in ("error_x", "error_y"):
            if name not in trace:
                continue
            above, below = trace[name]["array"][number], trace[name]["arrayminus"][number]
            if name == "error_x":
                yield line(frame.x.at(x - below), down.at(y), frame.x.at(x + above), down.at(y), colour, 1.5)
            else:
                yield line(frame.x.at(x), down.at(y - below), frame.x.at(x), down.at(y + above), colour, 1.5)


def symbol_at(x: float, y: float, symbol: str, size: float, colour: str, edge: str = "") -> str:
    """Drawn, so that no font needs to have it. An open one is filled with the paper's white."""
    kind = symbol.removesuffix("-open")
    half = size / 2
    fill = "#FFFFFF" if symbol.endswith("-open") else colour
    style = f'fill="{fill}" stroke="{edge or colour}" stroke-width="1.4"'
    if kind == "circle":
        return f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(half)}" {style}/>'
    if kind == "x":
        return line(x - half, y - half, x + half, y + half, colour, 2) + line(
            x - half, y + half, x + half, y - half, colour, 2
        )
    corners = {
        "square": [(-half, -half), (half, -half), (half, half), (-half, half)],
        "diamond": [(0, -1.3 * half), (1.3 * half, 0), (0, 1.3 * half), (-1.3 * half, 0)],
        "triangle-down": [(-half, -0.8 * half), (half, -0.8 * half), (0, 0.9 * half)],
        "triangle-up": [(-half, 0.8 * half), (half, 0.8 * half), (0, -0.9 * half)],
    }[kind]
    joined = " ".join(f"{n(x + dx)},{n(y + dy)}" for dx, dy in corners)
    return f'<polygon points="{joined}" {style}/>'


def annotation(one: Mapping[str, Any], frame: Frame) -> str:
    x = frame.across(one["x"], one.get("xref", "x")) + one.get("xshift", 0)
    y = frame.down(one["y"], one.get("yref", "y")) - one.get("yshift", 0)
    size = one["font"]["size"]
    lines = one["text"].split("<br>")
    first = {
        "top": y + 0.8 * size,
        "bottom": y - 0.25 * size - (len(lines) - 1) * 1.2 * size,
        "middle": y + 0.33 * size - (len(lines) - 1) * 0.6 * size,
    }[one.get("yanchor", "middle")]
    anchor = one.get("xanchor", "center")
    return "".join(
        text(x, first + at * 1.2 * size, said, anchor=anchor, size=size, has_halo=True) for at, said in enumerate(lines)
    )


def text(x: float, y: float, said: str, *, anchor: str, size: float = SIZE, has_halo: bool = False) -> str:
    """`said` as Plotly has it, markup escaped; it is unescaped, freed of what XML may not hold, and escaped anew."""
    start = {"left": "start", "center": "middle", "right": "end"}[anchor]
    halo = ' stroke="#FFFFFF" stroke-width="3" stroke-linejoin="round" paint-order="stroke"' if has_halo else ""
    clean = escape(unescape(said).translate(CONTROL))
    return f'<text x="{n(x)}" y="{n(y)}" font-size="{size}" text-anchor="{start}" fill="{INK}"{halo}>{clean}</text>'


def line(x0: float, y0: float, x1: float, y1: float, colour: str, width: float, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    ends = f'x1="{n(x0)}" y1="{n(y0)}" x2="{n(x1)}" y2="{n(y1)}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"{dashed}/>'


def n(value: float) -> str:
    """A coordinate to a hundredth of a pixel."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
