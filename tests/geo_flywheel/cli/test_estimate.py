import json
from pathlib import Path

import pandas as pd
import pytest

from geo_flywheel.cli.estimate import _names
from geo_flywheel.simulate.market import Market, World
from geo_flywheel.simulate.panels import observed
from geo_flywheel.workspace import Workspace
from tests.conftest import Run

KEYS = [
    "quantity", "value", "unit", "low", "high", "level", "estimand", "verdict", "reason", "n_units", "n_periods",
    "diagnostics", "assumptions", "seed", "input_digest", "parts",
]  # fmt: skip


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """A market of three topics whose gain is one half."""
    world = World(pages=120, sites=40, topics=3, weeks=30, prompts_per_topic=6, engines=2)
    return pd.DataFrame(observed(Market(world, 4)))


@pytest.fixture
def file(rows: pd.DataFrame, tmp_path: Path) -> Path:
    path = tmp_path / "panel.parquet"
    rows.to_parquet(path)
    return path


def test_one_name_is_one_json_object_with_the_keys_of_an_estimate(file: Path, run: Run) -> None:
    result = run("estimate", "loop_gain", "--panel", file, "--format", "json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert list(told) == KEYS
    assert told["quantity"] == "loop_gain"
    assert told["n_units"] == 120
    assert told["n_periods"] == 30
    assert told["level"] == 0.95
    assert {part["quantity"] for part in told["parts"]} >= {"one_pass_gain", "revolution_time", "bottleneck"}
    assert all(list(part) == KEYS for part in told["parts"])


def test_a_csv_file_and_a_parquet_file_of_the_same_rows_give_the_same(
    file: Path, rows: pd.DataFrame, run: Run, tmp_path: Path
) -> None:
    rows.to_csv(tmp_path / "panel.csv", index=False)
    told = [
        run("estimate", "loop-gain", "--panel", path, "--format", "json").stdout
        for path in (file, tmp_path / "panel.csv")
    ]
    assert told[0] == told[1]


def test_a_seed_makes_the_draws_and_is_told(file: Path, run: Run) -> None:
    told = [
        json.loads(run("estimate", "loop_gain", "--panel", file, "--format", "json", "--seed", seed).stdout)
        for seed in ("5", "5", "6")
    ]
    assert told[0] == told[1]
    assert told[0]["seed"] == 5
    assert told[0]["value"] == told[2]["value"]
    assert told[0]["low"] != told[2]["low"]


def test_all_is_an_array_of_every_estimator_and_one_screen_for_people(file: Path, run: Run) -> None:
    told = json.loads(run("estimate", "--all", "--panel", file, "--format", "json").stdout)
    assert len(told) == len(_names())
    assert "loop_gain" in {one["quantity"] for one in told}
    shown = run("estimate", "--all", "--panel", file)
    assert shown.exit_code == 0
    assert "how fast" in shown.stdout
    assert "which stage to push" in shown.stdout
    assert shown.stdout.count("\n") < 60
    assert max(map(len, shown.stdout.splitlines())) < 160


def test_beyond_the_range_of_trust_people_are_shown_the_lower_limit_only(file: Path, run: Run) -> None:
    assert "at least 0." in run("estimate", "loop_gain", "--panel", file).stdout.splitlines()[0]  # 30 weeks


def test_a_site_narrows_the_panel_to_its_market_with_all_rivals(file: Path, rows: pd.DataFrame, run: Run) -> None:
    site = rows["site_id"].iloc[0]
    topics = rows.loc[rows["site_id"] == site, "topic"].unique()
    told = json.loads(run("estimate", "loop_gain", "--panel", file, "--site", str(site), "--format", "json").stdout)
    assert told["n_units"] == rows[rows["topic"].isin(topics)]["page_id"].nunique()
    assert any(f"market of {site}" in sentence for sentence in told["assumptions"])


def test_a_wrong_name_or_site_is_an_error_that_names_the_nearest(file: Path, run: Run) -> None:
    result = run("estimate", "loop_gian", "--panel", file)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "did you mean loop_gain?" in result.stderr
    result = run("estimate", "loop_gain", "--panel", file, "--site", "nobody.example")
    assert result.exit_code == 1
    assert "site_id nobody.example" in result.stderr
    assert run("estimate", "--panel", file).exit_code == 2
    assert run("estimate", "loop_gain", "--all", "--panel", file).exit_code == 2


def test_an_absent_column_is_named_alone_an_error_and_among_all_a_line(
    rows: pd.DataFrame, run: Run, tmp_path: Path
) -> None:
    rows.drop(columns="presence_b").to_parquet(tmp_path / "lacking.parquet")
    result = run("estimate", "loop_gain", "--panel", tmp_path / "lacking.parquet")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no column presence_b" in result.stderr
    result = run("estimate", "--all", "--panel", tmp_path / "lacking.parquet")
    assert result.exit_code == 0
    assert "no column presence_b" in result.stdout


def test_a_file_that_is_no_panel_is_an_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing of it")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    for name, word in (("broken.parquet", "neither"), ("other.csv", "no column"), ("missing.csv", "cannot be read")):
        result = run("estimate", "loop_gain", "--panel", tmp_path / name)
        assert result.exit_code in {1, 2}
        assert word in result.stderr
        assert result.stdout == ""


def test_an_empty_store_says_what_it_lacks(run: Run, workspace: Workspace) -> None:
    result = run("estimate", "--all", workspace=workspace)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
