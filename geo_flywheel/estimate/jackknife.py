"""Intervals of anything that is computed from sums over groups: leave one group out, and see how it moves."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from geo_flywheel.errors import NotIdentified
from geo_flywheel.estimate import Interval

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

LEVEL = 0.95
FEWEST_GROUPS = 10
MOST_GROUPS = 100


def groups_of(labels: NDArray[np.generic], most: int = MOST_GROUPS) -> Whole:
    """Number the labels; where there are more than so many, put several together, always the same ones."""
    _, number = np.unique(labels.astype(str), return_inverse=True)
    return np.asarray(number % most, dtype=np.int64)


def group_sums(group: Whole, *columns: Floats) -> Floats:
    """Sum columns by group, shape (group, column)."""
    groups = int(group.max()) + 1
    return np.column_stack([np.bincount(group, column, groups) for column in columns])


def jackknife(
    sums: Floats, statistic: Callable[[Floats], float], estimand: str, *, positive: bool = False
) -> tuple[float, Interval | None]:
    """Return a statistic and its interval.

    Args:
        sums: Shape (group, ...): what the statistic is computed from, added up over the first axis.
        statistic: Of the added sums; it may raise NotIdentified.
        estimand: What it is an interval for.
        positive: Whether the statistic is positive, so that its interval is taken on the log scale.

    Returns:
        The statistic, and no interval below 10 groups, or where it is not identified without one of them.

    Source:
        Quenouille and Tukey; t with one degree of freedom less than groups.
    """
    total = sums.sum(axis=0)
    value = statistic(total)
    number = len(sums)
    if number < FEWEST_GROUPS or (positive and value <= 0):
        return value, None
    try:
        without = np.array([statistic(total - group) for group in sums])
    except NotIdentified:
        return value, None
    if not np.isfinite(without).all() or (positive and (without <= 0).any()):
        return value, None
    scaled, centre = (np.log(without), np.log(value)) if positive else (without, value)
    error = float(np.sqrt((number - 1) / number * ((scaled - scaled.mean()) ** 2).sum()))
    half = float(stdtrit(number - 1, (1 + LEVEL) / 2)) * error
    ends = np.array([centre - half, centre + half])
    low, high = np.exp(ends) if positive else ends
    return value, Interval(float(low), float(high), LEVEL, estimand)
