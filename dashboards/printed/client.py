"""The client report: the episode page on paper, for the client's record. The client is known by code alone."""

from collections.abc import Iterable
from datetime import datetime

from accounts.models import User
from clients.models import Episode
from clients.selectors import by_code
from measures.instruments import COMPONENTS
from ruptures.models import Rupture

from ..figures import Engagement, alliance_figure, total_figure
from ..selectors.agreed import Agreed, agreed_of, phase_of
from ..selectors.episode import (
    EpisodeState,
    NumbersRow,
    components_of,
    episode_state,
    missed_meetings,
    total_points,
    value_range,
)
from ..selectors.marks import marks_of
from .document import Block, Cell, Document, chart, heading, items, made_for, number, small, spanning, table, words
from .drawings import drawing

CLOSING = (
    "No process note, no note of a session, no comment of the client and no answer about harm is in this report. What "
    "was noticed is a prompt to ask, never a verdict. Not for emergencies."
)


def client_report(user: User, episode: Episode, *, instrument: str, at: datetime) -> Document:
    """As `user` sees the page, `at` a moment in the service's own time."""
    state = episode_state(by_code(episode), instrument=instrument)
    engagement_sessions = user.organisation.engagement_sessions
    agreed = agreed_of(state, engagement_sessions=engagement_sessions)
    code = episode.client.code
    return Document(
        title=f"Client report, {code}",
        heading=f"Client report · {code}",
        running=f"Confidential · Client {code}",
        service=user.organisation.name,
        made=made_for(user.name, at),
        about=about(episode, state),
        blocks=[
            *what_changed(state),
            *alliance(state, phase_of(state, engagement_sessions=engagement_sessions)),
            *other_measures(state),
            *ruptures(state),
            *goals_and_tasks(agreed),
            *course(state),
            *numbers(state),
            small(CLOSING),
        ],
    )


def about(episode: Episode, state: EpisodeState) -> list[str]:
    until = f" to {day(episode.ended_on)}, {episode.get_ending_display().lower()}" if episode.ended_on else ""
    took_place = sum(session.took_place for session in state.sessions)
    held = f"{len(state.sessions)} session{'' if len(state.sessions) == 1 else 's'} on record, {took_place} took place"
    return [
        f"With {episode.therapist.name}, {episode.practitioner_title} · {episode.get_modality_display()} · "
        f"{'from' if until else 'since'} {day(episode.started_on)}{until} · {held}"
    ]


def what_changed(state: EpisodeState) -> list[Block]:
    found = [heading("What changed"), words(state.change.detail, strong=state.change.headline)]
    if state.is_updating:
        found.append(small("The trends are being computed again; this is how they stood before."))
    return [*found, *(small(line) for line in state.change.method)]


def alliance(state: EpisodeState, phase: Engagement) -> list[Block]:
    if not state.has_alliance:
        return []
    figure = alliance_figure(
        components_of(state, "therapist", "client"),
        value_range=value_range(state.alliance),
        missed=missed_meetings(state.sessions),
        axis=state.axis,
        expected=state.expected,
        marks=marks_of(state),
        engagement=phase,
    )
    low, high = value_range(state.alliance)
    key = [
        f"{state.alliance.name}, means of the answers, {low:g} to {high:g}.",
        f"Solid with filled marks: the client. Dashed with open marks: {state.episode.therapist.name}.",
        "Circle: goal. Square: task. Diamond: bond. A gap: not rated. A cross on the axis: did not take place.",
    ]
    if state.noticed or state.standing_ruptures:
        key.append("▼ fell, or a rupture; ◆ something was tried; ▲ back.")
    if state.expected.get(state.focus):
        key.append(f"Grey band: what was expected of the {state.focus}.")
    key.append(f"Shaded: the engagement phase, sessions 1 to {phase.sessions}.")
    if phase.challenged_in is not None:
        key.append(f"Dotted line: the first challenge, session {phase.challenged_in}.")
    if state.tick_legend:
        key.append(f"{state.tick_legend}.")
    alt = "Goal, task and bond by session, as client and therapist rate them; the numbers are in the table at the end."
    return [
        heading("How has the alliance gone, session by session?"),
        chart(drawing(figure, height=390, band=state.focus), alt=alt),
        small(" ".join(key)),
    ]


def other_measures(state: EpisodeState) -> list[Block]:
    found: list[Block] = []
    for instrument, now in zip(state.by_total, state.totals_now, strict=True):
        points = total_points(state.series, instrument)
        low, high = instrument.range_of_total
        better = "higher" if instrument.editions["client"].higher_is_better else "lower"
        figure = total_figure(points, value_range=(low, high), axis=state.axis)
        alt = f"{instrument.name} by session; the numbers are in the table at the end."
        found += [
            heading(f"{instrument.name}, on the same sessions"),
            chart(drawing(figure, height=190), alt=alt),
            small(f"Total, {low:g} to {high:g}, {better} is better. Latest: {number(now.latest)}, {now.words}."),
        ]
    return found


def ruptures(state: EpisodeState) -> list[Block]:
    """What stands: ruptures that nobody dismissed, and what was noticed and waits for an answer."""
    found = [heading("Ruptures and repair")]
    for one in sorted(state.standing_ruptures, key=lambda one: one.rupture.session.number):
        rupture = one.rupture
        of = f", {rupture.get_component_display().lower()}" if rupture.component else ""
        found.append(heading(f"{rupture.name}, {rupture.session}{of} · {rupture.get_state_display().lower()}", 3))
        found.append(words(tried(rupture)))
        if one.followed:
            found.append(words(one.followed.words.detail, strong=one.followed.words.headline))
    if len(found) > 1:
        found.append(small("What the ratings say is what came after, not why."))
    if state.signals_now:
        found.append(words("Noticed in the ratings and not answered yet; each may be a possible rupture:"))
        found.append(items([signal.sentence for signal in state.signals_now]))
    return found if len(found) > 1 else [*found, words("No rupture is on record.")]


def tried(rupture: Rupture) -> str:
    said = [f"{', '.join(one.strategy_words).lower()} ({one.session})" for one in rupture.attempts.all()]
    return f"Tried: {'; '.join(said)}." if said else "No repair attempt is on record."


def goals_and_tasks(agreed: Agreed) -> list[Block]:
    goals = []
    for now in agreed.now.goals:
        state = "reached" if not now.goal.is_open else "agreed" if now.goal.is_agreed else "proposed"
        told = [now.goal.aim_in_words] if now.goal.aim_in_words else []
        if now.measured is not None and told:
            told.append(f"now {now.measured_in_words}, {now.towards.words}")
        way = f"{now.progress} of 10, session {now.session}" if now.progress is not None else "not asked yet"
        goals.append([now.goal.text, state, " · ".join(told) or "–", way])
    tasks = []
    for task in (now.task for now in agreed.now.tasks):
        eased = task.step_down_of
        stepped = f", stepped down from {eased.difficulty}" if eased and eased.difficulty is not None else ""
        difficulty = "–" if task.difficulty is None else f"{task.difficulty}{stepped}"
        tasks.append([task.text, task.get_status_display(), difficulty])
    found = [heading("Agreed")]
    if goals:
        found.append(table(["Goal", "State", "How it is noticed", "On the way"], goals, texts=4, widths=[4, 0, 4, 2]))
    if tasks:
        found.append(table(["Task", "State", "Difficulty"], tasks, texts=3, widths=[4, 2, 2]))
    return found if len(found) > 1 else [*found, words("No goal and no task is on record.")]


def course(state: EpisodeState) -> list[Block]:
    rows = [[line.title, f"{line.says} ({line.method})"] for line in state.lines]
    return (
        [heading("What the course so far allows to say"), table(["What", "Said"], rows, texts=2, widths=[1, 2])]
        if rows
        else []
    )


def numbers(state: EpisodeState) -> list[Block]:
    """The page's table, in the order of time."""
    if not state.rows:
        return [heading("The numbers"), words("No session is on record.")]
    scales = [scale.capitalize() for scale in COMPONENTS] * 2 if state.has_alliance else []
    columns = ["Session", "Date", *scales, *(instrument.name for instrument in state.by_total)]
    groups: list[Cell] = []
    if state.has_alliance:
        groups = ["", "", spanning("Client", 3, is_centred=True), spanning("Therapist", 3, is_centred=True)]
        groups += [""] * len(state.by_total)
    rows = [list(cells_of(row, has_alliance=state.has_alliance)) for row in reversed(state.rows)]
    return [
        heading("The numbers"),
        table(columns, rows, texts=2, groups=groups),
        small("–: no score. A missing score is never a zero."),
    ]


def cells_of(row: NumbersRow, *, has_alliance: bool) -> Iterable[Cell]:
    yield row.session.name
    yield f"{day(row.session.held_on)}{', assumed' if row.session.is_date_assumed else ''}"
    if has_alliance and not row.session.took_place:
        yield spanning(row.session.get_attendance_display(), 6)
    elif has_alliance:
        if row.is_sealed:
            yield spanning("waits for the therapist’s rating", 3)
        else:
            yield from map(number, row.client)
        yield from map(number, row.therapist)
    yield from map(number, row.totals)


def day(value: object) -> str:
    return f"{value:%-d %B %Y}"
