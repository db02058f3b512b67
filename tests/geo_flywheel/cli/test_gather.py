"""`gather` as a person runs it: against a sandbox on this machine."""

import asyncio
import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import crawlers.http
from crawlers.sandbox.addresses import Sandbox
from crawlers.schedule import Slot
from geo_flywheel.cli import schedule
from geo_flywheel.store.database import open_store
from geo_flywheel.workspace import Workspace, make
from tests.conftest import Run
from tests.crawlers.crawling import START, WORLD, impatient, served_beside

HOST = "www.ambertrail.example"
DAYS = 10
SPAN = ("--since", f"{START:%Y-%m-%d}", "--until", f"{START + timedelta(days=DAYS - 1):%Y-%m-%d}")


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where the sandbox is, some days after its market began; nobody waits."""
    sandbox = Sandbox(WORLD, 3, START)
    sandbox.clock.move(START + timedelta(days=DAYS))
    client = crawlers.http.Client
    monkeypatch.setattr(crawlers.http, "Client", lambda **more: client(**more, clock=impatient()))
    with served_beside(sandbox.respond) as address:
        yield address


@pytest.fixture
def here(tmp_path: Path, address: str) -> Workspace:
    tables = {"plausible": f'host = "{HOST}"\n', "tranco": "", "hackernews": ""}
    told = [f'[signals.{name}]\nurl = "{address}/{name}"\n{more}' for name, more in tables.items()]
    return make(tmp_path / "w", "".join(['[site]\nown = ["ambertrail.example"]\n', *told]))


def rows(workspace: Workspace, sql: str) -> list[tuple[Any, ...]]:
    with open_store(workspace.store_path, read_only=True) as store:
        return store.rows(sql)


def test_it_lists_what_came_of_each_source_and_publishes_it(
    run: Run, here: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAUSIBLE_API_KEY", "sk-plausible")
    result = run("gather", *SPAN, "--format", "json", workspace=here)
    assert result.exit_code == 0
    came = {row["source"]: row for row in json.loads(result.stdout)}
    assert list(came) == ["plausible", "tranco", "hackernews"]
    assert {row["problem"] for row in came.values()} == {None}
    assert came["plausible"]["added"].endswith(" engagement")
    assert rows(here, "SELECT count(DISTINCT day) FROM engagements WHERE source = 'plausible'") == [(DAYS,)]
    assert here.published_path.exists()


def test_one_that_fails_stops_no_other_and_is_exit_code_1(run: Run, here: Workspace) -> None:
    result = run("gather", *SPAN, "--format", "json", workspace=here)
    assert result.exit_code == 1
    assert "error: plausible: plausible needs PLAUSIBLE_API_KEY in the environment" in result.stderr
    assert rows(here, "SELECT count(*) > 0 FROM engagements WHERE source = 'tranco'") == [(True,)]
    assert rows(here, "SELECT plugin FROM reading WHERE problem IS NOT NULL") == [("plausible",)]


def test_sources_are_named_and_those_without_a_key_need_no_table(run: Run, here: Workspace) -> None:
    result = run("gather", "tranco", *SPAN, "--format", "json", workspace=here)
    assert [row["source"] for row in json.loads(result.stdout)] == ["tranco"]


def test_what_was_gathered_can_be_read_again_and_rebuilt(run: Run, here: Workspace) -> None:
    run("gather", "tranco", "hackernews", *SPAN, workspace=here)
    before = rows(here, "SELECT * FROM engagements ORDER BY ALL")
    assert run("reread", "--all", workspace=here).exit_code == 0
    assert rows(here, "SELECT * FROM engagements ORDER BY ALL") == before
    assert run("rebuild", workspace=here).exit_code == 0
    assert rows(here, "SELECT * FROM engagements ORDER BY ALL") == before


def test_no_key_is_written_anywhere_or_said(run: Run, here: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAUSIBLE_API_KEY", "wrong")  # the sandbox refuses this one
    result = run("gather", *SPAN, workspace=here)
    monkeypatch.setenv("PLAUSIBLE_API_KEY", "sk-right")
    result_of_right = run("gather", *SPAN, workspace=here)
    assert (result.exit_code, result_of_right.exit_code) == (1, 0)
    files = [file for file in here.root.rglob("*") if file.is_file()]
    kept = b"".join(gzip.decompress(f.read_bytes()) if f.suffix == ".gz" else f.read_bytes() for f in files)
    said = result.output + result_of_right.output
    assert b"sk-right" not in kept
    assert "sk-right" not in said


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("tranko",), "no plugin is called tranko; did you mean tranco?"),
        (("tranco", "--since", "2026-02-02", "--until", "2026-02-01"), "comes after --until"),
        (("tranco", "--site", "https://x.example/a"), "write a domain or a host"),
    ],
)
def test_what_cannot_be_meant_is_exit_code_2(
    run: Run, here: Workspace, arguments: tuple[str, ...], complaint: str
) -> None:
    result = run("gather", *arguments, workspace=here)
    assert result.exit_code == 2
    assert complaint in result.stderr


def test_without_a_source_or_a_site_it_says_what_to_write(run: Run, tmp_path: Path) -> None:
    nothing = make(tmp_path / "nothing", "")
    assert (
        "no source is configured; write a table such as [signals.hackernews]" in run("gather", workspace=nothing).stderr
    )
    assert "no site is known; write own =" in run("gather", "tranco", workspace=nothing).stderr


def test_a_scheduled_job_gathers_and_says_what_failed(here: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    with here.config_path.open("a") as file:
        file.write('[schedule.nightly]\ncron = "0 3 * * *"\nwhat = "gather"\nsources = ["tranco", "plausible"]\n')

    async def outcome() -> str | None:
        return await schedule.doing(here, asyncio.Event()).crawl(Slot(START, "nightly"))

    assert asyncio.run(outcome()) == "failed: plausible"
    assert "plausible needs PLAUSIBLE_API_KEY" in capsys.readouterr().err
    assert rows(here, "SELECT DISTINCT plugin FROM reading ORDER BY plugin") == [("plausible",), ("tranco",)]
