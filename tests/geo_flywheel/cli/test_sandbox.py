import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from crawlers.prompt_files import read_prompts
from geo_flywheel.cli.sandbox import _WORLDS
from geo_flywheel.simulate.market import WORLDS, World
from geo_flywheel.simulate.scenery import prompts
from tests.conftest import Run


def test_served_in_a_process_of_its_own_it_prints_where_it_is() -> None:
    options = ["--world", "open", "--seed", "5", "--weeks", "3", "--start", "2026-01-05"]
    program = [sys.executable, "-m", "geo_flywheel", "sandbox", "serve", *options]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            address = process.stdout.readline().strip()
            told = httpx.get(f"{address}/market").json()
        finally:
            process.terminate()
    assert (told["seed"], told["true_gain"], told["start"]) == (5, 0, "2026-01-05T00:00:00")
    assert (told["world"]["arrows"], told["world"]["weeks"]) == ("open", 3)


def test_its_prompts_can_be_put_into_a_basket(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "prompts.csv"
    file.write_text(run("sandbox", "prompts").stdout, encoding="utf-8")
    assert read_prompts(file) == prompts(World())


def test_every_world_can_be_served() -> None:
    assert list(WORLDS) == _WORLDS


@pytest.mark.parametrize(
    "options", [("--start", "2026-01-06"), ("--gain", "1.5"), ("--world", "flat"), ("--port", "-1")]
)
def test_what_cannot_be_served_is_refused(run: Run, options: tuple[str, ...]) -> None:
    assert run("sandbox", "serve", *options).exit_code == 2


def test_a_port_that_is_taken_is_an_error_that_says_so(run: Run) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run("sandbox", "serve", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 2
    assert "cannot be had" in result.stderr
