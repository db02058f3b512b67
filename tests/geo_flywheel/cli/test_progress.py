import asyncio
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console

from crawlers.plan import Target
from crawlers.run import Asked
from crawlers.sandbox.addresses import Sandbox
from crawlers.sandbox.serving import served
from geo_flywheel.cli._crawling import Order, crawl_once
from geo_flywheel.cli._progress import Progress, _duration, showing
from geo_flywheel.workspace import Workspace
from tests.crawlers.crawling import START, WORLD, client

OPENAI, MODE = Target("openai", "openai", "gpt"), Target("serpapi", "google_ai_mode")
USD = Decimal("0.0126")


@dataclass
class Hands:
    """A clock that a test moves."""

    seconds: float = 1000.0

    def clock(self) -> float:
        return self.seconds


@pytest.fixture
def hands() -> Hands:
    return Hands()


def ask(progress: Progress, target: Target, times: int, outcome: str = "grounded") -> None:
    for _ in range(times):
        progress.add(Asked(target, outcome, USD))


def on_a_terminal(hands: Hands, file: StringIO) -> AbstractContextManager[Progress]:
    return showing(hands.clock, Console(file=file, force_terminal=True, width=100))


def last_drawn(file: StringIO) -> list[str]:
    """Lines of the last table, without what moves the cursor and colours."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", file.getvalue()).replace("\r", "\n")
    return [" ".join(line.split()) for line in plain[plain.rindex("engine") :].splitlines() if line.strip()]


def test_plain_lines_tell_what_is_done_failed_spent_and_left(hands: Hands, capsys: pytest.CaptureFixture[str]) -> None:
    with showing(hands.clock) as progress:
        hands.seconds += 7
        progress.expect({OPENAI: 1280, MODE: 40})
        ask(progress, OPENAI, 1199)
        ask(progress, MODE, 18)
        hands.seconds += 60
        progress.add(Asked(MODE, "no reply", Decimal(0)))
    assert capsys.readouterr().err == (
        "openai: 1,199 of 1,280 done, 0 failed, 20.0 a second, 15.11 USD, 0:04 left; "
        "serpapi google_ai_mode: 19 of 40 done, 1 failed, 0.3 a second, 0.23 USD, 1:06 left\n"
    )


def test_plain_lines_come_every_ten_seconds_at_most(hands: Hands, capsys: pytest.CaptureFixture[str]) -> None:
    with showing(hands.clock) as progress:
        progress.expect({OPENAI: 100})
        for _ in range(50):
            hands.seconds += 0.5
            ask(progress, OPENAI, 1)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" done")[0] for line in lines] == ["openai: 20 of 100", "openai: 40 of 100"]
    assert lines[0].endswith("0:40 left")


def test_without_totals_nothing_is_said_of_what_is_left(hands: Hands, capsys: pytest.CaptureFixture[str]) -> None:
    with showing(hands.clock) as progress:
        hands.seconds += 10
        ask(progress, OPENAI, 1, "error")
    assert capsys.readouterr().err == "openai: 1 done, 1 failed, 0.1 a second, 0.01 USD\n"


def test_the_live_table_has_a_row_per_target_in_the_order_of_the_plan(
    hands: Hands, capsys: pytest.CaptureFixture[str]
) -> None:
    file = StringIO()
    with on_a_terminal(hands, file) as progress:
        progress.expect({MODE: 7200, OPENAI: 8})
        ask(progress, OPENAI, 8)
        ask(progress, MODE, 3, "unreadable")
        hands.seconds += 3
    assert last_drawn(file) == [
        "engine done failed a second USD left",
        "serpapi google_ai_mode 3 of 7,200 3 1.0 0.04 1:59:57",
        "openai 8 of 8 0 2.7 0.10 0:00",
    ]
    assert capsys.readouterr() == ("", "")


def test_the_live_table_is_drawn_before_anything_is_over(hands: Hands) -> None:
    file = StringIO()
    with on_a_terminal(hands, file) as progress:
        progress.expect({OPENAI: 8, MODE: 0})
        hands.seconds += 3
    assert last_drawn(file)[1:] == ["openai 0 of 8 0 0.0 0.00 -", "serpapi google_ai_mode 0 of 0 0 0.0 0.00 0:00"]


def test_the_name_of_an_engine_moves_no_cursor(hands: Hands) -> None:
    file = StringIO()
    with on_a_terminal(hands, file) as progress:
        ask(progress, Target("rogue", "\x1b[2Jrogue"), 1)
    assert "\x1b[2J" not in file.getvalue()
    assert "rogue" in file.getvalue()


def test_time_that_asking_did_not_take_is_not_counted(hands: Hands) -> None:
    progress = Progress(hands.clock)
    hands.seconds += 600
    progress.expect({OPENAI: 30})
    hands.seconds += 10
    ask(progress, OPENAI, 10)
    (row,) = progress.rows()
    assert (row.rate, row.eta) == (1.0, 20.0)


def test_more_asks_than_were_expected_leave_nothing(hands: Hands) -> None:
    progress = Progress(hands.clock)
    progress.expect({OPENAI: 1})
    ask(progress, OPENAI, 3)
    (row,) = progress.rows()
    assert (row.done, row.eta) == (3, 0.0)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0:00"), (59.6, "1:00"), (125, "2:05"), (3599.7, "1:00:00"), (90_061, "25:01:01")]
)
def test_durations_are_said_in_hours_minutes_and_seconds(seconds: float, said: str) -> None:
    assert _duration(seconds) == said


def test_of_a_crawl_that_is_resumed_only_what_is_left_is_expected(
    workspace: Workspace, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = Sandbox(WORLD, 3, START)
    prompts = tuple(sandbox.prompts[:3])
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")

    async def crawl(most: int) -> Progress:
        stop = asyncio.Event()
        progress = Progress(hands.clock, lambda so_far: stop.set() if so_far.rows()[0].done >= most else None)
        async with served(sandbox.respond) as address, client(address) as http:
            write(address)
            order = Order("one", prompts)
            await crawl_once(
                workspace, order, http=http, now=lambda: START, planned=progress.expect, told=progress.add, stop=stop
            )
        return progress

    def write(address: str) -> None:
        tables = f'[crawl]\nconnections = 1\n[providers.openai]\nurl = "{address}/openai"\n'
        workspace.config_path.write_text(tables, encoding="utf-8")

    told = [asyncio.run(crawl(most)).rows() for most in (5, 12, 1)]
    assert [(row.done, row.total, row.eta is None) for (row,) in told] == [(5, 12, False), (7, 7, False), (0, 0, False)]
