import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from pyarrow import parquet

from geo_flywheel import reports
from geo_flywheel.workspace import Workspace
from tests.conftest import Run
from tests.queries.markets import EVERYTHING, Answer, Market, Page, fill, week

TODAY = ("--today", "2026-02-20")


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    fill(workspace.store_path, EVERYTHING)
    return workspace


def objects(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.stderr
    found: list[dict[str, object]] = json.loads(result.stdout)
    return found


def test_the_list_names_every_report_without_a_workspace(run: Run) -> None:
    lines = run("report", "--list").stdout.splitlines()
    assert [line.split()[0] for line in lines[2:]] == [report.name for report in reports.find()]


def test_help_says_what_each_parameter_is(run: Run) -> None:
    help_ = " ".join(run("report", "retrieved_not_cited", "--help").stdout.split())
    assert "--only-site VARCHAR pages of this site only; default: of all sites." in help_
    assert "--least INTEGER answers that must have consulted a page for it to be shown; default: 5." in help_


def test_help_and_list_stay_light() -> None:
    code = (
        "import sys; from geo_flywheel.cli import cli; cli(['report', '--help'], standalone_mode=False);"
        "print({'duckdb', 'pandas', 'pyarrow', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_a_report_of_a_site_is_of_the_own_one_until_another_is_named(run: Run, filled: Workspace) -> None:
    own = objects(run("report", "site_trajectory", *TODAY, "--format", "json", workspace=filled))
    rival = objects(
        run("report", "site_trajectory", *TODAY, "--site", "rival.example", "--format", "json", workspace=filled)
    )
    assert sum(int(str(row["cited"])) for row in own) == 15
    assert sum(int(str(row["cited"])) for row in rival) == 15
    assert own != rival


def test_an_address_is_taken_for_its_site_and_that_is_said(run: Run, filled: Workspace) -> None:
    result = run(
        "report", "top_pages", "--only-site", "https://www.own.example/x", "--format", "json", workspace=filled
    )
    assert {row["site"] for row in objects(result)} == {"own.example"}
    assert "https://www.own.example/x is counted with its site own.example" in result.stderr


def test_without_a_site_of_ones_own_one_must_be_named(run: Run, filled: Workspace) -> None:
    filled.config_path.write_text("[site]\nown = []\n")
    result = run("report", "site_trajectory", workspace=filled)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "name one with --site" in result.stderr


@pytest.mark.parametrize("format_", ["table", "csv", "json", "ndjson", "markdown"])
@pytest.mark.parametrize("name", ["crawl_health", "top_pages", "training_presence", "volatility"])
def test_every_format_is_written(name: str, format_: str, run: Run, filled: Workspace) -> None:
    result = run("report", name, "--format", format_, workspace=filled)
    assert (result.exit_code, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) > 1


def test_a_value_that_is_not_there_is_empty_in_csv_and_null_in_json(run: Run, filled: Workspace) -> None:
    rows = objects(run("report", "site_trajectory", *TODAY, "--format", "json", workspace=filled))
    unknown = next(row for row in rows if row["engine"] == "gamma")
    assert (unknown["asked"], unknown["rate"], unknown["low"]) == (None, None, None)
    text = run("report", "site_trajectory", *TODAY, "--format", "csv", workspace=filled).stdout
    row = next(row for row in csv.DictReader(io.StringIO(text)) if row["engine"] == "gamma")
    assert (row["asked"], row["rate"], row["low"]) == ("", "", "")


@pytest.mark.parametrize("ending", [".csv", ".json", ".ndjson", ".jsonl", ".md", ".txt"])
def test_a_file_holds_what_stdout_would(ending: str, run: Run, filled: Workspace, tmp_path: Path) -> None:
    formats = {".jsonl": "ndjson", ".md": "markdown", ".txt": "table"}
    target = tmp_path / f"rows{ending}"
    result = run("report", "volatility", *TODAY, "--output", target, workspace=filled)
    shown = run("report", "volatility", *TODAY, "--format", formats.get(ending, ending[1:]), workspace=filled)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "5 rows" in result.stderr
    assert target.read_bytes() == shown.stdout_bytes


def test_parquet_keeps_the_types(run: Run, filled: Workspace, tmp_path: Path) -> None:
    target = tmp_path / "rows.parquet"
    assert run("report", "volatility", *TODAY, "--output", target, workspace=filled).exit_code == 0
    table = parquet.read_table(target)
    assert table.num_rows == 5
    assert str(table.schema.field("week").type) == "date32[day]"


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_nothing_half(
    run: Run, filled: Workspace, tmp_path: Path
) -> None:
    result = run("report", "volatility", "--output", tmp_path / "no" / "rows.csv", workspace=filled)
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
    result = run("report", "volatility", "--output", tmp_path / "rows.xlsx", workspace=filled)
    assert result.exit_code == 2
    assert "no format ends in .xlsx" in result.stderr
    assert not list(tmp_path.glob("*rows*"))


def test_text_from_the_web_is_no_formula_in_a_file_either(run: Run, workspace: Workspace, tmp_path: Path) -> None:
    fill(workspace.store_path, Market((Page("https://x.example/", "=cmd|x"),), (Answer("alpha", week(0), 1, (0,)),)))
    target = tmp_path / "rows.csv"
    run("report", "citation_share", "--output", target, workspace=workspace)
    assert "'=cmd|x" in target.read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("volatilty",), "no report is called volatilty; did you mean volatility?"),
        (("volatility", "--sinse", "2026-01-01"), "--since"),
        (("volatility", "--since", "2026-02-30"), "since = 2026-02-30: not a date; write it as 2026-01-31"),
        (("top_pages", "--top", "all"), "top = all: not a whole number; write it as 20"),
        (("volatility", "--format", "xml"), "'xml' is not one of"),
    ],
)
def test_a_slip_of_the_pen_is_usage(arguments: tuple[str, ...], told: str, run: Run, filled: Workspace) -> None:
    result = run("report", *arguments, workspace=filled)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_a_file_in_the_workspace_is_a_command(run: Run, filled: Workspace) -> None:
    own = filled.root / "queries"
    own.mkdir()
    (own / "pages_of.sql").write_text(
        "-- description: Pages of a site.\n"
        "-- param site VARCHAR: whose\n"
        "SET VARIABLE site = coalesce(getvariable('site')::VARCHAR, 'example.com');\n"
        "SELECT url FROM page WHERE site = getvariable('site') ORDER BY ALL;\n"
    )
    assert "pages_of" in run("report", "--list", workspace=filled).stdout
    assert len(objects(run("report", "pages_of", "--format", "json", workspace=filled))) == 3
    (own / "pages_of.sql").write_text("COPY page TO 'x.csv'")
    result = run("report", "pages_of", workspace=filled)
    assert result.exit_code == 2
    assert "pages_of.sql: " in result.stderr


def test_a_file_with_the_name_of_a_shipped_report_is_refused(run: Run, filled: Workspace) -> None:
    own = filled.root / "queries"
    own.mkdir()
    (own / "volatility.sql").write_text("SELECT 1")
    result = run("report", "volatility", workspace=filled)
    assert result.exit_code == 2
    assert "give the file another name" in result.stderr


def test_without_a_store_it_says_what_to_do_first(run: Run, workspace: Workspace) -> None:
    result = run("report", "volatility", workspace=workspace)
    assert result.exit_code == 1
    assert "import or crawl something first" in result.stderr
