"""Credit along paths that respect time: a path goes from contact to contact, and never back in time.

Two things are in contact at a snapshot when one cites or links to the other then. What was cited by a prompt in March
has a path, over that prompt, to what the prompt cites in April; the other way round there is none.
"""

from collections.abc import Iterable

import numpy as np

from geo_flywheel.graph.network import NOBODY, Floats, Graph, Matrix, Ties, snapshot
from geo_flywheel.graph.walks import two_sided

DAMPING, WAITING = 0.85, 0.5


def credit(
    contacts: Iterable[Matrix],
    nodes: int,
    *,
    origin: Floats | None = None,
    damping: float = DAMPING,
    waiting: float = WAITING,
) -> Floats:
    """Return how much walking forward in time ends at each node; it sums to 1, or to 0 where nothing moves.

    At every snapshot a walker sets out from each node, one for each unit of the weight of its contacts. Wherever it is,
    it takes one of the contacts of the snapshot, or waits for a later one; having taken one it may stop. Inside a
    snapshot it takes one contact at most, since nothing is known of the order of a week.

    Args:
        contacts: Weight of the contacts at each snapshot in order of time, from row to column, shape (node, node).
        nodes: Number of nodes.
        origin: Weight of each node as the place to set out from; default: 1 each. With 1 for the pages of one site and
            0 for the others, what comes of that site's citations.
        damping: Chance to go on after a contact.
        waiting: Chance to let a snapshot's contacts pass.

    Source:
        Rozenshtein and Gionis (2016), Temporal PageRank, ECML PKDD. Differs: by snapshots instead of single contacts,
        and where a walker set out counts for nothing.
    """
    ended, here = np.zeros(nodes), np.zeros(nodes)
    for weights in contacts:
        out = np.asarray(weights.sum(axis=1), np.float64).ravel()
        here += out if origin is None else out * origin
        moving = np.where(out > 0, (1 - waiting) * here, 0.0)
        arriving = weights.T @ np.divide(moving, out, out=np.zeros(nodes), where=out > 0)
        ended += (1 - damping) * arriving
        here = here - moving + damping * arriving
    total = ended.sum()
    return ended / total if total else ended


def citation_credit(graph: Graph, ties: Ties, units: int, engine: int, *, origin: Floats | None = None) -> Floats:
    """Return the credit of each page or site over all snapshots of an engine, among its prompts and units; sums to 1.

    Args:
        graph: The graph.
        ties: Its `cited` or `cited_sites`.
        units: Number of the units these ties lead to.
        engine: Number of the engine.
        origin: Weight of each unit to set out from, shape (unit,); default: prompts and units alike.
    """
    prompts = len(graph.prompts)
    start = None if origin is None else np.concatenate([np.zeros(prompts), origin])
    contacts = (two_sided(by_prompt(graph, ties, units, engine, number)) for number in range(len(graph.snapshots)))
    found = credit(contacts, prompts + units, origin=start)[prompts:]
    total = found.sum()
    return found / total if total else found


def by_prompt(graph: Graph, ties: Ties, units: int, engine: int, number: int, *, counts: bool = False) -> Matrix:
    """Return a snapshot with a row for every prompt of the graph, so that snapshots can be laid side by side."""
    found = snapshot(graph.cells, ties, units, engine, number, counts=counts)
    named = found.prompts != NOBODY
    kept = found.matrix[np.flatnonzero(named)]
    ends = np.zeros(len(graph.prompts) + 1, np.int32)
    ends[found.prompts[named] + 1] = np.diff(kept.indptr)
    return Matrix((kept.data, kept.indices, np.cumsum(ends, dtype=np.int32)), shape=(len(graph.prompts), units))
