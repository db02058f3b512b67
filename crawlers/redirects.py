"""Redirects whose target is not written in them, followed as far as the page they lead to.

Engines cite such addresses in place of the page (Gemini's grounding redirects), and they expire, so that they are
resolved soon after the answer. The page itself is never fetched: what the last redirect names is the target, whatever
the page would say, and nothing is guessed where no redirect names one.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from urllib.parse import urljoin

from crawlers.base import Http, Reply, Request
from geo_flywheel.errors import CrawlError
from geo_flywheel.records import Resolution
from geo_flywheel.urls import canonical

_MOST_HOPS = 5  # a redirect of an engine takes one; more are a loop or somebody's game
_MOVED = {301, 302, 303, 307, 308}


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


async def resolve(http: Http, raw_urls: Iterable[str], now: Callable[[], datetime] = _now) -> list[Resolution]:
    """Return what each address leads to, in order, none of them twice; those that lead nowhere among them.

    Args:
        http: The way out; each step is a HEAD request that it follows no further and that carries no cookie.
        raw_urls: Addresses as the answer gives them.
        now: Naive UTC, for an address that never answered.
    """
    return await asyncio.gather(*(_resolved(http, url, now) for url in dict.fromkeys(raw_urls)))


async def _resolved(http: Http, raw_url: str, now: Callable[[], datetime]) -> Resolution:
    url = raw_url
    status: int | None = None
    at: datetime | None = None
    for _ in range(_MOST_HOPS):
        try:
            reply = await http.send(Request("HEAD", url, public=True, follow=False))
        except CrawlError:
            return Resolution(raw_url, None, status, now())
        status, at = reply.status, reply.sent_at
        following = _following(url, reply)
        if following is None:
            break
        if canonical(following).resolved:
            return Resolution(raw_url, following, status, at)
        url = following
    return Resolution(raw_url, None, status, at or now())


def _following(url: str, reply: Reply) -> str | None:
    """The address a redirect names, or None when the reply is none or names no web page."""
    named = next((value for name, value in reply.headers if name.lower() == "location"), "")
    if reply.status not in _MOVED or not named:
        return None
    try:
        following = urljoin(url, named.strip())
    except ValueError:
        return None
    return following if following.startswith(("http://", "https://")) else None
