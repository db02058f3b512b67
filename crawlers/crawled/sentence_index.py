"""Indexes of a corpus's text that count a sentence: whether several sentences of a page stand in it.

Addresses are no part of a document's text, so a page is looked for by sentences that hardly stand anywhere else. When
several of them do stand in the corpus, the page's text does, from this address or another that carries it. That one is
missing says nothing: the page may have changed, lost a line to a filter, or be cut into tokens otherwise.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus

import orjson

from crawlers import pages
from crawlers.base import Gathered, Http, Reply, Request, Wanted
from crawlers.crawled.bundle import bundled, parts
from crawlers.reading.lenient import integer, mapping
from geo_flywheel.errors import CrawlError
from geo_flywheel.records import Capture, Fact, Presence, PresenceState
from geo_flywheel.urls import canonical

SEVERAL = 2
"""Sentences of a page that must stand in a corpus before the page is said to."""
COMMON = 1000
"""A sentence that stands there oftener is on too many pages to tell of one."""
_LONGEST = 500  # characters; the services take 1,000


@dataclass(frozen=True, slots=True)
class Index:
    """One index.

    Attributes:
        name: As its service calls it.
        corpus: Which corpus it holds.
        ended: Last day of the snapshot it holds, of a corpus that grows.
    """

    name: str
    corpus: str
    ended: date | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """How an index is asked.

    Attributes:
        url: Its service.
        sentences: How many of a page.
        most_pages: How many pages at most.
        sites: "" or an address below which each host has a folder, where pages without passages are fetched.
    """

    url: str
    sentences: int
    most_pages: int
    sites: str = ""


async def gather(
    web: Http, service: Http, wanted: Wanted, asking: Asking, indexes: Sequence[Index]
) -> AsyncIterator[Gathered]:
    """Yield, per page and index, the counts of the page's sentences, as many of them as it takes to know.

    A sentence that stands on two of the pages tells neither: it would make one present because the other is.

    Args:
        web: The way to pages; what one of them answers says nothing about the service.
        service: The way to the index.
        wanted: Pages, and passages of those that have any.
        asking: How the index is asked.
        indexes: Which.

    Raises:
        Throttled: If the service asks for patience.
    """
    offered = {page: await _sentences(web, wanted, asking, page) for page in wanted.pages[: asking.most_pages]}
    times = Counter(sentence for sentences in offered.values() for sentence in set(sentences))
    for page, sentences in offered.items():
        own = [sentence for sentence in sentences if times[sentence] == 1][: asking.sentences]
        for index in indexes if own else ():
            told = {"page": page, "corpus": index.corpus, "index": index.name}
            if index.ended:
                told["observed_on"] = index.ended.isoformat()
            yield Gathered(await _ask(service, asking.url, index.name, own), told)


def read(capture: Capture, method: str) -> Iterator[Fact]:
    """Yield whether the page's text stands in the corpus: present, or unknown."""
    told = capture.options
    found = sum(1 for part in parts(capture) if 1 <= count(part.status, part.body) <= COMMON)
    state = PresenceState.PRESENT if found >= SEVERAL else PresenceState.UNKNOWN
    ended = date.fromisoformat(told["observed_on"]) if "observed_on" in told else None
    yield Presence(told["corpus"], canonical(told["page"]).url, "page", state, method, observed_on=ended)


def count(status: int | None, body: str | bytes) -> int:
    """Return how often a sentence stands in a corpus, 0 when the reply does not say: an error may come with 200."""
    try:
        told = mapping(orjson.loads(body)) if status == HTTPStatus.OK else {}
    except orjson.JSONDecodeError:
        return 0
    return 0 if "error" in told else integer(told.get("count")) or 0


async def _sentences(http: Http, wanted: Wanted, asking: Asking, page: str) -> tuple[str, ...]:
    """What to ask about a page: what was handed in, else what stands on the page now."""
    given = wanted.passages.get(page, ())
    if not given:
        try:
            reply = await http.send(Request("GET", pages.address(asking.sites, page), public=True))
        except CrawlError:  # the page cannot be had, so nothing is known of it
            return ()
        headers: Mapping[str, str] = pages.telling(reply.headers)
        given = pages.passages(headers, reply.body, 2 * asking.sentences) if reply.status == HTTPStatus.OK else ()
    return tuple(sentence for sentence in given if len(sentence) <= _LONGEST)


async def _ask(http: Http, url: str, index: str, sentences: Sequence[str]) -> Reply:
    came: list[tuple[str, Reply]] = []
    found = 0
    for sentence in sentences:
        body = orjson.dumps({"index": index, "query_type": "count", "query": sentence})
        reply = await http.send(Request("POST", url, {"content-type": "application/json"}, body))
        came.append((sentence, reply))
        found += 1 <= count(reply.status, reply.body) <= COMMON
        if found >= SEVERAL:
            break
    return bundled(came)
