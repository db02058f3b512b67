"""A server on this machine, a clock that a test sets, and replies written by hand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx

from crawlers.base import Reply
from crawlers.reaching.clock import Clock

NOW = datetime(2026, 11, 22, 12)
Serve = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Hands:
    """The hands of a clock, moved by sleeping and by nothing else."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)

    def clock(self, chance: float = 0.0) -> Clock:
        return Clock(
            now=lambda: NOW + timedelta(seconds=self.seconds),
            tick=lambda: self.seconds,
            sleep=self.sleep,
            chance=lambda: chance,
        )


@dataclass
class Network:
    """Replies in order, the last one for ever; what was sent is kept."""

    replies: list[httpx.Response | Exception]
    sent: list[httpx.Request] = field(default_factory=list)

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._reply)

    def _reply(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(reply.status_code, headers=reply.headers.raw, content=reply.content)


def reply(status: int = 200, body: bytes = b"", **headers: str) -> Reply:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Reply(status, named, body, "https://api.example/v1", NOW, 0.1)


def written(status: str = "200 OK", body: bytes = b"", **headers: str) -> bytes:
    """A reply as it travels."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[int]:
    """Serve on a port of this machine: each request's head goes to the function, which writes the reply."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await serve(head, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(conversation, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
