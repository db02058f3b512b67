"""What the locks promise: every file by its digest, from any index, with all that setting up needs."""

import re
import tomllib
from importlib.metadata import metadata, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ("requirements.lock", "requirements-bench.lock")


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", (ROOT / lock).read_text(), re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address_and_no_path(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert not re.search(r"://|file:|^-|@|^\s*/|--(?!hash=sha256:)", text, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_of_a_lock_has_one_version_and_its_digests(lock: str) -> None:
    text = (ROOT / lock).read_text()
    blocks = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip())
    assert len(blocks) == len(pins(lock)) > 20
    for block in blocks:
        assert re.fullmatch(r"[a-z0-9-]+==\S+( ; [^\n]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+", block)


def test_the_lock_holds_what_the_project_asks_for_its_build_backend_and_its_tools() -> None:
    groups = PROJECT["dependency-groups"]
    asked = [
        *PROJECT["project"]["dependencies"],
        *PROJECT["build-system"]["requires"],
        *groups["build"],
        *(entry for entry in groups["dev"] if isinstance(entry, str)),
    ]
    locked = pins("requirements.lock")
    for requirement in map(Requirement, asked):
        assert requirement.specifier.contains(locked[requirement.name]), requirement


def test_the_store_is_locked_to_the_version_whose_extensions_load_offline() -> None:
    assert pins("requirements.lock")["duckdb"] == "1.5.5"


def test_the_lock_of_the_peers_changes_no_version_of_ours() -> None:
    assert pins("requirements.lock").items() <= pins("requirements-bench.lock").items()


def test_nothing_under_the_gpl_comes_along_at_run_time() -> None:
    waiting, seen = [Requirement(line).name for line in PROJECT["project"]["dependencies"]], set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            wanted = map(Requirement, requires(name) or [])
            waiting += [other.name for other in wanted if not other.marker or other.marker.evaluate({"extra": ""})]
            told = metadata(name).json
            choices = str(told.get("license_expression") or told.get("classifier")).split(" OR ")
            assert any(not re.search(r"\bA?GPL|GNU (Affero )?General Public", licence) for licence in choices), name
    assert "duckdb" in seen
