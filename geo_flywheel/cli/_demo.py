"""A year of weekly sweeps over a made-up market, by the code that asks the live services, and what it comes to.

After the sweeps the logs of all sites are imported, permissions and presence of three of them gathered, and the loop
gain estimated beside the true one.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geo_flywheel.cli.output import say
from geo_flywheel.errors import ConfigError, CrawlError

if TYPE_CHECKING:
    from collections import Counter
    from decimal import Decimal

    from crawlers.base import Http, Reply, Request
    from geo_flywheel.workspace import Workspace

PROVIDERS = ("openai", "anthropic", "gemini", "perplexity")
CORPORA = {"common_crawl_index": "common_crawl_index", "own_pages": "sites", "robots": "sites"}  # below which address
_MORE = {"common_crawl_index": "pause = 0\n"}  # nobody is there to be spared
_KEYS = {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "PERPLEXITY_API_KEY"}
_MOST_CITED = "SELECT site FROM site_citations GROUP BY site ORDER BY sum(cited) DESC, site LIMIT 3"
_CRAWLERS = ("gptbot", "oai-searchbot", "claudebot", "perplexitybot", "ccbot")
_BOTS = {"ipv4Prefix": "192.0.2.0/24"}  # where the market's crawlers come from: a block for documentation (RFC 5737)
_START = datetime(2025, 11, 24)  # noqa: DTZ001 - naive UTC, the first Monday of the market


def run(folder: Path, weeks: int, seed: int, *, full: bool) -> None:
    """Sweep a market weekly into a new workspace, then print what an analyst would look at first.

    Args:
        folder: Becomes the workspace.
        weeks: Sweeps, at most 52.
        seed: The market is drawn from it.
        full: Ask each question four times a week and engine, not twice.

    Raises:
        ConfigError: If the folder is a workspace already.
        CrawlError: If the sandbox does not start.
    """
    if (folder / "geo-flywheel.toml").exists():
        raise ConfigError(f"{folder}: is a workspace already; name another folder, or remove it")
    clock = _Stopwatch()
    with _sandbox(seed) as address:
        market = _get(f"{address}/market")
        workspace = _workspace(folder, address, market, repeats=4 if full else 2)
        os.environ |= dict.fromkeys(_KEYS, "sandbox")
        clock.passed("draw and start the market")
        outcomes, spent = asyncio.run(_sweeps(workspace, address, weeks))
        asks = sum(outcomes.values())
        clock.passed(f"ask, archive, read and store {asks:,} answers")
        logs = _logs(address, folder / "logs", weeks)
        _run(folder, ["import", *map(str, logs), "--set", f"ranges={folder / 'logs' / 'ranges.json'}"])
        clock.passed("fetch and import the logs of all sites")
        top = _most_cited(workspace)
        asyncio.run(_gathered(workspace, address, top, weeks))
        clock.passed("gather permissions, pages and presence")
    _show(folder, top, _START + timedelta(weeks=weeks))
    clock.passed("track and report")
    _run(folder, ["estimate", "--all"])
    clock.passed("estimate")
    say(f"\n{asks:,} asks in {weeks} sweeps: {', '.join(f'{n:,} {what}' for what, n in outcomes.most_common())}")
    say(f"spent: nothing; at worst-case prices these asks would have used {spent:,.0f} USD of a budget")
    say(f"time: {clock.told()}")
    say(f"the true loop gain of this market is {market['true_gain']:g}")


class _Stopwatch:
    """Tells what took how long."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._parts: list[str] = []

    def passed(self, what: str) -> None:
        """Note what was done since the last time."""
        now = time.monotonic()
        self._parts.append(f"{now - self._since:.0f} s to {what}")
        self._since = now

    def told(self) -> str:
        return ", ".join(self._parts)


def _most_cited(workspace: "Workspace") -> list[str]:
    from geo_flywheel.store.database import open_store

    with open_store(workspace.store_path, read_only=True) as store:
        return [site for (site,) in store.rows(_MOST_CITED)]


def _logs(address: str, folder: Path, weeks: int) -> list[Path]:
    """Fetch the log of all sites and cut it by months, as a server that rotates its files does; give the files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ranges.json").write_text(json.dumps({name: {"prefixes": [_BOTS]} for name in _CRAWLERS}))
    for week in range(weeks):
        monday = _START + timedelta(weeks=week)
        with (folder / f"access-{monday:%Y-%m}.log").open("ab") as file:
            file.write(_fetched(f"{address}/logs/all/{monday:%Y-%m-%d}.log"))
    return sorted(folder.glob("access-*.log"))


async def _gathered(workspace: "Workspace", address: str, sites: list[str], weeks: int) -> None:
    """Gather what the three most cited sites permit, what their pages are like, and what a crawl holds of them."""
    from urllib.parse import urlsplit

    from crawlers.http import Client
    from crawlers.reaching.pace import Pace
    from geo_flywheel.cli._crawling import sandboxes
    from geo_flywheel.cli._gathering import Order, gather_once

    pace = {urlsplit(address).netloc: Pace(interval=0.0, connections=16)}  # nobody is there to be spared
    end = _START + timedelta(weeks=weeks)
    order = Order(sites=tuple(sites), since=_START.date(), until=(end - timedelta(days=1)).date())
    async with Client(allow=(address, *sandboxes(workspace.config())), connections=16, paces=pace) as http:
        for came in await gather_once(workspace, order, http=_Market(http, address), now=lambda: end):
            added = ", ".join(f"{count:,} {table}" for table, count in sorted(came.added.items()) if count)
            say(f"gathered {came.name}: {added or 'nothing'}{''.join(f'; {problem}' for problem in came.problems)}")


def _show(folder: Path, top: list[str], after: datetime) -> None:
    """Print what an analyst would look at first: the most cited site, its rivals, and the health of the crawl."""
    today = ["--today", f"{after:%Y-%m-%d}"]
    since = ["--since", f"{after - timedelta(weeks=3):%Y-%m-%d}"]
    for line in (
        ["track", top[0], "--weeks", "6", *today],
        ["compare", *top, *today],
        ["report", "citation_share", "--top", "3"],
        ["report", "retrieved_not_cited", "--only-site", top[0], "--top", "3"],
        ["report", "volatility", *since, *today],
        ["report", "bot_visits", "--only-site", top[0], "--top", "2", *since],
        ["report", "ai_referrals", "--only-site", top[0], "--top", "2", *since],
        ["report", "corpus_history", "--site", top[0]],
        ["report", "permission_audit", "--site", top[0], "--agent", "GPTBot"],
        ["report", "page_readiness", "--only-site", top[0]],
        ["graph", "neighbours", top[0], "--top", "3"],
        ["report", "crawl_health", *since, *today],
        ["report", "decision_grade", *today],
    ):
        _run(folder, line)


def _run(folder: Path, line: list[str]) -> None:
    """Run a command of the program, said before what it prints."""
    from geo_flywheel.cli import cli

    click.echo(f"\n$ geo-flywheel --workspace {folder} {' '.join(line)}")
    cli.main(["--workspace", str(folder), *line], "geo-flywheel", standalone_mode=False)


@contextmanager
def _sandbox(seed: int) -> Iterator[str]:
    """Serve the market in a process of its own while the block runs; gives its address."""
    serve = [
        sys.executable,
        "-m",
        "geo_flywheel",
        "sandbox",
        "serve",
        "--seed",
        str(seed),
        "--start",
        f"{_START:%Y-%m-%d}",
    ]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:  # noqa: S603
        try:
            address = process.stdout.readline().strip() if process.stdout else ""
            if not address:
                raise CrawlError("the sandbox did not start; run geo-flywheel sandbox serve to see why")
            yield address
        finally:
            process.terminate()


def _get(url: str) -> Any:
    from urllib.request import urlopen

    with urlopen(url, timeout=30) as reply:  # noqa: S310 - the sandbox's own address
        return json.load(reply)


def _fetched(url: str) -> bytes:
    from urllib.request import urlopen

    with urlopen(url, timeout=60) as reply:  # noqa: S310 - the sandbox's own address
        told: bytes = reply.read()
        return told


def _workspace(folder: Path, address: str, market: dict[str, Any], repeats: int) -> "Workspace":
    from geo_flywheel.workspace import make

    tables = [f"[providers.{name}]\nurl = {json.dumps(f'{address}/{name}')}\n" for name in PROVIDERS]
    sites = [site["host"].removeprefix("www.") for site in market["sites"]][:3]
    site = f"[site]\nown = {json.dumps(sites[:1])}\nrivals = {json.dumps(sites[1:])}\n"
    crawl = f'[crawl]\nrepeats = {repeats}\nconnections = 16\n\n[budget]\nunknown_price = "allow"\n'
    prompts = [
        f"[[basket.prompts]]\ntext = {json.dumps(prompt['text'])}\ntopic = {json.dumps(prompt['topic'])}\n"
        for prompt in market["prompts"]
    ]
    tables += [
        f"[corpora.{name}]\nurl = {json.dumps(f'{address}/{where}')}\n{_MORE.get(name, '')}"
        for name, where in CORPORA.items()
    ]
    return make(folder, "\n".join([site, crawl, *tables, *prompts]))


async def _sweeps(workspace: "Workspace", address: str, weeks: int) -> "tuple[Counter[str], Decimal]":
    """Sweep once a simulated week; gives the asks by outcome, and what they would have cost."""
    from collections import Counter
    from decimal import Decimal

    from crawlers.http import Client
    from geo_flywheel.cli._crawling import Order, crawl_once, sandboxes

    outcomes: Counter[str] = Counter()
    spent = Decimal(0)
    started = time.monotonic()
    async with Client(allow=(address, *sandboxes(workspace.config())), connections=16) as http:
        for week in range(weeks):
            monday = _START + timedelta(weeks=week, hours=6)
            await _set_clock(http, address, monday)
            way = _Market(http, address)
            tally = await crawl_once(workspace, Order(f"{monday:%G-W%V}"), http=way, now=_clock(monday))
            spent += tally.spent
            for (_, outcome), count in tally.outcomes.items():
                outcomes[outcome] += count
            if week % 4 == 3 or week == weeks - 1:  # noqa: PLR2004 - every fourth week
                say(f"week {week + 1} of {weeks}: {sum(outcomes.values()):,} asks, {time.monotonic() - started:.0f} s")
    return outcomes, spent


class _Market:
    """The way out, where the open web is the sandbox: it serves the market's sites and redirects at its own address."""

    def __init__(self, http: "Http", address: str) -> None:
        self._http = http
        self._address = address

    async def send(self, request: "Request") -> "Reply":
        """Send a request to the sandbox, whatever host it names."""
        if request.public and not request.url.startswith(self._address):
            _, _, host, *path = request.url.split("/")
            where = f"sites/{host}/{'/'.join(path)}" if host.endswith(".example") else f"redirect/{path[-1]}"
            request = replace(request, url=f"{self._address}/{where}")
        return await self._http.send(request)


async def _set_clock(http: "Http", address: str, now: datetime) -> None:
    from crawlers.base import Request

    body = json.dumps({"now": now.isoformat()}).encode()
    await http.send(Request("POST", f"{address}/clock", {"content-type": "application/json"}, body))


def _clock(start: datetime) -> Callable[[], datetime]:
    """The market's time: from `start` on, as fast as ours."""
    began = time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - began)
