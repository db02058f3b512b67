"""The open web as a test wants it, or as the sandbox serves it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from crawlers.base import Gathered, Http, Reply, Request, Service, Source, Wanted
from crawlers.http import Client
from crawlers.sandbox.addresses import Sandbox
from crawlers.sandbox.serving import served

NOW = datetime(2026, 3, 2, 12)


@dataclass
class OpenWeb:
    """Pages by their address; any other is not found, or the trouble there is."""

    pages: Mapping[str, tuple[int, bytes] | tuple[int, bytes, dict[str, str]]]
    trouble: Exception | None = None
    sent: list[Request] = field(default_factory=list)

    async def send(self, request: Request) -> Reply:
        self.sent.append(request)
        if self.trouble and request.url not in self.pages:
            raise self.trouble
        status, body, *more = self.pages.get(request.url, (404, b"Not found"))
        headers: dict[str, str] = dict(*more)
        return Reply(status, tuple(headers.items()), body, request.url, NOW, 0.1)


def asked(source: Source, http: Http, what: Wanted, service: Service | None = None) -> list[Gathered]:
    async def gather() -> list[Gathered]:
        return [each async for each in source.gather(http, what, service or Service("x", ""))]

    return asyncio.run(gather())


def at_the_sandbox(market: Sandbox, source: Source, what: Wanted) -> list[Gathered]:
    """What a source yields where the open web is the sandbox, asked with the real client."""

    async def gather() -> list[Gathered]:
        async with served(market.respond) as address, Client(allow=[address]) as http:
            return [each async for each in source.gather(http, what, Service("x", f"{address}/sites"))]

    return asyncio.run(gather())
