"""The graph as arrays: who answered what when, and which pages, sites and queries it had to do with.

A cell is one engine on one surface, one prompt and one snapshot (an ISO week, UTC). Cells are sorted by engine,
snapshot and prompt, and ties by cell, so that every snapshot of an engine is one slice of the same arrays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

if TYPE_CHECKING:
    import networkx as nx

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Matrix = sparse.csr_array[np.float64, tuple[int, int]]
Sparse = Matrix | sparse.csc_array[np.float64]

NOBODY = -1
"""Stands for a prompt that the source does not name, and for the site of a page that belongs to none."""


class State(IntEnum):
    """What is known of an edge at a snapshot."""

    NOT_ASKED = 0
    NOT_OBSERVED = 1
    OBSERVED = 2
    UNKNOWN = 3  # something was asked, and the source does not say how often


class Engine(NamedTuple):
    """Who answers; two surfaces of one engine are never pooled."""

    engine: str
    surface: str

    def __str__(self) -> str:
        return f"{self.engine}/{self.surface}"


@dataclass(frozen=True, slots=True)
class Cells:
    """Every cell, shape (cell,).

    Attributes:
        engine: Number of the engine.
        snapshot: Number of the snapshot.
        prompt: Number of the prompt; `NOBODY` where the source names none.
        asked: Delivered answers; NaN where the source does not say.
    """

    engine: Ints
    snapshot: Ints
    prompt: Ints
    asked: Floats

    def slice(self, engine: int, snapshot: int) -> slice:
        """Return where the cells of an engine at a snapshot lie; empty when it was not asked then."""
        first, last = np.searchsorted(self.engine, [engine, engine + 1])
        low, high = np.searchsorted(self.snapshot[first:last], [snapshot, snapshot + 1])
        return slice(int(first + low), int(first + high))


@dataclass(frozen=True, slots=True)
class Ties:
    """Edges between cells and one kind of unit, sorted by cell, shape (tie,).

    Attributes:
        cell: Number of the cell.
        unit: Number of the page, site or query.
        seen: Answers of the cell in which it was seen.
    """

    cell: Ints
    unit: Ints
    seen: Floats


@dataclass(frozen=True, slots=True)
class Presence:
    """What corpora hold, shape (row,); `page` and `site` are `NOBODY` where the other one is the unit.

    Attributes:
        state: `State.OBSERVED` for present, `NOT_OBSERVED` for absent, `UNKNOWN` for unknown.
        day: When the corpus was looked at; NaT where the source does not say.
    """

    page: Ints
    site: Ints
    corpus: Ints
    state: NDArray[np.int8]
    day: "NDArray[np.datetime64]"


@dataclass(frozen=True, slots=True)
class Links:
    """Links from page to page, shape (link,), with the first and the last day on which each was seen."""

    source: Ints
    target: Ints
    first: "NDArray[np.datetime64]"
    last: "NDArray[np.datetime64]"


@dataclass(frozen=True)
class Graph:
    """The whole graph.

    Attributes:
        engines: Who answers, sorted.
        snapshots: Mondays of the weeks in which anything was asked, ascending.
        running: Whether the last snapshot's week is not over yet.
        prompts: Id of each prompt; `questions` its text.
        pages: Canonical URL of each page; `site_of` the number of its site or `NOBODY`.
        sites: Name of each site.
        queries: Text of each search query that engines made of prompts.
        corpora: Name of each training corpus.
        cited: Ties between cells and pages; seen is at most asked.
        cited_sites: Ties between cells and sites: answers that cite any page of the site, each once.
        retrieved: Ties between cells and pages consulted, cited or not.
        fan_out: Ties between cells and queries.
    """

    engines: tuple[Engine, ...]
    snapshots: tuple[date, ...]
    running: bool
    prompts: Sequence[str]
    questions: Sequence[str]
    pages: Sequence[str]
    site_of: Ints
    sites: Sequence[str]
    queries: Sequence[str]
    corpora: Sequence[str]
    cells: Cells
    cited: Ties
    cited_sites: Ties
    retrieved: Ties
    fan_out: Ties
    presence: Presence
    links: Links

    @cached_property
    def finished(self) -> int:
        """Number of snapshots whose week is over."""
        return len(self.snapshots) - int(self.running)

    def to_networkx(self, site: str, hops: int = 2) -> "nx.MultiDiGraph[str]":
        """Return what lies within some hops of a site as a networkx graph; see `faces.Faces`.

        Raises:
            ConfigError: If there is no such site, or too much around it.
        """
        from geo_flywheel.graph.faces import Faces

        return Faces(self, site=site, hops=hops).networkx()


class Snapshot(NamedTuple):
    """Who cites what at one snapshot of one engine.

    Attributes:
        prompts: Number of the prompt of each row.
        asked: Answers of each row; NaN where the source does not say.
        matrix: Weight of each row for each unit, shape (prompt, unit).
        weight: "rate" (cited / asked) or, where a denominator is missing, "count".
    """

    prompts: Ints
    asked: Floats
    matrix: Matrix
    weight: str


def snapshot(cells: Cells, ties: Ties, units: int, engine: int, number: int, *, counts: bool = False) -> Snapshot:
    """Return one snapshot as a matrix, taken from one slice of the ties without sorting anything.

    Args:
        cells: All cells.
        ties: Ties of the unit wanted.
        units: Number of units; all snapshots have the same columns.
        engine: Number of the engine.
        number: Number of the snapshot.
        counts: Leave the counts as they are, also where there is a rate.
    """
    rows = cells.slice(engine, number)
    starts = np.searchsorted(ties.cell, np.arange(rows.start, rows.stop + 1))
    held = slice(int(starts[0]), int(starts[-1]))
    asked = cells.asked[rows]
    known = bool((asked > 0).all()) and not counts
    weights = ties.seen[held] / asked[ties.cell[held] - rows.start] if known else ties.seen[held]
    matrix = sparse.csr_array(
        (weights, ties.unit[held], (starts - starts[0]).astype(np.int32)), shape=(rows.stop - rows.start, units)
    )
    return Snapshot(cells.prompt[rows], asked, matrix, "rate" if known else "count")
