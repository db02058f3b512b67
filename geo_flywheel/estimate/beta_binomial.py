"""Shares that differ between units by more than chance: a beta distribution of shares, seen through binomial counts."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import betaln, gammaln

from geo_flywheel.errors import EstimateError, NotIdentified

Floats = NDArray[np.float64]

_LN_SIZES = (-8.0, 16.0)
_GRID = 49
_ROUNDING = 1e-12
_EDGE = 1e-12


class BetaBinomial(NamedTuple):
    """A beta distribution of shares; it unpacks as a, b.

    Attributes:
        a: Pseudo-count of successes.
        b: Pseudo-count of failures.
    """

    a: float
    b: float

    @property
    def mean(self) -> float:
        """Share to be expected of a unit of which nothing is known."""
        return self.a / (self.a + self.b)

    @property
    def correlation(self) -> float:
        """Correlation of two trials of one unit, 1 / (a + b + 1)."""
        return 1 / (self.a + self.b + 1)

    def shrunk(self, successes: ArrayLike, trials: ArrayLike) -> Floats:
        """Return the share to be expected of each unit given its counts, (successes + a) / (trials + a + b)."""
        return (np.asarray(successes, np.float64) + self.a) / (np.asarray(trials, np.float64) + self.a + self.b)


class _Steps(NamedTuple):
    """Counts as the likelihood takes them: how many units have more than 0, 1, 2 ... successes, failures and trials."""

    successes: Floats
    failures: Floats
    trials: Floats


def beta_binomial(successes: ArrayLike, trials: ArrayLike, units: ArrayLike | None = None) -> BetaBinomial:
    """Return the beta distribution of maximum marginal likelihood.

    Args:
        successes: Of each unit, whole numbers, shape (unit,).
        trials: Of each unit, same shape, or one number for all.
        units: How many units have these counts, for a table of frequencies; 1 each if left out.

    Raises:
        EstimateError: If the counts are no counts.
        NotIdentified: If the likelihood has no maximum: shares differ by no more than chance (a and b run to infinity),
            or nothing but 0 and all successes is seen.

    Source:
        Griffiths (1973), Biometrics 29, 637-648. The likelihood is searched along a + b; at each a + b it is concave in
        the mean and solved for it.
    """
    y, n, many = _checked(successes, trials, units)
    _refuse_edges(y, n, many)
    steps = _Steps(_more_than(y, many), _more_than(n - y, many), _more_than(n, many))
    grid = np.linspace(*_LN_SIZES, _GRID)
    heights = [_height(steps, np.exp(-ln_size)) for ln_size in grid]
    best = int(np.argmax(heights))
    if best == 0:
        raise NotIdentified("the likelihood grows as a and b run to 0: give units of which some trials differ")
    if best == _GRID - 1 or heights[best] <= _height(steps, 0.0) + _ROUNDING * abs(heights[best]):
        raise NotIdentified(
            "shares differ by no more than chance, so that a and b run to infinity: take one share for all units, or"
            " give more trials"
        )
    low, high = grid[best - 1], grid[best + 1]
    size = float(np.exp(brentq(lambda at: _slope(steps, np.exp(-at)), low, high, xtol=1e-13)))
    mean = _mean(steps, 1 / size)
    return BetaBinomial(mean * size, (1 - mean) * size)


def log_likelihood(
    prior: BetaBinomial, successes: ArrayLike, trials: ArrayLike, units: ArrayLike | None = None
) -> float:
    """Return the marginal log-likelihood of counts, binomial coefficients included."""
    y, n, many = _checked(successes, trials, units)
    ways = gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)
    return float(many @ (ways + betaln(y + prior.a, n - y + prior.b) - betaln(prior.a, prior.b)))


def _checked(successes: ArrayLike, trials: ArrayLike, units: ArrayLike | None) -> tuple[Floats, Floats, Floats]:
    """Successes, trials and how many units have them, without what was not tried."""
    try:
        y = np.atleast_1d(np.asarray(successes, np.float64))
        given = (trials, 1.0 if units is None else units)
        n, many = (np.broadcast_to(np.asarray(value, np.float64), y.shape) for value in given)
    except (TypeError, ValueError) as error:
        raise EstimateError(f"successes and trials do not fit together ({error}); give one of each per unit") from error
    whole = all((np.isfinite(v) & (v >= 0) & (v == np.floor(v))).all() for v in (y, n, many))
    if y.ndim != 1 or not whole or (y > n).any():
        raise EstimateError("successes and trials are whole numbers, one of each per unit, successes at most trials")
    used = (n > 0) & (many > 0)
    return y[used], n[used], many[used]


def _refuse_edges(y: Floats, n: Floats, many: Floats) -> None:
    if many.sum() < 2 or (n < 2).all():  # noqa: PLR2004 - two of each show a difference
        raise NotIdentified("needs two units, and two trials of one: fewer do not show how much shares differ")
    if not y.any() or (y == n).all():
        raise NotIdentified("every trial ended alike: only a share between 0 and 1 shows how much shares differ")
    if ((y == 0) | (y == n)).all():
        raise NotIdentified(
            "no unit has both successes and failures, so that a and b run to 0: take the units as they are"
        )


def _more_than(counts: Floats, many: Floats) -> Floats:
    """How many units have more than 0, 1, 2 ..., shape (largest count,)."""
    return np.cumsum(np.bincount(counts.astype(np.int64), many)[::-1])[::-1][1:].astype(np.float64)


def _height(steps: _Steps, spread: float) -> float:
    """The log-likelihood at 1 / (a + b), up to a constant and exact down to 0, with the best mean."""
    mean = _mean(steps, spread)
    starts = (mean, 1 - mean, 1.0)
    up, down, whole = (
        float(count @ np.log(start + spread * np.arange(count.size)))
        for count, start in zip(steps, starts, strict=True)
    )
    return up + down - whole


def _slope(steps: _Steps, spread: float) -> float:
    """Derivative of the height by 1 / (a + b)."""
    mean = _mean(steps, spread)
    starts = (mean, 1 - mean, 1.0)
    up, down, whole = (
        float(count @ (np.arange(count.size) / (start + spread * np.arange(count.size))))
        for count, start in zip(steps, starts, strict=True)
    )
    return up + down - whole


def _mean(steps: _Steps, spread: float) -> float:
    """Solve for the mean, in which the likelihood is concave."""

    def slope(mean: float) -> float:
        up = (steps.successes / (mean + spread * np.arange(steps.successes.size))).sum()
        return float(up - (steps.failures / (1 - mean + spread * np.arange(steps.failures.size))).sum())

    return float(brentq(slope, _EDGE, 1 - _EDGE, xtol=1e-15, rtol=1e-14))
