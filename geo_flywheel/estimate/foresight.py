"""Which of contagion, quality or both foretells where later events fall."""

import numpy as np
from numpy.typing import NDArray

from geo_flywheel.estimate.frailty import NO_FRAILTY, Mode, climbed, profile
from geo_flywheel.estimate.risk_cells import Cells, power

Floats = NDArray[np.float64]


def foresight(cells: Cells, mode: Mode, alpha_alone: float) -> dict[str, float]:
    """Fit the first half of the events and foretell the rest, period by period.

    Args:
        cells: All of them.
        mode: The fit to all, from which the fits to the first half begin.
        alpha_alone: alpha without frailty, likewise.

    Returns:
        Mean log-likelihood of a later event, given how many there are in its period, with `contagion` alone, `quality`
        alone, and `both`, less that of equal chances; empty when there is no later period.
    """
    before = cells.time <= np.searchsorted(np.cumsum(cells.by_period), cells.events.sum() / 2)
    if before.all() or not cells.events[~before].any():
        return {}
    kernel = power(cells.kept(before))
    fits = {
        "contagion": climbed(kernel, np.array([alpha_alone]), NO_FRAILTY),
        "quality": climbed(kernel, np.zeros(1), mode.s, only="s"),
        "both": climbed(kernel, mode.parameters, mode.s),
    }
    units = np.unique(cells.unit[_kept_rows(cells, before)])
    even = _gain(cells, ~before, np.ones(cells.units), 0.0)
    found = {}
    for name, fit in fits.items():
        eta = np.ones(cells.units)
        eta[units] = profile(kernel, fit.parameters, fit.s).eta
        found[f"foretold_by_{name}"] = _gain(cells, ~before, eta, fit.alpha) - even
    return found


def _kept_rows(cells: Cells, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Rows that `Cells.kept` keeps."""
    events = np.bincount(cells.time, cells.events * rows, cells.periods)
    return rows & (events > 0)[cells.time]


def _gain(cells: Cells, rows: NDArray[np.bool_], eta: Floats, alpha: float) -> float:
    weights = eta[cells.unit[rows]] * cells.exposure[rows] * (cells.past[rows] + 1) ** alpha
    total = np.bincount(cells.time[rows], weights, cells.periods)[cells.time[rows]]
    events = cells.events[rows]
    return float(events @ np.log(weights / total)) / float(events.sum())
