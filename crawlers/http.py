"""The one way out: every request of the program goes through `Client`.

APIs are asked at their pace, with patience, and follow no redirect to another host. Pages of the open web are fetched
from public addresses only, as robots.txt allows, and kept in a cache unless the request carries credentials. TLS is
always verified. What is raised, logged or returned holds no secret of a request.
"""

import asyncio
import logging
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

import httpcore
import httpx

from crawlers.base import Reply, Request
from crawlers.reaching.addresses import Guard, place
from crawlers.reaching.bodies import ENCODING, unpacked
from crawlers.reaching.clock import Clock
from crawlers.reaching.pace import Host, Pace
from crawlers.reaching.patience import Effort, Lost, Patience, is_passing
from crawlers.reaching.robots import PRODUCT, Robots
from crawlers.reaching.secrecy import redact, redacted_reply, secrets_of
from crawlers.reading.wire import MAX_BODY
from geo_flywheel.errors import Refused

USER_AGENT = f"{PRODUCT}/{version(PRODUCT)}"
PAGES = Pace(interval=1.0, connections=2)

_CLOCK, _PATIENCE = Clock(), Patience()
_MOST_HOPS = 5
_LONGEST_LABEL = 63  # RFC 1035, 2.3.4
_LONGEST_DELAY = 60.0  # seconds; a crawl-delay beyond it is cut to it
_CACHE_SIZE = 1024**3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEP_METHOD = frozenset({307, 308})
_LATER = frozenset({429, 503, 529})
_OURS = {"accept": "*/*", "user-agent": USER_AGENT}

for _library in ("httpx", "httpcore", "hishel", "protego"):
    logging.getLogger(_library).setLevel(logging.WARNING)  # below it they tell addresses and headers, keys among them


class Client:
    """The real `crawlers.base.Http`, an asynchronous context manager.

    Args:
        allow: Base URLs that pages may be fetched from wherever they are: a sandbox.
        paces: Pace of a host, by its name as in an address ("api.example.com", "127.0.0.1:8080").
        connections: Requests at a time over all hosts.
        cache: Folder of the cache of pages; None for none.
        patience: How long and how often.
        clock: What waiting is done by.
        network: Stands in for every connection.
    """

    def __init__(
        self,
        *,
        allow: Sequence[str] = (),
        paces: Mapping[str, Pace] | None = None,
        connections: int = 20,
        cache: Path | None = None,
        patience: Patience = _PATIENCE,
        clock: Clock = _CLOCK,
        network: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._allow, self._paces, self._connections = allow, paces or {}, connections
        self._patience, self._clock = patience, clock
        self._places = {place(url) for url in allow}
        self._hosts: dict[str, Host] = {}
        self._free = asyncio.Semaphore(connections)
        self._robots = Robots(self._fetch_robots, clock)
        self._to_apis, self._to_pages = (network, network) if network else _networks(connections, Guard(allow))
        self._to_cache = _cached(self._to_pages, cache) if cache else self._to_pages
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for network in (self._to_apis, self._to_pages, self._to_cache):
            self._open.push_async_callback(network.aclose)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def send(self, request: Request) -> Reply:
        """Return the reply to a request, sent again as long as that can help; the last one when patience ends.

        Raises:
            Refused: If the address may not be fetched (robots, private network, no trusted certificate).
            Throttled: If robots.txt cannot be read now.
            NoReply: If no attempt brought a reply.
            Unreadable: If the reply is larger than `MAX_BODY`, or garbled.
        """
        return redacted_reply(await self._send(request), secrets_of(request))

    async def _send(self, request: Request, *, robots: bool = True) -> Reply:
        effort = Effort(request, _parsed(request.url).host, self._patience)
        while True:
            try:
                reply = await self._follow(request, robots=robots)
            except Lost as lost:
                await self._clock.sleep(effort.after_loss(lost, self._clock.chance()))
                continue
            wait = effort.after_reply(reply, self._clock.now(), self._clock.chance())
            if reply.status in _LATER and is_passing(reply):
                self._host(_parsed(reply.url), request).slow(wait or 0.0)
            if wait is None:
                return replace(reply, attempts=effort.attempts, unanswered=effort.unanswered)
            await self._clock.sleep(wait)

    async def _follow(self, request: Request, *, robots: bool) -> Reply:
        """Go where the reply points, each hop checked like the first."""
        for _ in range(_MOST_HOPS + 1):
            url = _parsed(request.url)
            host = self._host(url, request)
            if request.public and robots and url.path != "/robots.txt":  # it may always be read (RFC 9309)
                rules = await self._robots.permit(_origin(url), request.url)
                host.spare(min(rules.delay, _LONGEST_DELAY))
            async with host.turn(), self._free:
                reply = await self._exchange(request, url)
            if reply.status not in _LATER:
                host.ease()
            onward = _onward(request, url, reply)
            if onward is None:
                return reply
            request = onward
        raise Refused(f"{url.host} redirects more than {_MOST_HOPS} times; leave this page out")

    async def _exchange(self, request: Request, url: httpx.URL) -> Reply:
        """Send once, and read all that comes."""
        message = httpx.Request(
            request.method,
            url,
            headers=_headers(request, url.host),
            content=request.body,
            extensions={"timeout": {"connect": self._patience.connect}},
        )
        sent_at, start = self._clock.now(), self._clock.tick()
        try:
            async with asyncio.timeout(self._patience.page if request.public else self._patience.answer):
                response = await self._network(request).handle_async_request(message)
                try:
                    body = await _body(response, url.host)
                finally:
                    await response.aclose()
        except (httpx.TransportError, OSError) as error:  # a time-out is one, and so is what TLS trips over
            raise _lost(error, request, url.host) from None
        headers = tuple((_decoded(name).lower(), _decoded(value)) for name, value in response.headers.raw)
        return Reply(response.status_code, headers, body, str(url), sent_at, self._clock.tick() - start)

    async def _fetch_robots(self, url: str) -> Reply:
        return await self._send(Request("GET", url, public=True), robots=False)

    def _network(self, request: Request) -> httpx.AsyncBaseTransport:
        if not request.public:
            return self._to_apis
        return self._to_pages if secrets_of(request) else self._to_cache

    def _host(self, url: httpx.URL, request: Request) -> Host:
        name = url.netloc.decode("ascii")
        if name not in self._hosts:
            spared = request.public and place(str(url)) not in self._places
            pace = self._paces.get(name) or (PAGES if spared else Pace(connections=self._connections))
            self._hosts[name] = Host(pace, self._clock)
        return self._hosts[name]


class _Network(httpx.AsyncHTTPTransport):
    """Connections of httpx, made by a backend of our choice, which httpx itself has no argument for."""

    def __init__(
        self, trusted: ssl.SSLContext, connections: int, backend: httpcore.AsyncNetworkBackend | None = None
    ) -> None:
        super().__init__(verify=trusted)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trusted,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=5.0,
            network_backend=backend,
        )


def _networks(connections: int, guard: Guard) -> tuple[_Network, _Network]:
    """Return the ways to APIs, wherever a person says they are, and to pages, by the guard."""
    trusted = httpx.create_ssl_context()
    return _Network(trusted, connections), _Network(trusted, connections, guard)


def _cached(network: httpx.AsyncBaseTransport, folder: Path) -> httpx.AsyncBaseTransport:
    from hishel import AsyncSqliteStorage, CacheOptions
    from hishel.httpx import AsyncCacheTransport

    storage = AsyncSqliteStorage(database_path=folder / "pages.db", max_stream_size=MAX_BODY, max_size=_CACHE_SIZE)
    return AsyncCacheTransport(network, storage, CacheOptions(shared=True))


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise Refused("This is no address that can be fetched; look for a stray character or port in it") from None
    if not all(0 < len(label) <= _LONGEST_LABEL for label in parsed.raw_host.removesuffix(b".").split(b".")):
        raise Refused("This address has no host that could have a name; look for a stray dot or a missing slash in it")
    if parsed.scheme not in {"http", "https"}:
        raise Refused(f"{parsed.scheme or 'No scheme'}: only http and https are fetched; correct the address")
    if parsed.userinfo:
        raise Refused(f"{parsed.host}: a password stands in the address; carry it in a header")
    return parsed


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _onward(request: Request, url: httpx.URL, reply: Reply) -> Request | None:
    """Return the request a redirect asks for; None when there is none, or it must not be followed."""
    location = dict(reply.headers).get("location")
    if not request.follow or reply.status not in _REDIRECTS or not location:
        return None
    if request.method == "POST" and reply.status not in _KEEP_METHOD:
        return None
    try:
        target = _parsed(str(url.join(location)))
    except (httpx.InvalidURL, ValueError):
        raise Refused(f"{url.host} redirects to something that is no address; leave this page out") from None
    may_leave = request.public and not secrets_of(request)
    return replace(request, url=str(target)) if may_leave or _origin(target) == _origin(url) else None


def _headers(request: Request, host: str) -> dict[str, str]:
    for name, value in request.headers.items():
        if not (value.isascii() and value.isprintable() and value == value.strip()):
            raise Refused(f"{host}: the header {name} holds a space or character no header may; check the key in it")
    return {**_OURS, **{name.lower(): value for name, value in request.headers.items()}, "accept-encoding": ENCODING}


def _decoded(header: bytes) -> str:
    """UTF-8 as servers send it, else Latin-1, which every byte is."""
    try:
        return header.decode("utf-8")
    except UnicodeDecodeError:
        return header.decode("latin-1")


async def _body(response: httpx.Response, host: str) -> bytes:
    assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - what an asynchronous transport returns
    return await unpacked(response.stream, response.headers.get("content-encoding", ""), MAX_BODY, host)


def _lost(error: Exception, request: Request, host: str) -> Lost | Refused:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Refused(
                f"{host} has no certificate to trust ({cause.verify_message}); check the address and the clock"
            )
    why = redact(str(error), secrets_of(request)) or "it took too long"
    unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return Lost(f"{type(error).__name__}: {why}", arrived=not unsent)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
