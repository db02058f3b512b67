"""Communities: prompts and the sites or pages they cite that belong together more than chance would put them."""

from dataclasses import dataclass

import networkx as nx
import numpy as np

from geo_flywheel.graph.credit import by_prompt
from geo_flywheel.graph.faces import check_size
from geo_flywheel.graph.network import Graph, Ints, Matrix, Ties

_SHUFFLES, _MANY = 3, 20_000


@dataclass(frozen=True, slots=True)
class Communities:
    """Who belongs together; the largest community has number 0.

    Attributes:
        prompt: Community of each row, shape (row,); -1 where it has no tie.
        unit: Community of each column, likewise.
        modularity: Share of the ties inside communities above what the same degrees give at random.
        by_chance: The same, found in the same way after the ends of the ties were shuffled. Communities mean something
            only where `modularity` stands clearly above it: a sparse graph falls apart by itself.
    """

    prompt: Ints
    unit: Ints
    modularity: float
    by_chance: float


def over_time(graph: Graph, ties: Ties, units: int, engine: int) -> Matrix:
    """Return the weights of an engine's prompts for its units summed over the weeks that are over."""
    empty = Matrix((len(graph.prompts), units))
    snapshots = (by_prompt(graph, ties, units, engine, number) for number in range(graph.finished))
    return sum(snapshots, start=empty)


def communities(matrix: Matrix, *, seed: int = 1) -> Communities:
    """Return the communities of a bipartite graph.

    Args:
        matrix: Weight of each row (prompt) for each column (page or site).
        seed: Order in which the nodes are gone through; the same seed gives the same communities.

    Raises:
        ConfigError: If there are more ties than networkx can take.

    Source:
        Blondel et al. (2008), J. Stat. Mech. P10008, as in networkx.
    """
    check_size(matrix.nnz)
    found, modularity = _louvain(matrix, seed)
    rng = np.random.default_rng(seed)
    shuffled = [_louvain(_shuffled(matrix, rng), seed)[1] for _ in range(_SHUFFLES if matrix.nnz < _MANY else 1)]
    labels = np.full(sum(matrix.shape), -1, np.int32)
    for number, members in enumerate(sorted(found, key=lambda members: (-len(members), min(members)))):
        labels[list(members)] = number
    return Communities(labels[: matrix.shape[0]], labels[matrix.shape[0] :], modularity, float(np.mean(shuffled)))


def _louvain(matrix: Matrix, seed: int) -> tuple[list[set[int]], float]:
    ties = matrix.tocoo()
    graph: nx.Graph[int] = nx.Graph()
    ends = zip(ties.row.tolist(), (ties.col + matrix.shape[0]).tolist(), ties.data.tolist(), strict=True)
    graph.add_weighted_edges_from(ends)
    if not graph:
        return [], 0.0
    found = nx.community.louvain_communities(graph, weight="weight", seed=seed)
    return found, float(nx.community.modularity(graph, found, weight="weight"))


def _shuffled(matrix: Matrix, rng: np.random.Generator) -> Matrix:
    """The same ties dealt out to the rows anew: a row keeps its number of ties, a column all their weight."""
    order = rng.permutation(matrix.nnz)
    return Matrix((matrix.data[order], matrix.indices[order], matrix.indptr), shape=matrix.shape)
