import asyncio
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crawlers.due import MISSED
from crawlers.leases import Leases
from crawlers.schedule import Gap, Slot
from geo_flywheel.cli import _timers, schedule
from geo_flywheel.errors import ConfigError
from geo_flywheel.store import archive
from geo_flywheel.workspace import Workspace
from tests.conftest import Run

NOW = datetime(2026, 11, 22, 12)
JOBS = """
[providers.openai]
[schedule.weekly]
cron = "30 2 * * 0"
timezone = "Europe/Berlin"
[schedule.daily]
cron = "0 6 * * *"
catch_up = "all"
"""
PROGRAM = Path("/opt/geo flywheel/bin/geo-flywheel")


@pytest.fixture
def scheduled(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr(schedule, "now", lambda: NOW)
    with workspace.config_path.open("a") as file:
        file.write(JOBS)
    return workspace


def test_show_tells_when_each_job_comes_next_and_writes_nothing(run: Run, scheduled: Workspace) -> None:
    shown = json.loads(run("schedule", "show", "--format", "json", workspace=scheduled).stdout)
    assert [row["job"] for row in shown] == ["weekly", "daily"]
    assert shown[0]["next_slot"] == "2026-11-29T01:30:00"
    assert shown[0]["next_slot_there"] == "2026-11-29T02:30:00+01:00"
    assert (shown[1]["catch_up"], shown[1]["latest_slot"], shown[1]["outcome"]) == ("all", None, None)
    assert [file.name for file in scheduled.root.iterdir()] == ["geo-flywheel.toml"]


def test_show_tells_what_came_of_the_latest_slot(run: Run, scheduled: Workspace) -> None:
    slot = datetime(2026, 11, 22, 6)
    with Leases(scheduled.schedule_path, lambda: NOW - timedelta(hours=1)) as leases:
        leases.claim("daily", slot)
        leases.finish("daily", slot, MISSED)
        leases.claim("weekly", slot)
    rows = json.loads(run("schedule", "show", "--format", "json", workspace=scheduled).stdout)
    assert [(row["latest_slot"], row["outcome"]) for row in rows] == [
        ("2026-11-22T06:00:00", "broken off"),
        ("2026-11-22T06:00:00", "missed"),
    ]
    with Leases(scheduled.schedule_path, lambda: NOW) as leases:
        leases.claim("weekly", slot)
    rows = json.loads(run("schedule", "show", "--format", "json", workspace=scheduled).stdout)
    assert rows[0]["outcome"] == "running"


def test_next_merges_the_jobs_in_the_order_of_time(run: Run, scheduled: Workspace) -> None:
    result = run("schedule", "next", "--count", "8", "--format", "json", workspace=scheduled)
    rows = json.loads(result.stdout)
    assert [(row["slot"][5:16], row["job"]) for row in rows] == [
        *((f"11-{day}T06:00", "daily") for day in range(23, 29)),
        ("11-29T01:30", "weekly"),
        ("11-29T06:00", "daily"),
    ]
    assert rows[6]["slot_there"] == "2026-11-29T02:30:00+01:00"


@pytest.mark.parametrize("command", [["show"], ["next"], ["run"], ["install", "--cron"]])
def test_without_a_schedule_each_says_what_to_write(run: Run, workspace: Workspace, command: list[str]) -> None:
    result = run("schedule", *command, workspace=workspace)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no schedule; write a table [schedule.weekly]" in result.stderr


def test_install_writes_units_of_systemd_into_the_folder_named(run: Run, scheduled: Workspace, tmp_path: Path) -> None:
    result = run("schedule", "install", "--systemd", "--output", "units", workspace=scheduled)
    assert result.exit_code == 0
    service, timer = (
        (tmp_path / "units" / name).read_text() for name in ("geo-flywheel.service", "geo-flywheel.timer")
    )
    assert f"geo-flywheel --workspace {scheduled.root} crawl --due\n" in service
    assert "EnvironmentFile=-%h/.config/geo-flywheel/environment\n" in service
    assert "Persistent=true\n" in timer
    assert sorted(file.name for file in (tmp_path / "units").iterdir()) == [
        "geo-flywheel.service",
        "geo-flywheel.timer",
    ]


def test_install_leaves_a_file_that_differs_and_writes_none_of_the_others(
    run: Run, scheduled: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "geo-flywheel.timer").write_text("mine")
    result = run("schedule", "install", "--systemd", workspace=scheduled)
    assert result.exit_code == 2
    assert "geo-flywheel.timer: is there already and differs" in result.stderr
    assert (tmp_path / "geo-flywheel.timer").read_text() == "mine"
    assert not (tmp_path / "geo-flywheel.service").exists()


def test_install_twice_is_as_good_as_once(run: Run, scheduled: Workspace) -> None:
    assert run("schedule", "install", "--systemd", workspace=scheduled).exit_code == 0
    assert run("schedule", "install", "--systemd", workspace=scheduled).exit_code == 0


def test_install_without_a_kind_is_a_usage_error(run: Run, scheduled: Workspace) -> None:
    assert run("schedule", "install", workspace=scheduled).exit_code == 2


def test_install_prints_a_line_of_crontab_that_a_shell_reads_as_meant(run: Run, scheduled: Workspace) -> None:
    line = run("schedule", "install", "--cron", workspace=scheduled).stdout
    assert line.startswith("*/15 * * * * ")
    assert line.count("\n") == 1
    assert f"--workspace {scheduled.root} crawl --due" in line


def test_a_workflow_lies_where_github_looks_and_names_secrets_without_holding_any(
    run: Run, scheduled: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    result = run("schedule", "install", "--github-actions", "--output", scheduled.root.parent, workspace=scheduled)
    assert result.exit_code == 0
    text = (scheduled.root.parent / ".github/workflows/geo-flywheel.yml").read_text()
    assert 'WORKSPACE: "workspace"\n' in text
    assert "OPENAI_API_KEY: ${{ secrets.OPENAI_API_KEY }}\n" in text
    assert 'geo-flywheel --workspace "$WORKSPACE" crawl --due\n' in text
    assert "sk-1" not in text


def test_a_workflow_needs_the_workspace_in_its_repository(run: Run, scheduled: Workspace, tmp_path: Path) -> None:
    result = run("schedule", "install", "--github-actions", "--output", tmp_path / "other", workspace=scheduled)
    assert result.exit_code == 2
    assert "name the root of its repository with --output" in result.stderr


@pytest.mark.parametrize("name", ["plain", "a b", "it's", 'say "hi"', "50%", "$HOME", "back\\slash", "ü;&|<>`x`#"])
def test_any_path_arrives_whole_through_crontab_and_systemd(name: str) -> None:
    workspace = Path("/w") / name
    meant = [str(PROGRAM), "--workspace", str(workspace), "crawl", "--due"]
    line = _timers.crontab(PROGRAM, workspace).removeprefix("*/15 * * * * ").replace(r"\%", "%")
    assert shlex.split(line.rpartition("; fi; ")[2]) == meant
    unit = _timers.systemd(PROGRAM, workspace)["geo-flywheel.service"]
    (command,) = [text.removeprefix("ExecStart=") for text in unit.splitlines() if text.startswith("ExecStart=")]
    assert [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(command)] == meant
    flow = _timers.github_actions(workspace, Path("/w"), "1", [])[".github/workflows/geo-flywheel.yml"]
    (told, again) = [text.partition(": ")[2] for text in flow.splitlines() if "WORKSPACE: " in text][:2]
    assert json.loads(told) == json.loads(again) == name


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for name, text in _timers.systemd(Path("/bin/true"), tmp_path / 'a "b" 50% $x').items():
        (tmp_path / name).write_text(text)
    units = [str(tmp_path / "geo-flywheel.service"), str(tmp_path / "geo-flywheel.timer")]
    ran = subprocess.run(
        ["/usr/bin/env", "systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize("name", ["two\nlines", "tab\there", "bell\x07"])
def test_a_path_with_a_control_character_is_refused(name: str) -> None:
    for write in (_timers.systemd, _timers.crontab):
        with pytest.raises(ConfigError, match="control character; rename the folder"):
            write(PROGRAM, Path("/w") / name)


def test_a_path_that_github_would_run_is_refused() -> None:
    with pytest.raises(ConfigError, match="GitHub would run"):
        _timers.github_actions(Path("/w/${{ secrets.X }}"), Path("/w"), "1", [])


def test_missed_slots_are_archived_as_records_of_their_own(workspace: Workspace) -> None:
    gaps = [Gap(Slot(NOW - timedelta(hours=n), "daily"), NOW, begun=False) for n in (2, 1)]
    schedule.doing(workspace, asyncio.Event()).keep(gaps)
    assert [entry.note for entry in archive.entries(workspace.archive_path)] == [gap.note for gap in gaps]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_stays_until_it_is_told_to_stop(workspace: Workspace, number: signal.Signals) -> None:
    far_off = datetime.now(UTC) + timedelta(days=180)
    with workspace.config_path.open("a") as file:
        file.write(f'[providers.openai]\n[schedule.yearly]\ncron = "0 0 1 {far_off.month} *"\n')
    command = [sys.executable, "-m", "geo_flywheel", "--workspace", str(workspace.root), "schedule", "run"]
    with subprocess.Popen(command, cwd=Path(__file__).parents[3], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert process.stderr.readline() == "looking at the schedule; Ctrl-C ends it\n"
        os.kill(process.pid, number)
        assert process.stderr.read() == (
            "finishing what is in flight; once more breaks off\nstopped; start it again at any time\n"
        )
        assert process.wait(timeout=30) == 0
