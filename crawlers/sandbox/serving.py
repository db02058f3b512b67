"""HTTP/1.1 on loopback: asyncio streams, framed by h11.

Of what was tried on one core with a reply of 4 KB (CPU of the server per request): h11 89 us, uvicorn on h11 101 us,
aiohttp 48 us, uvicorn on httptools 34 us. A crawler spends ten times that on its side of one ask, so the one that
brings no dependency beyond those of httpx is fast enough, and it can cut a connection in the middle of a body.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import h11
import orjson

LOOPBACK = "127.0.0.1"
MAX_BODY = 4 * 1024 * 1024
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """A request.

    Attributes:
        host: As the client names it, lower case, without a port.
        path: Percent-decoded, without the query.
        headers: By lower-case name.
    """

    method: str
    host: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Sent:
    """A reply.

    Attributes:
        wait: Seconds until it goes out.
        cut: Bytes of the body that go out before the connection breaks, -1 when not even the head does; None to send
            all of it.
    """

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    wait: float = 0.0
    cut: int | None = None


Respond = Callable[[Received], Sent]
Sleep = Callable[[float], Awaitable[None]]


def as_json(told: object, status: int = HTTPStatus.OK) -> Sent:
    """Return a JSON reply."""
    return Sent(status, orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY))


def problem(status: int, message: str) -> Sent:
    """Return a JSON reply that says what is wrong."""
    return as_json({"error": {"code": status, "message": message}}, status)


@asynccontextmanager
async def served(respond: Respond, port: int = 0, sleep: Sleep = asyncio.sleep) -> AsyncIterator[str]:
    """Serve on loopback for as long as the context lasts, and yield the base address.

    Args:
        respond: Makes the reply to a request, at once.
        port: 0 for one that is free.
        sleep: Waits the seconds a slow reply takes.

    Raises:
        OSError: If the port is taken.
    """
    talks: set[asyncio.Task[Any] | None] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(this := asyncio.current_task())
        try:
            await _talk(reader, writer, respond, sleep)
        except (ConnectionError, h11.RemoteProtocolError, asyncio.CancelledError):
            pass  # either side is leaving, as clients under test do in the middle of a word
        finally:
            talks.discard(this)
            writer.close()

    server = await asyncio.start_server(talk, LOOPBACK, port)
    try:
        yield f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        left = [talking for talking in talks if talking]
        for talking in left:
            talking.cancel()
        await asyncio.gather(*left)
        await server.wait_closed()


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, respond: Respond, sleep: Sleep) -> None:
    """Answer the requests of one connection until either side ends it."""
    connection = h11.Connection(h11.SERVER)
    while received := await _received(connection, reader):
        sent = respond(received)
        if sent.wait:
            await sleep(sent.wait)
        writer.write(_framed(connection, sent, with_body=received.method != "HEAD"))
        await writer.drain()
        if sent.cut is not None or connection.our_state is not h11.DONE:
            return
        connection.start_next_cycle()


async def _received(connection: h11.Connection, reader: asyncio.StreamReader) -> Received | None:
    """The next request, or None when there is none."""
    head: h11.Request | None = None
    body: list[bytes] = []
    while True:
        match connection.next_event():
            case h11.NEED_DATA:
                connection.receive_data(await reader.read(_CHUNK))
            case h11.Request() as head:
                pass
            case h11.Data(data=data) if sum(map(len, body)) + len(data) <= MAX_BODY:
                body.append(bytes(data))
            case h11.EndOfMessage() if head:
                return _request(head, b"".join(body))
            case _:
                return None


def _request(head: h11.Request, body: bytes) -> Received:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
    target = urlsplit(head.target.decode("latin-1"))
    host = (target.hostname or headers.get("host", "").rpartition(":")[0] or headers.get("host", "")).lower()
    return Received(head.method.decode(), host, unquote(target.path), dict(parse_qsl(target.query)), headers, body)


def _framed(connection: h11.Connection, sent: Sent, *, with_body: bool) -> bytes:
    """The bytes of a reply, or as many of them as go out."""
    if sent.cut is not None and sent.cut < 0:
        return b""
    headers = [("content-type", sent.content_type), ("content-length", str(len(sent.body))), *sent.headers]
    events: list[h11.Event] = [h11.Response(status_code=sent.status, headers=headers)]
    if with_body:
        events.append(h11.Data(sent.body[: sent.cut]))
    if sent.cut is None:
        events.append(h11.EndOfMessage())
    return b"".join(connection.send(event) or b"" for event in events)
