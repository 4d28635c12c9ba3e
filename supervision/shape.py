"""The V of a rupture: fall and return of one component around one session, as points to draw and rows to read.

    7.6 7.9 |4.6| 6.1 8.4     before · before · fell · tried · back

Scores in, coordinates of an SVG out, `WIDTH` by `HEIGHT`, the whole range of the instrument from bottom to top. No line
runs over a session without a score.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 400, 132
LEFT, RIGHT, TOP, BOTTOM = 28, 14, 18, 26
BEFORE, AFTER = 4, 6
FELL, TRIED, BACK = "fell", "tried", "back"
SIGNS = {FELL: "▼", TRIED: "◆", BACK: "●"}


@dataclass(frozen=True)
class Point:
    """One session of the window; `value` is None where there is no score, `expected` where
    nothing was expected. `words` say what happened in it."""

    session: int
    value: float | None
    expected: tuple[float, float] | None
    roles: tuple[str, ...]
    x: float
    y: float | None

    @property
    def sign(self) -> str:
        return "".join(SIGNS[role] for role in self.roles)

    @property
    def words(self) -> str:
        said = {FELL: "fell", TRIED: "repair tried", BACK: "back"}
        return ", ".join(said[role] for role in self.roles)

    @property
    def label_y(self) -> float | None:
        """Above the point; below it where it would leave the picture."""
        return None if self.y is None else (self.y - 9 if self.y > TOP + 12 else self.y + 17)


@dataclass(frozen=True)
class Shape:
    points: tuple[Point, ...]
    lines: tuple[str, ...]
    low: float
    high: float

    @property
    def has_signs(self) -> bool:
        return any(point.roles for point in self.points)

    @property
    def floor(self) -> float:
        return HEIGHT - BOTTOM

    @property
    def sessions(self) -> str:
        first, last = self.points[0].session, self.points[-1].session
        return f"session {first}" if first == last else f"sessions {first} to {last}"


def window(sessions: Sequence[int], *, around: int | None, until: int | None = None) -> list[int]:
    """The sessions to show: some before the one in question and some after it, at least as far as `until`.

    Without a session in question the latest ones.
    """
    if around is None:
        return list(sessions[-(BEFORE + AFTER) :])
    before = [at for at in sessions if at < around][-BEFORE:]
    after = [at for at in sessions if at >= around]
    shown = max(AFTER, sum(at <= until for at in after) + 1 if until else 0)
    return before + after[:shown]


def shape(
    values: dict[int, float | None],
    expected: dict[int, tuple[float, float]],
    *,
    span: tuple[float, float],
    sessions: Sequence[int],
    fell: int | None = None,
    tried: Collection[int] = (),
    back: int | None = None,
) -> Shape | None:
    """The V over these sessions; None where none of them has a score."""
    if not any(values.get(at) is not None for at in sessions):
        return None
    low, high = span
    step = (WIDTH - LEFT - RIGHT) / max(len(sessions) - 1, 1)
    points = []
    for place, at in enumerate(sessions):
        value = values.get(at)
        roles = [role for role, is_it in ((FELL, at == fell), (TRIED, at in tried), (BACK, at == back)) if is_it]
        y = (
            None
            if value is None
            else round(HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)
        )
        points.append(Point(at, value, expected.get(at), tuple(roles), round(LEFT + place * step, 1), y))
    return Shape(tuple(points), tuple(runs(points)), low, high)


def runs(points: Sequence[Point]) -> list[str]:
    """Neighbouring scores as the `points` of a polyline each."""
    found: list[list[str]] = [[]]
    for point in points:
        if point.y is None:
            found.append([])
        else:
            found[-1].append(f"{point.x:g},{point.y:g}")
    return [" ".join(run) for run in found if len(run) > 1]
