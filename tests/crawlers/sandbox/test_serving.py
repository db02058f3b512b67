import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from crawlers.sandbox.serving import Received, Sent, as_json, problem, served


def _talk(respond: Callable[[Received], Sent], client: Callable[[httpx.AsyncClient], Awaitable[None]]) -> list[float]:
    """Serve, let a client talk, and return the seconds the server waited."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async def both() -> None:
        async with served(respond, sleep=sleep) as address, httpx.AsyncClient(base_url=address) as http:
            await client(http)

    asyncio.run(both())
    return waited


def test_a_request_arrives_whole_and_its_reply_goes_back() -> None:
    seen: list[Received] = []

    def respond(received: Received) -> Sent:
        seen.append(received)
        return Sent(201, b"<p>", "text/html", (("x-more", "1"),))

    async def client(http: httpx.AsyncClient) -> None:
        reply = await http.post("/a%20b?q=x+y", content=b"z" * 200_000, headers={"Host": "WWW.Some.Example:81"})
        assert (reply.status_code, reply.content) == (201, b"<p>")
        assert (reply.headers["content-type"], reply.headers["x-more"]) == ("text/html", "1")

    _talk(respond, client)
    (received,) = seen
    assert (received.method, received.host, received.path) == ("POST", "www.some.example", "/a b")
    assert (received.query, received.body) == ({"q": "x y"}, b"z" * 200_000)


def test_one_connection_carries_many_requests() -> None:
    async def client(http: httpx.AsyncClient) -> None:
        replies = [await http.get(f"/{number}") for number in range(5)]
        assert [reply.json() for reply in replies] == [f"/{number}" for number in range(5)]
        places = {reply.extensions["network_stream"].get_extra_info("client_addr") for reply in replies}
        assert len(places) == 1

    _talk(lambda received: as_json(received.path), client)


def test_a_head_request_gets_the_head_alone() -> None:
    async def client(http: httpx.AsyncClient) -> None:
        reply = await http.head("/")
        assert (reply.headers["content-length"], reply.content) == ("4", b"")
        assert (await http.get("/")).content == b"body"

    _talk(lambda _: Sent(200, b"body"), client)


def test_a_slow_reply_waits() -> None:
    async def client(http: httpx.AsyncClient) -> None:
        assert (await http.get("/")).status_code == 503

    assert _talk(lambda _: Sent(503, wait=7.5), client) == [7.5]


@pytest.mark.parametrize("cut", [0, 3])
def test_a_connection_breaks_within_the_body(cut: int) -> None:
    async def client(http: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            await http.get("/")

    _talk(lambda _: Sent(200, b"whole", cut=cut), client)


def test_a_connection_breaks_before_the_reply() -> None:
    async def client(http: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            await http.get("/")

    _talk(lambda _: Sent(200, b"whole", cut=-1), client)


def test_what_is_no_http_ends_the_connection_and_nothing_else() -> None:
    async def both() -> None:
        async with served(lambda _: problem(404, "no")) as address:
            port = int(address.rpartition(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"\x00\x01 nothing\r\n\r\n")
            assert await reader.read() == b""
            writer.close()
            async with httpx.AsyncClient(base_url=address) as http:
                assert (await http.get("/")).json() == {"error": {"code": 404, "message": "no"}}

    asyncio.run(both())
