"""Sites drawn with exponential weights: intervals, standard errors and tests of whatever is a sum over sites.

Source: the Bayesian bootstrap of Rubin (1981), Ann. Stat. 9, 130-134, with sites as units; the stretch by Student's t
and by the jackknife is ours and is held to its coverage by simulation.
"""

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit
from scipy.stats import f as f_distribution

Floats = NDArray[np.float64]

LEVEL = 0.95
_NORMAL = 1.959963984540054
_QUARTILES = 1.349
_WINSOR = 3.0
_FEWEST = 50
_MOST_GROUPS = 500


@dataclass(frozen=True, slots=True)
class Draws:
    """Weights of sites: the estimate itself, drawn ones, and each group of sites left out once.

    Attributes:
        weights: Shape (1 + drawn + groups, site), all of it in this order; a group is one site where there are at most
            500 of them.
        drawn: How many are drawn.
        sites: Sites that have any page.
    """

    weights: Floats
    drawn: int
    sites: int

    def limits(self, values: Floats) -> tuple[float, float]:
        """Return the limits of the 95% interval of values, shape (1 + drawn + groups,).

        The percentiles of the draws are stretched about the estimate by t / 1.96 with sites - 1 degrees of freedom, and
        by the ratio of the jackknife's standard error to that of the draws where it is larger. A draw without a value
        counts as infinite; an estimate without one has only a lower limit.
        """
        point, drawn = values[0], np.where(np.isnan(values[1 : 1 + self.drawn]), inf, values[1 : 1 + self.drawn])
        low = float(np.percentile(drawn, 50 * (1 - LEVEL), method="lower"))
        high = float(np.percentile(drawn, 50 * (1 + LEVEL), method="higher"))
        if not np.isfinite(point):
            return low, inf
        stretch = self.stretch(values)
        return (float(point - stretch * (point - low)) if low < inf else low), float(point + stretch * (high - point))

    def stretch(self, values: Floats) -> float:
        """Return the factor by which the percentiles are stretched, at least t / 1.96."""
        student = float(stdtrit(self.sites - 1, (1 + LEVEL) / 2)) / _NORMAL
        drawn, jackknife = self.standard_error(values), self.jackknife_error(values)
        return student * (max(1.0, jackknife / drawn) if drawn > 0 else 1.0)

    def standard_error(self, values: Floats) -> float:
        """Return the range between the quartiles of the draws with a value, over 1.349."""
        return spread(values[1 : 1 + self.drawn])

    def jackknife_error(self, values: Floats) -> float:
        """Return the standard error by leaving out one group at a time, those without a value left aside."""
        left = values[1 + self.drawn :]
        share = (left.size - 1) / left.size
        left = left[np.isfinite(left)]
        return sqrt(share * float(((left - left.mean()) ** 2).sum())) if left.size else 0.0


def draws_of(weight: Floats, drawn: int, seed: int) -> Draws:
    """Return draws of sites; weight, shape (site,), is 0 for sites that have no page."""
    rng = np.random.default_rng(seed)
    present = np.flatnonzero(weight > 0)
    weights = np.ones((1 + drawn + min(len(present), _MOST_GROUPS), len(weight)))
    weights[1 : 1 + drawn] = rng.exponential(1.0, (drawn, len(weight)))
    for group, sites in enumerate(np.array_split(rng.permutation(present), len(weights) - 1 - drawn)):
        weights[1 + drawn + group, sites] = 0
    return Draws(weights, drawn, len(present))


def spread(values: Floats) -> float:
    """Return a robust standard deviation of the finite values: the range between their quartiles over 1.349."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return inf
    lower, upper = np.percentile(finite, [25, 75])
    return float(upper - lower) / _QUARTILES


def joint_test(point: Floats, drawn: Floats, sites: int) -> float:
    """Return the p value of all coefficients being 0 at once; NaN when fewer than 50 draws are finite.

    Args:
        point: Estimates, shape (coefficient,).
        drawn: Draws, shape (draw, coefficient); rows that are not finite are left out.
        sites: Independent units.

    Source:
        Hotelling's T squared as F(k, sites - k). Differs: scales from quartiles, correlations of the draws winsorised
        at 3 standard deviations, since a few draws near a lost root have no bounds.
    """
    kept = drawn[np.isfinite(drawn).all(axis=1)]
    count = len(point)
    if len(kept) < _FEWEST or not np.isfinite(point).all() or sites <= count:
        return float("nan")
    scales = np.array([spread(column) for column in kept.T])
    if (scales <= 0).any():
        return float("nan")
    winsorised = np.clip((kept - np.median(kept, axis=0)) / scales, -_WINSOR, _WINSOR)
    variance = np.atleast_2d(np.corrcoef(winsorised.T)) * np.outer(scales, scales)
    statistic = float(point @ np.linalg.solve(variance, point))
    return float(f_distribution.sf(statistic * (sites - count) / (count * (sites - 1)), count, sites - count))
