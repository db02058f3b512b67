"""The help of the program beside the bare import of click, in the same run.

    pytest -m bench -s benchmarks/bench_help.py

Both find their bytecode, as from the second start on; that of either is made anew for this run.
"""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from statistics import median

import pytest

from benchmarks.side_by_side import Limit, Round, fail_on_missed, judge, seconds

PROGRAM = Path(sys.executable).with_name("geo-flywheel")
COMMANDS: dict[str, list[str | Path]] = {
    "python": ["-c", "pass"],
    "import click": ["-c", "import click"],
    "--help": [PROGRAM, "--help"],
}
RATIO = "geo-flywheel --help / import click"
ROUNDS, LIMIT = 25, Limit(1.5)
HEAVY = ("pandas", "duckdb", "httpx", "networkx", "scipy", "importlib.metadata")
ASK_FOR_HELP = f"""
import sys
from geo_flywheel.cli import main
sys.argv = ["geo-flywheel", "--help"]
try:
    main()
finally:
    sys.stderr.write(" ".join(name for name in {HEAVY} if name in sys.modules))
"""


def python(bytecode: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run an interpreter that keeps its bytecode in a folder."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(bytecode)
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True, env=environment)


@pytest.mark.bench
def test_help_is_nearly_as_fast_as_importing_click(tmp_path: Path) -> None:
    rounds: list[dict[str, float]] = []

    def a_round() -> Round:
        rounds.append({name: seconds(partial(python, tmp_path, *arguments)) for name, arguments in COMMANDS.items()})
        return {RATIO: rounds[-1]["--help"] / rounds[-1]["import click"]}

    print()
    a_round()
    verdicts = judge({RATIO: LIMIT}, a_round, ROUNDS)
    print(", ".join(f"{name} {1000 * median(times[name] for times in rounds):.0f} ms" for name in COMMANDS))
    fail_on_missed(verdicts)


@pytest.mark.bench
def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    assert python(tmp_path, "-c", ASK_FOR_HELP).stderr == ""
