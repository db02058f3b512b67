"""From one week to the next: complete cells of one page in adjacent periods, in units of the page's own mean."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from geo_flywheel.estimate.cells import STATES, Cells
from geo_flywheel.estimate.within import unit_means

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
Bools = NDArray[np.bool_]

LEAST_TRANSITIONS = 8
_VARIANCE = 0.15


@dataclass(frozen=True, slots=True)
class Transitions:
    """Pairs of adjacent weeks of pages.

    Attributes:
        page: Code of the page, ascending without gaps from 0, shape (pair,).
        time: Number of the first week of the pair, from 0, same shape.
        before: States in the first week, shape (pair, half and state): half a's presence, citation, engagement, then
            half b's, each divided by its own mean over the page's weeks.
        after: States in the second week, same shape.
        weight: Weight of each page, shape (page,): the larger, the less its counts are noise.
        site: Code of each page's site, same shape.
        topic: Code of its topic, same shape.
        entered: Period of the window in which the page was first seen; NaN where unknown.
        means: Mean level of each half and state of the page, shape (page, half and state).
        noise: Relative variance that counting alone adds to each half and state, same shape; NaN for what is not
            counted in whole numbers.
        sites: Number of sites, those of which every pair was left out included.
        left_out: How much was left out, by why.
    """

    page: Numbers
    time: Numbers
    before: Floats
    after: Floats
    weight: Floats
    site: Numbers
    topic: Numbers
    entered: Floats
    means: Floats
    noise: Floats
    sites: int
    left_out: dict[str, float] = field(default_factory=dict)

    @property
    def cell(self) -> Numbers:
        """Code of the topic and week, shape (pair,)."""
        return self.topic[self.page] * (int(self.time.max(initial=0)) + 1) + self.time

    @property
    def lengths(self) -> Numbers:
        """Pairs of each page, shape (page,)."""
        return np.bincount(self.page, minlength=len(self.weight))

    def where(self, kept: Bools, least: int = LEAST_TRANSITIONS) -> "Transitions":
        """Keep some pairs, shape (pair,), of the pages that have at least so many of them; sites keep their codes."""
        kept = kept & (np.bincount(self.page[kept], minlength=len(self.weight)) >= least)[self.page]
        pages, page = np.unique(self.page[kept], return_inverse=True)
        return replace(
            self, page=page.astype(np.int64), time=self.time[kept], before=self.before[kept], after=self.after[kept],
            weight=self.weight[pages], site=self.site[pages], topic=self.topic[pages], entered=self.entered[pages],
            means=self.means[pages], noise=self.noise[pages],
        )  # fmt: skip


def transitions_of(cells: Cells) -> Transitions:
    """Return the pairs of adjacent weeks, each state of each half in units of its mean over the page's weeks.

    Prompt halves differ in level, so each is divided by its own mean; pages of which a half has none are left out, and
    so are pages with fewer than 8 pairs, whose own mean would say little. A page's weight is (1 + v / .15)^-2 with v
    the mean over the states of 1 / (mean weekly count).
    """
    pages, page = np.unique(cells.page, return_inverse=True)
    follows = (np.diff(page) == 0) & (np.diff(cells.period) == 1)
    first = np.flatnonzero(follows)
    means = unit_means(cells.levels.reshape(-1, 6), page)
    counted = unit_means(cells.counts.reshape(-1, 6), page)
    has = means > 0
    enough = np.bincount(page[first], minlength=len(pages)) >= LEAST_TRANSITIONS
    kept = has.all(axis=1) & enough
    left_out = dict(cells.left_out)
    left_out |= {f"pages_without_{name}": float((~(has[:, k] & has[:, k + 3])).sum()) for k, name in enumerate(STATES)}
    left_out["pages_never_cited"] = left_out.pop("pages_without_citation")
    left_out["pages_too_short"] = float((has.all(axis=1) & ~enough).sum())
    renumbered = np.cumsum(kept) - 1
    first = first[kept[page[first]]]
    start = int(cells.period.min()) if len(cells.period) else 0
    scale = means[page[first]]
    asked = unit_means(cells.asked, page)[kept]
    sites = int(cells.site.max(initial=-1)) + 1
    return Transitions(
        renumbered[page[first]], cells.period[first] - start,
        cells.levels.reshape(-1, 6)[first] / scale, cells.levels.reshape(-1, 6)[first + 1] / scale,
        _weights(counted[kept]), cells.site[pages[kept]], cells.topic[pages[kept]],
        cells.entered[pages[kept]] - start, means[kept], _counting_noise(counted[kept], asked, cells), sites, left_out,
    )  # fmt: skip


def _weights(counted: Floats) -> Floats:
    relative = (1 / (counted[:, :3] + counted[:, 3:])).mean(axis=1)
    weights: Floats = (1 + relative / _VARIANCE) ** -2
    return weights


def _counting_noise(counted: Floats, asked: Floats, cells: Cells) -> Floats:
    """Variance over squared mean: Poisson for fetches and sessions, binomial for citations; NaN for no counts."""
    noise = 1 / counted
    noise[:, (cells.counts.reshape(-1, 6) % 1 != 0).any(axis=0)] = np.nan
    for half, column in ((0, 1), (1, 4)):
        noise[:, column] *= np.maximum(1 - counted[:, column] / asked[:, half], 0.0)
    return noise
