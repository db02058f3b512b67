"""PageRank, HITS and connected components on sparse matrices, to the digit as networkx defines them."""

from collections.abc import Iterable, Iterator

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import svds

from geo_flywheel.errors import NotConverged
from geo_flywheel.graph.network import Floats, Ints, Matrix, Sparse

_DENSE = 64  # rows or columns up to which the whole spectrum is computed
_TIED = 1e-9
_TURNS, _SETTLED = 300, 1e-12


def adjacency(source: Ints, target: Ints, weight: Floats | None, nodes: int) -> Sparse:
    """Return the weights of a directed graph, shape (node, node), laid out by target as `pagerank` reads them.

    Args:
        source: Node each edge comes from, shape (edge,).
        target: Node it goes to; parallel edges add up.
        weight: Positive, same shape; None for 1 each.
        nodes: Number of nodes.
    """
    data = np.ones(len(source)) if weight is None else np.ascontiguousarray(weight, np.float64)
    incoming = sparse.coo_array((data, (target, source)), shape=(nodes, nodes))
    incoming.has_canonical_format = True  # sums of products do not mind parallel edges: nothing to sort for
    return incoming.tocsr().T


def pagerank(
    weights: Sparse,
    *,
    damping: float = 0.85,
    tolerance: float = 1e-6,
    start: Floats | None = None,
    most: int = 500,
) -> Floats:
    """Return the PageRank of every node; it sums to 1.

    Args:
        weights: From row to column, shape (node, node), not negative; CSC is read as it is.
        damping: Chance that the walker follows an edge; else, and where there is none, it jumps to any node.
        tolerance: Sum of absolute changes below which it is settled.
        start: Where to begin, such as the ranks of the snapshot before: fewer steps, the same result.
        most: Steps at most.

    Raises:
        NotConverged: If it has not settled by then.

    Source:
        Page, Brin, Motwani and Winograd (1999). networkx multiplies its tolerance by the number of nodes.
    """
    nodes = weights.shape[0]
    if nodes == 0:
        return np.empty(0)
    moves = sparse.csr_array(weights.T)
    out = _out_weights(moves, nodes)
    dangling = np.flatnonzero(out == 0)
    share = np.divide(damping, out, out=np.zeros(nodes), where=out > 0)
    ranks = np.full(nodes, 1 / nodes) if start is None else start / start.sum()
    for _ in range(most):
        before = ranks
        ranks = moves @ (before * share)
        ranks += (1 - damping + damping * before[dangling].sum()) / nodes
        if np.abs(ranks - before).sum() < tolerance:
            return np.asarray(ranks, np.float64)
    raise NotConverged(f"PageRank did not settle in {most} steps; allow a larger tolerance or a smaller damping")


def pageranks(snapshots: Iterable[Sparse], *, tolerance: float = 1e-6) -> Iterator[Floats]:
    """Yield the PageRank of each snapshot of a series over the same nodes, each begun from the one before."""
    ranks: Floats | None = None
    for weights in snapshots:
        ranks = pagerank(weights, tolerance=tolerance, start=ranks)
        yield ranks


def two_sided(matrix: Matrix) -> Matrix:
    """Return a bipartite matrix, shape (row, column), as an undirected graph: rows first, then columns."""
    rows, columns = matrix.shape
    corner = sparse.csr_array((rows, rows)), sparse.csr_array((columns, columns))
    return sparse.csr_array(sparse.block_array([[corner[0], matrix], [matrix.T, corner[1]]], format="csr"))


def bipartite_pagerank(matrix: Matrix, *, damping: float = 0.85, tolerance: float = 1e-10) -> Floats:
    """Return the PageRank of the columns of a bipartite graph, walked in both directions; it sums to 1.

    Rows and columns without any edge are left out of the walk, so that a page not cited has rank 0 and not the share of
    a jump.

    Args:
        matrix: Weight of each row (prompt) for each column (page), shape (row, column).
        damping: As `pagerank`.
        tolerance: As `pagerank`.
    """
    used = np.unique(matrix.indices)
    ranks = np.zeros(matrix.shape[1])
    if used.size:
        kept = matrix[np.flatnonzero(np.diff(matrix.indptr))][:, used]
        found = pagerank(two_sided(kept), damping=damping, tolerance=tolerance)[kept.shape[0] :]
        ranks[used] = found / found.sum()
    return ranks


def hits(weights: Sparse) -> tuple[Floats, Floats]:
    """Return how good a hub each row and how good an authority each column is; each sums to 1.

    Where parts of the graph do not touch and tie for the first place, all of them count, in proportion to their size.

    Args:
        weights: From row to column, not negative; shape (node, node), or (row, column) of a bipartite graph.

    Source:
        Kleinberg (1999), JACM 46, 604-632: the first singular vectors.
    """
    matrix = sparse.csr_array(weights)
    if matrix.nnz == 0 or matrix.sum() == 0:
        return np.zeros(matrix.shape[0]), np.zeros(matrix.shape[1])
    authorities = np.abs(_first_right(matrix))
    hubs = matrix @ authorities
    return hubs / hubs.sum(), authorities / authorities.sum()


def components(weights: Sparse) -> Ints:
    """Return the number of the weakly connected component of each node, the largest component first."""
    count, labels = connected_components(weights, directed=True, connection="weak")
    order = np.argsort(-np.bincount(labels, minlength=count), kind="stable")
    rank = np.empty(count, np.int32)
    rank[order] = np.arange(count, dtype=np.int32)
    return rank[labels]


def _out_weights(moves: Matrix, nodes: int) -> Floats:
    return np.asarray(np.bincount(moves.indices, weights=moves.data, minlength=nodes), np.float64)


def _first_right(matrix: Matrix) -> Floats:
    """The first right singular vector; where several tie, the projection of the vector of ones on all of them."""
    ones = np.ones(matrix.shape[1])
    if min(matrix.shape) <= _DENSE:
        rows = matrix.shape[0] < matrix.shape[1]
        gram = (matrix @ matrix.T if rows else matrix.T @ matrix).toarray()
        values, vectors = np.linalg.eigh(gram)
        first = vectors[:, values >= values[-1] * (1 - _TIED)]
        if rows:
            first = matrix.T @ first / np.sqrt(values[-1])
        return np.asarray(first @ (first.T @ ones), np.float64)
    found = ones / np.linalg.norm(ones)
    for _ in range(_TURNS):
        before, found = found, np.asarray(matrix.T @ (matrix @ found), np.float64)
        found /= np.linalg.norm(found)
        if np.abs(found - before).max() < _SETTLED:
            return np.asarray(found, np.float64)
    start = np.asarray(matrix @ found if matrix.shape[0] < matrix.shape[1] else found, np.float64)
    return np.asarray(svds(matrix, k=1, v0=start, tol=_SETTLED)[2][0], np.float64)
