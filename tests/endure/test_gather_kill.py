"""A gathering that is killed: no archived reply is lost, and no number changes."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crawlers.intake import Places, rebuild
from crawlers.sandbox.addresses import Sandbox
from crawlers.sandbox.faults import parse
from geo_flywheel.store import archive
from geo_flywheel.store.database import open_store
from geo_flywheel.workspace import Workspace, make
from tests.crawlers.crawling import START, WORLD, served_beside
from tests.geo_flywheel.store.contents import views

KILLS, DAYS = 3, 20
SOURCES = ("hackernews", "wikipedia_links", "tranco")
SPAN = ("--since", f"{START:%Y-%m-%d}", "--until", f"{START + timedelta(days=DAYS - 1):%Y-%m-%d}")
# Commits come often, so that many a kill falls into one.
PROGRAM = "import crawlers.gather as gather; gather.BATCH = 3; from geo_flywheel.cli import main; main()"


@dataclass
class Scene:
    """Somebody who gathers, in a process of its own."""

    workspace: Workspace

    def start(self) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", PROGRAM, "--workspace", str(self.workspace.root), "gather", *SPAN]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)

    def finish(self) -> tuple[int, str]:
        """Gather once more; exit code and what it says."""
        with self.start() as process:
            _, said = process.communicate()
        return process.returncode, said

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with open_store(self.workspace.store_path, read_only=True) as store:
            return store.rows(sql)

    def archived(self) -> set[str]:
        return {entry.identity for entry in archive.entries(self.workspace.archive_path)}

    def kill(self, after: float) -> None:
        """Begin to gather, and kill it so many seconds after the archive was begun."""
        process = self.start()
        before = len(list(self.workspace.archive_path.glob("*")))
        while len(list(self.workspace.archive_path.glob("*"))) <= before and process.poll() is None:
            time.sleep(0.002)
        time.sleep(after)
        process.kill()
        process.communicate()


@contextmanager
def market(folder: Path) -> Iterator[tuple[Scene, Scene]]:
    """A market, somebody whose gathering is killed, and somebody whose is not."""
    sandbox = Sandbox(WORLD, 3, START)
    sandbox.clock.move(START + timedelta(days=DAYS))
    sandbox.faults.order(parse({"kind": "slow", "rate": 1.0, "seconds": 0.02}))
    sites = [name.removeprefix("www.") for name in sandbox.visits.hosts][:8]
    with served_beside(sandbox.respond) as address:
        tables = [f'[signals.{name}]\nurl = "{address}/{name}"\n' for name in SOURCES]
        text = f"[site]\nown = {json.dumps(sites)}\n" + "".join(tables)
        yield Scene(make(folder / "killed", text)), Scene(make(folder / "whole", text))


@pytest.mark.endure
@pytest.mark.parametrize("seed", range(15))
def test_a_gathering_killed_at_any_moment_loses_and_doubles_nothing(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)  # noqa: S311 - the moment of a kill is no secret
    engagements = "SELECT * EXCLUDE (page_no) FROM engagements ORDER BY ALL"
    with market(tmp_path) as (killed, whole):
        for _ in range(KILLS):
            killed.kill(chance.uniform(0, 0.8))
        for scene in (killed, whole):
            code, said = scene.finish()
            assert code == 0, said
    assert {identity for (identity,) in killed.rows("SELECT identity FROM capture")} == killed.archived()
    assert killed.rows("SELECT count(*) FROM reading WHERE problem IS NOT NULL") == [(0,)]
    assert len(killed.archived()) > len(whole.archived())
    assert list(killed.workspace.archive_path.glob("*.open")) == []
    assert killed.rows(engagements) == whole.rows(engagements)
    before = views(killed.workspace.store_path)
    list(rebuild(Places(killed.workspace.store_path, killed.workspace.archive_path)))
    assert views(killed.workspace.store_path) == before
