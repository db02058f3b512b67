"""Common Crawl's index server: which pages of a site each monthly crawl holds.

A site is asked for once per crawl, page after page of the index, and its pages are looked up among the lines that come.
404 means that the crawl holds nothing; 400 that a page lies past the end, which the number of pages asked for first
avoids. Whatever else is no 200 says nothing about the site.

Source:
    https://commoncrawl.org/cdxj-index; behaviour as in the replies that cdx_toolkit recorded on 2025-09-15.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import date
from http import HTTPStatus
from urllib.parse import urlencode

import orjson

from crawlers.base import Gathered, Http, Reply, Request, Service, Source, Wanted
from crawlers.crawled.bundle import ROOM, Part, bundled, parts
from crawlers.crawled.captures import Line, Query, belongs, facts, unit_kind, unknown
from crawlers.crawled.crawls import CORPUS, Crawl, ask_crawls, chosen, is_list, read_crawls, told_of
from crawlers.crawled.manners import MANNERS, Polite, whole
from crawlers.reading.lenient import mapping, text
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Capture, Fact, Presence, PresenceState

NAME = "common_crawl_index"
URL = "https://index.commoncrawl.org"
METHOD = "index query"
OPTIONS = {**MANNERS, "crawls": [], "most_crawls": 6, "most_index_pages": 20, "collinfo": ""}
_UNTOLD = frozenset({"", "-"})
_FIELDS = "urlkey,timestamp,url,mime,mime-detected,status,filename,redirect,digest"


async def gather(http: Http, wanted: Wanted, service: Service) -> AsyncIterator[Gathered]:
    """Yield the list of crawls, then per crawl and site the lines of the index, newest crawl first."""
    options = {**OPTIONS, **service.options}
    polite = Polite(http, NAME, options)
    listed = await ask_crawls(polite, service, URL)
    scope = {"sites": " ".join(wanted.sites), "since": f"{wanted.since}", "until": f"{wanted.until}"}
    yield Gathered(listed, scope)
    if not is_list(listed):
        return
    for crawl in chosen(read_crawls(listed.body, NAME), wanted, options, NAME):
        for unit in wanted.sites:
            reply, pages = await _ask(polite, service.url, crawl, unit, whole(options, "most_index_pages", NAME))
            about = [page for page in wanted.pages if belongs(page, unit)]
            told = {**crawl.told(), "unit": unit, "index_pages": str(pages), "pages": orjson.dumps(about).decode()}
            yield Gathered(reply, told)


def read(capture: Capture) -> Iterable[Fact]:
    """Yield what a crawl holds of a site; of a list of crawls, only that it tells nothing of the days asked for.

    Raises:
        Unreadable: If a reply that says it is good is no list of captures.
    """
    if "sites" in capture.options:
        return _uncovered(capture)
    query = _query(capture)
    replies = parts(capture)
    if _says_none(replies):
        return facts(query, ())
    if not any(reply.ok for reply in replies):
        return unknown(query)
    return facts(query, (line for reply in replies if reply.ok for line in lines(reply.body, capture.name)))


SOURCE = Source("Common Crawl's index: captures of a site in each monthly crawl", gather, read, URL, (), OPTIONS)


def lines(body: str, name: str) -> Iterator[Line]:
    """Yield the captures of a body, one JSON object a line.

    Raises:
        Unreadable: Naming the line that is none.
    """
    for number, line in enumerate(body.split("\n"), 1):
        if line.strip():
            try:
                told = mapping(orjson.loads(line))
            except orjson.JSONDecodeError:
                told = {}
            if not told.get("url") or not told.get("filename"):
                raise Unreadable(f"{name}: line {number} is no capture ({line[:60]!r}); gather it again")
            detected = text(told.get("mime-detected"))
            mime = text(told.get("mime")) if detected in _UNTOLD else detected
            yield Line(text(told["url"]), text(told.get("status")), mime, text(told["filename"]))


async def _ask(http: Http, url: str, crawl: Crawl, unit: str, most: int) -> tuple[Reply, int]:
    """The lines of one site in one crawl, bundled, and how many pages of the index they fill."""
    base = f"{url.rstrip('/')}/{crawl.id}-index"
    match = "domain" if unit_kind(unit) == "site" else "host"
    asked = {"url": unit, "matchType": match, "output": "json"}
    counted = await http.send(Request("GET", f"{base}?{urlencode({**asked, 'showNumPages': 'true'})}"))
    pages = _pages(counted)
    if pages is None:
        return counted, 0
    came: list[tuple[str, Reply]] = []
    room = ROOM
    for page in range(min(pages, most) or 1):
        address = f"{base}?{urlencode({**asked, 'fl': _FIELDS, 'page': page})}"
        came.append((address, reply := await http.send(Request("GET", address))))
        room -= len(reply.body)
        if reply.status != HTTPStatus.OK or room < 0:
            break
    return bundled(came), pages


def _pages(reply: Reply) -> int | None:
    """How many pages of the index a query fills; None when the reply does not say."""
    try:
        pages = mapping(orjson.loads(reply.body)).get("pages") if reply.status == HTTPStatus.OK else None
    except orjson.JSONDecodeError:
        return None
    return pages if isinstance(pages, int) else None


def _query(capture: Capture) -> Query:
    """What was asked; a reply recorded by hand need not tell the pages of the index, and counts as all of them."""
    told = capture.options
    replies = parts(capture)
    pages = int(told.get("index_pages", len(replies)))
    return Query(
        unit=told.get("unit", ""),
        pages=tuple(orjson.loads(told.get("pages", "[]"))),
        crawl=told.get("crawl", ""),
        observed_on=date.fromisoformat(told["observed_on"]),
        method=METHOD,
        source=NAME,
        whole=_is_whole(replies, pages),
    )


def _is_whole(replies: list[Part], pages: int) -> bool:
    """Whether every page of the index came, or the index says that there are none."""
    good = all(reply.ok and reply.body.strip() for reply in replies)  # a query that finds nothing is a 404, not empty
    return _says_none(replies) or (good and 0 < pages <= len(replies))


def _says_none(replies: list[Part]) -> bool:
    return len(replies) == 1 and replies[0].status == HTTPStatus.NOT_FOUND and "No Captures found" in replies[0].body


def _uncovered(capture: Capture) -> Iterator[Fact]:
    """That nothing is known of sites in days before any crawl, or when no list came."""
    since, until = (date.fromisoformat(capture.options[name]) for name in ("since", "until"))
    listed = read_crawls(capture.body, capture.name) if capture.http_status == HTTPStatus.OK else []
    if not told_of(listed, since, until):
        for site in capture.options["sites"].split():
            yield Presence(CORPUS, site, unit_kind(site), PresenceState.UNKNOWN, METHOD, observed_on=until)
