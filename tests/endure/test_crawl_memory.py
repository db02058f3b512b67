"""A crawl takes as much memory however much it asks, and a bounded part of the store it keeps."""

import asyncio
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from crawlers import run as loop
from crawlers.base import Reply, Request, Service
from crawlers.budget import Budget
from crawlers.plan import Sweep, Target
from crawlers.run import Crawl, Places, crawl
from geo_flywheel import plugins
from geo_flywheel.records import Answer, Citation, Prompt, Status
from geo_flywheel.urls import canonical
from tests.memory import most

NOW = datetime(2026, 3, 2, 9)
TARGET = Target("perplexity", "perplexity", "m")
PROMPTS, FEW = 50, 1_000
MORE = 20.0  # MB: batches that wait
MORE_IN_THE_STORE = 120.0  # MB: what a commit may keep of the store (64) and what DuckDB needs to look into it


class Market:
    """A way out with an answer at hand, which cites other pages each time."""

    def __init__(self) -> None:
        self._asked = 0
        urls = [f"https://s{n}.example/AAAA" for n in range(5)]
        cited = tuple(Citation(canonical(url).url, url, "A page", n, 1, (None,)) for n, url in enumerate(urls, 1))
        said = Answer("perplexity", "perplexity", "api", Status.GROUNDED, "It depends. " * 100, "m", cited)
        self._body = plugins.engine("perplexity").render(said)

    async def send(self, request: Request) -> Reply:
        await asyncio.sleep(0)
        self._asked += 1
        body = self._body.replace(b"AAAA", b"%04d" % (self._asked % 10_000))
        return Reply(200, (), body, request.url, NOW, 0.1)


def crawled(folder: Path, asks: int, *, stored: bool) -> float:
    """Crawl in this process, and return the most memory it ever had, in MB."""
    if not stored:
        vars(loop)["_commit"] = lambda _, batch: len(batch)
    prompts = tuple(Prompt(f"which of them, number {n}") for n in range(PROMPTS))
    work = Crawl(
        places=Places(folder / "store.duckdb", folder / "archive"),
        sweep=Sweep(prompts, (TARGET,), "one", asks // PROMPTS),
        services={TARGET: Service("perplexity", "https://api.example", {"PERPLEXITY_API_KEY": "sk"}, "m")},
        http=Market(),
        budget=Budget(None, None, NOW.date),
        worst={TARGET: None},
        price_table="",
        now=lambda: NOW,
    )
    tally = asyncio.run(crawl(work))
    assert sum(tally.outcomes.values()) == asks
    assert not tally.failed
    return most() / 1024**2


def _megabytes(folder: Path, asks: int, *, stored: bool) -> float:
    how = f"Path({str(folder)!r}), {asks}, stored={stored}"
    code = f"from tests.endure.test_crawl_memory import *; print(crawled({how}))"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(told.stdout)


@pytest.mark.parametrize("many", [10_000, pytest.param(200_000, marks=pytest.mark.endure)])
def test_memory_does_not_grow_with_what_is_asked(many: int, tmp_path: Path) -> None:
    few = _megabytes(tmp_path / "few", FEW, stored=False)
    assert _megabytes(tmp_path / "many", many, stored=False) - few < MORE


@pytest.mark.endure
@pytest.mark.parametrize("many", [20_000, 200_000])
def test_memory_is_bounded_however_large_the_store(many: int, tmp_path: Path) -> None:
    few = _megabytes(tmp_path / "few", FEW, stored=True)
    assert _megabytes(tmp_path / "many", many, stored=True) - few < MORE_IN_THE_STORE
