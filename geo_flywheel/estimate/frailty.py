"""Counts that grow with what a unit has and with what it is: a kernel of the past times a gamma frailty.

    z[i,t] | eta[i] ~ Poisson(c[t] x[i,t] A(k[i,t]) eta[i]),   eta[i] ~ Gamma(s, s)

z are new events, k all events before, x the exposure, c what a period does to everybody. Integrating eta out is closed
form, and c is profiled out exactly, so that what is left to search are the parameters of A, and ln s. All units begin
at k = 0: of others the frailty would depend on what they bring along.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_array, diags_array
from scipy.special import gammaln, psi

from geo_flywheel.errors import NotConverged
from geo_flywheel.estimate.risk_cells import Cells, Kernel

Floats = NDArray[np.float64]

BOUNDS = (-2.0, 3.0)
LN_S_BOUNDS = (-5.0, 9.0)
NO_FRAILTY = float("inf")
_WIDE = (-20.0, 20.0)
_NO_MATTER = 500.0
_EDGE = 0.05
_TOLERANCE = 1e-8
_CLOSE = 1e-8
_TURNS = 150
_CREEPING = 60
_LONGEST = 2.0
_SAME_MODE = 0.1


class Profile(NamedTuple):
    """The likelihood at given parameters of the kernel and s, with the best c.

    Attributes:
        log_likelihood: Up to a constant of the data.
        gradient: By the parameters of the kernel, then ln s.
        eta: Posterior mean of each frailty, shape (unit,).
        level: c, shape (period,).
        expected: Events expected of each unit at frailty 1, shape (unit,).
        means: Events expected in each row at its frailty.
    """

    log_likelihood: float
    gradient: Floats
    eta: Floats
    level: Floats
    expected: Floats
    means: Floats


class Mode(NamedTuple):
    """A maximum of the likelihood; s is infinite where it has no frailty."""

    parameters: Floats
    s: float
    log_likelihood: float

    @property
    def alpha(self) -> float:
        """The one parameter of a kernel that has one."""
        return float(self.parameters[0])

    @property
    def at_edge(self) -> bool:
        """Whether s lies where the likelihood no longer changes with it, so that its own uncertainty means nothing."""
        return not np.exp(LN_S_BOUNDS[0] + _EDGE) < self.s < _NO_MATTER


def profile(kernel: Kernel, parameters: Floats, s: float, eta: Floats | None = None) -> Profile:
    """Maximise over c by fixed point; `eta` is where to begin.

    Raises:
        NotConverged: If the fixed point does not settle.
    """
    cells, rows = kernel.cells, kernel.rows(parameters)
    eta, level, expected = _settled(cells, cells.matrix(rows), s, np.ones(cells.units) if eta is None else eta)
    means = rows * level[cells.time] * eta[cells.unit]
    known = float(cells.by_period @ np.log(level) + parameters @ kernel.seen) + cells.log_exposed_events
    total, by_s = _integrated(cells.by_unit, expected, s)
    gradient = np.append(kernel.seen - kernel.explained(means), by_s)
    return Profile(known + total, gradient, eta, level, expected, means)


def modes(kernel: Kernel, starts: Sequence[tuple[float, float]]) -> tuple[Mode, ...]:
    """Return the different maxima of a kernel of one parameter, the best first.

    Args:
        kernel: A(k) = (k+1)^alpha.
        starts: Where to begin, as (alpha, ln s): the likelihood can have two maxima, contagion and quality.
    """
    found = [climbed(kernel, np.array([alpha]), np.exp(ln_s)) for alpha, ln_s in starts]
    found.sort(key=lambda mode: -mode.log_likelihood)
    return tuple(mode for n, mode in enumerate(found) if all(abs(mode.alpha - m.alpha) > _SAME_MODE for m in found[:n]))


def climbed(kernel: Kernel, parameters: Floats, s: float, *, only: str = "") -> Mode:
    """Maximise from a start on.

    Args:
        kernel: Whose parameters are searched.
        parameters: Where to begin.
        s: Where to begin; with `NO_FRAILTY` it stays there.
        only: "parameters" or "s" to leave the other where it is; empty for both.
    """
    free = np.array([only != "s"] * len(parameters) + [only != "parameters" and s != NO_FRAILTY])
    point = np.append(parameters, 0.0 if s == NO_FRAILTY else np.clip(np.log(s), *LN_S_BOUNDS))
    bounds = [BOUNDS if len(parameters) == 1 else _WIDE] * len(parameters) + [LN_S_BOUNDS]
    eta = np.ones(kernel.cells.units)

    def loss(moved: Floats) -> tuple[float, Floats]:
        nonlocal eta
        point[free] = moved
        at = profile(kernel, point[:-1], s if s == NO_FRAILTY else float(np.exp(point[-1])), eta)
        eta = at.eta
        return -at.log_likelihood, -at.gradient[free]

    inside = [limits for limits, searched in zip(bounds, free, strict=True) if searched]
    found = minimize(loss, point[free].copy(), jac=True, method="SLSQP", bounds=inside, options={"ftol": _CLOSE})
    point[free] = found.x
    return Mode(point[:-1].copy(), s if s == NO_FRAILTY else float(np.exp(point[-1])), -float(found.fun))


def _settled(cells: Cells, kernel: csr_array, s: float, eta: Floats) -> tuple[Floats, Floats, Floats]:
    """Return eta, c and expected events where each follows from the others.

    At the solution the frailties have mean 1. Setting it at each turn takes out the one direction in which the fixed
    point creeps.
    """
    turned = kernel.T.tocsr()
    if s == NO_FRAILTY:
        even = np.ones(cells.units)
        level = cells.by_period / (turned @ even)
        return even, level, kernel @ level
    for turn in range(_TURNS):
        level = cells.by_period / (turned @ eta)
        if turn >= _CREEPING:
            level = level * np.exp(_newton_step(cells, kernel, s, level))
        expected = kernel @ level
        before, eta = eta, (s + cells.by_unit) / (s + expected)
        if turn < _CREEPING:
            eta /= eta.mean()
        if np.abs(eta - before).max() < _TOLERANCE * eta.max():
            return (s + cells.by_unit) / (s + expected), level, expected
    raise NotConverged(f"what each period does to all pages did not settle in {_TURNS} turns; give more periods")


def _newton_step(cells: Cells, kernel: csr_array, s: float, level: Floats) -> Floats:
    """Return by how much to move ln c where the fixed point creeps; the likelihood is concave in ln c."""
    expected = kernel @ level
    after = s + cells.by_unit
    shares = diags_array(np.sqrt(after) / (s + expected)) @ kernel @ diags_array(level)
    fitted = level * (kernel.T @ (after / (s + expected)))
    curvature = np.diag(fitted) - (shares.T @ shares).toarray()
    step = np.linalg.lstsq(curvature, cells.by_period - fitted)[0]
    return np.asarray(np.clip(step, -_LONGEST, _LONGEST))


def _integrated(events: Floats, expected: Floats, s: float) -> tuple[float, float]:
    """Return the part of the likelihood in which eta is integrated out, and its derivative by ln s."""
    if s == NO_FRAILTY:
        return -float(expected.sum()), 0.0
    after, rate = s + events, np.log1p(expected / s)
    total = gammaln(after) - gammaln(s) - events * np.log(s) - after * rate
    return float(total.sum()), float(score_of_ln_s(events, expected, s).sum())


def score_of_ln_s(events: Floats, expected: Floats, s: float) -> Floats:
    """Return the derivative of each unit's likelihood by ln s, shape (unit,)."""
    after = s + events
    slope = psi(after) - psi(s) + 1 - np.log1p(expected / s) - after / (s + expected)
    return np.asarray(s * slope)
