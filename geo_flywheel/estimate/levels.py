"""How much of the difference in citations lies between pages for good."""

import numpy as np
from numpy.typing import NDArray

from geo_flywheel.estimate.bootstrap import LEVEL, Draws
from geo_flywheel.estimate.cells import CITATION, Cells
from geo_flywheel.estimate.within import sums

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


def between_share(cells: Cells, draws: Draws) -> tuple[float, float]:
    """Return the share of the variance of citation rates that lies between pages, and its lower 95% limit.

    Rates are taken less their mean by topic and week. What lies between pages is the product of a page's mean in the
    first half of its weeks by one half of the prompts and its mean in the second half of its weeks by the other: so
    neither sampling noise nor a swing of some weeks counts as lasting. Pages never cited count.
    """
    between, total = _by_site(cells, draws.weights.shape[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.clip((draws.weights @ between) / (draws.weights @ total), 0.0, 1.0)
    low = np.nanpercentile(shares[1 : 1 + draws.drawn], 50 * (1 - LEVEL)) if np.isfinite(shares[0]) else np.nan
    return float(shares[0]), float(low)


def _by_site(cells: Cells, sites: int) -> tuple[Floats, Floats]:
    """Summed over the pages of each site: the product of two means far apart, and the mean product of one week."""
    rates = cells.levels[:, :, CITATION]
    _, week = np.unique(cells.period, return_inverse=True)
    cell = cells.topic[cells.page] * (int(week.max()) + 1) + week
    size = np.bincount(cell)
    means = np.stack([sums(cell, rates[:, half]) for half in (0, 1)], axis=1)[cell]
    centred = rates - means / size[cell][:, None]
    pages, page = np.unique(cells.page, return_inverse=True)
    late = _later_half(page)
    early_n, late_n = np.bincount(page[~late], minlength=len(pages)), np.bincount(page[late], minlength=len(pages))
    parts = [
        sums(page[when], centred[when, half], len(pages)) / np.maximum(number, 1)
        for when, number in ((~late, early_n), (late, late_n)) for half in (0, 1)
    ]  # fmt: skip
    apart = (parts[0] * parts[3] + parts[1] * parts[2]) / 2
    together = sums(page, centred[:, 0] * centred[:, 1], len(pages)) / (early_n + late_n)
    both = (early_n > 0) & (late_n > 0)
    site = cells.site[pages[both]]
    return sums(site, apart[both], sites), sums(site, together[both], sites)


def _later_half(page: Numbers) -> NDArray[np.bool_]:
    """Which cells are in the second half of their page's; shape (cell,)."""
    size = np.bincount(page)
    start = np.cumsum(size) - size
    later: NDArray[np.bool_] = np.arange(len(page)) - start[page] >= (size[page] + 1) // 2
    return later
