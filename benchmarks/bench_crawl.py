"""The whole loop beside bare httpx, over loopback, with 20 connections: ask, archive, read, commit.

    pytest -m bench -s benchmarks/bench_crawl.py

Against a server that answers after a second: time on the wall, at most 5% more. Against one that answers at once:
processor time per ask, at most twice that of bare httpx. The server has a process of its own, and each round asks both
one right after the other. What comes back is an answer of the sandbox's market as Perplexity sends it.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import httpx
import orjson
import pytest

from benchmarks.side_by_side import Limit, Round, fail_on_missed, judge
from crawlers.base import Service
from crawlers.budget import Budget
from crawlers.http import Client
from crawlers.plan import Sweep, Target
from crawlers.run import Crawl, Places, crawl
from crawlers.sandbox.answers import answer
from crawlers.sandbox.serving import Received, Sent, served
from geo_flywheel import plugins
from geo_flywheel.records import Prompt
from geo_flywheel.simulate.market import Market, World
from geo_flywheel.store.database import open_store

CONNECTIONS = 20
INSTANT_ASKS, SLOW_ASKS = 2_000, 200
ROUNDS = 3
CPU, WALL = "processor time per ask, instant server", "time on the wall, server of one second"
NOW = datetime(2026, 3, 2, 9)  # noqa: DTZ001 - all times are naive UTC
KEYS = {"PERPLEXITY_API_KEY": "sk-not-a-key"}
TARGET = Target("perplexity", "perplexity", "m")


def body() -> bytes:
    """The reply to every ask."""
    said = answer(
        Market(World(), 1), "perplexity", "perplexity", Prompt("which"), [1, 5, 9, 13, 17], model="m", now=NOW
    )
    return plugins.engine("perplexity").render(said)


def serve(told: Connection, delay: float) -> None:
    """Serve the reply on a port of this machine, and tell which."""
    reply = Sent(200, body(), wait=delay)

    def respond(_: Received) -> Sent:
        return reply

    async def forever() -> None:
        async with served(respond) as address:
            told.send(address)
            await asyncio.Event().wait()

    asyncio.run(forever())


@contextmanager
def serving(delay: float) -> Iterator[str]:
    """Give the address of a server that answers after so many seconds."""
    here, there = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=serve, args=(there, delay), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.kill()
        process.join()


async def bare(url: str, asks: int) -> tuple[float, float]:
    """Seconds of processor and wall for so many asks by httpx as it comes."""
    left = iter(range(asks))
    asked = orjson.dumps({"model": "m", "input": "which of them lasts longest, number 1", "tools": [{"type": "web"}]})
    headers = {"authorization": "Bearer sk-not-a-key", "content-type": "application/json"}
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with httpx.AsyncClient(limits=limits, timeout=30) as client:

        async def work() -> None:
            for _ in left:
                await client.post(f"{url}/v1/agent", headers=headers, content=asked)

        cpu, wall = process_time(), perf_counter()
        await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
        return process_time() - cpu, perf_counter() - wall


async def ours(url: str, asks: int, folder: Path) -> tuple[float, float]:
    """The same for the whole loop, from a store that is there to replies that are in it."""
    places = Places(folder / "store.duckdb", folder / "archive")
    with open_store(places.store):
        pass
    prompts = tuple(Prompt(f"which of them lasts longest, number {n}") for n in range(asks // 2))
    async with Client(connections=CONNECTIONS) as http:
        work = Crawl(
            places=places,
            sweep=Sweep(prompts, (TARGET,), "one", 2),
            services={TARGET: Service("perplexity", url, KEYS, "m")},
            http=http,
            budget=Budget(None, None, NOW.date),
            worst={TARGET: None},
            price_table="",
            now=lambda: NOW,
            connections=CONNECTIONS,
        )
        cpu, wall = process_time(), perf_counter()
        tally = await crawl(work)
        took = process_time() - cpu, perf_counter() - wall
    assert sum(tally.outcomes.values()) == asks
    assert not tally.failed
    return took


@pytest.mark.bench
def test_the_loop_costs_little_beside_bare_httpx() -> None:
    with serving(0.0) as instant, serving(1.0) as slow:

        def measure() -> Round:
            with TemporaryDirectory() as one, TemporaryDirectory() as other:
                cpu, _ = asyncio.run(bare(instant, INSTANT_ASKS))
                our_cpu, our_time = asyncio.run(ours(instant, INSTANT_ASKS, Path(one)))
                _, wall = asyncio.run(bare(slow, SLOW_ASKS))
                _, our_wall = asyncio.run(ours(slow, SLOW_ASKS, Path(other)))
            print(
                f"per ask: bare {1e6 * cpu / INSTANT_ASKS:.0f} us, ours {1e6 * our_cpu / INSTANT_ASKS:.0f} us "
                f"({INSTANT_ASKS / our_time:.0f} asks a second); "
                f"{SLOW_ASKS} slow asks: bare {wall:.3f} s, ours {our_wall:.3f} s"
            )
            return {CPU: our_cpu / cpu, WALL: our_wall / wall}

        fail_on_missed(judge({CPU: Limit(2), WALL: Limit(1.05)}, measure, ROUNDS))
