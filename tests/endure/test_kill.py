"""`kill -9` at random moments: the next run completes the work, nothing is lost, nothing comes twice."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crawlers.intake import Places, rebuild, take_in
from geo_flywheel.store import archive
from geo_flywheel.workspace import Workspace, make
from tests.geo_flywheel.store.contents import Rows, meanings, report_rows, tables, views

ENGINES = ("one", "two")
MOMENTS = [pytest.param(seed, marks=[pytest.mark.endure] if seed >= 5 else []) for seed in range(35)]
REBUILDS = [pytest.param(seed, marks=pytest.mark.endure) for seed in range(10)]


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """Files, what an import that nothing disturbs makes of them, and how long its work takes.

    Attributes:
        seconds: From the first sign of the archive to the end.
    """

    files: list[Path]
    meanings: dict[str, tuple[int, int]]
    views: dict[str, Rows]
    seconds: float


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    files = [*(_reply(folder, n) for n in range(8)), _sightings(folder, 50_000), _parquet(folder, 15_000)]
    workspace = make(folder / "workspace", "")
    process = importing(workspace, files)
    _await_archive(workspace, process)
    began = time.monotonic()
    assert process.wait() == 0
    seconds = time.monotonic() - began
    return Undisturbed(files, meanings(workspace.store_path), views(workspace.store_path), seconds)


def _reply(folder: Path, number: int) -> Path:
    text = f"See source {number}."
    cited = {"type": "url_citation", "start_index": 4, "end_index": 10, "title": "S"}
    part = {"type": "output_text", "text": text, "annotations": [{**cited, "url": f"https://s{number}.example/a"}]}
    reply = {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": 1_767_225_600 + number,
        "status": "completed",
        "model": "gpt",
        "output": [
            {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search", "query": "q"}},
            {"type": "message", "role": "assistant", "status": "completed", "content": [part]},
        ],
    }
    path = folder / f"reply-{number:02}.json"
    path.write_text(json.dumps(reply))
    return path


def _rows(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "observed_at": f"2026-03-{1 + n % 28:02}T09:00:00",
            "engine": ENGINES[n % 2],
            "prompt": f"which {n % 500}",
            "url": f"https://s{n % 40}.example/page/{n % 2_000}",
            "position": 1 + n % 9,
        }
        for n in range(first, first + count)
    ]


def _sightings(folder: Path, count: int) -> Path:
    rows = _rows(count)
    path = folder / "sightings.csv"
    path.write_text("\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]) + "\n")
    return path


def _parquet(folder: Path, count: int) -> Path:
    """Half of its rows stand in the other table as well."""
    path = folder / "sightings.parquet"
    pq.write_table(pa.Table.from_pylist(_rows(count, 40_000)), path)
    return path


def importing(workspace: Workspace, files: Sequence[Path]) -> "subprocess.Popen[bytes]":
    return running(workspace, "import", *map(str, files))


def running(workspace: Workspace, *arguments: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "geo_flywheel", "--workspace", str(workspace.root), *arguments]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def _await_archive(workspace: Workspace, process: "subprocess.Popen[bytes]") -> None:
    while not workspace.archive_path.exists() and process.poll() is None:
        time.sleep(0.005)


def kill(process: "subprocess.Popen[bytes]", after: float) -> None:
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the moment of a kill is no secret


def _moment(seed: int, undisturbed: Undisturbed) -> float:
    """Seconds from the start of a program, which takes about one to get going."""
    return _chance(seed).uniform(0, 1 + undisturbed.seconds)


@pytest.mark.parametrize("seed", MOMENTS)
def test_an_import_killed_at_any_moment_is_completed_by_the_next_one(
    seed: int, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    chance = _chance(seed)
    workspace = make(tmp_path / "workspace", "")
    for _ in range(1 + (seed >= 5 and seed % 2)):
        process = importing(workspace, undisturbed.files)
        _await_archive(workspace, process)
        kill(process, chance.uniform(0, undisturbed.seconds))
    places = Places(workspace.store_path, workspace.archive_path)
    outcomes = list(take_in(places, undisturbed.files, {}))
    assert "failed" not in {outcome.state for outcome in outcomes}
    assert meanings(places.store) == undisturbed.meanings
    assert views(places.store) == undisturbed.views
    left = [path.name for path in workspace.archive_path.rglob("*") if path.suffix in {".part", ".open"}]
    assert left == []
    kept = {entry.identity for entry in archive.entries(places.archive)}
    assert len(kept) == len(undisturbed.files)
    assert {outcome.state for outcome in take_in(places, undisturbed.files, {})} == {"held"}


@pytest.mark.parametrize("seed", REBUILDS)
def test_a_rebuild_killed_at_any_moment_leaves_a_whole_store_or_the_next_one_makes_it(
    seed: int, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    workspace = make(tmp_path / "workspace", "")
    places = Places(workspace.store_path, workspace.archive_path)
    list(take_in(places, undisturbed.files, {}))
    before = tables(places.store)
    process = running(workspace, "rebuild")
    kill(process, _moment(seed, undisturbed))
    if places.store.exists():
        assert tables(places.store) == before
    list(rebuild(places))
    assert tables(places.store) == before


@pytest.mark.parametrize("seed", REBUILDS)
def test_a_second_reading_killed_at_any_moment_is_completed_by_the_next_one(
    seed: int, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    workspace = make(tmp_path / "workspace", "")
    places = Places(workspace.store_path, workspace.archive_path)
    list(take_in(places, undisturbed.files, {}))
    process = running(workspace, "reread", "--all")
    kill(process, _moment(seed, undisturbed))
    assert running(workspace, "reread").wait() == 0
    assert views(places.store) == undisturbed.views
    assert report_rows(places.store, "s1.example")
