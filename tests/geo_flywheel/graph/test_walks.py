import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import sparse

from geo_flywheel.errors import NotConverged
from geo_flywheel.graph.network import Matrix
from geo_flywheel.graph.walks import (
    adjacency,
    bipartite_pagerank,
    components,
    hits,
    pagerank,
    pageranks,
    two_sided,
)

Edges = dict[tuple[int, int], float]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, Edges]:
    """Directed, weighted, with loops, dangling and lonely nodes."""
    nodes = draw(st.integers(1, 25))
    node = st.integers(0, nodes - 1)
    return nodes, draw(st.dictionaries(st.tuples(node, node), st.floats(0.01, 100), max_size=80))


def matrix(nodes: int, edges: Edges) -> "sparse.csc_array[np.float64]":
    source, target = (np.array([edge[end] for edge in edges], np.int32) for end in (0, 1))
    found = adjacency(source, target, np.array(list(edges.values())), nodes)
    assert isinstance(found, sparse.csc_array)
    return found


def face(nodes: int, edges: Edges) -> "nx.DiGraph[int]":
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(nodes))
    graph.add_weighted_edges_from((source, target, weight) for (source, target), weight in edges.items())
    return graph


@given(graphs(), st.floats(0.1, 0.95))
def test_pagerank_is_that_of_networkx(given_: tuple[int, Edges], damping: float) -> None:
    nodes, edges = given_
    expected = nx.pagerank(face(nodes, edges), alpha=damping, tol=1e-12 / nodes, max_iter=2_000)
    found = pagerank(matrix(nodes, edges), damping=damping, tolerance=1e-12, most=2_000)
    np.testing.assert_allclose(found, [expected[node] for node in range(nodes)], atol=1e-9)


@given(graphs())
def test_parallel_edges_add_up(given_: tuple[int, Edges]) -> None:
    nodes, edges = given_
    ends = [edge for edge in edges for _ in range(2)]
    halves = np.repeat(np.array(list(edges.values())), 2) / 2
    source, target = (np.array([edge[end] for edge in ends], np.int32) for end in (0, 1))
    found = pagerank(adjacency(source, target, halves, nodes), tolerance=1e-12)
    np.testing.assert_allclose(found, pagerank(matrix(nodes, edges), tolerance=1e-12), atol=1e-9)


@given(graphs())
def test_hits_is_that_of_networkx_where_one_group_is_first(given_: tuple[int, Edges]) -> None:
    nodes, edges = given_
    dense = matrix(nodes, edges).toarray()
    values = np.linalg.svd(dense, compute_uv=False)
    assume(nodes > 2 and values[0] > 0 and values[1] < 0.99 * values[0])
    hubs, authorities = nx.hits(face(nodes, edges), max_iter=10_000, tol=1e-13)
    found = hits(matrix(nodes, edges))
    np.testing.assert_allclose(found[0], [hubs[node] for node in range(nodes)], atol=1e-6)
    np.testing.assert_allclose(found[1], [authorities[node] for node in range(nodes)], atol=1e-6)


def test_hits_of_a_large_graph_is_that_of_networkx() -> None:
    rng = np.random.default_rng(3)
    edges = {
        (int(s), int(300 * t**3)): float(w)
        for s, t, w in zip(rng.integers(0, 300, 3_000), rng.random(3_000), rng.random(3_000) + 0.1, strict=True)
    }
    hubs, authorities = nx.hits(face(300, edges), max_iter=10_000, tol=1e-13)
    found = hits(matrix(300, edges))
    np.testing.assert_allclose(found[0], [hubs[node] for node in range(300)], atol=1e-8)
    np.testing.assert_allclose(found[1], [authorities[node] for node in range(300)], atol=1e-8)


@pytest.mark.parametrize("pairs", [2, 100])
def test_groups_that_tie_for_the_first_place_all_count(pairs: int) -> None:
    found = hits(Matrix(sparse.csr_array(np.eye(pairs))))
    np.testing.assert_allclose(found[1], np.full(pairs, 1 / pairs), atol=1e-6)


def test_nothing_cited_gives_nobody_any_authority() -> None:
    assert hits(Matrix((2, 3)))[1].tolist() == [0, 0, 0]
    assert bipartite_pagerank(Matrix((2, 3))).tolist() == [0, 0, 0]
    assert pagerank(Matrix((0, 0))).size == 0


@given(graphs())
def test_components_are_those_of_networkx(given_: tuple[int, Edges]) -> None:
    nodes, edges = given_
    labels = components(matrix(nodes, edges))
    found = {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}
    assert found == {frozenset(part) for part in nx.weakly_connected_components(face(nodes, edges))}
    sizes = np.bincount(labels)
    assert (np.diff(sizes) <= 0).all()


@given(st.integers(1, 6), st.integers(1, 8), st.data())
def test_bipartite_pagerank_is_that_of_the_undirected_graph(rows: int, columns: int, data: st.DataObject) -> None:
    cells = st.tuples(st.integers(0, rows - 1), st.integers(0, columns - 1))
    ties = data.draw(st.dictionaries(cells, st.floats(0.1, 4), min_size=1))
    dense = np.zeros((rows, columns))
    for place, weight in ties.items():
        dense[place] = weight
    undirected: nx.Graph[tuple[str, int]] = nx.Graph()
    undirected.add_weighted_edges_from(
        (("row", row), ("column", column), weight) for (row, column), weight in ties.items()
    )
    ranks = nx.pagerank(undirected, tol=1e-13, max_iter=1_000)
    expected = np.array([ranks.get(("column", column), 0.0) for column in range(columns)])
    found = bipartite_pagerank(Matrix(sparse.csr_array(dense)))
    np.testing.assert_allclose(found, expected / expected.sum(), atol=1e-8)


def test_a_series_has_the_ranks_of_each_snapshot_by_itself() -> None:
    rng = np.random.default_rng(1)
    snapshots = [matrix(50, {(int(s), int(t)): 1.0 for s, t in rng.integers(0, 50, (200, 2))}) for _ in range(4)]
    for together, alone in zip(pageranks(snapshots, tolerance=1e-12), snapshots, strict=True):
        np.testing.assert_allclose(together, pagerank(alone, tolerance=1e-12), atol=1e-10)


def test_it_is_said_when_the_walk_does_not_settle() -> None:
    with pytest.raises(NotConverged, match="larger tolerance"):
        pagerank(matrix(3, {(0, 1): 1.0, (1, 2): 1.0, (2, 0): 2.0, (0, 2): 1.0}), tolerance=0.0, most=3)


def test_both_sides_of_a_bipartite_graph_see_each_other() -> None:
    found = two_sided(Matrix(sparse.csr_array(np.array([[1.0, 2.0, 0.0]])))).toarray()
    assert found.tolist() == [[0, 1, 2, 0], [1, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0]]
