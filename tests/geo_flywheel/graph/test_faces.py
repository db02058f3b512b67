import json
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from geo_flywheel.errors import ConfigError
from geo_flywheel.graph import faces
from geo_flywheel.graph.edges import EDGE_KINDS, KINDS
from geo_flywheel.graph.exports import export
from geo_flywheel.graph.faces import Faces
from geo_flywheel.graph.network import Graph, Links, Presence, State, Ties
from tests.geo_flywheel.graph.worlds import ALPHA, BETA, graph, whole

SITE = "site0.example"


def days(*texts: str) -> "np.ndarray[tuple[int], np.dtype[np.datetime64]]":
    return np.array(texts, "datetime64[D]")


def full() -> Graph:
    """Everything a graph can hold, a little of each."""
    made = graph(
        {
            (ALPHA, 0, 0): (2, {0: 2.0, 1: 1.0}),
            (ALPHA, 1, 0): (2, {1: 1.0}),
            (ALPHA, 3, 0): (2, {0: 1.0}),
            (BETA, 0, 0): (np.nan, {2: 1.0}),
            (BETA, 1, 0): (np.nan, {0: 1.0}),
        },
        units=4,
    )
    parts = {name: getattr(made, name) for name in made.__dataclass_fields__}
    presence = Presence(
        page=whole([-1, 1, -1, -1]),
        site=whole([0, -1, 2, 0]),
        corpus=whole([0, 0, 0, 0]),
        state=np.array([State.OBSERVED, State.OBSERVED, State.NOT_OBSERVED, State.OBSERVED], np.int8),
        day=days("2026-01-02", "NaT", "2026-01-02", "2025-06-01"),
    )
    more = {
        "queries": ["what is best"],
        "corpora": ["c4"],
        "retrieved": Ties(whole([0]), whole([3]), np.array([1.0])),
        "fan_out": Ties(whole([0]), whole([0]), np.array([2.0])),
        "presence": presence,
        "links": Links(whole([3]), whole([0]), days("2026-01-01"), days("2026-02-01")),
    }
    return Graph(**parts | more)


def edges(kind: str, part: "nx.MultiDiGraph[str]") -> dict[tuple[str, str], dict[str, object]]:
    return {(s, t): dict(held) for s, t, held in part.edges(data=True) if held["kind"] == kind}


def test_every_kind_of_node_and_edge_is_there() -> None:
    part = Faces(full()).networkx()
    assert {held["kind"] for _, held in part.nodes(data=True)} == set(KINDS)
    assert {held["kind"] for *_, held in part.edges(data=True)} == set(EDGE_KINDS)


def test_a_citation_stands_with_asked_its_dates_and_its_state_at_each_snapshot() -> None:
    cited = edges("cited", Faces(full()).networkx())
    first = cited["cell:alpha/api/p0/2026-01-05", "page:https://site0.example/"]
    assert first == {
        "kind": "cited", "week": "2026-01-05", "seen": 2, "asked": 2, "first_seen": "2026-01-05",
        "last_seen": "2026-01-26", "states": "ono",
    }  # fmt: skip
    unknown = cited["cell:beta/api/p0/2026-01-12", "page:https://site0.example/"]
    assert unknown["states"] == "?o."
    assert "asked" not in unknown


def test_presence_spans_its_days_and_absence_is_no_edge() -> None:
    present = edges("present in", Faces(full()).networkx())
    assert present["site:site0.example", "corpus:c4"] == {
        "kind": "present in", "first_seen": "2025-06-01", "last_seen": "2026-01-02"
    }  # fmt: skip
    assert set(present) == {("site:site0.example", "corpus:c4"), ("page:https://site1.example/", "corpus:c4")}


def test_a_page_nothing_has_to_do_with_belongs_nowhere() -> None:
    made = graph({(ALPHA, 0, 0): (2, {0: 1.0})}, units=2)
    assert set(edges("belongs to", Faces(made).networkx())) == {
        ("cell:alpha/api/p0/2026-01-05", "prompt:p0"),
        ("cell:alpha/api/p0/2026-01-05", "engine:alpha/api"),
        ("page:https://site0.example/", "site:site0.example"),
    }


def test_links_keep_their_days() -> None:
    links = edges("links to", Faces(full()).networkx())
    held = links["page:https://site3.example/", "page:https://site0.example/"]
    assert (held["first_seen"], held["last_seen"]) == ("2026-01-01", "2026-02-01")


@pytest.mark.parametrize("hops", [1, 2, 3, 5])
def test_hops_reach_what_they_reach_in_networkx(hops: int) -> None:
    whole_graph = Faces(full()).networkx()
    expected = nx.ego_graph(whole_graph, f"site:{SITE}", radius=hops, undirected=True)
    found = full().to_networkx(SITE, hops)
    assert set(found.nodes) == set(expected.nodes)
    assert set(found.edges(keys=True)) == set(expected.edges(keys=True))


def test_a_site_that_is_not_there_and_a_graph_too_large_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="nowhere.example is not in this part of the graph"):
        full().to_networkx("nowhere.example")
    monkeypatch.setattr(faces, "MOST_EDGES", 5)
    with pytest.raises(ConfigError, match="name a site and fewer hops"):
        Faces(full()).networkx()


def test_graphml_and_gexf_read_back_as_they_were(tmp_path: Path) -> None:
    part = Faces(full())
    expected = part.networkx()
    (graphml,), (gexf,) = export(part, tmp_path / "a.graphml"), export(part, tmp_path / "a.gexf")
    for found in (nx.read_graphml(graphml, force_multigraph=True), nx.read_gexf(gexf)):
        assert set(found.nodes) == set(expected.nodes)
        assert sorted(found.edges()) == sorted(expected.edges())
    read = nx.read_graphml(graphml, force_multigraph=True)
    assert read["cell:alpha/api/p0/2026-01-05"]["page:https://site0.example/"]["cited"]["states"] == "ono"


def test_node_link_json_reads_back_the_same(tmp_path: Path) -> None:
    part = Faces(full())
    (path,) = export(part, tmp_path / "a.json")
    found = nx.node_link_graph(json.loads(path.read_text(encoding="utf-8")), edges="edges")
    assert nx.utils.graphs_equal(found, part.networkx())


def test_parquet_holds_nodes_and_edges_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces, "MOST_EDGES", 1)
    nodes, held = (parquet.read_table(path) for path in export(Faces(full()), tmp_path / "a.parquet"))
    ids = set(nodes.column("id").to_pylist())
    assert set(held.column("source").to_pylist()) | set(held.column("target").to_pylist()) <= ids
    assert str(held.schema.field("first_seen").type) == "date32[day]"
    assert held.column("asked").null_count > 0


def test_a_file_that_cannot_be_written_and_an_unknown_ending_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no format of a graph ends in \.xlsx"):
        export(Faces(full()), tmp_path / "a.xlsx")
    with pytest.raises(ConfigError, match="cannot be written"):
        export(Faces(full()), tmp_path / "no" / "a.json")
    assert not list(tmp_path.iterdir())


@settings(max_examples=30)
@given(st.text(max_size=20))
def test_any_text_of_the_web_makes_xml_that_can_be_read(text: str) -> None:
    import tempfile

    made = full()
    parts = {name: getattr(made, name) for name in made.__dataclass_fields__} | {"questions": [text], "queries": [text]}
    with tempfile.TemporaryDirectory() as folder:
        for ending in ("graphml", "gexf"):
            (path,) = export(Faces(Graph(**parts)), Path(folder) / f"a.{ending}")
            nx.read_graphml(path) if ending == "graphml" else nx.read_gexf(path)
        (path,) = export(Faces(Graph(**parts)), Path(folder) / "a.json")
        assert text in {node["label"] for node in json.loads(path.read_text(encoding="utf-8"))["nodes"]}
