"""The summaries of all periods and modalities together: what they hold, and that nobody can be worked out of them."""

import itertools
import json
from collections import Counter, defaultdict

import numpy as np
import pytest

from dashboards import service_summaries
from dashboards.service_charts import GRID, SESSIONS
from dashboards.service_periods import quarter_of
from dashboards.service_summaries import as_json, of_json, summaries_of, tables_of
from measures.statistics.early_alliance import THIRDS
from measures.statistics.suppression import LEAST
from tests.dashboards.courses import TODAY, course, service

PARTS = ("completeness", "ruptures", "returns", "content")
TABLE_OF = {"ruptures": "courses"}


def worked_out(facts):
    return list(summaries_of(facts, tables_of(facts, today=TODAY), today=TODAY))


def published(summaries):
    """Every count that a body tells, as an attacker would note it: table → (period, modality, category) → number."""
    known = defaultdict(dict)
    for one in summaries:
        at = (one.period.key, one.modality)
        body = one.body
        for chart in PARTS:
            if body[chart] is not None:
                table = known[TABLE_OF.get(chart, chart)]
                table[*at, ""] = body[chart]["n"]
                table |= {(*at, kind): n for kind, n in body[chart]["rows"].items() if n is not None}
        if one.n is not None:
            known["courses"][*at, ""] = one.n
        for row in (body["alliance"] or {"rows": []})["rows"]:
            for group in ("stayed", "left"):
                if group in row:
                    known[f"alliance-{row['session']}"][*at, group] = row[group]["n"]
        for third, row in (body["outcome"] or {"rows": {}})["rows"].items():
            known["outcome"][*at, third] = row["n"]
        if body["outcome"]:
            known["outcome"][*at, ""] = body["outcome"]["n"]
        for name, curve in (body["retention"] or {"curves": {}})["curves"].items():
            for session, n in zip(curve["grid"], curve["at_risk"], strict=True):
                if n is not None:
                    table = "courses" if session == GRID[0] else f"stay-{session}"
                    known[table][*at, "" if name == "all" else name] = n
    return known


def periods_holding(quarter):
    year, number = quarter
    return ("all", str(year), f"{year}-q{number}") if year >= TODAY.year - 1 else ("all", str(year))


def small_cells_found(facts, known):
    """Cells of one to four that follow from the known ones, by any way of adding and subtracting."""
    counts = service_summaries.counts_of([one for one in facts if one.held], cuts(facts), today=TODAY)
    found = []
    for table, numbers in known.items():
        base = list(counts[table])
        of_cell = defaultdict(list)
        for place, (quarter, modality, category) in enumerate(base):
            for cell in itertools.product(periods_holding(quarter), ("", modality), ("", category)):
                of_cell[cell].append(place)

        def row(cell, of_cell=of_cell, base=base):
            found = np.zeros(len(base))
            found[of_cell[cell]] = 1
            return found

        system = np.array([row(cell) for cell in numbers if of_cell[cell]])
        _, values, directions = np.linalg.svd(system, full_matrices=True)
        free = directions[int((values > 1e-9).sum()) :]
        for cell, places in of_cell.items():
            true = sum(counts[table][base[place]] for place in places)
            if 0 < true < LEAST and np.abs(free @ row(cell)).max(initial=0) < 1e-9:
                found.append((table, cell, true))
    return found


def cuts(facts):
    return service_summaries.cuts_of([one for one in facts if one.held])


@pytest.mark.parametrize(("seed", "clients"), [(1, 60), (2, 150), (3, 400)])
def test_nobody_can_be_worked_out_by_subtracting_what_the_filters_show(seed, clients):
    facts = service(seed, clients=clients)
    known = published(worked_out(facts))
    assert sum(map(len, known.values())) > 10, "there is something to look at"
    assert all(n == 0 or n >= LEAST for numbers in known.values() for n in numbers.values())
    assert small_cells_found(facts, known) == []


def test_the_attack_would_find_what_is_hidden_too_little(monkeypatch):
    """The same attack on summaries from which only the small cells themselves were left out."""

    class Naive:
        def __init__(self, counts):
            self.cells = Counter()
            for (quarter, modality, category), n in counts.items():
                year, number = quarter
                for period in ((), (year,), (year, number)):
                    for cell in itertools.product([period], (None, modality), (None, category)):
                        self.cells[cell] += n

        def count(self, cell):
            n = self.cells[tuple(cell)]
            return n if n == 0 or n >= LEAST else None

        def shows(self, cell):
            return (self.count(cell) or 0) >= LEAST

    monkeypatch.setattr(service_summaries, "suppress", Naive)
    facts = service(2, clients=150)
    assert small_cells_found(facts, published(worked_out(facts)))


def test_counts_add_up_where_all_parts_are_shown():
    checked = 0
    for one in worked_out(service(3, clients=400)):
        for chart in PARTS:
            body = one.body[chart]
            if body and None not in body["rows"].values():
                assert sum(body["rows"].values()) == body["n"]
                checked += 1
    assert checked > 4


def test_all_years_and_modalities_hold_everybody_with_a_session():
    facts = [*service(4, clients=80), course(99, held=0, alliance=(), outcome=())]
    whole = worked_out(facts)[0]
    assert (whole.period.key, whole.modality, whole.n) == ("all", "", 80)


def test_a_service_of_four_shows_nothing():
    [whole, *_] = worked_out([course(number) for number in range(4)])
    assert whole.n is None and not any(whole.body.values())


def test_a_service_without_a_session_has_no_summary():
    assert worked_out([]) == [] and worked_out([course(held=0)]) == []


def test_therapists_are_compared_over_everybody_alone():
    facts = [course(number, alliance=((1, 5 + number % 2, 6, 7),)) for number in range(40)]
    found = worked_out(facts)
    assert set(found[0].body["therapists"]["rows"]) == {"therapist-0", "therapist-1"}
    assert all(one.body["therapists"] is None for one in found[1:])


def test_tables_are_kept_between_two_steps_as_they_were():
    facts = service(2, clients=150)
    tables = tables_of(facts, today=TODAY)
    kept = of_json(json.loads(json.dumps(as_json(tables))))
    again = list(summaries_of(facts, kept, today=TODAY))
    assert again == worked_out(facts)


def test_bodies_are_json_and_name_no_client():
    words = json.dumps([one.body for one in worked_out(service(3, clients=400))])
    assert "client-" not in words


def test_every_session_and_third_that_is_counted_is_one_that_is_shown():
    facts = service(3, clients=400)
    names = set(tables_of(facts, today=TODAY))
    assert names == {
        "completeness", "alliance", "courses", "returns", "outcome", "lag", "content",
        *(f"alliance-{session}" for session in SESSIONS),
        *(f"stay-{session}" for session in GRID[1:]),
    }  # fmt: skip
    assert len(THIRDS) == 3 and quarter_of(TODAY) == 4
