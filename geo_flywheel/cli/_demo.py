"""A year of weekly sweeps over a made-up market, by the code that asks the live services."""

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
_KEYS = {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "PERPLEXITY_API_KEY"}
_MOST_CITED = "SELECT site FROM site_citations GROUP BY site ORDER BY sum(cited) DESC, site LIMIT 3"
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
    began = time.monotonic()
    with _sandbox(seed) as address:
        market = _get(f"{address}/market")
        workspace = _workspace(folder, address, market, repeats=4 if full else 2)
        os.environ |= dict.fromkeys(_KEYS, "sandbox")
        ready = time.monotonic()
        outcomes, spent = asyncio.run(_sweeps(workspace, address, weeks))
    asked = time.monotonic()
    _show(folder, workspace, _START + timedelta(weeks=weeks))
    asks = sum(outcomes.values())
    say(f"\n{asks:,} asks in {weeks} sweeps: {', '.join(f'{n:,} {what}' for what, n in outcomes.most_common())}")
    say(f"spent: nothing; at worst-case prices these asks would have used {spent:,.0f} USD of a budget")
    say(
        f"time: {ready - began:.0f} s to draw and start the market, {asked - ready:.0f} s to ask, archive, read and "
        f"store ({asks / (asked - ready):.0f} asks a second), {time.monotonic() - asked:.0f} s to track and report"
    )
    say(f"the true loop gain of this market is {market['true_gain']:g}; this version does not estimate it yet")


def _show(folder: Path, workspace: "Workspace", after: datetime) -> None:
    """Print what an analyst would look at first: the most cited site, its rivals, and the health of the crawl."""
    from geo_flywheel.cli import cli
    from geo_flywheel.store.database import open_store

    with open_store(workspace.store_path, read_only=True) as store:
        top = [site for (site,) in store.rows(_MOST_CITED)]
    today = ["--today", f"{after:%Y-%m-%d}"]
    for line in (
        ["track", top[0], "--weeks", "6", *today],
        ["compare", *top, *today],
        ["report", "citation_share", "--top", "3"],
        ["report", "retrieved_not_cited", "--only-site", top[0], "--top", "3"],
        ["report", "volatility", "--since", f"{after - timedelta(weeks=3):%Y-%m-%d}", *today],
        ["report", "crawl_health", "--since", f"{after - timedelta(weeks=2):%Y-%m-%d}", *today],
        ["report", "decision_grade", *today],
    ):
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
    """The way out, where the open web is the sandbox: it serves the redirects of the market under its own address."""

    def __init__(self, http: "Http", address: str) -> None:
        self._http = http
        self._address = address

    async def send(self, request: "Request") -> "Reply":
        """Send a request to the sandbox, whatever host it names."""
        if request.public and not request.url.startswith(self._address):
            token = request.url.rpartition("/")[2]
            request = replace(request, url=f"{self._address}/redirect/{token}")
        return await self._http.send(request)


async def _set_clock(http: "Http", address: str, now: datetime) -> None:
    from crawlers.base import Request

    body = json.dumps({"now": now.isoformat()}).encode()
    await http.send(Request("POST", f"{address}/clock", {"content-type": "application/json"}, body))


def _clock(start: datetime) -> Callable[[], datetime]:
    """The market's time: from `start` on, as fast as ours."""
    began = time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - began)
