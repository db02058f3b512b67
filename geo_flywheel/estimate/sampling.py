"""How uncertain a sum is whose parts come in clusters, and which shares that leaves possible."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUNDING = 1e-18
"""Squares of parts of a share that are no larger come from rounding."""

_FEWEST_DEGREES = 3


def clustered(influence: Floats) -> float:
    """Return the variance of a sum whose parts, shape (cluster,) and 0 in all, are independent."""
    clusters = influence.size
    return float(influence @ influence) * clusters / (clusters - 1)


def two_way(influence: Floats) -> float:
    """Return the variance of a sum whose parts, shape (row, column) and 0 in all, share rows and share columns.

    Source:
        Cameron, Gelbach and Miller (2011), JBES 29, eq. 2.11, each of the three terms with its own G / (G - 1).
        Where the difference is not positive, the larger of the first two terms.
    """
    by_row, by_column = clustered(influence.sum(axis=1)), clustered(influence.sum(axis=0))
    both = by_row + by_column - clustered(influence.ravel())
    return both if both > 0 else max(by_row, by_column)


def degrees_of_freedom(influence: Floats) -> float:
    """Return how many clusters, less one, a variance over clusters is worth: fewer when few of them carry it.

    Source:
        Satterthwaite's 2 variance^2 / var(variance), with the kurtosis of the parts, between 3 and clusters - 1.
    """
    most, second = influence.size - 1, float((influence**2).mean())
    if second <= ROUNDING:
        return most
    spread = float((influence**4).mean()) / second**2 - 1
    return min(most, max(2 * influence.size / spread, _FEWEST_DEGREES)) if spread > 0 else most


def wilson_limits(rate: float, answers: float, t: float) -> tuple[float, float]:
    """Return the shares of which a rate seen in so many independent answers is at most t standard errors away.

    Source:
        Wilson (1927), JASA 22, 209-212.
    """
    shrunk = 1 + t**2 / answers
    middle = (rate + t**2 / (2 * answers)) / shrunk
    half = t / shrunk * float(np.sqrt(rate * (1 - rate) / answers + t**2 / (4 * answers**2)))
    return (0.0 if rate == 0 else middle - half), (1.0 if rate == 1 else middle + half)
