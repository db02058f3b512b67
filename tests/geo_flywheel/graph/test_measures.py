"""Ranks, movement, communities and bridges."""

from typing import Any

import networkx as nx
import numpy as np
import pytest
from scipy import sparse, stats

from geo_flywheel.errors import ConfigError, NotIdentified
from geo_flywheel.graph import faces
from geo_flywheel.graph.bridges import bridges
from geo_flywheel.graph.communities import communities, over_time
from geo_flywheel.graph.movement import movement
from geo_flywheel.graph.network import Engine, Graph, Matrix
from geo_flywheel.graph.ranks import ranks
from tests.geo_flywheel.graph.worlds import ALPHA, BETA, MONDAY, graph

WEEKS = graph(
    {
        (ALPHA, 0, 0): (4, {0: 4.0, 1: 2.0}),
        (ALPHA, 0, 1): (4, {0: 1.0, 2: 1.0}),
        (ALPHA, 1, 0): (4, {0: 4.0, 3: 1.0}),
        (ALPHA, 2, 0): (4, {1: 2.0, 3: 4.0}),
        (ALPHA, 2, 1): (4, {2: 1.0}),
    },
    units=5,
    running=True,
)


def test_a_rank_stands_with_its_counts_and_the_place_before() -> None:
    found = {rank.unit: rank for rank in ranks(WEEKS, WEEKS.cited, 5, 0, last=1)}
    assert set(found) == {1, 2, 3}
    assert (found[3].cited, found[3].asked, found[3].prompts, found[3].weight) == (4, 8, 1, "rate")
    assert (found[3].place_before, found[1].place_before) == (2, None)
    assert all(rank.running for rank in found.values())
    assert sum(rank.pagerank for rank in found.values()) == pytest.approx(1)


def test_the_last_snapshots_come_oldest_first() -> None:
    assert [rank.week for rank in ranks(WEEKS, WEEKS.cited, 5, 0, last=3)] == sorted(
        rank.week for rank in ranks(WEEKS, WEEKS.cited, 5, 0, last=9)
    )


def test_equal_pages_share_a_place() -> None:
    made = graph({(ALPHA, 0, 0): (2, {0: 1.0, 1: 1.0, 2: 2.0})}, 3)
    assert [(rank.unit, rank.place) for rank in ranks(made, made.cited, 3, 0)] == [(2, 1), (0, 2), (1, 2)]


def test_without_a_denominator_ranks_go_by_counts_and_say_so() -> None:
    made = graph({(ALPHA, 0, 0): (np.nan, {0: 1.0, 1: 3.0}), (ALPHA, 0, 1): (4, {1: 1.0})}, 2)
    found = list(ranks(made, made.cited, 2, 0))
    assert {(rank.weight, rank.asked) for rank in found} == {("count", None)}


def test_newcomers_and_leavers_are_counted_on_prompts_asked_in_both() -> None:
    first, second = movement(WEEKS, WEEKS.cited, 5, 0)
    assert (first.prompts, first.new, first.returned, first.stayed, first.left) == (1, 1, 0, 1, 1)
    assert (second.new, second.returned, second.stayed, second.left) == (0, 1, 1, 1)
    assert (first.running, second.running) == (False, True)
    assert (second.before - MONDAY).days == 7


def test_the_rank_correlation_is_that_of_scipy() -> None:
    (_, step) = movement(WEEKS, WEEKS.cited, 5, 0)
    assert step.rank_correlation == pytest.approx(stats.spearmanr([4, 0, 0, 1], [0, 2, 0, 4]).statistic)


def steady(seed: int, *, shuffled: bool) -> Graph:
    """A market in which nothing moves but sampling, or in which all rates are dealt out anew each week."""
    rng = np.random.default_rng(seed)
    rate = rng.beta(0.5, 2, (30, 12))
    asked: dict[Any, Any] = {}
    for week in range(4):
        if shuffled and week:
            rate = rng.permuted(rate, axis=1)
        for prompt in range(30):
            seen = rng.binomial(4, rate[prompt])
            asked[ALPHA, week, prompt] = (4, {n: float(k) for n, k in enumerate(seen) if k})
    return graph(asked, 12)


def test_persistence_is_one_where_only_sampling_moves_and_none_where_all_does() -> None:
    still, stirred = (steady(1, shuffled=shuffled) for shuffled in (False, True))
    steps = movement(still, still.cited, 12, 0)
    calm = [step.persistence for step in steps]
    assert all((step.low or 2) <= 1 <= (step.high or 0) for step in steps)
    wild = [step.persistence for step in movement(stirred, stirred.cited, 12, 0)]
    assert np.mean([value or 0 for value in calm]) == pytest.approx(1, abs=0.1)
    assert np.mean([value or 0 for value in wild]) < 0.5


def test_persistence_needs_two_answers_in_each_cell() -> None:
    single = graph({(ALPHA, week, 0): (1, {0: 1.0, 1: 1.0, week: 1.0}) for week in range(3)}, 3)
    assert {(step.by_chance, step.persistence) for step in movement(single, single.cited, 3, 0)} == {(None, None)}


def planted(seed: int) -> Matrix:
    rng = np.random.default_rng(seed)
    group_row, group_column = np.arange(24) % 3, np.arange(60) % 3
    chance = np.where(group_row[:, None] == group_column, 0.6, 0.03)
    return Matrix(sparse.csr_array((rng.random((24, 60)) < chance).astype(float)))


def test_planted_communities_are_found_and_stand_above_chance() -> None:
    found = communities(planted(1))
    for labels in (found.prompt, found.unit):
        largest = [np.bincount(labels[group::3]).max() / len(labels[group::3]) for group in range(3)]
        assert min(largest) >= 0.95
    assert found.modularity > found.by_chance + 0.2


def test_ties_without_any_pattern_are_no_better_than_shuffled_ones() -> None:
    rng = np.random.default_rng(2)
    found = communities(Matrix(sparse.csr_array((rng.random((24, 60)) < 0.2).astype(float))))
    assert found.modularity == pytest.approx(found.by_chance, abs=0.05)


def test_the_modularity_is_that_of_networkx_and_the_same_for_the_same_seed() -> None:
    matrix = planted(3)
    found, again = communities(matrix, seed=5), communities(matrix, seed=5)
    assert found.unit.tolist() == again.unit.tolist()
    face = nx.bipartite.from_biadjacency_matrix(sparse.csr_array(matrix))
    labels = np.concatenate([found.prompt, found.unit])
    groups = [set(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels[labels >= 0])]
    assert found.modularity == pytest.approx(nx.community.modularity(face, groups))


def test_communities_of_what_nobody_cites_are_none() -> None:
    found = communities(Matrix((2, 3)))
    assert (found.prompt.tolist(), found.unit.tolist(), found.modularity) == ([-1, -1], [-1, -1, -1], 0)


def test_too_many_ties_for_networkx_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces, "MOST_EDGES", 10)
    with pytest.raises(ConfigError, match="edges are more than the 10 that networkx takes"):
        communities(planted(1))


def test_weeks_are_summed_without_the_running_one() -> None:
    summed = over_time(WEEKS, WEEKS.cited, 5, 0).toarray()
    assert summed.tolist() == [[2, 0.5, 0, 0.25, 0], [0.25, 0, 0.25, 0, 0]]


def both(**rates: tuple[float, float]) -> Graph:
    asked: dict[Any, Any] = {}
    for engine, place in ((ALPHA, 0), (BETA, 1)):
        for prompt in range(8):
            seen = {n: pair[place] * 10 for n, pair in enumerate(rates.values()) if pair[place]}
            asked[engine, 0, prompt] = (10, seen)
    asked[ALPHA, 0, 8] = (10, {0: 10.0})
    return graph(asked, len(rates))


def test_a_bridge_is_cited_evenly_and_only_shared_prompts_count() -> None:
    found = bridges(made := both(even=(0.4, 0.4), lopsided=(0.6, 0.2), one=(0.9, 0.0)), made.cited, "api")
    by_unit = {bridge.unit: bridge for bridge in found.bridges}
    assert found.prompts == 8
    assert [bridge.unit for bridge in found.bridges] == [0, 1, 2]
    assert by_unit[0].rates == pytest.approx((0.4, 0.4))
    assert by_unit[0].participation == pytest.approx(1)
    assert by_unit[1].participation == pytest.approx(2 * (1 - (0.75**2 + 0.25**2)))
    assert by_unit[2].participation == pytest.approx(0)


def test_the_interval_of_a_bridge_holds_the_truth_over_prompts() -> None:
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(100):
        asked: dict[Any, Any] = {}
        for prompt in range(40):
            scale = rng.beta(2, 2)
            for engine, rate in ((ALPHA, 0.8 * scale), (BETA, 0.3 * scale)):
                asked[engine, 0, prompt] = (6, {0: float(rng.binomial(6, rate))})
        (bridge,) = bridges(made := graph(asked, 1), made.cited, "api").bridges
        truth = 2 * (1 - (8 / 11) ** 2 - (3 / 11) ** 2)
        held += bridge.low is not None and bridge.high is not None and bridge.low <= truth <= bridge.high
    assert held >= 90


def test_surfaces_are_not_pooled_and_one_engine_bridges_nothing() -> None:
    elsewhere = Engine("alpha", "ui_export")
    made = graph({(ALPHA, 0, 0): (2, {0: 1.0}), (elsewhere, 0, 0): (2, {0: 1.0})}, 1)
    with pytest.raises(NotIdentified, match="no two engines of the surface api"):
        bridges(made, made.cited, "api")
