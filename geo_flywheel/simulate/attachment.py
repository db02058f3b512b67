"""Pages that gather citing cells, the more of them the more they have, with a stated exponent.

    z[i, t] ~ Multinomial(cells, proportional to (k[i, t] + 1)^alpha * fitness[i])        over the pages that are there
    k[i, t + 1] = k[i, t] + z[i, t],  k = 0 where a page enters,  fitness ~ Gamma(shape, mean 1)

A cell is one engine's answers to one prompt in one snapshot that cite the page. Growth goes by distinct cells; answers
are `copies` to a cell, since repeats resemble each other, and whoever takes them for events of their own finds too
little contagion.
"""

from dataclasses import dataclass
from math import isinf
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = dict[str, NDArray[Any]]
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class World:
    """A market of citing cells by its sizes and its truth.

    Attributes:
        alpha: Percent more new cells for one percent more cells held, dimensionless.
        shape: Shape of the Gamma fitness, its inverse variance; infinite where all pages are alike.
        incumbents: Pages that were there before the first week seen, with a history nobody saw.
        entrants: Pages that enter in the weeks seen, at any of the first two thirds alike.
        weeks: Weeks seen.
        burn_in: Weeks before.
        cells: New citing cells in a week, of all pages together.
        copies: Answers of each cell: the repeats of its prompt.
        sites: Sites, over which the pages are spread evenly.
    """

    alpha: float = 0.5
    shape: float = 2.0
    incumbents: int = 400
    entrants: int = 400
    weeks: int = 30
    burn_in: int = 15
    cells: int = 600
    copies: int = 1
    sites: int = 80

    @property
    def pages(self) -> int:
        """Pages in all."""
        return self.incumbents + self.entrants


@dataclass(frozen=True, slots=True)
class Growth:
    """What happened, and the truth behind it.

    Attributes:
        columns: One row per page and week in which it is there, by page and week, named as those of a panel that
            counts distinct cells (cells_cited of cells_asked) beside answers (cited of asked, halved by cell);
            first_seen is the week of entry, negative for incumbents. Beside them held: the cells until the week.
        fitness: Shape (page,).
    """

    columns: Columns
    fitness: Floats


def grown(world: World, seed: int) -> Growth:
    """Return one seeded market."""
    rng = np.random.default_rng(seed)
    fitness = np.ones(world.pages) if isinf(world.shape) else rng.gamma(world.shape, 1 / world.shape, world.pages)
    entered = np.full(world.pages, -max(1, world.burn_in))
    entered[world.incumbents :] = rng.integers(0, max(1, 2 * world.weeks // 3), world.entrants)
    held = np.zeros(world.pages, np.int64)
    before, gained = [], []
    for week in range(-world.burn_in, world.weeks):
        weights = (held + 1.0) ** world.alpha * fitness * (entered <= week)
        new = rng.multinomial(world.cells, weights / weights.sum())
        before.append(held)
        gained.append(new)
        held = held + new
    seen = slice(world.burn_in, None)
    return Growth(_columns(world, entered, np.array(before[seen]), np.array(gained[seen]), rng), fitness)


def _columns(world: World, entered: Counts, held: Counts, gained: Counts, rng: np.random.Generator) -> Columns:
    weeks, pages = np.arange(world.weeks)[:, None], np.arange(world.pages)
    in_a = rng.binomial(gained, 0.5)
    cells = {
        "page_id": pages,
        "site_id": pages % world.sites,
        "topic": np.zeros(1, np.int64),
        "period": weeks,
        "asked_a": np.array(world.cells * world.copies),
        "cited_a": in_a * world.copies,
        "asked_b": np.array(world.cells * world.copies),
        "cited_b": (gained - in_a) * world.copies,
        "cells_asked": np.array(world.cells),
        "cells_cited": gained,
        "first_seen": entered,
        "held": held,
    }
    there = entered <= weeks
    return {name: np.broadcast_to(cell, there.shape).T[there.T] for name, cell in cells.items()}
