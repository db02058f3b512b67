import csv
import io
import json
from pathlib import Path

import pytest

from geo_flywheel.workspace import Workspace
from tests.conftest import Run
from tests.queries.markets import Answer, Market, Presence, Sighting, fill, pages, week

GOLDEN = Path(__file__).with_name("golden")
TODAY = ("--today", "2026-02-12")
COLUMNS = [
    "site", "engine", "surface", "week", "running", "sightings", "pages", "days", "position", "cited", "asked",
    "prompts", "rate", "low", "high", "estimand", "won", "lost", "verdict", "reason", "models",
]  # fmt: skip


def cited(number: int, prompts: int, engine: str, times: int) -> list[Answer]:
    return [
        Answer(engine, week(number), prompt, (0,) if repeat < times else (1, 2))
        for prompt in range(prompts)
        for repeat in range(3)
    ]


MARKET = Market(
    pages=pages("own.example/a", "one.example/b", "two.example/c"),
    answers=(
        *(answer for n, times in enumerate((0, 3, 3, 0, 1, 2)) for answer in cited(n, 24, "alpha", times)),
        *(answer for n in (0, 1, 5) for answer in cited(n, 5, "beta", n % 3)),
    ),
    sightings=tuple(Sighting("gamma", week(n), 0, 1 + n, None, position=2) for n in (0, 3)),
    presences=(
        Presence("c4", "own.example", "host", "own.example", "present", 120),
        Presence("dolma", "one.example", "host", "one.example", "present", 7),
    ),
)


@pytest.fixture(autouse=True)
def store(workspace: Workspace) -> Path:
    return fill(workspace.store_path, MARKET)


@pytest.mark.parametrize("command", ["track", "compare"])
def test_the_table_is_the_same_to_the_byte(command: str, run: Run, workspace: Workspace) -> None:
    result = run(command, *TODAY, workspace=workspace)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout == (GOLDEN / f"{command}.table").read_text(encoding="utf-8")


def test_json_holds_the_weeks_the_rate_over_time_and_the_training_presence(run: Run, workspace: Workspace) -> None:
    result = run("track", "own.example", *TODAY, "--format", "json", workspace=workspace)
    (told,) = json.loads(result.stdout)
    assert list(told) == ["site", "weeks", "overall", "presence", "logged", "told"]
    assert told["site"] == "own.example"
    assert [list(found) for found in told["weeks"]] == [COLUMNS[1:]] * 17
    assert [(o["engine"], o["surface"]) for o in told["overall"]] == [
        ("alpha", "api"), ("beta", "api"), ("gamma", "tracker"), ("all engines", "api"),
    ]  # fmt: skip
    assert [(p["corpus"], p["state"]) for p in told["presence"]] == [("c4", "present"), ("dolma", "unknown")]
    newest = next(found for found in told["weeks"] if found["week"] == "2026-02-09")
    assert (newest["running"], newest["verdict"], newest["rate"]) == (True, None, pytest.approx(2 / 3))


def test_csv_is_one_row_per_site_engine_and_week(run: Run, workspace: Workspace) -> None:
    result = run("track", "own.example", "one.example", *TODAY, "--format", "csv", workspace=workspace)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert list(rows[0]) == COLUMNS
    assert {row["site"] for row in rows} == {"own.example", "one.example"}
    assert len(rows) == 34
    unknown = [row for row in rows if row["engine"] == "gamma"]
    assert {(row["rate"], row["asked"], row["reason"]) for row in unknown} == {
        ("", "", "the file does not say what was asked")
    }


def test_the_table_shows_the_newest_weeks_and_says_how_many_there_are(run: Run, workspace: Workspace) -> None:
    result = run("track", "own.example", *TODAY, "--weeks", "2", workspace=workspace)
    assert "2026-01-26" not in result.stdout.partition("beta")[0]
    assert "2 of 6 weeks shown (--weeks)" in result.stdout


def test_a_week_without_any_observation_is_a_gap_in_the_line(run: Run, workspace: Workspace) -> None:
    result = run("track", "own.example", *TODAY, workspace=workspace)
    beta = next(line for line in result.stdout.splitlines() if line.startswith("beta"))
    assert "▁▅   █" in beta


def test_bars_are_of_one_kind_in_a_line(run: Run, workspace: Workspace) -> None:
    result = run("track", "own.example", *TODAY, workspace=workspace)
    total = next(line for line in result.stdout.splitlines() if line.startswith("all engines"))
    assert "▁█   ▆" in total


def test_comparing_takes_own_sites_and_rivals_from_the_configuration(run: Run, workspace: Workspace) -> None:
    result = run("compare", *TODAY, "--format", "json", workspace=workspace)
    assert {row["site"] for row in json.loads(result.stdout)} == {"own.example", "one.example", "two.example"}


def test_without_sites_of_ones_own_it_is_said_how_to_name_one(run: Run, workspace: Workspace) -> None:
    workspace.config_path.write_text("")
    result = run("track", workspace=workspace)
    assert result.exit_code == 2
    assert "write: geo-flywheel track SITE" in result.stderr


def test_without_a_store_it_is_said_what_to_do(run: Run, workspace: Workspace) -> None:
    workspace.store_path.unlink()
    result = run("track", workspace=workspace)
    assert result.exit_code == 1
    assert "there is no store yet; import or crawl something first" in result.stderr
