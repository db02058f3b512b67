"""A crawl of a small market, by the code that asks the live services; the time it waits passes at once."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import httpx

from crawlers.base import Http, Service
from crawlers.basket import Revision, revise
from crawlers.budget import Budget, worst_case
from crawlers.http import Client
from crawlers.plan import Sweep, Target
from crawlers.reaching.clock import Clock
from crawlers.reaching.pace import Pace
from crawlers.run import Crawl, Places, Tally, crawl
from crawlers.sandbox.addresses import Sandbox
from crawlers.sandbox.faults import parse
from crawlers.sandbox.serving import Respond, served
from crawlers.services import options_of, services
from geo_flywheel import plugins
from geo_flywheel.crawl_config import Provider
from geo_flywheel.registry import prices
from geo_flywheel.simulate.market import World
from geo_flywheel.store.database import open_store

WORLD = World(pages=80, sites=20, topics=2, prompts_per_topic=3, weeks=6, burn_in=5)
START = datetime(2025, 11, 24)
REDIRECTS = "vertexaisearch.cloud.google.com"


class ToTheSandbox(httpx.AsyncHTTPTransport):
    """Leads every connection to one place, whatever host the request names."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._place = httpx.URL(address)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme="http", host=self._place.host, port=self._place.port)
        return await super().handle_async_request(request)


def impatient() -> Clock:
    """A clock by which every wait is over at once."""
    ticks = count()

    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    return Clock(tick=lambda: float(next(ticks) * 1000), sleep=sleep, chance=lambda: 0.5)


def client(address: str, **more: Any) -> Client:
    """The real way out, where everything lies in the sandbox."""
    paces = {REDIRECTS: Pace(connections=8)}
    return Client(**{**more, "clock": impatient(), "paces": paces, "network": ToTheSandbox(address)})


def every_key() -> dict[str, str]:
    """A key for every variable that any provider reads."""
    found = (plugin.asking.keys for plugin in plugins.engines().values() if plugin.asking)
    return {name: f"sk-{name.lower()}" for keys in found for name in keys}


@dataclass
class Scene:
    """A market and the folder of whoever crawls it.

    Attributes:
        changes: Of the crawl, by the names of its attributes.
    """

    root: Path
    sandbox: Sandbox = field(default_factory=lambda: Sandbox(WORLD, 3, START))
    providers: tuple[Provider, ...] = (Provider("openai"), Provider("perplexity"))
    prompts: int = 2
    repeats: int = 2
    locales: tuple[str, ...] = ()
    now: Callable[[], datetime] = lambda: START
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def places(self) -> Places:
        return Places(self.root / "store.duckdb", self.root / "archive")

    @property
    def questions(self) -> Revision:
        return revise(tuple(self.sandbox.prompts[: self.prompts]), ())

    def fault(self, **order: Any) -> None:
        """Order a fault."""
        self.sandbox.faults.order(parse(order))

    def asked(self, address: str) -> dict[Target, Service]:
        there = [Provider(p.name, p.engines, p.model, f"{address}/{p.name}", p.options) for p in self.providers]
        return services(there, every_key())

    def work(self, http: Http, address: str, snapshot: str, **changes: Any) -> Crawl:
        asked, table = self.asked(address), prices()
        worst = {t: worst_case(t.provider, t.engine, t.model, options_of(t, s), table) for t, s in asked.items()}
        made: dict[str, Any] = {
            "places": self.places,
            "sweep": Sweep(self.questions, tuple(asked), snapshot, self.repeats, self.locales),
            "services": asked,
            "http": http,
            "budget": Budget(None, None, date.today),
            "worst": worst,
            "price_table": table.digest,
            "now": self.now,
            "connections": 4,
        }
        return Crawl(**made | self.changes | changes)

    def crawl(self, snapshot: str = "one", *, by: Callable[[Http], Http] = lambda http: http, **changes: Any) -> Tally:
        """Crawl once; `by` may stand between the crawl and its way out."""

        async def both() -> Tally:
            async with served(self.sandbox.respond) as address, client(address) as http:
                return await crawl(self.work(by(http), address, snapshot, **changes))

        return asyncio.run(both())

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a statement returns from the store."""
        with open_store(self.places.store, read_only=True) as store:
            return store.rows(sql)

    def statuses(self) -> dict[str, int]:
        """Answers by status."""
        return dict(self.rows("SELECT status, count(*) FROM answers GROUP BY status ORDER BY status"))


@contextmanager
def served_beside(respond: Respond) -> Iterator[str]:
    """Serve from a thread while the block runs; gives the address."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    serving = served(respond)
    try:
        yield asyncio.run_coroutine_threadsafe(serving.__aenter__(), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(serving.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
