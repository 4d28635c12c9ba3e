"""Which counts of a service may be shown, so that no group of one to four people can be worked out by subtraction.

A table counts people, or events, by quarter, modality and category, with every sum over quarters (the years, and all
time), modalities and categories. Cells of 1 to 4 are primary: they are not shown. Others go with them, or they would
follow from the sums: Hundepool et al. (2012), Statistical Disclosure Control, chapter 4. Five is the project's rule.

What is promised: for every primary cell there is another table of whole numbers that agrees in all that is shown, and
in which that cell is 5. So neither its value nor that it is under five can be worked out, nor can that of a union of
cells it is part of. And each other cell of the margins shown that is not shown itself differs in one of these tables,
so it can't be worked out either.

How: people are moved about such that the sums shown stay as they are; what such a move changes is not shown; of all
moves that lift a primary cell the cheapest is taken, greedily. Adding to one base cell and its sums is always possible.

Thin tables are shown in less detail (`DETAIL`): the finest in which, on every level, at least a third of the cells with
anybody in them are large enough, and small ones take along at most half of these. Any numbers that agree in the margins
of one of these rungs have a table behind them, and one of its cells can be as large as the smallest margin it is part
of: Dobra & Fienberg (2000), PNAS 97:11885-11892. So only margins are looked at.

Of the same people only one table may be shown: two with the same sums, classified in two ways, are to be made one. And
only the periods of the table: a free range of dates, less another one, would be any few days.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEAST = 5
ENOUGH_LARGE = 1 / 3
ENOUGH_SHOWN = 1 / 2

Level = tuple[int, int, int]
# The margins shown, from the finest to the coarsest: 0 all time, 1 years, 2 quarters; 0 all modalities, 1 each; 0 all
# categories, 1 each. Ours; each rung is a decomposable set of margins.
DETAIL: tuple[tuple[Level, ...], ...] = (
    ((2, 1, 1),),
    ((2, 0, 1), (1, 1, 1)),
    ((2, 0, 1), (0, 1, 1)),
    ((1, 0, 1), (0, 1, 1)),
    ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    ((0, 0, 1),),
    ((0, 0, 0),),
)
# What it costs not to show a cell: sums are looked at more than what they are made of (ours).
PERIOD_COSTS = {2: 1.0, 1: 10.0, 0: 100.0}
SUM_COSTS = 10.0
# How many base cells a primary sum is lifted through, at most: the largest are tried.
TRIED = 6

Period = tuple[int, ...]


class Base(NamedTuple):
    """What is counted: the year and quarter (1 to 4), the modality and the category of one client or event."""

    quarter: tuple[int, int]
    modality: str
    category: str


class Cell(NamedTuple):
    """What is shown: `period` is () for all time, (year,) or (year, quarter); None is the sum over all modalities, and
    over all categories."""

    period: Period = ()
    modality: str | None = None
    category: str | None = None

    @property
    def level(self) -> Level:
        return len(self.period), int(self.modality is not None), int(self.category is not None)


@dataclass(frozen=True)
class Published:
    """`counts` of every cell there is, in people or events, those `shown` among them, and the margins of `detail` that
    are shown at all."""

    counts: Mapping[Cell, int]
    shown: frozenset[Cell]
    detail: tuple[Level, ...]

    def count(self, cell: Cell) -> int | None:
        """The number to print; None where it is not to be shown. A period, modality or category that nobody is of has 0
        where its detail is shown."""
        if cell in self.counts:
            return self.counts[cell] if cell in self.shown else None
        return 0 if _within(cell.level, self.detail) else None

    def shows(self, cell: Cell) -> bool:
        """Whether a mean or a curve of just these people may be shown: they are at least five, and their number is."""
        return (self.count(cell) or 0) >= LEAST


def suppress(counts: Mapping[Base, int]) -> Published:
    """Decide for every cell of the table whether it is shown. Base cells left out are 0.

    Ten years, seven modalities and six categories take a few seconds at most. Raises ValueError for a count below 0 and
    a quarter other than 1 to 4.
    """
    if any(count < 0 for count in counts.values()):
        raise ValueError("a count must be at least 0")
    if any(base.quarter[1] not in range(1, 5) for base in counts):
        raise ValueError("a quarter must be 1 to 4")
    if not counts:
        return Published({}, frozenset(), DETAIL[0])
    table = _Table(counts)
    for detail in DETAIL:
        if table.protect(detail):
            break
    cells = [Cell(*cell) for cell in product(table.periods, table.modalities, table.categories)]
    shown = table.shown().ravel().tolist()
    return Published(
        dict(zip(cells, table.values.ravel().tolist(), strict=True)),
        frozenset(cell for cell, is_shown in zip(cells, shown, strict=True) if is_shown),
        detail,
    )


def _within(level: Level, detail: tuple[Level, ...]) -> bool:
    return any(all(mine <= most for mine, most in zip(level, margin, strict=True)) for margin in detail)


Ints = NDArray[np.int64]
Place = tuple[int, ...]


@dataclass(frozen=True)
class _Axis:
    """The moves along one axis. Of base position i, `nodes[i, j]` are the positions, sums among them, that change when
    somebody goes from j to i, and when somebody is added to i where j is i; `signs` how, 0 for none. `above[node]` are
    the sums that hold a position, by level from the coarsest, `levels[node]` is its own level."""

    nodes: Ints
    signs: Ints
    levels: list[int]
    above: list[list[int]]

    def bases(self, node: int) -> list[int]:
        return [i for i in range(len(self.nodes)) if self.above[i][self.levels[node]] == node]


def _axis(levels: list[int], above: list[list[int]], base: int) -> _Axis:
    """`above` of each position: the sums that hold it, by level from the coarsest, itself last."""
    changes = [
        [
            [(a, 1) for a in above[i] if i == j or a not in above[j]]
            + [(a, -1) for a in above[j] if i != j and a not in above[i]]
            for j in range(base)
        ]
        for i in range(base)
    ]
    longest = max(len(change) for row in changes for change in row)
    padded = np.array([[change + [(0, 0)] * (longest - len(change)) for change in row] for row in changes])
    return _Axis(padded[..., 0], padded[..., 1], levels, above)


def _flat(size: int) -> _Axis:
    """Positions and, last, their sum."""
    return _axis([1] * size + [0], [*([size, i] for i in range(size)), [size]], size)


class _Table:
    """The counts with all sums as one array, periods × modalities × categories, base positions first on each axis."""

    def __init__(self, counts: Mapping[Base, int]) -> None:
        quarters = sorted({base.quarter for base in counts})
        years = sorted({year for year, _ in quarters})
        modalities = sorted({base.modality for base in counts})
        categories = sorted({base.category for base in counts})
        self.periods: list[Period] = [*quarters, *((year,) for year in years), ()]
        self.modalities: list[str | None] = [*modalities, None]
        self.categories: list[str | None] = [*categories, None]
        every = len(self.periods) - 1
        year_at = {year: len(quarters) + i for i, year in enumerate(years)}
        periods = [
            *([every, year_at[year], i] for i, (year, _) in enumerate(quarters)),
            *([every, year_at[year]] for year in years),
            [every],
        ]
        self.axes = (
            _axis([len(period) for period in self.periods], periods, len(quarters)),
            _flat(len(modalities)),
            _flat(len(categories)),
        )
        self.values = np.zeros((len(self.periods), len(self.modalities), len(self.categories)), dtype=np.int64)
        for base, count in counts.items():
            at = quarters.index(base.quarter), modalities.index(base.modality), categories.index(base.category)
            self.values[np.ix_(*(axis.above[i] for axis, i in zip(self.axes, at, strict=True)))] += count
        self.primary = (self.values > 0) & (self.values < LEAST)
        costs = np.log2(2 + self.values) * np.array([PERIOD_COSTS[len(p)] for p in self.periods])[:, None, None]
        costs[:, -1, :] *= SUM_COSTS
        costs[:, :, -1] *= SUM_COSTS
        self.costs = costs

    def protect(self, detail: tuple[Level, ...]) -> bool:
        """Hide cells until every primary one may be five; False where the table is too thin for it."""
        self.published = np.zeros(self.values.shape, dtype=bool)
        levels = [np.array(axis.levels) for axis in self.axes]
        for margin in detail:
            within = [level <= most for level, most in zip(levels, margin, strict=True)]
            self.published |= within[0][:, None, None] & within[1][:, None] & within[2]
        self.hidden = self.primary & self.published
        self._large = [
            (at, (self.values[at] >= LEAST) & self.published[at])
            for level in product(*(sorted(set(of_axis.tolist())) for of_axis in levels))
            for at in [np.ix_(*(np.flatnonzero(of == mine) for of, mine in zip(levels, level, strict=True)))]
        ]
        if detail != DETAIL[-1] and not self._is_worth_showing():
            return False
        # How far each cell is known to rise in another table that agrees in all that is shown.
        self.rises = np.zeros(self.values.shape, dtype=np.int64)
        for cell in sorted(map(tuple, np.argwhere(self.primary).tolist()), reverse=True):
            margins = self._margins(cell, detail)
            if not any((self.values + self.rises)[margin] >= LEAST and len(margins) == 1 for margin in margins):
                self._lift(margins)
                if detail != DETAIL[-1] and not self._is_enough():
                    return False
        return True

    def shown(self) -> NDArray[np.bool_]:
        """What is shown, and what is the same as it: the only year there is has what all time has, and so on."""
        shown = self.published & ~self.hidden
        for number, axis in enumerate(self.axes):
            along = np.moveaxis(shown, number, 0)
            for level in range(max(axis.levels)):
                for node in (node for node, mine in enumerate(axis.levels) if mine == level):
                    parts = [i for i, of in enumerate(axis.above) if axis.levels[i] == level + 1 and of[level] == node]
                    if len(parts) == 1:
                        along[parts[0]] |= along[node]
        return shown

    def _is_worth_showing(self) -> bool:
        filled = self.published & (self.values > 0)
        return all(large.sum() >= ENOUGH_LARGE * filled[at].sum() for at, large in self._large)

    def _is_enough(self) -> bool:
        return all((large & ~self.hidden[at]).sum() >= ENOUGH_SHOWN * large.sum() for at, large in self._large)

    def _margins(self, cell: Place, detail: tuple[Level, ...]) -> list[Place]:
        """The published sums that bound a cell: itself alone, where it is published."""
        if self.published[cell]:
            return [cell]
        return sorted(
            {
                tuple(
                    axis.above[node][min(axis.levels[node], most)]
                    for axis, node, most in zip(self.axes, cell, margin, strict=True)
                )
                for margin in detail
            }
        )

    def _lift(self, margins: list[Place]) -> None:
        """Hide what changes when each of the margins of a primary cell becomes five, all in one table."""
        table, least = self.values.copy(), np.zeros(self.values.shape, dtype=np.int64)
        for margin in margins:
            while table[margin] < LEAST:
                where, sign = self._cheapest(margin, table, least)
                spare = np.where((sign < 0) & self.published[where], table[where] - least[where], LEAST)
                table[where] += sign * min(int(spare.min()), LEAST - int(table[margin]))
                self.hidden[where] |= self.published[where]
            least[margin] = LEAST
        change = table - self.values
        self.rises = np.maximum(self.rises, change)
        if (self.values - change)[self.published].min() >= 0:
            self.rises = np.maximum(self.rises, -change)

    def _cheapest(self, cell: Place, table: Ints, least: Ints) -> tuple[tuple[Ints, ...], Ints]:
        """Where the cheapest move that lifts the cell by one changes the table, and how. None falls below `least`."""
        price = np.where(self.hidden | ~self.published, 0.0, self.costs)
        spare = np.where(self.published, table - least, LEAST)
        best, found = math.inf, None
        for at in self._bases_of(cell):
            moves = [self._moves(axis, base, node) for axis, base, node in zip(self.axes, at, cell, strict=True)]
            shape = [size for nodes, _ in moves for size in nodes.shape]
            where = np.ix_(*(nodes.ravel() for nodes, _ in moves))
            (_, p), (_, m), (_, c) = moves
            sign = p[:, :, None, None, None, None] * m[:, :, None, None] * c
            cost = np.where(sign == 0, 0.0, price[where].reshape(shape)).sum(axis=(1, 3, 5))
            impossible = (sign < 0) & (spare[where].reshape(shape) <= 0)
            cost[impossible.any(axis=(1, 3, 5))] = math.inf
            if cost.min() < best:
                best, chosen = float(cost.min()), np.unravel_index(cost.argmin(), cost.shape)
                found = [(nodes[i], signs[i]) for i, (nodes, signs) in zip(chosen, moves, strict=True)]
            if best == 0:
                break
        assert found is not None, "adding to a base cell is always possible"
        (p, m, c) = (signs[signs != 0] for _, signs in found)
        return np.ix_(*(nodes[signs != 0] for nodes, signs in found)), p[:, None, None] * m[:, None] * c

    def _bases_of(self, cell: Place) -> Iterator[Place]:
        """The base cells that the cell is the sum of, the fullest of them."""
        below = list(product(*(axis.bases(node) for axis, node in zip(self.axes, cell, strict=True))))
        return iter(sorted(below, key=lambda at: -self.values[at])[:TRIED])

    def _moves(self, axis: _Axis, base: int, node: int) -> tuple[Ints, Ints]:
        """Along one axis the moves into a base position that change the sum `node` as well."""
        nodes, signs = axis.nodes[base], axis.signs[base]
        changing = ((nodes == node) & (signs != 0)).any(axis=1)
        return nodes[changing], signs[changing]
