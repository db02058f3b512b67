import csv
import io
import json
from pathlib import Path

import networkx as nx
import pytest
from click.testing import Result
from pyarrow import parquet

from geo_flywheel.workspace import Workspace
from tests import real_data
from tests.conftest import Run
from tests.queries.markets import Answer, Market, Page, fill, pages, week

TODAY = ("--today", "2026-02-20")
SECTIONS = ["ranks", "movement", "survival", "curve", "communities", "bridges"]


def market() -> Market:
    """Two engines, eight prompts, six weeks, two answers each; own and one stand together on the first four prompts."""
    shown = pages("own.example/a", "own.example/b", "one.example/", "two.example/", "three.example/")
    answers = [
        Answer(engine, week(n), prompt, cited(n, prompt, sample), retrieved=(4,), queries=(f"about {prompt}",))
        for engine in ("alpha", "beta")
        for n in range(6)
        for prompt in range(8)
        for sample in range(2)
    ]
    return Market(shown, tuple(answers))


def cited(n: int, prompt: int, sample: int) -> tuple[int, ...]:
    if prompt < 4:
        return (0, 2) if (n + prompt + sample) % 3 else (3,)
    return (3, 4) if (n * prompt + sample) % 4 else (1,)


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    fill(workspace.store_path, market())
    return workspace


def objects(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.stderr
    found: list[dict[str, object]] = json.loads(result.stdout)
    return found


def test_neighbours_stand_with_their_counts_and_intervals(run: Run, filled: Workspace) -> None:
    rows = objects(
        run("graph", "neighbours", "https://www.own.example/a", *TODAY, "--format", "json", workspace=filled)
    )
    first = rows[0]
    assert (first["engine"], first["surface"], first["site"], first["counted"]) == (
        "alpha",
        "api",
        "one.example",
        "answers",
    )
    assert first["together"] == first["with_other"]
    assert first["baskets"] == 96
    assert isinstance(first["low"], float)
    assert 1 < first["low"] < first["lift"] < first["high"]  # type: ignore[operator]
    assert {row["engine"] for row in rows} == {"alpha", "beta"}


def test_the_table_of_neighbours_says_what_the_intervals_are_of(run: Run, filled: Workspace) -> None:
    result = run("graph", "neighbours", "own.example", *TODAY, workspace=filled)
    assert "one.example" in result.stdout
    assert "population of prompts" in result.stderr


def test_a_site_that_was_only_consulted_has_no_neighbours_and_that_is_said(run: Run, workspace: Workspace) -> None:
    fill(
        workspace.store_path,
        Market(pages("a.example/", "b.example/"), (Answer("alpha", week(0), 1, (0,), retrieved=(1,)),)),
    )
    result = run("graph", "neighbours", "b.example", *TODAY, "--format", "json", workspace=workspace)
    assert objects(result) == []
    assert "it may be consulted without being cited" in result.stderr


@pytest.mark.parametrize("of", ["sites", "pages"])
@pytest.mark.parametrize("measure", SECTIONS)
def test_every_measure_has_rows_in_every_format(measure: str, of: str, run: Run, filled: Workspace) -> None:
    arguments = ("graph", "measures", "--measure", measure, "--of", of, *TODAY)
    rows = objects(run(*arguments, "--format", "json", workspace=filled))
    table = list(csv.DictReader(io.StringIO(run(*arguments, "--format", "csv", workspace=filled).stdout)))
    assert len(rows) == len(table)
    if measure != "curve":
        assert rows
        assert list(rows[0]) == list(table[0])
    assert run(*arguments, "--format", "markdown", workspace=filled).exit_code == 0


def test_one_object_holds_every_measure(run: Run, filled: Workspace) -> None:
    (told,) = objects(run("graph", "measures", *TODAY, "--format", "json", workspace=filled))
    assert list(told) == SECTIONS
    shown = run("graph", "measures", *TODAY, workspace=filled).stdout
    assert all(f"{name} of sites" in shown for name in SECTIONS if name != "curve")


def test_ranks_are_those_of_the_last_weeks_with_counts_beside(run: Run, filled: Workspace) -> None:
    rows = objects(
        run(
            "graph",
            "measures",
            "--measure",
            "ranks",
            "--weeks",
            "2",
            "--engine",
            "alpha",
            *TODAY,
            "--format",
            "json",
            workspace=filled,
        )
    )
    assert [row["week"] for row in rows] == ["2026-02-02"] * 4 + ["2026-02-09"] * 4
    assert {row["asked"] for row in rows} == {16}
    assert sum(float(str(row["pagerank"])) for row in rows) == pytest.approx(2)


def test_the_running_week_is_marked_in_ranks_and_left_out_of_what_is_judged(run: Run, filled: Workspace) -> None:
    today = ("--today", "2026-02-10")
    ranks = objects(run("graph", "measures", "--measure", "ranks", *today, "--format", "json", workspace=filled))
    assert {row["running"] for row in ranks} == {True}
    baskets = objects(run("graph", "neighbours", "own.example", *today, "--format", "json", workspace=filled))
    assert baskets[0]["baskets"] == 80


def test_own_sites_are_shown_wherever_they_stand_and_another_when_named(run: Run, filled: Workspace) -> None:
    arguments = ("graph", "measures", "--measure", "ranks", *TODAY, "--format", "json", "--top", "1")
    assert "own.example" in {row["site"] for row in objects(run(*arguments, workspace=filled))}
    named = objects(run(*arguments, "--site", "www.two.example", workspace=filled))
    assert {row["site"] for row in named} == {"two.example"}


def test_where_nothing_can_be_estimated_the_reason_stands(run: Run, filled: Workspace) -> None:
    rows = objects(
        run(
            "graph",
            "measures",
            "--measure",
            "survival",
            "--since",
            "2026-02-02",
            *TODAY,
            "--format",
            "json",
            workspace=filled,
        )
    )
    assert {row["half_life_weeks"] for row in rows} == {None}
    assert all("a half-life needs 30 of 5" in str(row["reason"]) for row in rows)


@pytest.mark.parametrize("ending", ["graphml", "gexf", "json"])
def test_a_neighbourhood_is_written_for_other_tools(ending: str, run: Run, filled: Workspace, tmp_path: Path) -> None:
    target = tmp_path / f"own.{ending}"
    result = run("graph", "export", target, "--site", "own.example", "--hops", "2", *TODAY, workspace=filled)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "nodes" in result.stderr
    read = {
        "graphml": lambda: nx.read_graphml(target, force_multigraph=True),
        "gexf": lambda: nx.read_gexf(target),
        "json": lambda: nx.node_link_graph(json.loads(target.read_text()), edges="edges"),
    }[ending]()
    assert "site:own.example" in read
    assert "page:https://one.example/" not in read


def test_the_whole_is_written_as_parquet(run: Run, filled: Workspace, tmp_path: Path) -> None:
    assert run("graph", "export", tmp_path / "all.parquet", *TODAY, workspace=filled).exit_code == 0
    nodes, edges = (parquet.read_table(tmp_path / f"all.{part}.parquet") for part in ("nodes", "edges"))
    assert nodes.column("kind").to_pylist().count("cell") == 96
    assert set(edges.column("kind").to_pylist()) == {"cited", "retrieved", "fan-out", "belongs to"}


def test_text_of_the_web_moves_no_cursor_and_is_no_formula(run: Run, workspace: Workspace) -> None:
    hostile = Page("https://x.example/\x1b[2J", "=x\x1b[2J.example")
    fill(workspace.store_path, Market((hostile,), tuple(Answer("alpha", week(n), 1, (0,)) for n in range(2))))
    shown = run("graph", "measures", *TODAY, workspace=workspace).stdout
    assert "\x1b" not in shown
    text = run("graph", "measures", "--measure", "ranks", *TODAY, "--format", "csv", workspace=workspace).stdout
    assert "'=x" in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("neighbours", "nowhere.example"), "no page of it was ever cited or consulted"),
        (("measures", "--format", "csv"), "name it with --measure"),
        (("measures", "--site", "nowhere.example"), "not in this part of the graph"),
        (("measures", "--engine", "gamma"), "no answer and no sighting of that kind"),
        (("export", "a.xlsx"), "no format of a graph ends in .xlsx"),
        (("export", "a.json", "--site", "nowhere.example"), "nowhere.example is not in this part"),
        (("export", "a.json", "--site", "a b"), "names no site"),
    ],
)
def test_a_slip_of_the_pen_is_usage(arguments: tuple[str, ...], told: str, run: Run, filled: Workspace) -> None:
    result = run("graph", *arguments, workspace=filled)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_without_a_store_it_says_what_to_do_first(run: Run, workspace: Workspace) -> None:
    result = run("graph", "measures", workspace=workspace)
    assert result.exit_code == 1
    assert "import or crawl something first" in result.stderr


def test_on_sightings_of_the_real_world_nothing_is_told_that_they_cannot_carry(run: Run, workspace: Workspace) -> None:
    source = real_data.folder("longitudinal_news") / "citations.csv.gz"
    assert run("import", source, "--set", "engine=perplexity", workspace=workspace).exit_code == 0
    ranks, survival = (
        objects(run("graph", "measures", "--measure", name, "--format", "json", workspace=workspace))
        for name in ("ranks", "survival")
    )
    assert {(row["weight"], row["asked"]) for row in ranks} == {("count", None)}
    assert [row["half_life_weeks"] for row in survival] == [None]
    assert "does not say what was asked" in str(survival[0]["reason"])
    rows = objects(run("graph", "neighbours", "youtube.com", "--format", "json", workspace=workspace))
    assert {row["counted"] for row in rows} == {"sightings of one prompt and day"}
