"""A crawl that is killed or runs out of disk: no archived reply is lost, no row doubled, little asked again."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from crawlers.intake import Places, rebuild
from crawlers.sandbox.addresses import Sandbox
from crawlers.sandbox.faults import parse
from geo_flywheel.store import archive
from geo_flywheel.store.database import open_store
from geo_flywheel.workspace import Workspace, make
from tests.crawlers.crawling import START, WORLD, every_key, served_beside
from tests.geo_flywheel.store.contents import views

KILLS, CONNECTIONS = 3, 8
REPEATS, PROMPTS, PROVIDERS = 10, 6, ("openai", "perplexity")
ASKS = REPEATS * PROMPTS * len(PROVIDERS)
SEEDS = [pytest.param(seed, marks=[pytest.mark.endure] if seed else []) for seed in range(35)]
# Commits come often, so that many a kill falls into one.
PROGRAM = "import crawlers.run as run; run.LINGER = 0.05; run.BATCH = 20; from geo_flywheel.cli import main; main()"


@dataclass
class Scene:
    """A crawler in a process of its own, and the sandbox it asks."""

    workspace: Workspace
    sandbox: Sandbox

    def start(self) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", PROGRAM, "--workspace", str(self.workspace.root), "crawl", "--snapshot", "s"]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | every_key())

    def finish(self) -> tuple[int, str]:
        """Run once more; exit code and what it says."""
        with self.start() as process:
            _, said = process.communicate()
        return process.returncode, said

    @property
    def served(self) -> int:
        return sum(self.sandbox._answered.values())

    def answers(self) -> list[tuple[str, str, int]]:
        with open_store(self.workspace.store_path, read_only=True) as store:
            return store.rows("SELECT engine, prompt, sample_no FROM answers WHERE status = 'grounded'")

    def captures(self) -> set[str]:
        with open_store(self.workspace.store_path, read_only=True) as store:
            return {identity for (identity,) in store.rows("SELECT identity FROM capture")}

    def archived(self) -> set[str]:
        return {entry.identity for entry in archive.entries(self.workspace.archive_path) if "ask" in entry.note}


@contextmanager
def crawler(folder: Path) -> Iterator[Scene]:
    sandbox = Sandbox(WORLD, 3, START)
    sandbox.faults.order(parse({"kind": "slow", "rate": 1.0, "seconds": 0.05}))
    with served_beside(sandbox.respond) as address:
        tables = [f'[providers.{name}]\nurl = "{address}/{name}"\n' for name in PROVIDERS]
        prompts = [f"[[basket.prompts]]\ntext = {json.dumps(prompt.text)}\n" for prompt in sandbox.prompts[:PROMPTS]]
        crawl = f"[crawl]\nrepeats = {REPEATS}\nconnections = {CONNECTIONS}\n"
        yield Scene(make(folder / "workspace", "\n".join([crawl, *tables, *prompts])), sandbox)


def _await_asks(scene: Scene, process: "subprocess.Popen[str]") -> None:
    """Until the run has begun."""
    before = scene.served
    while scene.served == before and process.poll() is None:
        time.sleep(0.002)


def _kill(process: "subprocess.Popen[str]", after: float) -> None:
    try:
        process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_crawl_killed_at_any_moment_loses_and_doubles_nothing(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)  # noqa: S311 - the moment of a kill is no secret
    with crawler(tmp_path) as scene:
        for _ in range(KILLS):
            process = scene.start()
            _await_asks(scene, process)
            _kill(process, chance.uniform(0, 0.8))
        code, said = scene.finish()
        assert code == 0, said
    answers = scene.answers()
    assert len(answers) == len(set(answers)) == ASKS
    assert ASKS <= scene.served <= ASKS + KILLS * CONNECTIONS
    assert scene.captures() == scene.archived()
    assert len(scene.archived()) == ASKS
    assert list(scene.workspace.archive_path.glob("*.open")) == []
    before = views(scene.workspace.store_path)
    list(rebuild(Places(scene.workspace.store_path, scene.workspace.archive_path)))
    assert views(scene.workspace.store_path) == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 48 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    mounted = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=48m", "tmpfs", disk], check=False).returncode
    if mounted != 0 or unmount is None:
        pytest.skip("no file system can be mounted here; run as root to try a full disk")
    try:
        yield disk
    finally:
        subprocess.run([unmount, disk], check=True)


@pytest.mark.parametrize("left", [24, pytest.param(700, marks=pytest.mark.endure)])
def test_a_full_disk_is_said_and_what_was_archived_is_committed_once_there_is_room(left: int, small_disk: Path) -> None:
    with crawler(small_disk) as scene:
        with open_store(scene.workspace.store_path):
            pass  # it is there before the disk is full
        ballast = small_disk / "ballast"
        room = os.statvfs(small_disk)
        ballast.write_bytes(bytes(room.f_bavail * room.f_frsize - left * 1024))
        code, said = scene.finish()
        assert code == 1
        assert "error: " in said
        assert "cannot be written" in said
        assert "free some space" in said
        assert "Traceback" not in said
        ballast.unlink()
        served = scene.served
        code, said = scene.finish()
        assert code == 0, said
        answers = scene.answers()
        assert len(answers) == len(set(answers)) == ASKS
        assert served <= scene.served <= ASKS + CONNECTIONS
        assert scene.captures() == scene.archived()
