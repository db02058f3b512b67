from itertools import product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from geo_flywheel.graph.credit import citation_credit, credit
from geo_flywheel.graph.network import Floats, Matrix
from tests.geo_flywheel.graph.worlds import ALPHA, graph


def contacts(*snapshots: Floats) -> list[Matrix]:
    return [Matrix(sparse.csr_array(weights)) for weights in snapshots]


def by_enumeration(snapshots: list[Floats], damping: float, waiting: float) -> Floats:
    """Every walk there is, one by one: where it sets out, when it moves, where to, where it ends."""
    nodes = len(snapshots[0])
    ended = np.zeros(nodes)

    def go(at: int, time: int, mass: float) -> None:
        if time == len(snapshots) or mass == 0:
            return
        out = snapshots[time][at].sum()
        if out == 0:
            go(at, time + 1, mass)
            return
        go(at, time + 1, mass * waiting)
        for to in range(nodes):
            share = mass * (1 - waiting) * snapshots[time][at, to] / out
            ended[to] += share * (1 - damping)
            go(to, time + 1, share * damping)

    for time, start in product(range(len(snapshots)), range(nodes)):
        go(start, time, float(snapshots[time][start].sum()))
    return ended / ended.sum() if ended.any() else ended


@given(
    st.lists(st.lists(st.sampled_from([0.0, 0.0, 1.0, 2.5]), min_size=9, max_size=9), min_size=1, max_size=4),
    st.floats(0.1, 0.9),
    st.floats(0.1, 0.9),
)
def test_it_is_the_sum_over_all_paths_that_respect_time(
    told: list[list[float]], damping: float, waiting: float
) -> None:
    snapshots = [np.array(weights).reshape(3, 3) for weights in told]
    found = credit(contacts(*snapshots), 3, damping=damping, waiting=waiting)
    np.testing.assert_allclose(found, by_enumeration(snapshots, damping, waiting), atol=1e-12)


def test_no_path_goes_back_in_time() -> None:
    first, second = np.zeros((3, 3)), np.zeros((3, 3))
    first[0, 1] = second[1, 2] = 1.0
    origin = np.array([1.0, 0.0, 0.0])
    assert credit(contacts(first, second), 3, origin=origin)[2] > 0
    assert credit(contacts(second, first), 3, origin=origin)[2] == 0


def test_where_nothing_changes_it_becomes_the_pagerank_of_one_snapshot() -> None:
    rng = np.random.default_rng(2)
    weights = rng.random((12, 12)) * (rng.random((12, 12)) < 0.5)
    weights[:, 0] += 0.1
    many = credit(contacts(*[weights] * 3_000), 12, waiting=0.1)
    face = nx.from_numpy_array(weights, create_using=nx.DiGraph)
    out = weights.sum(axis=1)
    start = dict(enumerate(out / out.sum()))
    ranks = nx.pagerank(face, personalization=start, dangling=start, tol=1e-13, max_iter=1_000)
    # networkx counts the node a walk sets out from too; we do not.
    expected = np.array([ranks[node] for node in range(12)]) - 0.15 * out / out.sum()
    np.testing.assert_allclose(many, expected / expected.sum(), atol=2e-3)


def test_credit_follows_a_site_to_what_its_prompts_cite_later() -> None:
    world = graph(
        {
            (ALPHA, 0, 0): (2, {0: 2.0}),
            (ALPHA, 1, 0): (2, {1: 2.0}),
            (ALPHA, 1, 1): (2, {2: 2.0}),
        },
        units=4,
    )
    found = citation_credit(world, world.cited, 4, 0, origin=np.array([1.0, 0, 0, 0]))
    assert found[1] > 0
    assert found[2] == found[3] == 0
    assert found.sum() == pytest.approx(1)


def test_a_graph_without_contacts_gives_no_credit() -> None:
    assert credit(contacts(np.zeros((2, 2))), 2).tolist() == [0, 0]
