"""How a fitted kernel moves with each unit: what its interval, and that of a difference of two fits, stand on."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo_flywheel.estimate.frailty import NO_FRAILTY, Mode, Profile, profile, score_of_ln_s
from geo_flywheel.estimate.risk_cells import Cells, Kernel

Floats = NDArray[np.float64]

_STEP, _STEP_OF_LN_S = 0.02, 0.05


class Influence(NamedTuple):
    """How fitted parameters move with each unit.

    Attributes:
        by_unit: What each unit adds to the error of each parameter, shape (parameter, unit); ln s comes last where it
            lies inside its range.
        model_errors: Standard errors if the model is exact, shape (parameter,).
    """

    by_unit: Floats
    model_errors: Floats


def influence(kernel: Kernel, mode: Mode) -> Influence:
    """Return what each unit adds to the errors, with c estimated too.

    Source:
        The sandwich of the full likelihood (White 1982). How c moves along the profile comes of differences, which
        spares second derivatives by c.
    """
    here = profile(kernel, mode.parameters, mode.s)
    moved = [_beside(kernel, mode, here.eta, number) for number in range(len(mode.parameters) + (not mode.at_edge))]
    free = len(moved)
    curvature = -np.array([(up.gradient - down.gradient)[:free] / (2 * step) for up, down, step in moved])
    level_moves = np.array([np.log(up.level / down.level) / (2 * step) for up, down, step in moved])
    inverse = np.linalg.pinv((curvature + curvature.T) / 2, hermitian=True)
    scores = _scores(kernel, mode, here)[:free] + _by_level(kernel.cells, here, level_moves)
    return Influence(inverse @ scores, np.sqrt(np.maximum(np.diag(inverse), 0.0)))


def dispersion(cells: Cells, mode: Mode, here: Profile) -> float:
    """Return the squared errors of the rows over what they would be if events came one by one.

    1 if they do; m if each comes in m copies. What each unit and each period takes from the errors by being fitted is
    taken from both sides.
    """
    at_one = here.means / here.eta[cells.unit]
    own = 0.0 if mode.s == NO_FRAILTY else at_one / (mode.s + here.expected)[cells.unit]
    left = (1 - own) * (1 - here.means / cells.by_period[cells.time])
    return float(((cells.events - here.means) ** 2).sum() / (here.means * left).sum())


def _beside(kernel: Kernel, mode: Mode, eta: Floats, number: int) -> tuple[Profile, Profile, float]:
    """The profile one step up and one step down along one parameter, ln s being the last."""
    of_s = number == len(mode.parameters)
    step = _STEP_OF_LN_S if of_s else _STEP
    along = step * (np.arange(len(mode.parameters)) == number)
    up, down = (
        profile(kernel, mode.parameters + sign * along, mode.s * np.exp(sign * step * of_s), eta) for sign in (1, -1)
    )
    return up, down, step


def _scores(kernel: Kernel, mode: Mode, here: Profile) -> Floats:
    """Derivatives of each unit's likelihood by the parameters and ln s, shape (parameter, unit)."""
    by_parameter = kernel.by_unit(kernel.cells.events - here.means)
    if mode.s == NO_FRAILTY:
        return by_parameter
    return np.vstack([by_parameter, score_of_ln_s(kernel.cells.by_unit, here.expected, mode.s)])


def _by_level(cells: Cells, here: Profile, moves: Floats) -> Floats:
    """Derivatives of each unit's likelihood by ln c, times how c moves, shape (parameter, unit)."""
    errors = cells.matrix(cells.events - here.means)
    return np.array([errors @ move for move in moves])
