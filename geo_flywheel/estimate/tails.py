"""How heavy a tail is: a power law beside a lognormal, which looks like one over any short range.

Both are fitted to the whole numbers from xmin on. An exponent without the comparison means nothing: nearly every skewed
set of counts gives one.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_ndtr, ndtr, zeta

from geo_flywheel.errors import EstimateError, NotIdentified

Floats = NDArray[np.float64]

FEWEST_IN_TAIL = 50
_MOST_XMINS = 60
_EXPONENTS = (1.01, 30.0)


class Tail(NamedTuple):
    """A power law from xmin on, beside a lognormal.

    Attributes:
        exponent: alpha of p(x) ~ x^-alpha for x >= xmin.
        error: Its standard error.
        xmin: Where the tail begins, at which the power law fits best.
        units: Counts of xmin and more.
        distance: Largest distance between the cumulative distributions (Kolmogorov and Smirnov).
        ratio: Log-likelihood of the power law less that of the lognormal.
        p: How often so large a ratio, of either sign, comes of two laws that fit equally well.
    """

    exponent: float
    error: float
    xmin: int
    units: int
    distance: float
    ratio: float
    p: float


class _Tail(NamedTuple):
    """The different counts of xmin and more, and how many units have each."""

    values: Floats
    units: Floats

    @property
    def xmin(self) -> float:
        return float(self.values[0])


def tail(counts: ArrayLike) -> Tail:
    """Fit the tail of whole numbers.

    Args:
        counts: Shape (unit,); zeros are left out.

    Raises:
        EstimateError: If they are no counts.
        NotIdentified: If fewer than 50 units of at least 2 different counts are in any tail.

    Source:
        Clauset, Shalizi and Newman (2009), SIAM Review 51, eq. 3.5 and 3.7 to 3.9 (xmin by the least distance), and
        section 5.1, after Vuong (1989). Differs: of more than 60 candidates for xmin, 60 evenly spread on a log scale
        are tried.
    """
    values = np.asarray(counts, np.float64)
    if values.ndim != 1 or not (np.isfinite(values) & (values >= 0) & (values == np.floor(values))).all():
        raise EstimateError("a tail is one of whole numbers of 0 and more; give one count for each unit")
    found, units = np.unique(values[values > 0], return_counts=True)
    whole = _Tail(found, units.astype(np.float64))
    starts = [start for start in _candidates(whole) if whole.units[start:].sum() >= FEWEST_IN_TAIL]
    if not starts:
        raise NotIdentified(f"needs {FEWEST_IN_TAIL} units with citations, of different numbers, to see a tail")
    fits = [_fitted(_Tail(whole.values[start:], whole.units[start:])) for start in starts]
    return _compared(*min(fits, key=lambda fit: fit[2]))


def _candidates(whole: _Tail) -> list[int]:
    """Where a tail may begin: not at the last count, of which no exponent can be read."""
    last = len(whole.values) - 1
    if last <= _MOST_XMINS:
        return list(range(last))
    wanted = np.geomspace(whole.values[0], whole.values[last - 1], _MOST_XMINS)
    return sorted(set(np.searchsorted(whole.values, wanted).clip(0, last - 1).tolist()))


def _fitted(part: _Tail) -> tuple[_Tail, float, float]:
    """The tail, its exponent, and how far the power law is from it."""
    logs = float(part.units @ np.log(part.values))

    def loss(exponent: float) -> float:
        return exponent * logs + float(part.units.sum() * np.log(zeta(exponent, part.xmin)))

    exponent = float(minimize_scalar(loss, bounds=_EXPONENTS, method="bounded", options={"xatol": 1e-8}).x)
    seen = np.cumsum(part.units) / part.units.sum()
    expected = 1 - zeta(exponent, part.values + 1) / zeta(exponent, part.xmin)
    return part, exponent, float(np.abs(seen - expected).max())


def _compared(part: _Tail, exponent: float, distance: float) -> Tail:
    units = float(part.units.sum())
    power = -exponent * np.log(part.values) - np.log(zeta(exponent, part.xmin))
    apart = power - _lognormal(part)
    ratio = float(part.units @ apart)
    spread = float(part.units @ (apart - ratio / units) ** 2) / units
    p = float(2 * ndtr(-abs(ratio) / np.sqrt(units * spread))) if spread > 0 else 1.0
    return Tail(exponent, _error(part, exponent), int(part.xmin), int(units), distance, ratio, p)


def _error(part: _Tail, exponent: float, step: float = 1e-3) -> float:
    """Standard error by the curvature of ln zeta, which is the information of one unit."""
    up, here, down = (float(np.log(zeta(exponent + h, part.xmin))) for h in (step, 0.0, -step))
    return float(1 / np.sqrt(part.units.sum() * (up - 2 * here + down) / step**2))


def _lognormal(part: _Tail) -> Floats:
    """Log-probabilities of the most likely lognormal, cut at xmin and rounded to whole numbers."""
    logs = np.log(part.values)
    mean = float(part.units @ logs / part.units.sum())
    sd = float(np.sqrt(part.units @ (logs - mean) ** 2 / part.units.sum()))

    def loss(point: Floats) -> float:
        return -float(part.units @ _log_mass(part, float(point[0]), float(np.exp(point[1]))))

    best = np.array([mean, np.log(sd)])
    for shift, wide in ((0, 1), (2, 2), (8, 4)):
        start = np.array([mean - shift * sd, np.log(wide * sd)])
        found = minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-8, "maxiter": 2_000})
        best = min(best, found.x, key=loss)
    return _log_mass(part, float(best[0]), float(np.exp(best[1])))


def _log_mass(part: _Tail, mean: float, sd: float) -> Floats:
    """Log of the mass between x - 1/2 and x + 1/2, given at least xmin - 1/2, exact far out in the tail."""
    low, high = (log_ndtr(-(np.log(part.values + half) - mean) / sd) for half in (-0.5, 0.5))
    beyond = log_ndtr(-(np.log(part.xmin - 0.5) - mean) / sd)
    return np.asarray(low + np.log(-np.expm1(np.minimum(high - low, -1e-300))) - beyond)
