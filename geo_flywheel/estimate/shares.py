"""How unequally citations fall, from the counts of two halves whose noise is not shared.

Noise alone makes shares unequal: of ten equal sites, those that chance favours look larger. A product of the two halves
holds no such inequality. What cannot be written as one is given as it is seen, and labelled so.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_Measure = Callable[[Floats, Floats], Floats]


class Halves(NamedTuple):
    """Citations of units period by period.

    Attributes:
        a: Of the first half of the prompts, shape (unit, period).
        b: Of the second half, same shape.
        there: Whether the unit was at risk, same shape.
        period: Number of each period, ascending; periods that are not known are left out.
    """

    a: Floats
    b: Floats
    there: Bools
    period: NDArray[np.int64]

    def shares(self) -> tuple[Floats, Floats]:
        """Return the share of each unit in each half and period."""
        return self.a / self.a.sum(axis=0), self.b / self.b.sum(axis=0)

    def kept(self, periods: Bools) -> "Halves":
        """Keep some periods."""
        return Halves(self.a[:, periods], self.b[:, periods], self.there[:, periods], self.period[periods])


def hhi(halves: Halves) -> Floats:
    """Sum of squared shares of each period, by the product of the halves: without what noise adds."""
    a, b = halves.shares()
    return np.asarray((a * b).sum(axis=0))


def hhi_as_seen(halves: Halves) -> Floats:
    """Sum of squared shares of each period, with what noise adds."""
    both = halves.a + halves.b
    return np.asarray(((both / both.sum(axis=0)) ** 2).sum(axis=0))


def entropy_as_seen(halves: Halves) -> Floats:
    """Shannon entropy of the shares of each period, in nats; noise lowers it."""
    both = halves.a + halves.b
    shares = both / both.sum(axis=0)
    return np.asarray(-(shares * np.log(shares, out=np.zeros_like(shares), where=shares > 0)).sum(axis=0))


def gini_as_seen(halves: Halves) -> Floats:
    """Gini coefficient of each period over the units at risk; noise raises it."""
    both = np.where(halves.there, halves.a + halves.b, 0.0)
    number = halves.there.sum(axis=0)
    ranks = rankdata(both, axis=0) - (len(both) - number)  # those not at risk are the first of the zeros
    return np.asarray((2 * (ranks * both).sum(axis=0) / both.sum(axis=0) - (number + 1)) / number)


def top(halves: Halves, size: int) -> Floats:
    """Share of the largest units of each period, chosen in one half and measured in the other, both ways."""
    a, b = halves.shares()
    chosen_a, chosen_b = (np.column_stack([largest(column, size) for column in part.T]) for part in (a, b))
    return np.asarray(((chosen_a * b).sum(axis=0) + (chosen_b * a).sum(axis=0)) / 2)


def largest(counts: Floats, size: int) -> Floats:
    """Mark the largest with 1; those that are level for the last places share them."""
    if size >= counts.size:
        return np.ones(counts.size)
    last = np.partition(counts, -size)[-size]
    above, level = counts > last, counts == last
    return np.where(above, 1.0, np.where(level, (size - above.sum()) / level.sum(), 0.0))


class Pairs(NamedTuple):
    """What two periods have in common beside what the two halves of one period have.

    Attributes:
        later: Of one half and the other half some periods later, both ways, shape (period, ...).
        same: Of the two halves of the earlier period, same shape.
    """

    later: Floats
    same: Floats


def rank_correlations(halves: Halves, lag: int) -> Pairs:
    """Spearman's correlation between units."""
    return _paired(halves, lag, lambda x, y: np.array(_correlation(rankdata(x), rankdata(y))))


def overlaps(halves: Halves, lag: int, size: int) -> Pairs:
    """Share of the largest units that are the largest in both."""
    return _paired(halves, lag, lambda x, y: np.array(largest(x, size) @ largest(y, size) / min(size, x.size)))


def transitions(halves: Halves, lag: int, classes: int) -> Pairs:
    """Units that go from each class of rank to each, shape (period, class, class)."""
    return _paired(halves, lag, lambda x, y: _table(_classes(x, classes), _classes(y, classes), classes))


def mobility(tables: Floats) -> Floats:
    """Shorrocks' index of tables of transitions, shape (..., class, class): 0 nobody moves, 1 the past means nothing.

    Source:
        Shorrocks (1978), Econometrica 46, (n - trace) / (n - 1).
    """
    rows = tables.sum(axis=-1)
    stays = np.diagonal(tables, axis1=-2, axis2=-1)
    share = np.divide(stays, rows, out=np.zeros_like(stays), where=rows > 0)
    used = (rows > 0).sum(axis=-1)
    return np.asarray((used - share.sum(axis=-1)) / np.maximum(used - 1, 1))


def _paired(halves: Halves, lag: int, measure: _Measure) -> Pairs:
    """Compare every period with the one exactly so many periods later, where both are known."""
    place = {int(period): column for column, period in enumerate(halves.period)}
    later, same = [], []
    for now, period in enumerate(halves.period):
        then = place.get(int(period) + lag)
        if then is None:
            continue
        both = halves.there[:, now] & halves.there[:, then]
        a, b = halves.a[both], halves.b[both]
        later.append((measure(a[:, now], b[:, then]) + measure(b[:, now], a[:, then])) / 2)
        same.append((measure(a[:, now], b[:, now]) + measure(b[:, now], a[:, now])) / 2)
    return Pairs(np.array(later), np.array(same))


def _correlation(x: Floats, y: Floats) -> float:
    if x.size < 2:  # noqa: PLR2004 - one unit has no rank
        return np.nan
    apart_x, apart_y = x - x.mean(), y - y.mean()
    size = np.sqrt((apart_x @ apart_x) * (apart_y @ apart_y))
    return float(apart_x @ apart_y / size) if size > 0 else np.nan


def _classes(counts: Floats, classes: int) -> NDArray[np.int64]:
    return np.minimum((rankdata(counts) - 0.5) / counts.size * classes, classes - 1).astype(np.int64)


def _table(before: NDArray[np.int64], after: NDArray[np.int64], classes: int) -> Floats:
    return np.bincount(before * classes + after, minlength=classes**2).reshape(classes, classes).astype(np.float64)
