import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from geo_flywheel.cli import cli
from geo_flywheel.workspace import Workspace
from tests.conftest import Run
from tests.queries.markets import EVERYTHING, fill

ODD = (
    "SELECT 340282366920938463463374607431768211455::UHUGEINT AS huge, [1, 2] AS list, {'a': DATE '2026-01-01'} AS row,"
    " INTERVAL 1 DAY AS span, 'nan'::DOUBLE AS nan, NULL AS none, '=1+1' AS formula, 'a' || chr(10) || 'b' AS lines,"
    " now() IS NOT NULL AS yes, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS moment, 1.50::DECIMAL(4, 2) AS price,"
    " 'x'::BLOB AS bytes, uuid() IS NULL AS no"
)


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    fill(workspace.store_path, EVERYTHING)
    return workspace


def test_one_select_gives_its_rows(run: Run, filled: Workspace) -> None:
    result = run(
        "sql", "SELECT site, count(*) AS pages FROM page GROUP BY ALL ORDER BY ALL", "--format", "csv", workspace=filled
    )
    assert result.stdout == "site,pages\n,1\nown.example,3\nrival.example,1\nthird.example,1\n"


def test_a_dash_reads_stdin(filled: Workspace) -> None:
    arguments = ["--workspace", str(filled.root), "sql", "-", "--format", "csv"]
    result = CliRunner().invoke(cli, arguments, input="SELECT 1 AS a\n;\n")
    assert (result.exit_code, result.stdout) == (0, "a\n1\n")


@pytest.mark.parametrize("format_", ["table", "csv", "json", "ndjson", "markdown"])
def test_every_type_is_written_in_every_format(format_: str, run: Run, filled: Workspace) -> None:
    result = run("sql", ODD, "--format", format_, workspace=filled)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "340282366920938463463374607431768211455" in result.stdout
    assert "2026-01-01" in result.stdout


def test_json_is_exact_and_csv_is_no_formula(run: Run, filled: Workspace) -> None:
    (row,) = json.loads(run("sql", ODD, "--format", "json", workspace=filled).stdout)
    assert row["huge"] == 2**128 - 1
    assert (row["list"], row["row"], row["nan"], row["price"]) == ([1, 2], {"a": "2026-01-01"}, None, 1.5)
    (cells,) = csv.DictReader(io.StringIO(run("sql", ODD, "--format", "csv", workspace=filled).stdout))
    assert (cells["formula"], cells["nan"], cells["none"]) == ("'=1+1", "", "")


def test_a_limit_says_that_there_is_more(run: Run, filled: Workspace) -> None:
    result = run("sql", "FROM page", "--limit", "2", "--format", "ndjson", workspace=filled)
    assert len(result.stdout.splitlines()) == 2
    assert result.stderr == "only the first 2 rows; all of them: --limit 0\n"
    assert run("sql", "FROM page", "--limit", "6", workspace=filled).stderr == ""


def test_a_table_stops_at_a_thousand_rows_and_a_file_does_not(run: Run, filled: Workspace) -> None:
    many = "SELECT * FROM range(1001)"
    shown = run("sql", many, workspace=filled)
    assert len(shown.stdout.splitlines()) == 1002
    assert "only the first 1000 rows" in shown.stderr
    assert len(run("sql", many, "--format", "csv", workspace=filled).stdout.splitlines()) == 1002
    assert len(run("sql", many, "--limit", "0", workspace=filled).stdout.splitlines()) == 1003


def test_no_row_is_no_error(run: Run, filled: Workspace) -> None:
    result = run("sql", "SELECT url FROM page WHERE false", "--format", "csv", workspace=filled)
    assert (result.exit_code, result.stdout) == (0, "url\n")


@pytest.mark.parametrize(
    "sql",
    [
        "COPY page TO '{0}'",
        "SELECT * FROM read_text('{0}')",
        "ATTACH '{0}'",
        "INSTALL httpfs",
        "PRAGMA version",
        "SELECT 1; SELECT 2",
        "SET threads = 1",
        "SELECT * FROM enable_logging()",
        "SELECT sit FROM page",
        "SELEC 1",
    ],
)
def test_what_is_refused_is_one_line_and_usage(sql: str, run: Run, filled: Workspace, tmp_path: Path) -> None:
    result = run("sql", sql.format(tmp_path / "x"), workspace=filled)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_without_a_store_it_says_what_to_do_first(run: Run, workspace: Workspace) -> None:
    result = run("sql", "SELECT 1", workspace=workspace)
    assert result.exit_code == 1
    assert "import or crawl something first" in result.stderr
