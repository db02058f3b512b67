"""The within step: take means by unit, and by cell of a second grouping, out of many columns at once."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

_SETTLED = 1e-22
_MOST_TURNS = 1_000


def unit_means(columns: Floats, unit: Numbers) -> Floats:
    """Return the mean of every column by unit, shape (unit, column).

    Args:
        columns: Shape (row, column).
        unit: Code of each row's unit, ascending without gaps from 0, shape (row,).
    """
    starts = _starts(unit)
    sums: Floats = np.add.reduceat(columns, starts, axis=0)
    return sums / np.diff(np.append(starts, len(unit)))[:, None]


def _starts(unit: Numbers) -> Numbers:
    """The first row of each unit."""
    return np.append(np.zeros_like(unit[:1]), np.flatnonzero(unit[1:] != unit[:-1]) + 1)


def sums(codes: Numbers, values: Floats, size: int = 0) -> Floats:
    """Return the sum of values by code, shape (largest code + 1,), or at least so many."""
    return np.asarray(np.bincount(codes, values, size), dtype=np.float64)


def cell_centred(columns: Floats, cell: Numbers, weight: Floats) -> Floats:
    """Return columns less their weighted means by cell alone; weight has shape (row,)."""
    rows, cells = len(cell), int(cell.max()) + 1
    total = sums(cell, weight, cells)[:, None]
    total[total == 0] = 1.0
    to_cells = csc_array((weight, cell, np.arange(rows + 1)), shape=(cells, rows))
    totals: Floats = np.asarray(to_cells @ columns, dtype=np.float64)
    centred: Floats = columns - (totals / total)[cell]
    return centred


def within(columns: Floats, unit: Numbers, cell: Numbers | None = None, weight: Floats | None = None) -> Floats:
    """Return columns less their means by unit and, where given, less the effects of cells, jointly projected.

    Args:
        columns: Shape (row, column), finite.
        unit: Code of each row's unit, ascending without gaps from 0, shape (row,).
        cell: Code of each row's cell, such as topic and week, shape (row,); None for means by unit alone.
        weight: Weight of each unit, positive, shape (unit,); None for equal weights.

    Returns:
        Residuals of the weighted least-squares projection on units and cells, same shape as columns. When every unit
        has a row in every cell this is one pass; else the effects of the cells solve their normal equations (with the
        units taken out) by conjugate gradients, to a squared residual of 1e-22 of the first.
    """
    means = unit_means(columns, unit)
    if cell is None:
        return columns - means[unit]
    of_cells, of_units = _effects(columns, means, unit, cell, weight)
    rest: Floats = columns - of_cells.take(cell, axis=0)  # half as long as indexing takes
    rest -= of_units.take(unit, axis=0)
    return rest


def _effects(
    columns: Floats, means: Floats, unit: Numbers, cell: Numbers, weight: Floats | None
) -> tuple[Floats, Floats]:
    """Effects of cells and of units, shape (cell, column) and (unit, column)."""
    rows, units, cells = len(unit), len(means), int(cell.max()) + 1
    row_weight = np.ones(rows) if weight is None else weight[unit]
    starts = np.append(_starts(unit), rows)
    table = csr_array((row_weight, cell, starts), shape=(units, cells))
    by_unit = np.add.reduceat(row_weight, starts[:-1])[:, None]
    by_cell = sums(cell, row_weight, cells)[:, None]
    by_cell[by_cell == 0] = 1.0
    to_cells = csc_array((row_weight, cell, np.arange(rows + 1)), shape=(cells, rows))
    back = table.T
    left = to_cells @ columns - back @ means

    def normal(effects: Floats) -> Floats:
        taken: Floats = by_cell * effects - back @ ((table @ effects) / by_unit)
        return taken

    found = _conjugate_gradients(normal, left, by_cell)
    return found, means - np.asarray(table @ found, dtype=np.float64) / by_unit


def _conjugate_gradients(normal: Callable[[Floats], Floats], right: Floats, diagonal: Floats) -> Floats:
    """Solve for all columns at once, preconditioned by the diagonal."""
    found = right / diagonal
    rest = right - normal(found)
    step = rest / diagonal
    size = (rest * step).sum(axis=0)
    enough = _SETTLED * np.maximum((right * right / diagonal).sum(axis=0), np.finfo(float).tiny)
    for _ in range(_MOST_TURNS):
        if (size <= enough).all():
            break
        turned = normal(step)
        curve = (step * turned).sum(axis=0)
        length = np.divide(size, curve, out=np.zeros_like(size), where=(size > enough) & (curve > 0))
        found += length * step
        rest -= length * turned
        scaled = rest / diagonal
        now = (rest * scaled).sum(axis=0)
        step = scaled + np.divide(now, size, out=np.zeros_like(size), where=size > 0) * step
        size = now
    return found
