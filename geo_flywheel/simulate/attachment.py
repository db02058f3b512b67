"""Pages that gather citing cells, the more of them the more they have, with a stated exponent.

    z[i, t] ~ Multinomial(cells, proportional to (k[i, t] + 1)^alpha * fitness[i])        over the pages that are there
    k[i, t + 1] = k[i, t] + z[i, t],  k = 0 where a page enters,  fitness ~ Gamma(shape, mean 1)

A cell is one engine's answers to one prompt in one snapshot that cite the page; its repeats are copies of each other,
and growth goes by cells, whatever the copies.
"""

from dataclasses import dataclass
from math import isinf

import numpy as np
from numpy.typing import NDArray

Columns = dict[str, NDArray[np.generic]]
Floats = NDArray[np.float64]


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
    """

    alpha: float = 0.5
    shape: float = 2.0
    incumbents: int = 400
    entrants: int = 400
    weeks: int = 30
    burn_in: int = 15
    cells: int = 600
    copies: int = 1

    @property
    def pages(self) -> int:
        """Pages in all."""
        return self.incumbents + self.entrants


@dataclass(frozen=True, slots=True)
class Growth:
    """What happened, and the truth behind it.

    Attributes:
        columns: One row per page and week in which it is there, by page and week: page_id, period, entered (week of
            entry, negative for incumbents), held (cells until the week), gained (cells in the week), answers (with
            copies).
        fitness: Shape (page,).
    """

    columns: Columns
    fitness: Floats


def grown(world: World, seed: int) -> Growth:
    """Return one seeded market."""
    rng = np.random.default_rng(seed)
    fitness = np.ones(world.pages) if isinf(world.shape) else rng.gamma(world.shape, 1 / world.shape, world.pages)
    entered = np.full(world.pages, -world.burn_in)
    entered[world.incumbents :] = rng.integers(0, max(1, 2 * world.weeks // 3), world.entrants)
    held = np.zeros(world.pages, np.int64)
    before, gained = [], []
    for week in range(-world.burn_in, world.weeks):
        weights = (held + 1.0) ** world.alpha * fitness * (entered <= week)
        new = rng.multinomial(world.cells, weights / weights.sum())
        before.append(held)
        gained.append(new)
        held = held + new
    return Growth(_columns(world, entered, before[world.burn_in :], gained[world.burn_in :]), fitness)


def _columns(
    world: World, entered: NDArray[np.int64], held: list[NDArray[np.int64]], gained: list[NDArray[np.int64]]
) -> Columns:
    weeks = np.arange(world.weeks)[:, None]
    there = entered <= weeks
    cells = {
        "page_id": np.arange(world.pages),
        "period": weeks,
        "entered": entered,
        "held": np.array(held),
        "gained": np.array(gained),
        "answers": np.array(gained) * world.copies,
    }
    return {name: np.broadcast_to(cell, there.shape).T[there.T] for name, cell in cells.items()}
