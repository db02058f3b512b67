"""The help of the program beside the bare import of click, in the same run: at most 1.5 times.

pytest -m bench -s benchmarks/bench_help.py
"""

import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest

PROGRAM = Path(sys.executable).with_name("geo-flywheel")
COMMANDS: dict[str, list[str | Path]] = {
    "python": ["-c", "pass"],
    "import click": ["-c", "import click"],
    "--help": [PROGRAM, "--help"],
}
ROUNDS, MOST = 25, 1.5


def seconds(arguments: list[str | Path]) -> float:
    start = perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return perf_counter() - start


@pytest.mark.bench
def test_help_is_nearly_as_fast_as_importing_click() -> None:
    rounds = [{name: seconds(arguments) for name, arguments in COMMANDS.items()} for _ in range(ROUNDS + 1)][1:]
    for name in COMMANDS:
        print(f"\n{name}: {1000 * median(times[name] for times in rounds):.0f} ms", end="")
    ratio = median(times["--help"] / times["import click"] for times in rounds)
    print(f"\n--help / import click: {ratio:.2f}, median of {ROUNDS} pairs, at most {MOST}")
    assert ratio <= MOST
