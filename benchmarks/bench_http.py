"""The way out beside bare httpx, over loopback, with 20 connections.

    pytest -m bench -s benchmarks/bench_http.py

Against a server that answers at once: processor time per ask, at most twice that of bare httpx. Against one that
answers after a second: time on the wall, at most 5% more. The server has a process of its own, and each round asks
both clients one right after the other.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from time import perf_counter, process_time

import httpx
import pytest

from benchmarks.side_by_side import Limit, Round, fail_on_missed, judge
from crawlers.base import Request
from crawlers.http import Client

CONNECTIONS = 20
INSTANT_ASKS, SLOW_ASKS = 2_000, 100
ROUNDS = 3
CPU, WALL = "processor time per ask, instant server", "time on the wall, server of one second"
HEADERS = {"authorization": "Bearer sk-not-a-key", "content-type": "application/json"}
ASK = json.dumps(
    {"model": "m", "input": "which tool is best for this task", "tools": [{"type": "web_search"}]}
).encode()
ANSWER = json.dumps(
    {"output": [{"type": "text", "text": "word " * 600, "urls": ["https://site.example/page"] * 20}]}
).encode()
REPLY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)

Send = Callable[[], Awaitable[object]]


def serve(told: Connection, delay: float) -> None:
    """Serve the answer on a port of this machine, and tell which."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(len(ASK))
                await asyncio.sleep(delay)
                writer.write(REPLY)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def forever() -> None:
        server = await asyncio.start_server(converse, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


@contextmanager
def serving(delay: float) -> Iterator[str]:
    """Give the address of a server that answers after so many seconds."""
    here, there = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=serve, args=(there, delay), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}/v1/ask"
    finally:
        process.kill()
        process.join()


async def ask(send: Send, asks: int) -> tuple[float, float]:
    """Seconds of processor and wall for so many asks, 20 at a time, on connections that are open already."""
    left = iter(range(asks))

    async def work() -> None:
        for _ in left:
            await send()

    await asyncio.gather(*(send() for _ in range(CONNECTIONS)))
    cpu, wall = process_time(), perf_counter()
    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return process_time() - cpu, perf_counter() - wall


async def bare(url: str, asks: int) -> tuple[float, float]:
    """Time httpx as it comes."""
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=CONNECTIONS), timeout=30) as client:
        return await ask(lambda: client.post(url, headers=HEADERS, content=ASK), asks)


async def ours(url: str, asks: int) -> tuple[float, float]:
    """Time the way out."""
    request = Request("POST", url, HEADERS, ASK, secrets=("sk-not-a-key",), paid=True)
    async with Client(connections=CONNECTIONS) as client:
        return await ask(lambda: client.send(request), asks)


@pytest.mark.bench
def test_the_way_out_costs_little_beside_bare_httpx() -> None:
    with serving(0.0) as instant, serving(1.0) as slow:

        def measure() -> Round:
            cpu, _ = asyncio.run(bare(instant, INSTANT_ASKS))
            our_cpu, _ = asyncio.run(ours(instant, INSTANT_ASKS))
            _, wall = asyncio.run(bare(slow, SLOW_ASKS))
            _, our_wall = asyncio.run(ours(slow, SLOW_ASKS))
            print(
                f"per ask: bare {1e6 * cpu / INSTANT_ASKS:.0f} us, ours {1e6 * our_cpu / INSTANT_ASKS:.0f} us; "
                f"{SLOW_ASKS} slow asks: bare {wall:.3f} s, ours {our_wall:.3f} s"
            )
            return {CPU: our_cpu / cpu, WALL: our_wall / wall}

        fail_on_missed(judge({CPU: Limit(2), WALL: Limit(1.05)}, measure, ROUNDS))
