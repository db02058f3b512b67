"""How sources are tried: a way out that replays replies and keeps what was sent; facts read from what was yielded."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from crawlers.base import Gathered, Reply, Request, Service, Wanted
from geo_flywheel import plugins
from geo_flywheel.records import Capture, Engagement

NOON = datetime(2026, 11, 2, 12)
OCTOBER = Wanted(("example.com",), date(2026, 10, 1), date(2026, 10, 31))
TOKEN = "tok/en+1"  # noqa: S105 - opens nothing
KEYS = {"GOOGLE_ACCESS_TOKEN": TOKEN, "PLAUSIBLE_API_KEY": TOKEN, "MATOMO_TOKEN": TOKEN}


@dataclass
class Replay:
    """Replies in order, the last one again and again; and the requests."""

    replies: Sequence[tuple[int, Any]]
    sent: list[Request] = field(default_factory=list)

    async def send(self, request: Request) -> Reply:
        status, told = self.replies[min(len(self.sent), len(self.replies) - 1)]
        self.sent.append(request)
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        return Reply(status, (), body, request.url, NOON, 0.1)

    @property
    def bodies(self) -> list[Any]:
        """What was sent as JSON."""
        return [json.loads(request.body) for request in self.sent]

    @property
    def queries(self) -> list[dict[str, str]]:
        """What was asked in the address."""
        return [{k: v[-1] for k, v in parse_qs(urlsplit(request.url).query).items()} for request in self.sent]

    @property
    def forms(self) -> list[dict[str, str]]:
        """What was sent as a form."""
        return [{k: v[-1] for k, v in parse_qs(request.body.decode()).items()} for request in self.sent]


def gathered(
    name: str, *replies: tuple[int, Any], wanted: Wanted = OCTOBER, keys: dict[str, str] = KEYS, **options: Any
) -> tuple[list[Gathered], Replay]:
    """What a source yields over these replies, and what it sent."""
    source, http = plugins.source(name), Replay(replies)
    known = {key: keys[key] for key in source.keys if key in keys}
    url = source.url or "https://stats.example"
    service = Service(name, url, known, options={**source.options, **options})

    async def all_of_it() -> list[Gathered]:
        return [each async for each in source.gather(http, wanted, service)]

    return asyncio.run(all_of_it()), http


def read(name: str, each: Gathered) -> list[Engagement]:
    """The facts in a reply."""
    reply = each.reply
    capture = Capture(name, reply.body, reply.url, reply.sent_at, reply.status, options=dict(each.options))
    found = list(plugins.source(name).read(capture))
    assert all(isinstance(fact, Engagement) for fact in found)
    return [fact for fact in found if isinstance(fact, Engagement)]


def facts(name: str, *replies: tuple[int, Any], **more: Any) -> list[Engagement]:
    """The facts in all that a source yields over these replies."""
    return [fact for each in gathered(name, *replies, **more)[0] for fact in read(name, each)]
