"""Redirects whose target is not written in them, followed as far as the page they lead to.

Engines cite such addresses in place of the page (Gemini's grounding redirects), and they expire, so that they are
resolved soon after the answer. The page itself is never fetched: what the last redirect names is the target, whatever
the page would say, and nothing is guessed where no redirect names one.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urljoin

from msgspec.structs import replace

from crawlers.base import Http, Reply, Request
from geo_flywheel.errors import CrawlError
from geo_flywheel.records import Answer, Citation, Resolution, Retrieval
from geo_flywheel.urls import canonical

_Cited = TypeVar("_Cited", Citation, Retrieval)
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


def followed(answer: Answer, resolutions: Iterable[Resolution]) -> Answer:
    """Return an answer whose redirects are replaced by the pages they led to; those that led nowhere stay.

    Redirects that led to one page become one citation: its first position, all its occurrences and spans.
    """
    targets = {to.raw_url: to.target for to in resolutions if to.target is not None}
    if not targets:
        return answer
    citations: dict[str, Citation] = {}
    for page in answer.citations:
        there = _there(page, targets)
        known = citations.get(there.url)
        citations[there.url] = there if known is None else _both(known, there)
    retrievals: dict[str, Retrieval] = {}
    for found in answer.retrievals:
        there_found = _there(found, targets)
        retrievals.setdefault(there_found.url, there_found)
    return replace(
        answer,
        citations=tuple(replace(page, position=n) for n, page in enumerate(citations.values(), 1)),
        retrievals=tuple(replace(page, rank=n) for n, page in enumerate(retrievals.values(), 1)),
    )


def _there(page: _Cited, targets: Mapping[str, str]) -> _Cited:
    target = targets.get(page.raw_url)
    return page if target is None else replace(page, raw_url=target, url=canonical(target).url, domain=None)


def _both(first: Citation, again: Citation) -> Citation:
    return replace(
        first,
        title=first.title or again.title,
        passage=first.passage or again.passage,
        occurrences=first.occurrences + again.occurrences,
        spans=first.spans + again.spans,
    )
