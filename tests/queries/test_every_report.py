import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from geo_flywheel import reports
from geo_flywheel.shipped import folder
from geo_flywheel.store.database import open_hardened, open_store
from tests.queries.markets import EVERYTHING, Market, fill

NAMES = [report.name for report in reports.find()]
GOLDEN = Path(__file__).parent / "golden"
VIEWS = sorted((Path(reports.__file__).parent / "store" / "views").glob("*.sql"))
FILES = [*sorted(folder("queries").glob("*.sql")), *VIEWS]
VALUES = {"site": "own.example", "today": "2026-02-20"}
DUCKDB_CLI = Path(sys.executable).parent / "duckdb"


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("full") / "store.duckdb", EVERYTHING)


def values(report: reports.Report) -> dict[str, str]:
    return {parameter.name: VALUES[parameter.name] for parameter in report.parameters if parameter.name in VALUES}


def test_the_reports_are_those_promised() -> None:
    assert NAMES == [
        "ai_referrals",
        "bot_visits",
        "citation_share",
        "co_cited_sites",
        "corpus_history",
        "crawl_health",
        "crawl_to_referral",
        "decision_grade",
        "engagement",
        "engine_overlap",
        "feedback",
        "new_and_lost",
        "page_readiness",
        "permission_audit",
        "presence_and_citations",
        "query_fan_out",
        "retrieved_not_cited",
        "site_trajectory",
        "top_pages",
        "training_presence",
        "volatility",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_its_columns_are_as_written_down(name: str, full: Path) -> None:
    with open_hardened(full) as store:
        schema = reports.run(store, reports.get(name), values(reports.get(name))).schema
    columns = "".join(f"{field.name} {field.type}\n" for field in schema)
    assert columns == (GOLDEN / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_it_has_rows_where_there_is_something_to_say(name: str, full: Path) -> None:
    with open_hardened(full) as store:
        assert reports.run(store, reports.get(name), values(reports.get(name))).num_rows > 0


@pytest.mark.parametrize("name", NAMES)
def test_it_has_no_row_on_an_empty_store(name: str, tmp_path: Path) -> None:
    path = fill(tmp_path / "empty.duckdb", Market())
    with open_store(path) as store:
        store.connection.execute("DELETE FROM reading; DELETE FROM capture; DELETE FROM run")
    with open_hardened(path) as store:
        report = reports.get(name)
        assert reports.run(store, report, values(report)).num_rows == 0


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is_and_what_each_parameter_is(name: str) -> None:
    report = reports.get(name)
    assert f"-- name: {name}\n" in report.sql
    assert report.description.endswith(".")
    assert all(parameter.description for parameter in report.parameters)


@pytest.mark.parametrize("name", NAMES)
def test_the_duckdb_command_line_runs_the_file_as_it_is(name: str, full: Path) -> None:
    report = reports.get(name)
    with open_hardened(full) as store:
        expected = reports.run(store, report, values(report)).num_rows
    if DUCKDB_CLI.exists():
        settings = "".join(f"SET VARIABLE {key} = '{value}';" for key, value in values(report).items())
        done = subprocess.run(
            [DUCKDB_CLI, "-readonly", "-csv", "-cmd", settings, str(full)],
            input=report.sql,
            capture_output=True,
            text=True,
            check=True,
        )
        assert len(done.stdout.splitlines()) == expected + 1
        return
    with duckdb.connect(str(full), read_only=True) as connection:
        for key, value in values(report).items():
            connection.execute(f"SET VARIABLE {key} = '{value}'")
        assert len(connection.execute(report.sql).fetchall()) == expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_translates_to_spark(path: Path) -> None:
    for tree in _trees(path):
        tree.sql("spark", unsupported_level=sqlglot.ErrorLevel.RAISE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_division_is_guarded_against_zero(path: Path) -> None:
    for tree in _trees(path):
        for division in tree.find_all(exp.Div):
            below = division.expression
            assert isinstance(below, exp.Nullif) or (below.is_number and below.name != "0"), division.sql("duckdb")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_alias_is_written_with_as(path: Path) -> None:
    trees = _trees(path)
    written = sum(token.token_type == TokenType.ALIAS for token in sqlglot.tokenize(path.read_text(), read="duckdb"))
    aliases = sum(len([*tree.find_all(exp.Alias, exp.TableAlias)]) for tree in trees)
    views = sum(isinstance(tree, exp.Create) for tree in trees)
    assert written == aliases + views + path.read_text().count("CAST(")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_uses_nothing_that_spark_lacks(path: Path) -> None:
    lacking = (exp.Pivot, exp.JSONExtract, exp.JSONExtractScalar, exp.Quantile)
    for tree in _trees(path):
        assert not [*tree.find_all(*lacking)]
        assert not [star for star in tree.find_all(exp.Star) if star.args.get("replace") or star.args.get("except_")]
        assert not [join for join in tree.find_all(exp.Join) if join.method == "ASOF"]


@pytest.mark.parametrize("path", sorted(folder("queries").glob("*.sql")), ids=lambda path: path.name)
def test_its_rows_have_an_order(path: Path) -> None:
    assert _trees(path)[-1].args.get("order")


def _trees(path: Path) -> list[exp.Expr]:
    return [tree for tree in sqlglot.parse(path.read_text(), read="duckdb") if tree]
