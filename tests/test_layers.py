"""Who may import whom: the contracts hold, and each of them bites."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ANALYSIS = {"panel", "graph", "simulate", "estimate", "estimators"}
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint(folder: Path) -> str:
    command = [sys.executable, "-c", LINT, "--no-logo", "--no-cache", "--config", "pyproject.toml"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    for package in ("geo_flywheel", "crawlers"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_every_contract_is_kept(source: Path) -> None:
    assert ", 0 broken." in lint(source)


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("geo_flywheel/urls.py", "import geo_flywheel.workspace", "geo_flywheel is layered"),
        ("geo_flywheel/utils.py", "", "geo_flywheel is layered"),
        ("crawlers/reading/wire.py", "import crawlers.base", "crawlers is layered"),
        ("crawlers/reading/wire.py", "import crawlers.reading.citing", "crawlers.reading is layered"),
        ("crawlers/reaching/clock.py", "import crawlers.reaching.pace", "crawlers.reaching is layered"),
        ("crawlers/helpers.py", "", "crawlers is layered"),
        ("geo_flywheel/workspace.py", "import crawlers.basket", "Only the command line imports crawlers"),
        ("crawlers/basket.py", "import geo_flywheel.estimators", "crawlers imports the facts"),
        ("crawlers/engines/xai.py", "import crawlers.engines.openai", "Engines know nothing"),
        ("crawlers/imports/observations.py", "import crawlers.imports.chatgpt_export", "Imports know nothing"),
        ("crawlers/basket.py", "import duckdb", "Only the store imports duckdb"),
        ("geo_flywheel/store/schema.py", "import httpx", "Only crawlers.http imports httpx"),
        ("geo_flywheel/estimators/citation_rate.py", "import geo_flywheel.config", "Numbers are pure"),
        ("geo_flywheel/records.py", "import numpy", "Records, urls and errors"),
    ],
)
def test_an_import_that_breaks_a_contract_is_found(file: str, line: str, contract: str, source: Path) -> None:
    planted = source / file
    before = planted.read_text() if planted.exists() else None
    planted.write_text(f"{before or ''}\n{line}\n")
    found = [verdict for verdict in lint(source).splitlines() if verdict.startswith(contract)]
    if before is None:
        planted.unlink()
    else:
        planted.write_text(before)
    assert found
    assert "BROKEN" in found[0]


def test_every_room_of_numbers_stands_under_the_rule_of_purity() -> None:
    rooms = {path.stem for path in (ROOT / "geo_flywheel").iterdir()} & ANALYSIS
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    pure = next(contract for contract in contracts if contract["id"] == "numbers")
    assert {f"geo_flywheel.{room}" for room in rooms} == set(pure["source_modules"])
