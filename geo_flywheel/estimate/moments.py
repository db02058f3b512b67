"""Cross moments of two halves, whose noise is not shared: 27 numbers and a weight of each site.

All that the loop gain, its interval, its tests and its baselines need is a sum over sites of these.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo_flywheel.estimate.transitions import Transitions
from geo_flywheel.estimate.within import sums, within

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

_MOST_BLOCKS = 6
_CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class Moments:
    """Weighted sums of products, by site or by draw of sites, and by block of pages of like length.

    Attributes:
        xx: Of the first week with itself, shape (site, block, 3, 3), symmetric.
        xy: Of the first week (rows) with the second (columns), same shape.
        yy: Of the second week with itself, same shape, symmetric.
        weight: Summed weights of the pages, shape (site,).
        freedom: Summed weights times the pairs of a page less 1, same shape.
        lags: What a page's own mean does to its moments, shape (block, lag): for pages with n pairs of weeks the
            number of pairs of pairs that lie d weeks apart over n (n - 1), d from 1. It is (n - d) / (n (n - 1)) for
            weeks without a gap.
    """

    xx: Floats
    xy: Floats
    yy: Floats
    weight: Floats
    freedom: Floats
    lags: Floats

    def drawn(self, draws: Floats) -> "Moments":
        """Return the moments of weighted sums of sites, over the summed weight; draws has shape (draw, site)."""
        flat = np.concatenate([part.reshape(len(self.weight), -1) for part in (self.xx, self.xy, self.yy)], axis=1)
        total = draws @ self.weight
        means = (draws @ flat / total[:, None]).reshape(len(draws), 3, *self.xx.shape[1:])
        return Moments(means[:, 0], means[:, 1], means[:, 2], total, draws @ self.freedom / total, self.lags)


def moments_of(pairs: Transitions) -> Moments:
    """Return the moments of a panel, halves crossed, means by topic and week and by page taken out."""
    return crossed(demeaned(pairs), pairs)


def demeaned(pairs: Transitions) -> Floats:
    """Return both weeks of every pair less means by topic and week and by page, (pair, week and half and state)."""
    columns = np.concatenate([pairs.before, pairs.after], axis=1)
    return within(columns, pairs.page, pairs.cell, pairs.weight)


def crossed(columns: Floats, pairs: Transitions) -> Moments:
    """Return the moments of columns less any means, (pair, week and half and state), half a crossed with half b."""
    before_a, before_b, after_a, after_b = np.split(columns, 4, axis=1)
    xx, yy = _products(before_a, before_b, pairs), _products(after_a, after_b, pairs)
    xy = _products(before_a, after_b, pairs) + _products(before_b, after_a, pairs)
    return _summed((xx + xx.transpose(0, 2, 1)) / 2, xy / 2, (yy + yy.transpose(0, 2, 1)) / 2, pairs)


def uncrossed(columns: Floats, pairs: Transitions) -> Moments:
    """Return the moments of the mean of both halves, noise and all: what the baselines stand on."""
    before = (columns[:, :3] + columns[:, 3:6]) / 2
    after = (columns[:, 6:9] + columns[:, 9:]) / 2
    xx, yy = _products(before, before, pairs), _products(after, after, pairs)
    return _summed(xx, _products(before, after, pairs), yy, pairs)


def _products(left: Floats, right: Floats, pairs: Transitions) -> Floats:
    """Sum over the weeks of each page of left right', shape (page, 3, 3)."""
    starts = np.flatnonzero(np.diff(pairs.page, prepend=-1))
    summed = np.empty((len(starts), 3, 3))
    for row in range(3):
        for column in range(3):
            summed[:, row, column] = np.add.reduceat(left[:, row] * right[:, column], starts)
    return summed


def _summed(xx: Floats, xy: Floats, yy: Floats, pairs: Transitions) -> Moments:
    block, lags = _blocks(pairs)
    blocks, sites = len(lags), pairs.sites
    slot = pairs.site * blocks + block
    weighted = np.concatenate([part.reshape(len(part), 9) for part in (xx, xy, yy)], axis=1) * pairs.weight[:, None]
    by_slot = np.stack([sums(slot, column, sites * blocks) for column in weighted.T], axis=1)
    parts = by_slot.reshape(sites, blocks, 3, 3, 3)
    weight = sums(pairs.site, pairs.weight, sites)
    freedom = sums(pairs.site, pairs.weight * (pairs.lengths - 1), sites)
    return Moments(parts[:, :, 0], parts[:, :, 1], parts[:, :, 2], weight, freedom, lags)


def _blocks(pairs: Transitions) -> tuple[Numbers, Floats]:
    """Block of each page, and the lags of each block; one block per length, neighbouring lengths joined if many.

    Inside a block the lags are averaged with the weights of the pages and n - 1, which is exact when pages of
    neighbouring lengths have innovations of one size.
    """
    lengths = pairs.lengths
    found = np.unique(lengths)
    if len(found) > _MOST_BLOCKS:
        found = np.unique(np.quantile(lengths, np.linspace(0, 1, _MOST_BLOCKS + 1)[:-1], method="lower"))
    block = np.searchsorted(found, lengths, side="right") - 1
    return block, np.array([_lags(pairs, np.flatnonzero(block == one), lengths) for one in range(len(found))])


def _lags(pairs: Transitions, pages: Numbers, lengths: Numbers) -> Floats:
    weeks = int(pairs.time.max()) + 1
    first = np.searchsorted(pairs.page, pages)
    n, weight = lengths[pages], pairs.weight[pages]
    gapless = pairs.time[first + n - 1] - pairs.time[first] == n - 1
    found = np.unique(n[gapless])
    share = np.array([weight[gapless & (n == one)].sum() / one for one in found])
    apart = (np.maximum(found - np.arange(1, weeks)[:, None], 0) @ share).astype(np.float64)
    for some in np.array_split(np.flatnonzero(~gapless), (~gapless).sum() // _CHUNK + 1):
        rows = np.repeat(first[some] - np.cumsum(n[some]) + n[some], n[some]) + np.arange(n[some].sum())
        seen = np.zeros((len(some), weeks))
        seen[np.repeat(np.arange(len(some)), n[some]), pairs.time[rows]] = 1
        together = (seen * (weight[some] / n[some])[:, None]).T @ seen
        apart += [np.trace(together, offset=lag) for lag in range(1, weeks)]
    lags: Floats = apart / float(weight @ (n - 1))
    return lags
