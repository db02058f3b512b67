"""What the sandbox costs: CPU of its process per ask of each provider, over half a year of weekly sweeps of 40 prompts.

    pytest -m bench -s benchmarks/bench_sandbox.py

The crawler, the store and the sandbox share the two cores of the demo, so that what counts is CPU and not how fast the
sandbox is when it has a core for itself. The client is a bare socket. Reads /proc, so it runs on Linux alone.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import orjson
import pytest

from benchmarks.side_by_side import Limit, Round, fail_on_missed, judge
from geo_flywheel.simulate.market import World
from geo_flywheel.simulate.scenery import prompts

PATHS = {
    "openai": "/v1/responses",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/m:generateContent",
    "perplexity": "/v1/agent",
    "xai": "/v1/responses",
    "groq": "/openai/v1/chat/completions",
    "openrouter": "/api/v1/chat/completions",
    "mistral": "/v1/conversations",
    "you": "/v1/answer",
    "brave": "/res/v1/chat/completions",
    "serpapi": "/search.json",
    "dataforseo": "/v3/serp/google/organic/live/advanced",
}
START = datetime(2025, 11, 24)  # noqa: DTZ001 - all times are naive UTC
WEEKS, REPEATS, ROUNDS = 26, 2, 2
AT_MOST = Limit(1e6 / 1500, "us")  # 1,500 asks per second and core


def measured() -> Round:
    """CPU of the server per ask in microseconds, by provider."""
    found = {}
    for provider in PATHS:
        with _sandbox() as (process, connection):
            asks = [_ask(provider, prompt.text) for prompt in prompts(World()) for _ in range(REPEATS)]
            _exchange(connection, asks[0])
            before = _cpu(process)
            for week in range(WEEKS):
                _exchange(connection, _post("/clock", {"now": (START + timedelta(weeks=week)).isoformat()}))
                for ask in asks:
                    assert b"sk-" not in _exchange(connection, ask)
            found[provider] = 1e6 * (_cpu(process) - before) / (WEEKS * len(asks))
    return found


@contextmanager
def _sandbox() -> Iterator[tuple[subprocess.Popen[str], socket.socket]]:
    program = [sys.executable, "-m", "geo_flywheel", "sandbox", "serve", "--start", f"{START.date()}"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout
            place = urlsplit(process.stdout.readline().strip())
            with socket.create_connection((place.hostname or "", place.port or 0)) as connection:
                yield process, connection
        finally:
            process.terminate()


def _cpu(process: subprocess.Popen[str]) -> float:
    """Seconds of user and system time so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ask(provider: str, question: str) -> bytes:
    path = f"/{provider}{PATHS[provider]}"
    if provider == "serpapi":
        return _framed("GET", f"{path}?{urlencode({'engine': 'google', 'q': question, 'api_key': 'sk-0'})}", b"")
    if provider == "dataforseo":
        return _post(path, [{"keyword": question, "location_code": 2840, "language_code": "en"}])
    return _post(path, {"model": "m-1", "tools": [{"type": "web_search"}], "input": [{"content": question}]})


def _post(path: str, told: object) -> bytes:
    return _framed("POST", path, orjson.dumps(told))


def _framed(method: str, path: str, body: bytes) -> bytes:
    """A request with the headers that httpx sends."""
    headers = (
        "Host: 127.0.0.1\r\nAccept: application/json\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n"
        f"User-Agent: bench\r\nAuthorization: Bearer sk-0\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return f"{method} {path} HTTP/1.1\r\n{headers}".encode() + body


def _exchange(connection: socket.socket, request: bytes) -> bytes:
    """The body of the reply, which must be a 200."""
    connection.sendall(request)
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), received
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return body


@pytest.mark.bench
def test_the_sandbox_leaves_the_cores_to_the_crawler() -> None:
    print()
    verdicts = judge(dict.fromkeys(PATHS, AT_MOST), measured, ROUNDS)
    for verdict in verdicts:
        print(f"{verdict.name:<12} {1e6 / verdict.typical:>6,.0f} asks per second and core")
    fail_on_missed(verdicts)
