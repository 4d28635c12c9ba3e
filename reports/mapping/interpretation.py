"""A table and a mapping, made into ratings. Every cell that cannot be taken becomes a problem with its place."""

import re
from collections.abc import Callable
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches

from reports.mapping.cells import Cell, Read, Readings, Refused, day
from reports.mapping.definition import (
    LAST_SESSION,
    LONGEST_CLIENT_CODE,
    Mapping,
    OwnMeasureSpec,
    Point,
    phase_of,
)
from reports.reading import Table

MOST_PROBLEMS = 1_000
_WHOLE = re.compile(r"[0-9]{1,15}(?:[.,]0+)?", re.ASCII)


@dataclass(frozen=True)
class Problem:
    """One cell that cannot be taken, in a row as the file counts them; the names of the columns are row 1."""

    row: int
    column: str
    value: str | None
    message: str

    def __str__(self) -> str:
        shown = "" if self.value is None else f", “{self.value[:60]}{'…' if len(self.value) > 60 else ''}”"
        return f"Row {self.row}, column “{self.column}”{shown}: {self.message}"


@dataclass(frozen=True, slots=True)
class ImportedRating:
    """One rating of the file. `given` has one answer per item; `totals` are for ratings known by their totals.

    `expected` are the file's own scores, for comparing with the computed ones; they are never written.
    """

    client: str
    session: int
    phase: str
    label: str | None
    held_on: date | None
    instrument: str
    rater: str
    given: tuple[float | None, ...] | None
    totals: dict[str, float] | None
    expected: dict[str, float]
    row: int
    therapist: str | None

    @property
    def answers(self) -> dict[int, float | None] | None:
        """The answers by item number, made when asked: 1e5 dicts at once would fill the memory."""
        return None if self.given is None else dict(enumerate(self.given, start=1))


@dataclass(frozen=True)
class Gap:
    """A session between a client's first and last that the file has no rating of."""

    client: str
    session: int
    phase: str
    label: str | None


@dataclass(frozen=True)
class Interpretation:
    """What a file says. `problems` holds the first 1,000 and `more_problems` counts the rest.

    `rows_without_rating` had nothing but missing values; `unused` columns are not named in the mapping.
    """

    ratings: tuple[ImportedRating, ...]
    gaps: tuple[Gap, ...]
    problems: tuple[Problem, ...]
    more_problems: int
    rows: int
    rows_without_rating: int
    unused: tuple[str, ...]
    own_measures: tuple[OwnMeasureSpec, ...]

    @property
    def clients(self) -> int:
        return len({rating.client for rating in self.ratings})


@dataclass
class _Problems:
    kept: list[Problem] = field(default_factory=list)
    count: int = 0

    def add(self, row: int, column: str, value: str | None, message: str) -> None:
        self.count += 1
        if len(self.kept) < MOST_PROBLEMS:
            self.kept.append(Problem(row, column, value, message))


@dataclass(frozen=True, slots=True)
class _Draft:
    """A rating whose client's code and session number wait for the end of the file."""

    row: int
    client: str
    session: int | None
    held_on: date | None
    phase: str | None
    label: str | None
    instrument: str
    rater: str
    given: tuple[float | None, ...] | None
    totals: dict[str, float] | None
    expected: dict[str, float]
    therapist: str | None


Cells = tuple[Cell, ...]


def interpret(table: Table, mapping: Mapping) -> Interpretation:
    """Every rating in the table and every problem; what has a problem is left out of the ratings.

    Raises Unreadable when the file itself breaks off in one of its rows.
    """
    problems = _Problems()
    unused = tuple(column for column in table.columns if column not in set(mapping.columns()))
    missing = [column for column in mapping.columns() if column not in table.columns]
    shown = False
    for column in missing:
        near = _near(column, table.columns)
        problems.add(1, column, None, _missing_column(near, () if shown else table.columns))
        shown = shown or not near
    drafts: list[_Draft] = []
    rows = without = 0
    if not missing:
        reader = _Reader(table, mapping, problems)
        for number, cells in table.rows:
            rows += 1
            before, found = problems.count, len(drafts)
            reader.read(number, cells, drafts)
            without += problems.count == before and len(drafts) == found
    ratings = _numbered(_with_codes(drafts, mapping, problems), mapping, problems)
    return Interpretation(
        ratings=tuple(ratings),
        gaps=tuple(_gaps(ratings, mapping)),
        problems=tuple(sorted(problems.kept, key=lambda problem: problem.row)),
        more_problems=problems.count - len(problems.kept),
        rows=rows,
        rows_without_rating=without,
        unused=unused,
        own_measures=mapping.own_measures,
    )


def _near(column: str, columns: tuple[str, ...]) -> str:
    folded = {name.casefold(): name for name in columns}
    return next((folded[name] for name in get_close_matches(column.casefold(), list(folded)[:500], n=1)), "")


def _missing_column(near: str, columns: tuple[str, ...]) -> str:
    """`columns` are those to choose from, where they have not been listed before."""
    if near:
        return f"the file has no such column. Did you mean “{near}”? Write the name exactly as in the file."
    if not columns:
        return "the file has no such column."
    shown = ", ".join(f"“{name}”" for name in columns[:10])
    return (
        f"the file has no such column. It has {shown}{' and more' if len(columns) > 10 else ''}: correct the mapping."
    )


# Row by row


class _Reader:
    """Reads rows of one table by one mapping; what a cell comes to is remembered by its text."""

    def __init__(self, table: Table, mapping: Mapping, problems: _Problems) -> None:
        self.mapping, self.problems, self.is_workbook = mapping, problems, table.is_workbook
        readings = Readings(mapping, table.is_workbook)
        self.at = {column: place for place, column in enumerate(table.columns)}
        self.ratings = [
            (
                spec,
                readings.items(spec.instrument, spec.rater, spec.values),
                {scale: readings.total(spec.instrument, spec.rater, scale, spec.values) for scale in spec.totals},
            )
            for spec in mapping.ratings
        ]
        self.items = [[self.at[column] for column in spec.items] for spec in mapping.ratings]
        self.plain = readings.plain()
        self.series = [
            (spec, readings.total(spec.instrument, spec.rater, spec.scale, spec.values)) for spec in mapping.series
        ]

    def read(self, row: int, cells: Cells, drafts: list[_Draft]) -> None:
        client = (cells[self.at[self.mapping.client]] or "").strip()
        if not client or client in self.mapping.missing:
            self.problems.add(
                row, self.mapping.client, client or None, "the client is missing. Write the client's code."
            )
            return
        if self.series:
            self._wide(row, client, cells, drafts)
        else:
            self._long(row, client, cells, drafts)

    def _wide(self, row: int, client: str, cells: Cells, drafts: list[_Draft]) -> None:
        """One rating for each instrument, rater and session, with every scale that the row has of it."""
        found: dict[tuple[str, str, int], tuple[Point, dict[str, float]]] = {}
        for spec, read in self.series:
            for point in spec.points:
                value = self._cell(row, point.column, cells, read)
                if value is not None:
                    key = spec.instrument, spec.rater, point.session
                    found.setdefault(key, (point, {}))[1][spec.scale] = value
        for (instrument, rater, session), (point, totals) in found.items():
            place = (row, client, session, None, point.phase, point.label)
            drafts.append(_Draft(*place, instrument, rater, None, totals, {}, self._therapist(cells)))

    def _long(self, row: int, client: str, cells: Cells, drafts: list[_Draft]) -> None:
        chosen = [
            place
            for place, (spec, _, _) in enumerate(self.ratings)
            if spec.when is None or (cells[self.at[spec.when[0]]] or "").strip() == spec.when[1]
        ]
        if not chosen:
            column = next(spec.when[0] for spec, _, _ in self.ratings if spec.when)
            self.problems.add(
                row,
                column,
                cells[self.at[column]],
                "no rating of the mapping is for this value. Add one to the mapping, or delete such rows.",
            )
            return
        before = self.problems.count
        session, held_on = self._session(row, cells)
        for place in chosen:
            self._rating(place, row, client, session, held_on, cells, drafts, good=self.problems.count == before)

    def _rating(
        self,
        place: int,
        row: int,
        client: str,
        session: int | None,
        held_on: date | None,
        cells: Cells,
        drafts: list[_Draft],
        *,
        good: bool,
    ) -> None:
        spec, read, read_total = self.ratings[place]
        before = self.problems.count
        given: list[float | None] = []
        for number, at in enumerate(self.items[place]):
            value, message = read(cells[at])
            if message is not None:
                self.problems.add(row, spec.items[number], cells[at], message)
            given.append(value)
        totals = self._numbers(row, cells, spec.totals, lambda scale: read_total[scale])
        expected = self._numbers(row, cells, spec.expect, lambda _: self.plain)
        answered = any(value is not None for value in given)
        if self.problems.count > before or not good or not (answered or totals):
            return
        drafts.append(
            _Draft(
                *(row, client, session, held_on, None, None, spec.instrument, spec.rater),
                tuple(given) if answered else None,
                None if answered else totals,
                {**totals, **expected} if answered else {},
                self._therapist(cells),
            )
        )

    def _therapist(self, cells: Cells) -> str | None:
        if self.mapping.therapist is None:
            return None
        return (cells[self.at[self.mapping.therapist]] or "").strip().lower() or None

    def _numbers(
        self, row: int, cells: Cells, columns: ReadOnly[str, str], read: Callable[[str], Read]
    ) -> dict[str, float]:
        found = {scale: self._cell(row, column, cells, read(scale)) for scale, column in columns.items()}
        return {scale: value for scale, value in found.items() if value is not None}

    def _cell(self, row: int, column: str, cells: Cells, read: Read) -> float | None:
        cell = cells[self.at[column]]
        value, message = read(cell)
        if message is not None:
            self.problems.add(row, column, cell, message)
        return value

    # Sessions

    def _session(self, row: int, cells: Cells) -> tuple[int | None, date | None]:
        session = held_on = None
        if column := self.mapping.session_number:
            cell = cells[self.at[column]]
            value, message = self.plain(cell)
            if message is None and value is None:
                message = "the session's number is missing. Write one, counted from 1 within each client."
            elif message is None and not (value is not None and value.is_integer() and 0 <= value <= LAST_SESSION):
                message = f"must be a whole number from 0 (before the therapy) to {LAST_SESSION}."
            if message is not None:
                self.problems.add(row, column, cell, message)
            elif value is not None:
                session = int(value)
        if column := self.mapping.session_date:
            cell = (cells[self.at[column]] or "").strip()
            if not cell or cell in self.mapping.missing:
                if not self.mapping.session_number:
                    self.problems.add(row, column, cell or None, "the session's date is missing. Write one.")
            else:
                try:
                    held_on = day(cell, self.mapping.date_order or "ymd", self.is_workbook)
                except Refused as error:
                    self.problems.add(row, column, cell, str(error))
        return session, held_on


# Over the whole file


def _with_codes(drafts: list[_Draft], mapping: Mapping, problems: _Problems) -> list[tuple[str, _Draft]]:
    """Each draft with its client's code: "1.0" is 1 when all are whole numbers; the same code in any case is one."""
    first_rows: dict[str, int] = {}
    for draft in drafts:
        first_rows.setdefault(draft.client, draft.row)
    whole = all(_WHOLE.fullmatch(client) for client in first_rows)
    codes: dict[str, str] = {}
    written: dict[str, tuple[str, int]] = {}
    for client, row in first_rows.items():
        code = mapping.client_prefix + (re.split("[.,]", client)[0] if whole else client)
        if len(code) > LONGEST_CLIENT_CODE:
            most = f"a client's code has at most {LONGEST_CLIENT_CODE} characters, and this one {len(code)}"
            problems.add(row, mapping.client, client, f"{most}. Give the client a shorter code.")
            continue
        other, there = written.setdefault(code.lower(), (code, row))
        if other != code:
            problems.add(
                row,
                mapping.client,
                client,
                f"differs from “{other}” in row {there} only in capital letters. Write it the same in every row, "
                "or give one of two clients another code.",
            )
            continue
        codes[client] = code
    return [(codes[draft.client], draft) for draft in drafts if draft.client in codes]


def _numbered(coded: list[tuple[str, _Draft]], mapping: Mapping, problems: _Problems) -> list[ImportedRating]:
    """The ratings with session numbers and dates that agree throughout the file, each only once."""
    numbers = _numbers_by_date(coded) if not (mapping.session_number or mapping.series) else {}
    days: dict[tuple[str, int], tuple[date, int]] = {}
    rows: dict[tuple[str, int, str, str], int] = {}
    taken: list[tuple[str, int, _Draft]] = []
    for code, draft in coded:
        session = draft.session
        if session is None:
            assert draft.held_on is not None
            session = numbers[code, draft.held_on]
        if draft.held_on is not None:
            day, row = days.setdefault((code, session), (draft.held_on, draft.row))
            if day != draft.held_on:
                problems.add(
                    draft.row,
                    mapping.session_date or "",
                    draft.held_on.isoformat(),
                    f"session {session} of {code} is on {day.isoformat()} in row {row}. Give it one date.",
                )
                continue
        key = code, session, draft.instrument, draft.rater
        if key in rows:
            column = mapping.session_number or mapping.session_date or mapping.client
            problems.add(
                draft.row,
                column,
                str(session) if mapping.session_number else draft.client,
                f"{draft.instrument} by the {draft.rater} for session {session} of {code} is in row {rows[key]} "
                "already. Delete one of the two.",
            )
            continue
        rows[key] = draft.row
        taken.append((code, session, draft))
    return [
        ImportedRating(
            client=code,
            session=session,
            phase=draft.phase or phase_of(session),
            label=draft.label,
            held_on=days[code, session][0] if (code, session) in days else None,
            instrument=draft.instrument,
            rater=draft.rater,
            given=draft.given,
            totals=draft.totals,
            expected=draft.expected,
            row=draft.row,
            therapist=draft.therapist,
        )
        for code, session, draft in taken
    ]


def _numbers_by_date(coded: list[tuple[str, _Draft]]) -> dict[tuple[str, date], int]:
    """Sessions counted from 1 within each client, in the order of their dates."""
    days: dict[str, set[date]] = {}
    for code, draft in coded:
        if draft.held_on is not None:
            days.setdefault(code, set()).add(draft.held_on)
    return {(code, day): number for code, found in days.items() for number, day in enumerate(sorted(found), start=1)}


def _gaps(ratings: list[ImportedRating], mapping: Mapping) -> list[Gap]:
    """Sessions that lie between a client's first and last rated ones, and that nobody rated.

    rated:  1 2 . 4 . . | fu1      a wide file with columns for sessions 1 to 6 and one follow-up
    gaps:       3   5 6
    """
    rated: dict[str, set[int]] = {}
    for rating in ratings:
        rated.setdefault(rating.client, set()).add(rating.session)
    planned = {point.session: (point.phase, point.label) for spec in mapping.series for point in spec.points}
    gaps = []
    for client, sessions in rated.items():
        for session in sorted(planned) if planned else range(min(sessions), max(sessions)):
            if min(sessions) < session < max(sessions) and session not in sessions:
                phase, label = planned.get(session, (phase_of(session), None))
                gaps.append(Gap(client, session, phase, label))
    return gaps
