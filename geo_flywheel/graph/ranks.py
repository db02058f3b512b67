"""Who stands where at a snapshot: PageRank, authority and place of every page or site an engine cites."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from geo_flywheel.graph.credit import citation_credit
from geo_flywheel.graph.network import Floats, Graph, Ties, snapshot
from geo_flywheel.graph.walks import bipartite_pagerank, hits


@dataclass(frozen=True, slots=True)
class Rank:
    """One unit at one snapshot of one engine.

    Attributes:
        running: Whether the week is not over, so that the place may still change.
        place: From 1, by PageRank; equal ones share the better place.
        place_before: At the last snapshot in which the engine was asked; None when it was not cited then.
        pagerank: Share of a walk from prompts to what they cite and back.
        authority: Share of what good hubs cite (HITS); prompts apart from the largest group give none.
        credit: Share of the credit along paths forward in time, over all snapshots up to the last.
        cited: Answers that cite it; asked: answers of the engine in that week, None where the source does not say.
        prompts: Prompts that cite it.
        weight: What the walk goes by: "rate", or "count" where a denominator is missing.
    """

    week: date
    running: bool
    unit: int
    place: int
    place_before: int | None
    pagerank: float
    authority: float
    credit: float
    cited: int
    asked: int | None
    prompts: int
    weight: str


def ranks(graph: Graph, ties: Ties, units: int, engine: int, *, last: int = 1) -> Iterator[Rank]:
    """Yield the units that an engine cites at each of its last snapshots, oldest first, best place first.

    Args:
        graph: The graph.
        ties: Its `cited` or `cited_sites`.
        units: Number of the units these ties lead to.
        engine: Number of the engine.
        last: Snapshots that are wanted.
    """
    asked = np.unique(graph.cells.snapshot[graph.cells.engine == engine])
    credit = citation_credit(graph, ties, units, engine)
    before: Floats | None = None
    for place, number in enumerate(asked):
        if place < len(asked) - last - 1:
            continue
        found = snapshot(graph.cells, ties, units, engine, int(number))
        pagerank = bipartite_pagerank(found.matrix)
        if place >= len(asked) - last:
            yield from _at(graph, ties, engine, int(number), pagerank, before, credit)
        before = pagerank


def _at(
    graph: Graph, ties: Ties, engine: int, number: int, pagerank: Floats, before: Floats | None, credit: Floats
) -> Iterator[Rank]:
    found = snapshot(graph.cells, ties, len(pagerank), engine, number)
    counts = snapshot(graph.cells, ties, len(pagerank), engine, number, counts=True).matrix
    _, authority = hits(found.matrix)
    cited: Floats = np.asarray(counts.sum(axis=0), np.float64).ravel()
    prompts = np.bincount(counts.indices, minlength=len(pagerank))
    asked = None if np.isnan(found.asked).any() else int(found.asked.sum())
    places, places_before = _places(pagerank), None if before is None else _places(before)
    units = np.flatnonzero(cited)
    for unit in units[np.argsort(places[units], kind="stable")]:
        was = None if before is None or places_before is None or before[unit] == 0 else int(places_before[unit])
        yield Rank(
            week=graph.snapshots[number],
            running=number >= graph.finished,
            unit=int(unit),
            place=int(places[unit]),
            place_before=was,
            pagerank=float(pagerank[unit]),
            authority=float(authority[unit]),
            credit=float(credit[unit]),
            cited=int(cited[unit]),
            asked=asked,
            prompts=int(prompts[unit]),
            weight=found.weight,
        )


def _places(ranks: Floats) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    """Place of each from 1; ranks that differ by rounding only share one."""
    rounded = np.round(ranks, 9)
    return np.asarray(1 + np.searchsorted(np.sort(-rounded), -rounded, side="left"), np.intp)
