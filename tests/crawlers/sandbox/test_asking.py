"""Every provider asked as the crawl asks it: its own `ask`, the real way out, loopback, its own `read`."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from itertools import count

import httpx
import pytest

from crawlers.base import Reply, Service
from crawlers.http import PAGES, Client
from crawlers.reaching.clock import Clock
from crawlers.reaching.pace import Pace
from crawlers.redirects import resolve
from crawlers.sandbox.addresses import Sandbox
from crawlers.sandbox.faults import Fault, parse
from crawlers.sandbox.questions import ENGINES
from crawlers.sandbox.serving import served
from geo_flywheel import plugins
from geo_flywheel.records import Answer, Ask, Capture, Status
from geo_flywheel.simulate.market import World
from geo_flywheel.simulate.scenery import url
from geo_flywheel.urls import canonical

_WORLD = World(pages=80, sites=20, topics=2, prompts_per_topic=3, weeks=6, burn_in=5)
_START = datetime(2025, 11, 24)
_PROMPT = 4
Talk = Callable[[Client, str], Awaitable[None]]


def _asked_through() -> Iterator[tuple[str, str]]:
    """Every provider that can be asked, with each engine that answers through it."""
    for name, plugin in plugins.engines().items():
        for engine in plugin.asking.engines if plugin.asking else ():
            yield name, engine


class _ToTheSandbox(httpx.AsyncHTTPTransport):
    """Leads every connection to one place, whatever host the request names."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._place = httpx.URL(address)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme="http", host=self._place.host, port=self._place.port)
        return await super().handle_async_request(request)


def _talk(sandbox: Sandbox, talk: Talk) -> list[float]:
    """Let a client that never really waits talk to the sandbox; return how long it would have waited."""
    waited: list[float] = []
    ticks = count()

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    clock = Clock(tick=lambda: float(next(ticks) * 1000), sleep=sleep, chance=lambda: 0.5)
    free = Pace(interval=0.0, connections=PAGES.connections)

    async def both() -> None:
        async with served(sandbox.respond) as address:
            paces = {"vertexaisearch.cloud.google.com": free}
            async with Client(clock=clock, paces=paces, network=_ToTheSandbox(address)) as client:
                await talk(client, address)

    asyncio.run(both())
    return [seconds for seconds in waited if seconds]


async def _ask(client: Client, address: str, sandbox: Sandbox, provider: str, engine: str) -> Reply:
    asking = plugins.engine(provider).asking
    assert asking
    keys = dict.fromkeys(asking.keys, "sk-of-a-test")
    service = Service(engine, f"{address}/{provider}", keys, asking.model, asking.options)
    return await asking.ask(client, Ask(sandbox.prompts[_PROMPT]), service)


def _read(provider: str, reply: Reply) -> Answer:
    (answer,) = plugins.engine(provider).read(Capture(provider, reply.body, http_status=reply.status))
    return answer


@pytest.mark.parametrize(("provider", "engine"), [*_asked_through()])
def test_what_is_asked_is_answered_with_the_pages_drawn(provider: str, engine: str) -> None:
    sandbox = Sandbox(_WORLD, 3, _START)
    drawn = [url(sandbox.market, page) for page in sandbox.market.cited(0, _PROMPT, ENGINES.index(engine), 0)]

    async def talk(client: Client, address: str) -> None:
        reply = await _ask(client, address, sandbox, provider, engine)
        assert reply.status == 200, reply.body
        answer = _read(provider, reply)
        assert (answer.engine, answer.status) == (engine, Status.GROUNDED)
        redirects = [page.url for page in answer.citations if not canonical(page.url).resolved]
        led = {found.raw_url: found.target for found in await resolve(client, redirects)}
        assert [led.get(page.url, page.url) for page in answer.citations] == drawn

    _talk(sandbox, talk)


@pytest.mark.parametrize("form", ["seconds", "date", "milliseconds", "retry_info", "none"])
def test_whoever_is_told_to_wait_waits_and_gets_the_answer(form: str) -> None:
    sandbox = Sandbox(_WORLD, 3, _START)
    sandbox.faults.order(parse({"kind": "throttle", "form": form, "seconds": 7, "next": 1}))

    async def talk(client: Client, address: str) -> None:
        reply = await _ask(client, address, sandbox, "openai", "openai")
        assert (reply.status, reply.attempts, reply.unanswered) == (200, 2, 0)
        assert len(_read("openai", reply).citations) == 5

    waited = _talk(sandbox, talk)
    assert form == "none" or max(waited) == pytest.approx(7, abs=2)


@pytest.mark.parametrize(
    ("fault", "unanswered"),
    [(Fault("cut", next=1), 1), (Fault("drop", next=1), 1), (Fault("status", status=529, next=1), 0)],
)
def test_an_ask_that_got_lost_is_sent_again_and_said_to_be_perhaps_billed(fault: Fault, unanswered: int) -> None:
    sandbox = Sandbox(_WORLD, 3, _START)
    sandbox.faults.order(fault)

    async def talk(client: Client, address: str) -> None:
        reply = await _ask(client, address, sandbox, "openai", "openai")
        assert (reply.status, reply.attempts, reply.unanswered) == (200, 2, unanswered)

    _talk(sandbox, talk)
