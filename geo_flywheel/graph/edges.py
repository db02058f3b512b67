"""Every edge of the graph as numbers: all nodes are numbered one kind after the other, sites first."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_flywheel.graph.network import NOBODY, Graph, State, Ties

SITE, PAGE, PROMPT, ENGINE, CELL, CORPUS, QUERY = range(7)
KINDS = ("site", "page", "prompt", "engine", "cell", "corpus", "query")
EDGE_KINDS = ("cited", "retrieved", "fan-out", "belongs to", "present in", "links to")
CITED, RETRIEVED, FAN_OUT, BELONGS_TO, PRESENT_IN, LINKS_TO = range(6)

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Edges:
    """All edges by the numbers of `starts`, shape (edge,).

    Attributes:
        kind: Place in `EDGE_KINDS`.
        row: Place among the ties of its kind, for cited, retrieved and fan-out; else -1.
        first: First and
        last: last time it was seen: Monday of a snapshot, or a day; NaT where it belongs to none.
    """

    kind: NDArray[np.int8]
    source: Numbers
    target: Numbers
    row: Numbers
    first: "NDArray[np.datetime64]"
    last: "NDArray[np.datetime64]"


def starts(graph: Graph) -> Numbers:
    """Return the first number of each of `KINDS`, and behind them the number of nodes."""
    sizes = (graph.sites, graph.pages, graph.prompts, graph.engines, graph.cells.engine, graph.corpora, graph.queries)
    return np.concatenate([[0], np.cumsum([len(part) for part in sizes])]).astype(np.int64)


def all_edges(graph: Graph) -> Edges:
    """Return every edge of the graph by the numbers of `starts`."""
    first = starts(graph)
    parts = [*_tied(graph, first), *_belonging(graph, first), _present(graph, first), _linked(graph, first)]
    return Edges(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _tied(graph: Graph, starts_at: Numbers) -> Iterator[tuple[Any, ...]]:
    mondays = np.array(graph.snapshots, "datetime64[D]")
    for kind, ties, to in tied(graph):
        _, place = spans(graph, ties)
        week = mondays[graph.cells.snapshot[ties.cell]]
        first, last = (np.full(int(place.max(initial=-1)) + 1, fill, "datetime64[D]") for fill in ("9999", "0001"))
        np.minimum.at(first, place, week)
        np.maximum.at(last, place, week)
        yield (
            np.full(len(place), kind, np.int8), starts_at[CELL] + ties.cell, starts_at[to] + ties.unit,
            np.arange(len(place)), first[place], last[place],
        )  # fmt: skip


def _belonging(graph: Graph, starts_at: Numbers) -> Iterator[tuple[Any, ...]]:
    cells, week = graph.cells, np.array(graph.snapshots, "datetime64[D]")[graph.cells.snapshot]
    named, met = np.flatnonzero(cells.prompt != NOBODY), _met(graph)
    owned = met[graph.site_of[met] != NOBODY]
    never = np.full(len(owned), "NaT", "datetime64[D]")
    everyone = np.arange(len(cells.engine))
    yield _plain(BELONGS_TO, starts_at[CELL] + named, starts_at[PROMPT] + cells.prompt[named], week[named])
    yield _plain(BELONGS_TO, starts_at[CELL] + everyone, starts_at[ENGINE] + cells.engine, week)
    yield _plain(BELONGS_TO, starts_at[PAGE] + owned, graph.site_of[owned], never)


def _met(graph: Graph) -> Numbers:
    """Pages that anything but a site has to do with: a superseded reading leaves pages behind that nothing knows."""
    links, page = graph.links, graph.presence.page
    ends = (graph.cited.unit, graph.retrieved.unit, links.source, links.target, page[page != NOBODY])
    return np.unique(np.concatenate(ends)).astype(np.int64)


def _present(graph: Graph, starts_at: Numbers) -> tuple[Any, ...]:
    """Each unit and corpus once, from the first to the last day on which it was found there."""
    presence = graph.presence
    there = (presence.state == State.OBSERVED) & ((presence.page != NOBODY) | (presence.site != NOBODY))
    source = np.where(presence.page != NOBODY, starts_at[PAGE] + presence.page, presence.site)[there]
    pair = np.column_stack([source, starts_at[CORPUS] + presence.corpus[there]])
    ends, place = np.unique(pair, axis=0, return_inverse=True)
    first, last = (np.full(len(ends), "NaT", "datetime64[D]") for _ in range(2))
    np.fmin.at(first, place, presence.day[there])
    np.fmax.at(last, place, presence.day[there])
    return (*_plain(PRESENT_IN, ends[:, 0], ends[:, 1], first)[:5], last)


def _linked(graph: Graph, starts_at: Numbers) -> tuple[Any, ...]:
    links = graph.links
    plain = _plain(LINKS_TO, starts_at[PAGE] + links.source, starts_at[PAGE] + links.target, links.first)
    return (*plain[:5], links.last)


def tied(graph: Graph) -> tuple[tuple[int, Ties, int], ...]:
    """Return the edges that are counts of answers: kind, ties, and kind of the node they lead to."""
    return (CITED, graph.cited, PAGE), (RETRIEVED, graph.retrieved, PAGE), (FAN_OUT, graph.fan_out, QUERY)


def spans(graph: Graph, ties: Ties) -> tuple[Numbers, Numbers]:
    """Return each engine, prompt and unit once, as engine and prompt in one number, and which one each tie is of."""
    cells, units = graph.cells, int(ties.unit.max(initial=0)) + 1
    asking = cells.engine[ties.cell].astype(np.int64) * (len(graph.prompts) + 1) + cells.prompt[ties.cell] + 1
    found, place = np.unique(asking * units + ties.unit, return_inverse=True)
    return found // units, place.astype(np.int64)


def _plain(kind: int, source: Any, target: Any, when: "NDArray[np.datetime64]") -> tuple[Any, ...]:
    size = len(source)
    return np.full(size, kind, np.int8), source, target, np.full(size, -1), when, when
