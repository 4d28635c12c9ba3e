"""The service report: the service's page on paper, for what was chosen on it. What it holds was worked out already."""

from datetime import datetime
from itertools import groupby

from accounts.models import User

from .. import methods
from ..figures import Figure
from ..models import ServiceSummary
from ..selectors.service import Choices, charts_of, figure_of
from ..service_words import Shown, Table, capital, count
from .document import Block, Cell, Document, chart, heading, made_for, small, spanning, table, together, words
from .drawings import drawing

NOTHING_YET = "Nothing has been worked out yet."
NOBODY_IN_BOTH = "No course of therapy with a session began in this period with this modality."
TOO_FEW = (
    "Fewer than five people began in this period with this modality, or their number could be worked out from others. "
    "Nothing is shown of them."
)
OF_PERIODS = (
    "A course of therapy is in the period in which it began, with all of its sessions, up to when this was worked out. "
    "Numbers under five are not shown, and neither are those from which such a number could be worked out. This tells "
    "of a service. No client is named in it, and nobody’s work is ranked."
)
SIGNS = "Circle: goal. Square: task. Diamond: bond."
# Pixels of a chart that is 680 wide; of one of rows those of a row, and how high it is at most.
HEIGHTS = {"alliance": 430, "retention": 400, "outcome": 200}
ROW, ROW_OF_THREE, MOST = 38, 80, 860
# A question breaks over pages only where its chart is higher than this.
WHOLE = 560
# Columns' shares of the page where what stands in them would not leave enough to the others.
WIDTHS = {"retention": [13, 29, 11, *[29, 11] * 3]}


def service_report(user: User, chosen: Choices, summary: ServiceSummary | None, *, at: datetime) -> Document:
    """As `user` sees the page, `at` a moment in the service's own time."""
    said = f"{chosen.period_label}, {chosen.modality_label.lower()}"
    return Document(
        title=f"Service report, {said}",
        heading="How the service is doing",
        running=f"Confidential · Service report · {said}",
        service=user.organisation.name,
        made=made_for(user.name, at),
        about=about(said, summary, user),
        blocks=charts(user, chosen, summary),
    )


def about(said: str, summary: ServiceSummary | None, user: User) -> list[str]:
    if summary is None:
        return [said]
    of = "" if summary.n is None else f": {count(summary.n, 'course')} of therapy with a session"
    at = summary.computed_at.astimezone(user.organisation.zone)
    return [
        f"{said}{of}. Worked out on {at.day} {at:%B %Y, %H:%M}; what is newer is not in it.",
        OF_PERIODS,
    ]


def charts(user: User, chosen: Choices, summary: ServiceSummary | None) -> list[Block]:
    if summary is None:
        return [words(NOTHING_YET if len(chosen.periods) == 1 else NOBODY_IN_BOTH)]
    shown = charts_of(user, summary, chosen)
    if not any(one.table for one in shown):
        return [words(TOO_FEW)]
    return [block for one in shown for block in one_chart(user, chosen, summary, one)]


def one_chart(user: User, chosen: Choices, summary: ServiceSummary, one: Shown) -> list[Block]:
    """Question, sentence, n, chart, table and method note, in the order of the page."""
    figure = figure_of(user, summary, chosen, one.key)
    if one.table is None or figure is None:
        return [together(heading(one.question), words(one.sentence))]
    height = HEIGHTS.get(one.key) or height_of_rows(one.key, figure)
    drawn = chart(drawing(figure, height=height), alt=f"{one.question} The numbers are in the table beneath.")
    signs = f". {SIGNS}" if one.key == "therapists" else ""
    note = methods.NOTES[one.key]
    first = [heading(one.question), words(one.sentence), small(f"n: {one.n}{signs}"), drawn]
    then = [
        table_of(one.key, one.table),
        small(f"{' '.join(note.sentences)} Source: {note.source}", strong="How this is worked out."),
    ]
    return [together(*first, *then)] if height <= WHOLE else [together(*first), *then]


def height_of_rows(key: str, figure: Figure) -> int:
    """A row is a unit of its axis; a therapist's has three marks one beneath the other."""
    layout = figure["layout"]
    low, high = layout["yaxis"]["range"]
    row = ROW_OF_THREE if key == "therapists" else ROW
    around = layout["margin"]["t"] + layout["margin"]["b"]
    return min(MOST, int(row * (high - low) + around))


def table_of(key: str, found: Table) -> Block:
    """The page's table; what a head repeats of the one before it, or shares with those beside it, is said once.

    “Low third”, “n, low third” are “Low third”, “n”; “Goal, left”, “Task, left” are “Goal”, “Task” beneath “left”.
    """
    before = ("", *found.columns[:-1])
    columns = [without(*pair) for pair in zip(found.columns, before, strict=True)]
    runs = [(of, list(run)) for of, run in groupby(columns, key=lambda column: column.partition(", ")[2])]
    groups: list[Cell] = []
    if any(of and len(run) > 1 for of, run in runs):
        groups = [spanning(capital(of), len(run), is_centred=True) for of, run in runs]
        columns = [column.removesuffix(f", {of}") for of, run in runs for column in run]
    widths = WIDTHS.get(key, [])
    return table(
        [column or "What" for column in columns],
        found.rows,
        groups=groups,
        widths=widths if len(widths) == len(columns) else [],
    )


def without(column: str, before: str) -> str:
    return ", ".join(part for part in column.split(", ") if part.lower() != before.lower())
