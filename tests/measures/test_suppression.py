"""Counts that are not shown can't be worked out: the tests try, with exact algebra and with bounds."""

import random
import time
from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from measures.statistics.suppression import DETAIL, LEAST, Base, Cell, Published, suppress

QUARTERS = [(2024, 1), (2024, 2), (2024, 3), (2024, 4), (2025, 1), (2025, 2)]
MODALITIES, CATEGORIES = ["cbt", "systemic", "other"], ["planned", "alone", "by the service"]
PRIME = 2_147_483_629


def base_cells(published: Published) -> list[Cell]:
    return [cell for cell in published.counts if cell.level == (2, 1, 1)]


def is_part(base: Cell, cell: Cell) -> bool:
    return (
        base.period[: len(cell.period)] == cell.period
        and cell.modality in (None, base.modality)
        and cell.category in (None, base.category)
    )


def rows(published: Published, cells) -> np.ndarray:
    """Which base cells each of the cells is the sum of."""
    bases = base_cells(published)
    found = [[int(is_part(base, cell)) for base in bases] for cell in cells]
    return np.array(found, dtype=np.int64).reshape(len(found), len(bases))


def follow_from(known: np.ndarray, asked: np.ndarray) -> list[bool]:
    """Which rows asked for are combinations of the known ones; exactly, by elimination modulo a large prime."""
    both = np.vstack([known, asked]) % PRIME
    end, rank = len(known), 0
    for column in range(both.shape[1]):
        candidates = np.flatnonzero(both[rank:end, column])
        if len(candidates):
            both[[rank, rank + candidates[0]]] = both[[rank + candidates[0], rank]]
            both[rank] = both[rank] * pow(int(both[rank, column]), -1, PRIME) % PRIME
            others = np.flatnonzero(both[:, column])
            others = others[others != rank]
            both[others] = (both[others] - both[others, column][:, None] * both[rank]) % PRIME
            rank += 1
    return [not row.any() for row in both[end:]]


def bound(published: Published, cell: Cell, direction: int) -> float:
    """The least (1) or most (−1) the cell may be, for all that the shown cells tell and nothing being below 0."""
    shown = sorted(published.shown, key=str)
    known, asked = rows(published, shown), rows(published, [cell])[0]
    totals = [published.counts[c] for c in shown]
    found = linprog(direction * asked, A_eq=known if shown else None, b_eq=totals if shown else None)
    return np.inf if found.status == 3 else direction * found.fun


def primary(published: Published) -> list[Cell]:
    return [cell for cell, count in published.counts.items() if 0 < count < LEAST]


def check_nothing_can_be_worked_out(published: Published, *, bounds=True):
    hidden = [cell for cell in published.counts if cell not in published.shown]
    small = primary(published)
    assert set(small) <= set(hidden)
    at_levels = [cell for cell in hidden if any(within(cell, margin) for margin in published.detail)]
    asked = sorted({*at_levels, *small}, key=str)
    known = rows(published, published.shown)
    follows = follow_from(known, rows(published, asked))
    assert not [cell for cell, is_known in zip(asked, follows, strict=True) if is_known]
    for cell in small if bounds else []:
        # It may be five, and it may be what it is: two whole numbers at least, of which one is not a small one.
        assert bound(published, cell, -1) > LEAST - 1e-6, cell


def within(cell: Cell, margin) -> bool:
    return all(mine <= most for mine, most in zip(cell.level, margin, strict=True))


def table(chance: random.Random, *, usual: float) -> dict[Base, int]:
    quarters = chance.sample(QUARTERS, chance.randint(1, 6))
    modalities, categories = MODALITIES[: chance.randint(1, 3)], CATEGORIES[: chance.randint(1, 3)]
    weights = {name: chance.uniform(0.1, 2) for name in [*modalities, *categories]}
    return {
        Base(q, m, c): int(chance.expovariate(1 / (usual * weights[m] * weights[c])))
        for q, m, c in product(quarters, modalities, categories)
    }


# Worked by hand


def of_one_quarter(*numbers: int) -> dict[Base, int]:
    return {Base((2025, 1), "cbt", category): n for category, n in zip(CATEGORIES, numbers, strict=True)}


def test_a_small_cell_takes_others_along():
    found = suppress(of_one_quarter(20, 3, 9))
    assert found.count(Cell()) == 32
    assert found.count(Cell(category="alone")) is None
    # By subtraction from 32 it would follow.
    assert [found.count(Cell(category=c)) for c in ("planned", "by the service")] == [20, None]


def test_what_would_be_left_over_is_not_shown_by_itself_either():
    # 3 of 12 in one quarter: with the year and the other quarters shown they would follow.
    found = suppress({Base((2025, q), "cbt", "planned"): n for q, n in {1: 12, 2: 3, 3: 30, 4: 20}.items()})
    quarters = {q: found.count(Cell((2025, q))) for q in range(1, 5)}
    assert (found.count(Cell((2025,))), quarters) == (65, {1: None, 2: None, 3: 30, 4: 20})


def test_two_small_cells_do_not_hide_each_other():
    # Both hidden, their sum would be known, and known to be three people.
    found = suppress(of_one_quarter(20, 1, 2))
    assert found.count(Cell()) == 23
    assert [found.count(Cell(category=c)) for c in CATEGORIES] == [None, None, None]


def test_where_all_are_few_nothing_but_zeros_is_shown():
    found = suppress({Base((2025, 1), "cbt", "alone"): 2, Base((2025, 2), "cbt", "alone"): 0})
    assert not [found.counts[cell] for cell in found.shown if found.counts[cell]]
    assert found.count(Cell()) is None
    assert not found.shows(Cell())


def test_nobody_is_shown_as_nobody():
    found = suppress({Base((2025, q), "cbt", c): 30 for q in (1, 2) for c in CATEGORIES[:2]})
    assert found.shown == set(found.counts)
    assert found.count(Cell((2025, 3))) == 0
    assert suppress({}).count(Cell()) == 0
    assert suppress({Base((2025, 1), "cbt", "alone"): 0}).count(Cell()) == 0


def test_a_mean_is_shown_where_its_number_is_shown_and_at_least_five():
    found = suppress(of_one_quarter(20, 3, 9))
    assert found.shows(Cell())
    assert not found.shows(Cell(category="alone"))
    assert not found.shows(Cell(category="by the service"))
    assert not found.shows(Cell(category="nobody is of it"))


def test_a_thin_table_loses_its_detail_and_keeps_its_sums():
    # 60 people over two years, three modalities, three endings: 1 or 2 a base cell.
    counts = {Base(*of): 1 + (i % 2) for i, of in enumerate(product(QUARTERS, MODALITIES, CATEGORIES))}
    found = suppress(counts)
    assert found.detail != DETAIL[0]
    assert found.count(Cell()) == sum(counts.values())
    assert all(found.shows(Cell(category=c)) for c in CATEGORIES)
    assert found.count(Cell((2024, 1), "cbt", "alone")) is None
    check_nothing_can_be_worked_out(found)


def test_the_only_year_shows_what_all_time_shows():
    chance = random.Random(1)
    drawn = [
        Base((2025, chance.randint(1, 4)), chance.choice(MODALITIES), chance.choices(CATEGORIES, [12, 6, 1])[0])
        for _ in range(40)
    ]
    found = suppress(Counter(drawn))
    # Too thin for categories by year.
    assert found.detail == DETAIL[4]
    of_all, of_year = ([found.count(Cell(period, None, c)) for c in CATEGORIES] for period in ((), (2025,)))
    assert of_all == of_year != [None] * 3
    check_nothing_can_be_worked_out(found)


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(ValueError, match="at least 0"):
        suppress({Base((2025, 1), "cbt", "alone"): -1})
    with pytest.raises(ValueError, match="1 to 4"):
        suppress({Base((2025, 5), "cbt", "alone"): 1})


# Somebody tries


def test_whoever_tries_finds_what_is_only_crossed_out():
    honest = suppress(of_one_quarter(20, 3, 9))
    naive = Published(honest.counts, frozenset(c for c, n in honest.counts.items() if not 0 < n < LEAST), DETAIL[0])
    alone = Cell(category="alone")
    assert follow_from(rows(naive, naive.shown), rows(naive, [alone])) == [True]
    assert bound(naive, alone, 1) == bound(naive, alone, -1) == 3
    with pytest.raises(AssertionError):
        check_nothing_can_be_worked_out(naive)


@pytest.mark.parametrize("usual", [0.3, 1, 3, 8, 20, 60])
@pytest.mark.parametrize("seed", range(5))
def test_nothing_can_be_worked_out_of_random_tables(usual, seed):
    chance = random.Random(f"{usual} {seed}")
    for _ in range(10):
        check_nothing_can_be_worked_out(suppress(table(chance, usual=usual)))


@pytest.mark.parametrize("usual", [1, 8, 20])
def test_no_cell_hidden_for_another_s_sake_has_only_one_value(usual):
    chance = random.Random(usual)
    for _ in range(6):
        found = suppress(table(chance, usual=usual))
        for cell, count in found.counts.items():
            if cell not in found.shown and any(within(cell, margin) for margin in found.detail):
                low, high = bound(found, cell, 1), bound(found, cell, -1)
                assert low - 1e-6 <= count <= high + 1e-6
                assert high - low > 1 - 1e-6, cell


counted = st.dictionaries(
    st.builds(Base, st.sampled_from(QUARTERS), st.sampled_from(MODALITIES), st.sampled_from(CATEGORIES)),
    st.integers(0, 3) | st.integers(0, 40),
    max_size=30,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(counted)
def test_nothing_can_be_worked_out_of_any_table(counts):
    found = suppress(counts)
    check_nothing_can_be_worked_out(found)
    assert all(found.counts[cell] == 0 or found.counts[cell] >= LEAST for cell in found.shown)


@settings(deadline=None, max_examples=60)
@given(counted)
def test_sums_are_those_of_the_base_cells_and_order_does_not_matter(counts):
    found = suppress(counts)
    assert found == suppress(dict(reversed(counts.items())))
    for cell, count in found.counts.items():
        assert count == sum(n for base, n in counts.items() if is_part(Cell(*base), cell))


# Size


@pytest.mark.parametrize("usual", [0.3, 3, 8])
def test_ten_years_seven_modalities_and_six_categories_take_seconds(usual):
    chance = random.Random(1)
    counts = {
        Base((year, q), f"modality {m}", f"category {c}"): int(chance.expovariate(1 / usual))
        for year, q, m, c in product(range(2016, 2026), range(1, 5), range(7), range(6))
    }
    began = time.process_time()
    found = suppress(counts)
    assert time.process_time() - began < 10  # one or two where nothing else runs
    assert found.count(Cell()) == sum(counts.values())
