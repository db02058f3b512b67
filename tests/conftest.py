"""What every test stands on: no network beyond this machine, no workspace of the person who runs it, one way to run."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, settings

from geo_flywheel.cli import cli
from geo_flywheel.workspace import Workspace, make

# A shared machine may pause at any moment: only results fail a test. In CI the examples are the same on every run.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("house", _PATIENT)
settings.register_profile("house-in-ci", _PATIENT, derandomize=True, database=None, print_blob=True)
settings.load_profile("house-in-ci" if os.environ.get("CI") else "house")

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _stay_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to anywhere but this machine fails the test."""
    connect = socket.socket.connect

    def local(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            pytest.fail(f"a test reached for the network: {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", local)
    monkeypatch.delenv("GEO_FLYWHEEL_WORKSPACE", raising=False)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with a site, two rivals and no prompts."""
    return make(tmp_path / "workspace", '[site]\nown = ["own.example"]\nrivals = ["one.example", "two.example"]\n')


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command line in-process, outside any workspace; exit_code, stdout and stderr tell what came of it."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str | Path, workspace: Workspace | None = None) -> Result:
        where = ["--workspace", str(workspace.root)] if workspace else []
        result = CliRunner().invoke(cli, [*where, *map(str, arguments)], prog_name="geo-flywheel")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return command
