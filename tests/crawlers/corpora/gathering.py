"""Sources asked over loopback HTTP at a sandbox, or by hand-made replies, and what is read of what came."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import orjson

from crawlers.base import Gathered, Reply, Request, Service, Wanted
from crawlers.http import Client
from crawlers.sandbox.addresses import Sandbox
from crawlers.sandbox.serving import served
from geo_flywheel import plugins
from geo_flywheel.errors import CrawlError
from geo_flywheel.records import Capture, Engagement, Fact, Listing, Presence
from geo_flywheel.simulate.history import Plan
from geo_flywheel.simulate.market import World

START = datetime(2026, 1, 5)
WORLD = World(
    pages=60, sites=12, topics=2, prompts_per_topic=2, weeks=30, burn_in=3, plan=Plan(entering=0.2, closing=0.2)
)
Answer = Callable[[Request], tuple[int, object] | tuple[int, object, dict[str, str]]]
QUICK = {"pause": 0, "throttled_pause": 0}


def sandbox(weeks: int = 20) -> Sandbox:
    """A market some weeks after its start."""
    made = Sandbox(WORLD, 7, START)
    made.clock.move(START + timedelta(weeks=weeks))
    return made


def wanted(*sites: str, pages: tuple[str, ...] = (), **more: object) -> Wanted:
    told = {"since": date(2026, 1, 1), "until": date(2026, 6, 30)} | more
    return Wanted(sites, pages=pages, **told)  # type: ignore[arg-type]  # as the test names them


def gathered(market: Sandbox, name: str, what: Wanted, **options: object) -> list[Gathered]:
    """What a source yields at the sandbox, asked with the real client."""

    async def gather() -> list[Gathered]:
        async with served(market.respond) as address, Client(allow=[address]) as http:
            service = Service(name, f"{address}/{name}", options={**QUICK, **options})
            return [each async for each in plugins.source(name).gather(http, what, service)]

    return asyncio.run(gather())


def captured(name: str, one: Gathered) -> Capture:
    """A reply as it is read from the archive."""
    return Capture(
        name, one.reply.body, one.reply.url, one.reply.sent_at, one.reply.status, {}, None, dict(one.options)
    )


def read(name: str, came: list[Gathered]) -> list[Fact]:
    return [fact for one in came for fact in plugins.source(name).read(captured(name, one))]


def presences(facts: list[Fact]) -> list[Presence]:
    return [fact for fact in facts if isinstance(fact, Presence)]


def engagements(facts: list[Fact]) -> list[Engagement]:
    return [fact for fact in facts if isinstance(fact, Engagement)]


def listings(facts: list[Fact]) -> list[Listing]:
    return [fact for fact in facts if isinstance(fact, Listing)]


@dataclass
class Answering:
    """A way out whose replies a test decides; what was sent is kept."""

    answer: Answer
    sent: list[Request] = field(default_factory=list)

    async def send(self, request: Request) -> Reply:
        self.sent.append(request)
        status, told, *named = self.answer(request)
        headers = tuple(named[0].items()) if named else ()
        body = told if isinstance(told, bytes) else told.encode() if isinstance(told, str) else orjson.dumps(told)
        return Reply(status, headers, body, request.url, datetime(2026, 7, 1, 12), 0.1)


def by_hand(
    name: str,
    answer: Answer,
    what: Wanted,
    options: Mapping[str, object] | None = None,
) -> tuple[list[Gathered], list[Request], CrawlError | None]:
    """What a source yields of hand-made replies, what it sent, and what it raised in the end."""
    http = Answering(answer)
    source = plugins.source(name)
    came: list[Gathered] = []

    async def gather() -> CrawlError | None:
        service = Service(name, source.url, options={**QUICK, **(options or {})})
        try:
            async for each in source.gather(http, what, service):
                came.append(each)  # noqa: PERF401 - what came before an error is kept
        except CrawlError as error:
            return error
        return None

    return came, http.sent, asyncio.run(gather())
