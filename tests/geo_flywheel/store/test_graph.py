from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from geo_flywheel.errors import ConfigError
from geo_flywheel.graph.network import NOBODY, Engine, Graph, State, snapshot
from geo_flywheel.store.database import Store, open_store
from geo_flywheel.store.graph import Choice, read_graph
from tests.queries.markets import (
    EVERYTHING,
    TODAY,
    Market,
    Sighting,
    fill,
    pages,
    random_market,
    week,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.duckdb"


def read(path: Path, market: Market, choice: Choice | None = None) -> Graph:
    fill(path, market)
    with open_store(path, read_only=True) as store:
        return read_graph(store, choice, today=TODAY)


def told(graph: Graph, kind: str) -> Counter[tuple[object, ...]]:
    ties, cells = getattr(graph, kind), graph.cells
    names = graph.sites if kind == "cited_sites" else graph.pages
    found: Counter[tuple[object, ...]] = Counter()
    for cell, unit, seen in zip(ties.cell, ties.unit, ties.seen, strict=True):
        prompt = graph.prompts[cells.prompt[cell]] if cells.prompt[cell] != NOBODY else None
        when = graph.snapshots[cells.snapshot[cell]]
        found[(*graph.engines[cells.engine[cell]], when, prompt, names[unit])] += int(seen)
    return found


def expected(market: Market, kind: str) -> Counter[tuple[object, ...]]:
    found: Counter[tuple[object, ...]] = Counter()
    for answer in market.answers:
        if answer.delivered and answer.week:
            shown = answer.retrieved if kind == "retrieved" else answer.cited
            names = {market.pages[n].site if kind == "cited_sites" else market.pages[n].url for n in shown} - {""}
            prompt = None if answer.prompt is None else f"p{answer.prompt}"
            found.update((answer.engine, answer.surface, answer.week, prompt, name) for name in names)
    return found


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", ["cited", "cited_sites", "retrieved"])
def test_the_ties_are_those_counted_by_hand(kind: str, seed: int, path: Path) -> None:
    market = random_market(seed)
    assert told(read(path, market), kind) == expected(market, kind)


def test_asked_counts_delivered_answers_and_is_unknown_where_the_source_does_not_say(path: Path) -> None:
    graph = read(path, EVERYTHING)
    cells = graph.cells
    asked = {
        (str(graph.engines[engine]), graph.snapshots[number], int(prompt)): count
        for engine, number, prompt, count in zip(cells.engine, cells.snapshot, cells.prompt, cells.asked, strict=True)
    }
    assert asked["alpha/api", week(1), 1] == 1
    assert np.isnan(asked["gamma/tracker", week(0), NOBODY])
    assert asked["gamma/tracker", week(1), 2] == 4
    assert not any(when is None for _, when, _ in asked)


def test_every_snapshot_is_a_slice_with_its_rates(path: Path) -> None:
    market = random_market(3)
    graph = read(path, market)
    number = graph.engines.index(Engine("alpha", "api"))
    found = snapshot(graph.cells, graph.cited, len(graph.pages), number, 2)
    asked = Counter(
        a.prompt for a in market.answers if a.delivered and (a.engine, a.surface, a.week) == ("alpha", "api", week(2))
    )
    assert found.weight == "rate"
    assert {
        graph.prompts[p] if p != NOBODY else None: int(n) for p, n in zip(found.prompts, found.asked, strict=True)
    } == {None if prompt is None else f"p{prompt}": count for prompt, count in asked.items()}
    assert found.matrix.max() <= 1


def test_the_running_week_is_marked(path: Path) -> None:
    market = random_market(1)
    fill(path, market)
    with open_store(path, read_only=True) as store:
        assert read_graph(store, today=week(5) + timedelta(days=6)).running
        assert not read_graph(store, today=week(6)).running


def test_presence_says_present_absent_and_when(path: Path) -> None:
    presence = (graph := read(path, EVERYTHING)).presence
    found = {
        (graph.sites[site], graph.corpora[corpus]): (State(state), day)
        for site, corpus, state, day in zip(presence.site, presence.corpus, presence.state, presence.day, strict=True)
    }
    assert found["own.example", "crawl"] == (State.OBSERVED, np.datetime64("2026-01-01"))
    assert found["rival.example", "tokens"][0] == State.NOT_OBSERVED
    assert np.isnat(found["rival.example", "tokens"][1])


def test_queries_of_engines_are_ties(path: Path) -> None:
    graph = read(path, EVERYTHING)
    assert graph.queries == ["q"]
    assert graph.fan_out.seen.sum() == 9


def test_a_part_is_chosen_by_engine_surface_and_week(path: Path) -> None:
    graph = read(path, random_market(4), Choice(since=week(3), engine="beta", surface="api"))
    assert graph.engines == (Engine("beta", "api"),)
    assert graph.snapshots == (week(3), week(4), week(5))


def test_a_source_without_prompts_is_told_apart_by_topic(path: Path) -> None:
    fill(
        path,
        Market(
            pages("a.example/", "b.example/"), sightings=tuple(Sighting("gamma", week(0), n, 1, None) for n in (0, 1))
        ),
    )
    with open_store(path) as store:
        store.connection.execute("UPDATE observation SET topic = 'topic ' || page_no")
        graph = read_graph(store, today=TODAY)
    assert graph.prompts == ["topic 1", "topic 0"]
    assert sorted(graph.cells.prompt.tolist()) == [0, 1]


def test_links_between_pages_keep_their_days(path: Path) -> None:
    fill(path, EVERYTHING)
    with open_store(path) as store:
        for day in (date(2026, 1, 1), date(2026, 2, 1)):
            store.connection.execute(
                "INSERT INTO page_link (key, reading_no, unit, unit_kind, target, observed_on, page_no, target_page_no,"
                " site, site_key) VALUES (?, 0, '', 'page', '', ?, 0, 3, '', '')",
                [day.month, day],
            )
        graph = read_graph(store)
        edges = store.rows("SELECT source, target, first_seen, last_seen FROM graph_edges WHERE kind = 'links to'")
    ends = graph.pages[graph.links.source[0]], graph.pages[graph.links.target[0]]
    days = graph.links.first.tolist() + graph.links.last.tolist()
    assert [(*ends, *days)] == edges == [
        ("https://own.example/a", "https://third.example/x", date(2026, 1, 1), date(2026, 2, 1))
    ]  # fmt: skip


def test_an_empty_store_says_what_to_do(path: Path) -> None:
    with pytest.raises(ConfigError, match="import or crawl something first"):
        read(path, Market())


class TestViews:
    """The SQL views say the same as the arrays."""

    @pytest.fixture
    def store(self, path: Path) -> Iterator[Store]:
        fill(path, EVERYTHING)
        with open_store(path, read_only=True) as store:
            yield store

    def test_edges_are_as_many_as_the_arrays_hold(self, store: Store) -> None:
        graph = read_graph(store, today=TODAY)
        found = dict(store.rows("SELECT kind, count(*) FROM graph_edges GROUP BY kind"))
        assert found["cited"] == len(graph.cited.cell)
        assert found["retrieved"] == len(graph.retrieved.cell)
        assert found["fan-out"] == len(graph.fan_out.cell)
        assert found["present in"] == 1

    def test_an_edge_has_a_state_at_every_snapshot(self, store: Store) -> None:
        found = store.rows(
            "SELECT engine, prompt_no, week, state FROM graph_edge_states WHERE kind = 'cited' AND page_no = 2"
            " AND (engine, coalesce(prompt_no, 0)) IN (('beta', 0), ('gamma', 1)) ORDER BY ALL"
        )
        assert [(engine, state) for engine, _, _, state in found] == [
            ("beta", "observed"), ("beta", "not asked"), ("beta", "observed"), ("beta", "not asked"),
            ("gamma", "not asked"), ("gamma", "observed"), ("gamma", "not asked"), ("gamma", "not asked"),
        ]  # fmt: skip
