"""Facts of all episodes in, the summaries of every period and modality out. Numbers only: no query, no clock."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from measures.statistics.suppression import Base, Cell, Published, suppress

from .service_charts import CHARTS, COURSES, Cuts, cuts_of
from .service_facts import Facts
from .service_periods import QUARTER, Period, periods_of, quarter_of

EMPTY = suppress({})


@dataclass(frozen=True)
class Summary:
    """`n` courses of therapy began in `period` and had a session, None where that may not be told; `modality` is empty
    for all. `body` maps charts to their figures, None where too few people stand behind them."""

    period: Period
    modality: str
    n: int | None
    body: dict[str, Any]


@dataclass(frozen=True)
class View:
    """What may be seen of one period and one modality; a `Look` of the charts."""

    tables: Mapping[str, Published]
    period: tuple[int, ...]
    modality: str | None

    @property
    def is_whole(self) -> bool:
        return not self.period and self.modality is None

    def count(self, table: str, category: str | None = None) -> int | None:
        return self.tables.get(table, EMPTY).count(Cell(self.period, self.modality, category))

    def shows(self, table: str, category: str | None = None) -> bool:
        return self.tables.get(table, EMPTY).shows(Cell(self.period, self.modality, category))


def tables_of(everybody: Sequence[Facts], *, today: date) -> dict[str, Published]:
    """What may be seen of each table, of all periods and modalities at once."""
    held = [facts for facts in everybody if facts.held]
    return {name: suppress(counts) for name, counts in counts_of(held, cuts_of(held), today=today).items()}


def summaries_of(everybody: Sequence[Facts], tables: Mapping[str, Published], *, today: date) -> Iterator[Summary]:
    """Every period × modality in which a course of therapy began, with what its tables let be seen.

    Courses without a session, such as those that were only planned, are in none.
    """
    held = [facts for facts in everybody if facts.held]
    cuts = cuts_of(held)
    periods = periods_of((facts.started_on for facts in held), today=today)
    of_cell: dict[tuple[Period, str], list[Facts]] = defaultdict(list)
    for facts in held:
        for period in periods:
            if period.has(facts.started_on):
                of_cell[period, ""].append(facts)
                of_cell[period, facts.modality].append(facts)
    for period, modality in sorted(of_cell, key=lambda cell: (periods.index(cell[0]), cell[1])):
        view = View(tables, path_of(period), modality or None)
        body = {chart.key: chart.form(of_cell[period, modality], view, cuts) for chart in CHARTS}
        yield Summary(period, modality, view.count(COURSES), body)


def counts_of(held: Sequence[Facts], cuts: Cuts | None, *, today: date) -> dict[str, Counter[Base]]:
    """By table how many there are. Quarters before last year, which no page shows, are counted as their year."""
    counts: dict[str, Counter[Base]] = defaultdict(Counter)
    for facts in held:
        day = facts.started_on
        quarter = (day.year, quarter_of(day) if day.year >= today.year - 1 else 1)
        for chart in CHARTS:
            for table, category, count in chart.count(facts, cuts):
                counts[table][Base(quarter, facts.modality, category)] += count
    return counts


def as_json(tables: Mapping[str, Published]) -> dict[str, Any]:
    """Tables to keep until the next step."""
    return {
        name: {
            "detail": table.detail,
            "shown": [[*cell, table.counts[cell]] for cell in table.shown],
            "hidden": [cell for cell in table.counts if cell not in table.shown],
        }
        for name, table in tables.items()
    }


def of_json(body: Mapping[str, Any]) -> dict[str, Published]:
    found = {}
    for name, table in body.items():
        shown = {Cell(tuple(period), *rest): count for period, *rest, count in table["shown"]}
        hidden = {Cell(tuple(period), *rest): 0 for period, *rest in table["hidden"]}
        detail = tuple((periods, modalities, categories) for periods, modalities, categories in table["detail"])
        found[name] = Published({**shown, **hidden}, frozenset(shown), detail)
    return found


def path_of(period: Period) -> tuple[int, ...]:
    """As `suppression` names a period."""
    first = period.starts_on
    if first is None:
        return ()
    return (first.year, quarter_of(first)) if period.kind == QUARTER else (first.year,)
