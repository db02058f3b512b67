"""Counts that grow with what a unit has and with what it is: a kernel of the past times a gamma frailty.

    z[i,t] | eta[i] ~ Poisson(c[t] x[i,t] A(k[i,t]) eta[i]),   A(k) = (k+1)^alpha,   eta[i] ~ Gamma(s, s)

z are new events, k all events before, x the exposure, c what a period does to everybody. Integrating eta out is closed
form, and c is profiled out exactly, so that two numbers are left to search: alpha and ln s. All units begin at k = 0.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_array
from scipy.special import gammaln, psi

from geo_flywheel.errors import NotConverged

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

ALPHA_BOUNDS = (-2.0, 3.0)
LN_S_BOUNDS = (-5.0, 9.0)
NO_FRAILTY = np.inf
_EDGE = 0.05
_TOLERANCE = 1e-8
_TURNS = 2_000
_SAME_MODE = 0.1
_STEPS = (0.02, 0.05)


@dataclass(frozen=True)
class Cells:
    """Units at risk, one row per unit and period.

    Attributes:
        unit: Number of the unit of each row, from 0, ascending.
        time: Number of the period of each row, from 0.
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
        return np.bincount(self.unit, self.events, self.units).astype(np.float64)

    @cached_property
    def by_period(self) -> Floats:
        """Events of each period, shape (period,)."""
        return np.bincount(self.time, self.events, self.periods).astype(np.float64)

    @cached_property
    def _levels(self) -> tuple[Floats, Whole]:
        """The few different values that the past takes, as ln(k+1), and which of them each row has."""
        levels, place = np.unique(self.past, return_inverse=True)
        return np.log1p(levels), place

    @cached_property
    def log_past(self) -> Floats:
        """ln(k+1) of each row."""
        levels, place = self._levels
        return levels[place]

    @cached_property
    def starts(self) -> Whole:
        """Where each unit's rows begin, shape (unit + 1,)."""
        return np.searchsorted(self.unit, np.arange(self.units + 1))

    @cached_property
    def log_exposed_events(self) -> float:
        """The part of the likelihood that no parameter moves."""
        return float(self.events @ np.log(self.exposure))

    @cached_property
    def log_past_events(self) -> float:
        """Sum of z ln(k+1)."""
        return float(self.events @ self.log_past)

    def kernel(self, alpha: float) -> csr_array:
        """Return x A(k), shape (unit, period)."""
        levels, place = self._levels
        return self.matrix(self.exposure * np.exp(alpha * levels)[place])

    def matrix(self, values: Floats) -> csr_array:
        """Lay values of the rows out, shape (unit, period)."""
        return csr_array((values, self.time, self.starts), shape=(self.units, self.periods))

    def kept(self, rows: NDArray[np.bool_]) -> "Cells":
        """Keep some rows; units and periods without events or rows are numbered anew or left out."""
        rows = rows & (self.by_period > 0)[self.time]
        _, unit = np.unique(self.unit[rows], return_inverse=True)
        _, time = np.unique(self.time[rows], return_inverse=True)
        return Cells(unit, time, self.past[rows], self.events[rows], self.exposure[rows])


class Profile(NamedTuple):
    """The likelihood at one alpha and s, with the best c.

    Attributes:
        log_likelihood: Up to a constant of the data.
        gradient: By alpha and ln s.
        eta: Posterior mean of each frailty, shape (unit,).
        level: c, shape (period,).
        expected: Events expected of each unit at frailty 1, shape (unit,).
    """

    log_likelihood: float
    gradient: Floats
    eta: Floats
    level: Floats
    expected: Floats


class Mode(NamedTuple):
    """A maximum of the likelihood; s is infinite where it has no frailty."""

    alpha: float
    s: float
    log_likelihood: float

    @property
    def at_edge(self) -> bool:
        """Whether s lies at an end of its range, where its own uncertainty means nothing."""
        return not LN_S_BOUNDS[0] + _EDGE < np.log(self.s) < LN_S_BOUNDS[1] - _EDGE


def profile(cells: Cells, alpha: float, s: float, eta: Floats | None = None) -> Profile:
    """Maximise over c by fixed point; `eta` is where to begin.

    Raises:
        NotConverged: If the fixed point does not settle.
    """
    kernel = cells.kernel(alpha)
    eta, level, expected = _settled(cells, kernel, s, np.ones(cells.units) if eta is None else eta)
    log_level = np.log(level, out=np.zeros_like(level), where=level > 0)
    known = float(cells.by_period @ log_level) + alpha * cells.log_past_events + cells.log_exposed_events
    moved = float(eta @ (cells.matrix(kernel.data * cells.log_past) @ level))
    total, by_s = _integrated(cells.by_unit, expected, s)
    return Profile(known + total, np.array([cells.log_past_events - moved, by_s]), eta, level, expected)


def modes(cells: Cells, starts: tuple[tuple[float, float], ...]) -> tuple[Mode, ...]:
    """Return the different maxima that the starts (alpha, ln s) lead to, the best first."""
    found = sorted((_climbed(cells, start) for start in starts), key=lambda mode: -mode.log_likelihood)
    return tuple(
        mode for n, mode in enumerate(found) if all(abs(mode.alpha - m.alpha) > _SAME_MODE for m in found[:n])
    )


def without_frailty(cells: Cells) -> Mode:
    """Maximise over alpha alone, every frailty being 1: what takes quality for contagion."""
    return best_alpha(cells, NO_FRAILTY)


def best_alpha(cells: Cells, s: float) -> Mode:
    """Maximise over alpha at a given s."""

    def loss(point: Floats) -> tuple[float, Floats]:
        at = profile(cells, float(point[0]), s)
        return -at.log_likelihood, -at.gradient[:1]

    found = minimize(loss, [0.5], jac=True, method="L-BFGS-B", bounds=[ALPHA_BOUNDS])
    return Mode(float(found.x[0]), s, -float(found.fun))


def best_s(cells: Cells, alpha: float, s: float = 1.0) -> Mode:
    """Maximise over s at a given alpha."""
    eta = np.ones(cells.units)

    def loss(point: Floats) -> tuple[float, Floats]:
        nonlocal eta
        at = profile(cells, alpha, float(np.exp(point[0])), eta)
        eta = at.eta
        return -at.log_likelihood, -at.gradient[1:]

    low, high = LN_S_BOUNDS
    found = minimize(loss, [np.clip(np.log(s), low, high)], jac=True, method="L-BFGS-B", bounds=[LN_S_BOUNDS])
    return Mode(alpha, float(np.exp(found.x[0])), -float(found.fun))


def _climbed(cells: Cells, start: tuple[float, float]) -> Mode:
    eta = np.ones(cells.units)

    def loss(point: Floats) -> tuple[float, Floats]:
        nonlocal eta
        at = profile(cells, float(point[0]), float(np.exp(point[1])), eta)
        eta = at.eta
        return -at.log_likelihood, -at.gradient

    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[ALPHA_BOUNDS, LN_S_BOUNDS])
    return Mode(float(found.x[0]), float(np.exp(found.x[1])), -float(found.fun))


def _settled(cells: Cells, kernel: csr_array, s: float, eta: Floats) -> tuple[Floats, Floats, Floats]:
    """Return eta, c and expected events where each follows from the others.

    At the solution the frailties have mean 1. Setting it at each turn takes out the one direction in which the fixed
    point creeps.
    """
    turned = kernel.T.tocsr()
    for _ in range(_TURNS):
        level = cells.by_period / (turned @ eta)
        expected = kernel @ level
        if s == NO_FRAILTY:
            return np.ones(cells.units), level, expected
        found = (s + cells.by_unit) / (s + expected)
        found /= found.mean()
        moved = np.abs(found - eta).max() / found.max()
        eta = found
        if moved < _TOLERANCE:
            return (s + cells.by_unit) / (s + expected), level, expected
    raise NotConverged(f"what each period does to all pages did not settle in {_TURNS} turns; give more periods")


def _integrated(events: Floats, expected: Floats, s: float) -> tuple[float, float]:
    """Return the part of the likelihood in which eta is integrated out, and its derivative by ln s."""
    if s == NO_FRAILTY:
        return -float(expected.sum()), 0.0
    after, rate = s + events, np.log1p(expected / s)
    total = gammaln(after) - gammaln(s) - events * np.log(s) - after * rate
    slope = psi(after) - psi(s) + 1 - rate - after / (s + expected)
    return float(total.sum()), s * float(slope.sum())


class Influence(NamedTuple):
    """How a fitted alpha moves with each unit.

    Attributes:
        by_unit: What each unit adds to the error of alpha, shape (unit,).
        model_error: Standard error of alpha if the model is exact.
    """

    by_unit: Floats
    model_error: float


def influence(cells: Cells, mode: Mode) -> Influence:
    """Return what each unit adds to the error of alpha, with c and, where it is inside its range, s estimated too.

    Source:
        The sandwich of the full likelihood; how c moves along the profile comes of differences, which spares the
        second derivatives by c.
    """
    free = 1 if mode.at_edge else 2
    here = profile(cells, mode.alpha, mode.s)
    steps = [_ahead(cells, mode, here.eta, number) for number in range(free)]
    curvature = -np.array([(up.gradient - down.gradient)[:free] / (2 * h) for up, down, h in steps])
    curvature = (curvature + curvature.T) / 2
    moves = np.array([_log_step(up.level, down.level) / (2 * h) for up, down, h in steps])
    scores = _scores(cells, mode, here)[:free] + _period_scores(cells, mode, here, moves)
    inverse = np.linalg.pinv(curvature)
    return Influence(inverse[0] @ scores, float(np.sqrt(max(inverse[0, 0], 0.0))))


def _ahead(cells: Cells, mode: Mode, eta: Floats, number: int) -> tuple[Profile, Profile, float]:
    """The profile one step up and one step down along alpha (0) or ln s (1)."""
    h = _STEPS[number]
    sides = [(mode.alpha + h * sign * (number == 0), mode.s * np.exp(h * sign * (number == 1))) for sign in (1, -1)]
    up, down = (profile(cells, alpha, s, eta) for alpha, s in sides)
    return up, down, h


def _log_step(up: Floats, down: Floats) -> Floats:
    return np.log(np.maximum(up, 1e-300)) - np.log(np.maximum(down, 1e-300))


def _scores(cells: Cells, mode: Mode, here: Profile) -> Floats:
    """Derivatives of each unit's likelihood by alpha and ln s, shape (2, unit)."""
    kernel = cells.kernel(mode.alpha)
    kernel.data *= cells.log_past
    by_alpha = np.bincount(cells.unit, cells.events * cells.log_past, cells.units) - here.eta * (kernel @ here.level)
    if mode.s == NO_FRAILTY:
        return np.vstack([by_alpha, np.zeros(cells.units)])
    after, s = mode.s + cells.by_unit, mode.s
    slope = psi(after) - psi(s) + 1 - np.log1p(here.expected / s) - after / (s + here.expected)
    return np.vstack([by_alpha, s * slope])


def _period_scores(cells: Cells, mode: Mode, here: Profile, moves: Floats) -> Floats:
    """Derivatives of each unit's likelihood by ln c, times how c moves, shape (parameter, unit)."""
    seen, kernel = cells.matrix(cells.events), cells.kernel(mode.alpha)
    return np.array([seen @ move - here.eta * (kernel @ (here.level * move)) for move in moves])
