"""Units at risk period by period, and how what they have may bring more of it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Cells:
    """One row per unit and period at risk.

    Attributes:
        unit: Number of the unit of each row, from 0, ascending, none left out.
        time: Number of the period of each row, from 0, none left out.
        past: Events of the unit before the period.
        events: Events of the unit in it.
        exposure: How much was looked for, relative; positive.
    """

    unit: Whole
    time: Whole
    past: Floats
    events: Floats
    exposure: Floats

    @cached_property
    def units(self) -> int:
        """Number of units."""
        return int(self.unit[-1]) + 1

    @cached_property
    def periods(self) -> int:
        """Number of periods."""
        return int(self.time.max()) + 1

    @cached_property
    def by_unit(self) -> Floats:
        """Events of each unit, shape (unit,)."""
        return self.summed(self.events)

    @cached_property
    def by_period(self) -> Floats:
        """Events of each period, shape (period,)."""
        return np.bincount(self.time, self.events, self.periods).astype(np.float64)

    @cached_property
    def starts(self) -> Whole:
        """Where each unit's rows begin, shape (unit + 1,)."""
        return np.searchsorted(self.unit, np.arange(self.units + 1))

    @cached_property
    def log_exposed_events(self) -> float:
        """The part of the likelihood that no parameter moves."""
        return float(self.events @ np.log(self.exposure))

    def summed(self, values: Floats) -> Floats:
        """Sum values of the rows over the periods, shape (unit,)."""
        return np.bincount(self.unit, values, self.units).astype(np.float64)

    def matrix(self, values: Floats) -> csr_array:
        """Lay values of the rows out, shape (unit, period)."""
        return csr_array((values, self.time, self.starts), shape=(self.units, self.periods))

    def kept(self, rows: Bools) -> "Cells":
        """Keep some rows; what loses all its rows is left out, and so is a period without any event."""
        events = np.bincount(self.time, self.events * rows, self.periods)
        rows = rows & (events > 0)[self.time]
        _, unit = np.unique(self.unit[rows], return_inverse=True)
        _, time = np.unique(self.time[rows], return_inverse=True)
        return Cells(unit, time, self.past[rows], self.events[rows], self.exposure[rows])

    def redrawn(self, means: Floats, rng: np.random.Generator) -> "Cells":
        """Draw the events of every row anew with these means, whatever came before."""
        events = rng.poisson(means).astype(np.float64)
        drawn = Cells(self.unit, self.time, past_of(self.unit, events), events, self.exposure)
        return drawn.kept(np.ones(self.unit.size, np.bool_))


@dataclass(frozen=True)
class Kernel:
    """ln A(k) = features of k times parameters.

    Attributes:
        cells: What it is for.
        place: Which of the different values of the past each row has.
        features: Shape (value of the past, parameter).
    """

    cells: Cells
    place: Whole
    features: Floats

    @cached_property
    def seen(self) -> Floats:
        """Sum of the features over all events, shape (parameter,)."""
        return self.features.T @ np.bincount(self.place, self.cells.events, len(self.features))

    def rows(self, parameters: Floats) -> Floats:
        """Return exposure times A(k) of each row."""
        return self.cells.exposure * np.exp(self.features @ parameters)[self.place]

    def explained(self, expected: Floats) -> Floats:
        """Sum the features over expected events of the rows, shape (parameter,)."""
        return self.features.T @ np.bincount(self.place, expected, len(self.features))

    def by_unit(self, values: Floats) -> Floats:
        """Sum features times values of the rows over the periods, shape (parameter, unit)."""
        return np.array([self.cells.summed(feature[self.place] * values) for feature in self.features.T])


def power(cells: Cells) -> Kernel:
    """Return A(k) = (k+1)^alpha."""
    levels, place = np.unique(cells.past, return_inverse=True)
    return Kernel(cells, place, np.log1p(levels)[:, None])


def doubling(cells: Cells) -> tuple[Kernel, Floats]:
    """Return an A(k) of any form, free at each doubling of k+1, 1 at k = 0, and straight between on log scales.

    Constant pieces would credit a page with quality for standing high in its piece: at k = 511 such a kernel comes out
    .7 times what was put in.

    Returns:
        The kernel, one parameter ln A for each of these, and the k at which each stands: 1, 3, 7 and so on.
    """
    levels, place = np.unique(cells.past, return_inverse=True)
    doublings = np.log2(levels + 1)
    knots = np.arange(1, max(int(np.floor(doublings.max())), 1) + 1)
    left = np.minimum(np.floor(doublings), knots[-1] - 1)[:, None]
    share = doublings[:, None] - left
    features = (knots == left) * (1 - share) + (knots == left + 1) * share
    return Kernel(cells, place, features), np.exp2(knots) - 1


def past_of(unit: Whole, events: Floats) -> Floats:
    """Return the events of each unit before each of its rows, which follow each other in time."""
    before = np.cumsum(events) - events
    first = np.flatnonzero(np.diff(unit, prepend=-1))
    return before - np.repeat(before[first], np.diff(np.append(first, unit.size)))
