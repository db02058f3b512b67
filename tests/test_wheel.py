"""The wheel, built and used from another folder: an editable install would hide whatever it lacks."""

import json
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]


class Installed:
    """The wheel unpacked, and Python told to look there first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def python(self, code: str, *arguments: str | Path) -> str:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GEO_FLYWHEEL")}
        result = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            cwd=self.folder.parent,
            env=environment | {"PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def run(self, *arguments: str | Path) -> str:
        return self.python("from geo_flywheel.cli import main; main()", *arguments)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Installed:
    with ZipFile(wheel) as archive:
        archive.extractall(wheel.parent / "site")
    return Installed(wheel.parent / "site")


def files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }


def test_it_holds_the_two_packages_their_reports_and_facts_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {f"{package}/{name}" for package in ("geo_flywheel", "crawlers") for name in files(ROOT / package)}
    expected |= {f"geo_flywheel/_shipped/{kind}/{name}" for kind in ("queries", "data") for name in files(ROOT / kind)}
    assert held == expected


def test_it_is_the_wheel_that_runs(installed: Installed) -> None:
    code = "import geo_flywheel, crawlers; print(geo_flywheel.__file__, crawlers.__file__)"
    assert all(Path(file).is_relative_to(installed.folder) for file in installed.python(code).split())


def test_every_command_answers_help(installed: Installed) -> None:
    commands = installed.run("--help").partition("Commands:\n")[2]
    for line in commands.splitlines():
        assert "Usage: geo-flywheel" in installed.run(line.split()[0], "--help")


def test_it_makes_a_workspace_and_shows_its_basket(installed: Installed) -> None:
    folder = installed.folder.parent / "workspace"
    installed.run("init", folder)
    assert installed.run("--workspace", folder, "basket", "show", "--format", "ndjson").count("\n") == 6


def test_it_reads_a_reply(installed: Installed) -> None:
    answer = json.loads(installed.run("read", "openai", ROOT / "tests" / "captures" / "openai" / "search.json"))
    assert answer["provider"] == "openai"
    assert answer["cited"]


def test_it_lists_every_report(installed: Installed) -> None:
    listed = {line.split()[0] for line in installed.run("report", "--list").splitlines() if line}
    assert {file.stem for file in (ROOT / "queries").glob("*.sql")} <= listed


def test_every_plugin_loads(installed: Installed) -> None:
    code = "from geo_flywheel import plugins; print(*plugins.names(kind), *plugins.broken(kind), sep='\\n')"
    for kind in ("engines", "imports"):
        expected = {Path(name).stem for name in files(ROOT / "crawlers" / kind)} - {"__init__"}
        assert sorted(installed.python(f"kind = {kind!r}; {code}").split()) == sorted(expected)
