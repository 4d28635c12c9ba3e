"""The supervision pack as a report: the page of the pack on paper, its V drawn from the same points."""

from collections.abc import Iterator
from datetime import datetime

from accounts.models import User
from clients.models import Episode
from dashboards.figures import COLOURS, SYMBOLS
from dashboards.printed.document import (
    Block,
    Document,
    beside,
    chart,
    heading,
    made_for,
    number,
    said,
    small,
    steps,
    table,
    together,
    words,
)
from dashboards.printed.drawings import GRID, INK, line, svg_of, symbol_at, text
from ruptures.models import RepairAttempt

from .selectors.pack import Pack
from .shape import BACK, FELL, LEFT, TOP, TRIED, WIDTH, Point, Shape

CLOSING = "No process note is in this report. A signal is a prompt to ask, never a verdict. Not for emergencies."
RISK_WAITS = "An answer about harm waits to be acknowledged."
# The page's points are for a low and wide picture; on paper, beside its table, it may be as high as that.
STRETCH = 1.75
SYMBOL_OF = {FELL: "triangle-down", TRIED: "diamond", BACK: "circle"}
SMALL = 12
# Of more sessions the table stands beneath the V, and of its points only those have a number that say something.
MOST_BESIDE = 16


def pack_report(user: User, episode: Episode, pack: Pack, *, at: datetime) -> Document:
    """As `user` sees the page, `at` a moment in the service's own time."""
    code, sessions = episode.client.code, len(pack.state.sessions)
    return Document(
        title=f"Supervision pack, {code}",
        heading=f"Supervision pack · {code}",
        running=f"Confidential, for supervision · Client {code}",
        service=user.organisation.name,
        made=made_for(user.name, at),
        about=[f"{episode.therapist.name} · {sessions} session{'' if sessions == 1 else 's'}"],
        blocks=[
            *what_changed(episode, pack),
            *the_v(pack),
            *what_points_to_it(pack),
            *what_was_tried(pack),
            *in_their_words(pack),
            *to_rehearse(pack),
            small(CLOSING),
        ],
    )


def what_changed(episode: Episode, pack: Pack) -> Iterator[Block]:
    if getattr(episode, "has_risk", False):
        yield words("", strong=RISK_WAITS)
    yield heading("What changed")
    yield words(pack.state.change.detail, strong=pack.state.change.headline)
    if pack.state.is_updating:
        yield small("The trends are being computed again; this is how they stood before.")


def the_v(pack: Pack) -> Iterator[Block]:
    rupture = pack.rupture
    yield heading(pack.title if rupture is None else f"{pack.title} · {rupture.get_state_display().lower()}")
    if rupture is not None:
        if rupture.marker_words:
            yield words(f"Seen: {', '.join(rupture.marker_words).lower()}.")
        yield from map(words, filter(str.strip, rupture.what_happened.splitlines()))
    elif pack.signal is None:
        yield words("No rupture is on record.")
    if pack.shape is None:
        yield words("No rating of it by the client yet.")
    elif len(pack.shape.points) <= MOST_BESIDE:
        both = beside(picture(pack, pack.shape), numbers(pack, pack.shape), widths=(13, 10))
        yield together(both, key(pack.shape), is_close=True)
    else:
        yield together(beside(picture(pack, pack.shape), key(pack.shape), widths=(13, 10)), is_close=True)
        yield numbers(pack, pack.shape)
    if pack.followed is not None:
        yield words(pack.followed.words.detail, strong=pack.followed.words.headline)


def picture(pack: Pack, found: Shape) -> Block:
    alt = f"{pack.name.capitalize()} in {found.sessions}; the numbers are in its table."
    return chart(v_drawing(found, pack.component), alt=alt)


def key(found: Shape) -> Block:
    signs = " ▼ fell, ◆ repair tried, ● back." if found.has_signs else ""
    return small(f"By session, {found.low:g} at the foot to {found.high:g} at the top.{signs}")


def numbers(pack: Pack, found: Shape) -> Block:
    columns = ["Session", pack.component.capitalize(), "Expected", "What"]
    rows = [
        [
            str(point.session),
            number(point.value),
            f"{number(point.expected[0])} to {number(point.expected[1])}" if point.expected else "not yet",
            point.words,
        ]
        for point in found.points
    ]
    return table(columns, rows, texts=4, widths=[0, 0, 0, 1])


def what_points_to_it(pack: Pack) -> Iterator[Block]:
    if pack.signal is not None:
        yield heading("What points to it", 3)
        yield words(pack.signal.sentence)
    if pack.evidence:
        yield small(pack.evidence)


def what_was_tried(pack: Pack) -> Iterator[Block]:
    if not pack.fell:
        return
    yield heading("What was tried")
    if pack.tried:
        yield steps([tried(*one) for one in pack.tried])
        yield small("This says what came after, not why.")
    else:
        yield words("Nothing is noted.")


def tried(attempt: RepairAttempt, after: list[str]) -> str:
    told = [f"{str(attempt.session).capitalize()}: {', '.join(attempt.strategy_words).lower()}."]
    if attempt.client_response:
        told.append(f"The client: {attempt.get_client_response_display().lower()}.")
    return " ".join([*told, *after])


def in_their_words(pack: Pack) -> list[Block]:
    found = [said(comment.text, str(comment.rating.session)) for comment in pack.comments]
    return [heading("In the client’s words"), *(found or [words("Nothing that may be shared.")])]


def to_rehearse(pack: Pack) -> list[Block]:
    told = pack.rehearsal
    return [together(heading("Three questions to rehearse"), steps(told.questions), small(told.method))]


# --- The V ----------------------------------------------------------------------------------------------


def v_drawing(found: Shape, component: str) -> str:
    """The points of the page's picture, as high as paper allows; signs are drawn beneath the sessions they are of."""
    floor, colour = down(found.floor), COLOURS[component]
    parts = []
    for value, y in ((found.high, down(TOP)), (found.low, floor)):
        parts += [line(LEFT - 8, y, WIDTH, y, INK if value == found.low else GRID, 0.8)]
        parts += [text(LEFT - 13, y + 4, f"{value:g}", anchor="right", size=SMALL)]
    for run in found.lines:
        pairs = [pair.split(",") for pair in run.split()]
        joined = " ".join(f"{x},{down(float(y)):.1f}" for x, y in pairs)
        parts.append(f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2.2"/>')
    points, is_crowded = found.points, len(found.points) > MOST_BESIDE
    for before, point, after in zip((None, *points[:-1]), points, (*points[1:], None), strict=True):
        if point.y is not None:
            y = down(point.y)
            parts.append(symbol_at(point.x, y, SYMBOLS[component], 7, colour))
            x, above = room_beside(before, point, after)
            at = (point.x + x, y - 10 if above or y + 20 > floor else y + 19)
            if not is_crowded or is_telling(before, point, after):
                parts.append(text(*at, f"{point.value:.1f}", anchor="center", has_halo=True))
        if not is_crowded or is_telling(before, point, after):
            parts.append(text(point.x, floor + 18, str(point.session), anchor="center", size=SMALL))
        first = point.x - 6 * (len(point.roles) - 1)
        parts += [
            symbol_at(first + 12 * at, floor + 30, SYMBOL_OF[role], 8, INK) for at, role in enumerate(point.roles)
        ]
    return svg_of(parts, width=WIDTH, height=floor + (40 if found.has_signs else 24))


def down(y: float) -> float:
    return TOP + (y - TOP) * STRETCH


def is_telling(before: Point | None, point: Point, after: Point | None) -> bool:
    """Where it begins, fell, came back and ends."""
    return before is None or after is None or bool({FELL, BACK} & set(point.roles))


def room_beside(before: Point | None, point: Point, after: Point | None) -> tuple[float, bool]:
    """Where the lines leave room for a number: how far to the right of its point, and whether above it.

    Beneath what is lower than its neighbours; to the left of a rise, to the right of a fall.
    """
    around = [0 if one is None or one.y is None or point.y is None else one.y - point.y for one in (before, after)]
    is_lowest = min(around) < 0 and max(around) <= 0
    is_between = min(around) < 0 < max(around)
    return (0 if not is_between else -10 if around[0] > 0 else 10), not is_lowest
