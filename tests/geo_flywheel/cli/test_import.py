import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from crawlers.intake import Places, take_in
from geo_flywheel.store import archive
from geo_flywheel.workspace import Workspace
from tests.conftest import Run
from tests.geo_flywheel.cli.bad_input import BAD, GOOD, endless, write_bad
from tests.geo_flywheel.store.contents import one, problems, tables

CAPTURES = GOOD.parents[1]
TABLE = CAPTURES / "imports" / "observations.csv"
MEGABYTE = 1024**2


def places(workspace: Workspace) -> Places:
    return Places(workspace.store_path, workspace.archive_path)


def test_files_of_every_kind_are_recognised_and_what_came_of_them_is_said(run: Run, workspace: Workspace) -> None:
    files = [GOOD, *sorted((CAPTURES / "imports").iterdir())]
    result = run("import", *files, workspace=workspace)
    assert result.exit_code == 0
    assert result.stdout == ""
    said = dict(line.split(": ") for line in result.stderr.splitlines())
    assert said[str(GOOD)].startswith("recorded_reply, 1 answer, ")
    assert said[str(TABLE)] == "observations, 3 observation"
    assert said[str(CAPTURES / "imports" / "hosts_wide.csv")].startswith("training_presence, ")
    assert list(said) == [str(file) for file in files]


def test_taking_a_file_in_again_says_so_and_adds_nothing(run: Run, workspace: Workspace) -> None:
    run("import", GOOD, TABLE, workspace=workspace)
    before = tables(workspace.store_path)
    again = run("import", GOOD, TABLE, workspace=workspace)
    assert again.exit_code == 0
    assert again.stderr == (
        f"{GOOD}: recorded_reply, in the store already\n{TABLE}: observations, in the store already\n"
    )
    assert tables(workspace.store_path) == before


def test_what_the_person_says_of_the_files_is_taken_and_kept(run: Run, workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("when,page\n2026-03-02,https://a.test/\n")
    options = ("--set", "engine=one", "--map", "observed_at=when", "--map", "url=page")
    assert run("import", "x.csv", *options, workspace=workspace).exit_code == 0
    assert one(workspace.store_path, "SELECT engine FROM observations") == "one"
    said = json.loads(one(workspace.store_path, "SELECT options FROM reading"))
    assert said == {"map.observed_at": "when", "map.url": "page", "set.engine": "one"}


def test_a_closed_copy_is_published_after_the_run(run: Run, workspace: Workspace) -> None:
    run("import", TABLE, workspace=workspace)
    assert tables(workspace.published_path) == tables(workspace.store_path)
    before = workspace.published_path.stat().st_mtime_ns
    run("import", TABLE, workspace=workspace)
    assert workspace.published_path.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--set", "engine", TABLE], "--set engine: write it as NAME=VALUE, for example --set engine=perplexity"),
        (["--as", "observation", TABLE], "no plugin is called observation; did you mean observations?"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_read(
    arguments: list[str], says: str, run: Run, workspace: Workspace
) -> None:
    result = run("import", *arguments, workspace=workspace)
    assert result.exit_code == 2
    assert result.stderr == f"error: {says}\n"
    assert not workspace.store_path.exists()


def test_without_a_workspace_it_is_said_how_to_make_one(run: Run) -> None:
    result = run("import", TABLE)
    assert result.exit_code == 2
    assert "make one with: geo-flywheel init" in result.stderr


# Bad input


def test_every_bad_file_gives_one_error_is_recorded_and_stops_no_other(
    run: Run, workspace: Workspace, tmp_path: Path
) -> None:
    bad = write_bad(tmp_path)
    result = run("import", GOOD, *bad, TABLE, workspace=workspace)
    assert result.exit_code == 1
    said = [line.removeprefix("error: ") for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert [line.split(": ")[0] for line in said] == [str(file) for file in bad]
    assert len(said) == len(BAD) + 2
    for line in said:
        assert ";" in line or "?" in line, "what to do"
    assert problems(workspace.store_path) == said
    assert one(workspace.store_path, "SELECT count(*) FROM answers") == 1
    assert one(workspace.store_path, "SELECT count(*) FROM observations") > 0
    noted = {entry.note.get("problem") for entry in archive.entries(workspace.archive_path)}
    assert set(said) <= noted


@pytest.mark.parametrize(
    ("name", "content", "options", "says"),
    [
        ("wrong.csv", "a,b\n1,2\n", [], "no format takes it"),
        ("wrong.csv", "a,b\n1,2\n", ["--as", "observations"], "no column of URLs among a, b; say which: "),
        ("late.csv", "observed_at,url\n2026-03-02,https://a.test/\nyesterday,https://b.test/\n", [], "line 3"),
        ("late.csv", "observed_at,url,cited\n2026-03-02,https://a.test/,NaN\n", [], "line 2: cited is 'NaN'"),
    ],
)
def test_a_table_that_is_wrong_is_told_by_its_columns_or_its_line(
    name: str, content: str, options: list[str], says: str, run: Run, workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    result = run("import", name, *options, workspace=workspace)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {name}: ")
    assert says in result.stderr
    assert one(workspace.store_path, "SELECT count(*) FROM observation") == 0


def test_a_reply_said_to_be_another_providers_is_an_error(run: Run, workspace: Workspace) -> None:
    result = run("import", GOOD, "--set", "provider=anthropic", workspace=workspace)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {GOOD}: ")
    assert len(problems(workspace.store_path)) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_rights_is_named(run: Run, workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_bytes(TABLE.read_bytes())
    (tmp_path / "mine.csv").chmod(0)
    result = run("import", "mine.csv", workspace=workspace)
    assert result.stderr == "error: mine.csv: cannot be read (Permission denied); check the path and its rights\n"


_MEASURED = """
import sys
from geo_flywheel.cli import cli
from tests.memory import most
try:
    cli(sys.argv[1:], prog_name="geo-flywheel")
finally:
    print(most())
"""


_HERE = {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}


def measured(*arguments: str | Path) -> tuple[int, str, int]:
    """Exit code, what was said, and most memory taken, in bytes, of a command in a process of its own."""
    command = [sys.executable, "-c", _MEASURED, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | _HERE)
    return done.returncode, done.stderr, int(done.stdout)


def test_files_that_are_huge_or_unpack_to_gigabytes_take_little_memory(workspace: Workspace, tmp_path: Path) -> None:
    line = b'{"observed_at": "2026-03-02", "url": "https://a.test/'
    zeros, cells = tmp_path / "zeros.json", tmp_path / "cells.csv"
    for path, head in ((zeros, b'{"id": "'), (cells, b'observed_at,url\n2026-03-02,"https://a.test/')):
        path.write_bytes(head)
        os.truncate(path, 200 * MEGABYTE)
    packed = tmp_path / "line.jsonl.gz"
    packed.write_bytes(endless(line, b"a", 4, 31))
    files = [zeros, cells, packed, *_bombs(tmp_path)]
    code, said, memory = measured("--workspace", workspace.root, "import", *files, TABLE)
    assert code == 1
    errors = [text.removeprefix("error: ") for text in said.splitlines() if text.startswith("error: ")]
    assert [text.split(": ")[0] for text in errors] == [str(file) for file in files]
    assert problems(workspace.store_path) == errors
    assert one(workspace.store_path, "SELECT count(*) FROM observations") > 0
    assert memory < 600 * MEGABYTE


def _bombs(folder: Path) -> list[Path]:
    """Exports whose conversations unpack to 4 GB: one says so, one says it is small."""
    data = endless(b'[{"mapping": {}, "title": "', b"a", 4, -15)
    honest, lying = folder / "honest.zip", folder / "lying.zip"
    for path, claimed in ((honest, 2**32 - 2), (lying, 2_000)):
        path.write_bytes(_zip(b"conversations.json", data, claimed))
    return [honest, lying]


def _zip(name: bytes, deflated: bytes, claimed: int) -> bytes:
    """A zip of one member, with the size it is said to unpack to."""

    def number(value: int, size: int) -> bytes:
        return value.to_bytes(size, "little")

    sizes = number(0, 4) + number(len(deflated), 4) + number(claimed, 4) + number(len(name), 2) + number(0, 2)
    common = number(20, 2) + number(0, 2) + number(8, 2) + number(0, 4) + sizes
    local = b"PK\x03\x04" + common + name + deflated
    central = b"PK\x01\x02" + number(20, 2) + common + number(0, 2) * 3 + number(0, 4) * 2 + name
    counted = number(1, 2) * 2 + number(len(central), 4) + number(len(local), 4)
    return local + central + b"PK\x05\x06" + number(0, 4) + counted + number(0, 2)


# Without pytz


_WITHOUT_PYTZ = """
import sys
sys.modules["pytz"] = None
from geo_flywheel.cli import cli
root, *files = sys.argv[1:]
for command in (["import", *files], ["track", "a.test"], ["report", "site_trajectory", "--site", "a.test"]):
    if cli(["--workspace", root, *command], prog_name="geo-flywheel", standalone_mode=False):
        sys.exit(1)
"""


def test_no_time_needs_pytz(workspace: Workspace) -> None:
    """Fetching a moment with a time zone from the database needs it, and another package may bring it along."""
    command = [sys.executable, "-c", _WITHOUT_PYTZ, str(workspace.root), str(TABLE), str(GOOD)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("2026-02-02") >= 2


def test_gzip_is_taken_like_the_file_in_it(run: Run, workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(TABLE.read_bytes()))
    assert run("import", "x.csv.gz", workspace=workspace).exit_code == 0
    assert [outcome.state for outcome in take_in(places(workspace), [TABLE], {})] == ["read"]
    assert one(workspace.store_path, "SELECT count(*) FROM observations") == 3
