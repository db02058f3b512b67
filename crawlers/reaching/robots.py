"""What a site allows a robot to fetch (RFC 9309), read by protego and remembered for a day."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from protego import Protego

from crawlers.base import Reply
from crawlers.reaching.clock import Clock
from geo_flywheel.errors import NoReply, Refused, Throttled

PRODUCT = "geo-flywheel"
_MOST = 500 * 1024  # RFC 9309, 2.5: at least so much is read
_DAY, _RETRY = 86_400.0, 600.0  # RFC 9309, 2.4: a day at most; an unreachable one is tried again sooner
_AGENT = re.compile(r"\s*user[- ]?agent\s*:?\s*([^#]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one origin.

    Attributes:
        parsed: None when the site could not say, which forbids everything for now.
        until: Tick of the clock after which they are asked for again.
    """

    parsed: Protego | None
    until: float

    @property
    def delay(self) -> float:
        """Seconds between two requests the site asks for."""
        return (self.parsed.crawl_delay(PRODUCT) or 0.0) if self.parsed else 0.0


class Robots:
    """The rules of every origin met.

    Args:
        fetch: Gives the reply of a robots.txt at an address.
        clock: Tells when a day is over.
    """

    def __init__(self, fetch: Callable[[str], Awaitable[Reply]], clock: Clock) -> None:
        self._fetch, self._clock = fetch, clock
        self._rules: dict[str, Rules] = {}
        self._fetching: dict[str, asyncio.Lock] = {}

    async def permit(self, origin: str, url: str) -> Rules:
        """Return the rules of an origin that allow an address.

        Raises:
            Refused: If they do not.
            Throttled: If the site cannot say now.
        """
        rules = await self._rules_of(origin)
        if rules.parsed is None:
            raise Throttled(f"{origin}/robots.txt cannot be read now, so nothing there is fetched; try again later")
        if not rules.parsed.can_fetch(url, PRODUCT):
            raise Refused(f"{origin}/robots.txt does not allow {PRODUCT} to fetch this page; leave it out")
        return rules

    async def _rules_of(self, origin: str) -> Rules:
        async with self._fetching.setdefault(origin, asyncio.Lock()):
            rules = self._rules.get(origin)
            if rules is None or self._clock.tick() >= rules.until:
                parsed = await self._read(f"{origin}/robots.txt")
                rules = Rules(parsed, self._clock.tick() + (_DAY if parsed else _RETRY))
                self._rules[origin] = rules
        return rules

    async def _read(self, url: str) -> Protego | None:
        try:
            reply = await self._fetch(url)
        except NoReply:
            return None
        return parse(reply.status, reply.body)


def parse(status: int, body: bytes) -> Protego | None:
    """Return the rules in a reply: a file that is not there allows all, a server in trouble nothing (None)."""
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        return Protego.parse("")
    return Protego.parse("\n".join(map(_others_as_one, body[:_MOST].decode("utf-8-sig", "replace").splitlines())))


def _others_as_one(line: str) -> str:
    """Give all other robots one name, so that many names times many rules cannot exhaust the parser."""
    agent = _AGENT.match(line)
    if agent is None:
        return line
    name = agent[1].strip().lower().replace("*", "")
    return f"User-agent: {(name or '*') if PRODUCT.startswith(name) else 'others'}"
