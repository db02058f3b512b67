"""The graph by the names of its nodes: a part of it, or all, as columns and as networkx knows it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any

import networkx as nx
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from geo_flywheel.errors import ConfigError
from geo_flywheel.graph.edges import (
    CELL,
    CORPUS,
    EDGE_KINDS,
    ENGINE,
    KINDS,
    PAGE,
    PROMPT,
    QUERY,
    SITE,
    Edges,
    Numbers,
    all_edges,
    spans,
    starts,
    tied,
)
from geo_flywheel.graph.network import NOBODY, Graph, State

MOST_EDGES = 200_000
"""With more, networkx takes gigabytes to hold them and minutes to walk them."""

_LETTERS = {State.OBSERVED: "o", State.NOT_OBSERVED: "n", State.NOT_ASKED: ".", State.UNKNOWN: "?"}

Bools = NDArray[np.bool_]
Columns = dict[str, "pa.Array[Any]"]


def check_size(edges: int) -> None:
    """Refuse what is too large for networkx.

    Raises:
        ConfigError: If it is.
    """
    if edges > MOST_EDGES:
        raise ConfigError(
            f"{edges:,} edges are more than the {MOST_EDGES:,} that networkx takes: name a site and fewer hops, one"
            " engine, or later weeks; or export to .parquet, which takes them all"
        )


class Faces:
    """Names for what the graph numbers: every node and edge, of the whole graph or of the part around a site."""

    def __init__(self, graph: Graph, *, site: str | None = None, hops: int = 2) -> None:
        """Choose the part.

        Args:
            graph: The graph.
            site: Name of the site it is around; None for all of it.
            hops: Edges from the site, in either direction: 1 reaches its pages and corpora, 2 the cells that cite them,
                3 prompts, engines and what else these cells cite.

        Raises:
            ConfigError: If the graph has no such site.
        """
        self.graph = graph
        self.starts = starts(graph)
        everything = all_edges(graph)
        reached = self._anywhere(everything) if site is None else self._around(everything, site, hops)
        held = reached[everything.source] & reached[everything.target]
        self.nodes: Numbers = np.flatnonzero(reached)
        self.edges = Edges(*(getattr(everything, name)[held] for name in Edges.__dataclass_fields__))

    def node_columns(self) -> Columns:
        """Return id, kind, label and, for cells, engine, surface, prompt, week and asked, a value per node."""
        kind = np.searchsorted(self.starts, self.nodes, side="right") - 1
        inside = self.nodes - self.starts[kind]
        names = [self._name(*node) for node in zip(kind.tolist(), inside.tolist(), strict=True)]
        cell = np.where(kind == CELL, inside, -1)
        return {
            "id": pa.array(
                [f"{KINDS[k]}:{name}" for k, (name, _) in zip(kind.tolist(), names, strict=True)], pa.string()
            ),
            "kind": pa.array(KINDS).take(pa.array(kind)),
            "label": pa.array([label for _, label in names], pa.string()),
            **self._cell_columns(cell),
        }

    def edge_columns(self, ids: "pa.Array[pa.StringScalar]") -> Columns:
        """Return kind, source, target, week, seen, asked, first_seen, last_seen and states, a value per edge.

        `states` has a letter for each snapshot of the graph: o observed, n not observed, . not asked, ? unknown.

        Args:
            ids: Those of `node_columns`.
        """
        edges, cells = self.edges, self.graph.cells
        cell = np.full(len(edges.kind), -1, np.int64)
        seen = np.full(len(edges.kind), np.nan)
        for kind, ties, _ in tied(self.graph):
            mine = edges.kind == kind
            cell[mine], seen[mine] = ties.cell[edges.row[mine]], ties.seen[edges.row[mine]]
        return {
            "kind": pa.array(EDGE_KINDS).take(pa.array(edges.kind)),
            "source": ids.take(pa.array(np.searchsorted(self.nodes, edges.source))),
            "target": ids.take(pa.array(np.searchsorted(self.nodes, edges.target))),
            "week": _days(self._mondays[np.where(cell < 0, -1, cells.snapshot[cell])]),
            "seen": _counts(seen),
            "asked": _counts(np.where(cell < 0, np.nan, cells.asked[cell])),
            "first_seen": _days(edges.first),
            "last_seen": _days(edges.last),
            "states": self._states(),
        }

    def networkx(self) -> "nx.MultiDiGraph[str]":
        """Return the part as a networkx graph; an attribute that is not known is left out, dates are ISO text.

        Raises:
            ConfigError: If it is too large.
        """
        check_size(len(self.edges.kind))
        made: nx.MultiDiGraph[str] = nx.MultiDiGraph(snapshots=" ".join(map(str, self.graph.snapshots)))
        nodes = self.node_columns()
        for row in _rows(nodes):
            made.add_node(row.pop("id"), **row)
        for row in _rows(self.edge_columns(nodes["id"])):
            made.add_edge(row.pop("source"), row.pop("target"), key=row["kind"], **row)
        return made

    def _anywhere(self, edges: Edges) -> Bools:
        """Every node that has an edge."""
        reached = np.zeros(self.starts[-1], bool)
        reached[edges.source] = reached[edges.target] = True
        return reached

    def _around(self, edges: Edges, site: str, hops: int) -> Bools:
        if site not in self.graph.sites:
            raise ConfigError(f"{site} is not in this part of the graph; ask for more weeks, or for all engines")
        reached = np.zeros(self.starts[-1], bool)
        reached[self.graph.sites.index(site)] = True
        for _ in range(hops):
            before = reached.copy()
            reached[edges.target[before[edges.source]]] = True
            reached[edges.source[before[edges.target]]] = True
        return reached

    @cached_property
    def _status(self) -> NDArray[np.int8]:
        """What was asked, shape (engine and prompt, snapshot): the state of what is not among the answers."""
        cells, wide = self.graph.cells, len(self.graph.prompts) + 1
        status = np.full((len(self.graph.engines) * wide, len(self.graph.snapshots)), State.NOT_ASKED, np.int8)
        state = np.where(np.isnan(cells.asked), State.UNKNOWN, np.where(cells.asked > 0, State.NOT_OBSERVED, 0))
        status[cells.engine.astype(np.int64) * wide + cells.prompt + 1, cells.snapshot] = state
        return status

    def _states(self) -> "pa.Array[pa.StringScalar]":
        letters = np.array([_LETTERS[State(number)] for number in range(len(State))], "S1")
        found = np.full(len(self.edges.kind), None, object)
        for kind, ties, _ in tied(self.graph):
            mine = self.edges.kind == kind
            if mine.any():
                asking, place = spans(self.graph, ties)
                states = self._status[asking]
                states[place, self.graph.cells.snapshot[ties.cell]] = State.OBSERVED
                text = letters[states].view(f"S{states.shape[1]}").ravel().astype(str).astype(object)
                found[mine] = text[place[self.edges.row[mine]]]
        return pa.array(found, pa.string())

    @cached_property
    def _mondays(self) -> "NDArray[np.datetime64]":
        """Monday of each snapshot, and NaT behind the last."""
        return np.array([*self.graph.snapshots, "NaT"], "datetime64[D]")

    def _name(self, kind: int, number: int) -> tuple[str, str]:
        """What a node is called among its kind, and what a person reads."""
        graph = self.graph
        if kind == CELL:
            prompt = int(graph.cells.prompt[number])
            asked_with = graph.prompts[prompt] if prompt != NOBODY else ""
            engine, week = graph.cells.engine[number], graph.cells.snapshot[number]
            return (f"{graph.engines[engine]}/{asked_with}/{graph.snapshots[week]}",) * 2
        if kind == PROMPT:
            return graph.prompts[number], graph.questions[number]
        names: Mapping[int, Sequence[Any]] = {
            SITE: graph.sites, PAGE: graph.pages, ENGINE: graph.engines, CORPUS: graph.corpora, QUERY: graph.queries
        }  # fmt: skip
        return (str(names[kind][number]),) * 2

    def _cell_columns(self, cell: Numbers) -> Columns:
        """What is known of cells; null where the number of the cell is -1."""
        graph, cells, there = self.graph, self.graph.cells, cell >= 0
        engine = pa.array(cells.engine[cell], mask=~there)
        prompt = pa.array(cells.prompt[cell], mask=~there | (cells.prompt[cell] == NOBODY))
        return {
            "engine": pa.array([engine.engine for engine in graph.engines], pa.string()).take(engine),
            "surface": pa.array([engine.surface for engine in graph.engines], pa.string()).take(engine),
            "prompt": pa.array(graph.prompts, pa.string()).take(prompt),
            "week": _days(self._mondays[np.where(there, cells.snapshot[cell], -1)]),
            "asked": _counts(np.where(there, cells.asked[cell], np.nan)),
        }


def _days(days: "NDArray[np.datetime64]") -> "pa.Array[pa.Date32Scalar]":
    return pa.array(days.astype("datetime64[D]"), pa.date32())


def _counts(counts: NDArray[np.float64]) -> "pa.Array[pa.Int64Scalar]":
    unknown = np.isnan(counts)
    return pa.array(np.where(unknown, 0, counts).astype(np.int64), mask=unknown)


def _rows(columns: Columns) -> Iterator[dict[str, Any]]:
    for values in zip(*(column.to_pylist() for column in columns.values()), strict=True):
        known = {name: value for name, value in zip(columns, values, strict=True) if value is not None}
        yield {name: value.isoformat() if isinstance(value, date) else value for name, value in known.items()}
