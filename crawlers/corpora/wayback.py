"""The Wayback Machine's index: since when and until when pages of a site could be fetched by anybody.

It proves that a page was public, not that anybody trained on it, and its method says so. Captures are asked for once
per address and month. A site that had itself taken out is refused with 403 and stays unknown.

Source:
    internetarchive/wayback, wayback-cdx-server README; replies recorded by cdx_toolkit on 2025-09-15.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import date, timedelta
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

import orjson

from crawlers.base import Gathered, Http, Reply, Request, Service, Source, Wanted
from crawlers.crawled.bundle import ROOM, bundled, parts
from crawlers.crawled.captures import belongs, unit_kind
from crawlers.crawled.manners import MANNERS, Polite, whole
from crawlers.reading.lenient import sequence, text
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Capture, Fact, Listing, Presence, PresenceState
from geo_flywheel.urls import canonical

NAME, CORPUS = "wayback", "wayback"
URL = "https://web.archive.org"
METHOD = "public capture, not training"
OPTIONS = {**MANNERS, "pause": 6.0, "page_size": 10_000, "most_pages": 5}
_FIELDS = ("timestamp", "original", "statuscode", "mimetype")
_HTML = frozenset({"text/html", "application/xhtml+xml"})
Row = dict[str, str]


async def gather(http: Http, wanted: Wanted, service: Service) -> AsyncIterator[Gathered]:
    """Yield, per site, the captures of the wanted days, one per address and month."""
    options = {**OPTIONS, **service.options}
    polite = Polite(http, NAME, options)
    size, most = whole(options, "page_size", NAME), whole(options, "most_pages", NAME)
    for unit in wanted.sites:
        about = [page for page in wanted.pages if belongs(page, unit)]
        told = {"unit": unit, "since": f"{wanted.since}", "until": f"{wanted.until}"}
        asked = {
            "url": unit,
            "matchType": "domain" if unit_kind(unit) == "site" else "host",
            "output": "json",
            "fl": ",".join(_FIELDS),
            "filter": "statuscode:200",
            "collapse": "timestamp:6",
            "from": f"{wanted.since:%Y%m%d}",
            "to": f"{wanted.until:%Y%m%d}",
            "limit": str(size),
            "showResumeKey": "true",
        }
        reply = await _ask(polite, service.url, asked, most)
        yield Gathered(reply, {**told, "pages": orjson.dumps(about).decode()})


def read(capture: Capture) -> Iterable[Fact]:
    """Yield, per month, that the site had public pages, and for each page its last capture.

    Raises:
        Unreadable: If a reply that says it is good is no table of captures.
    """
    replies = parts(capture)
    tables = [_table(reply.body, capture.name) for reply in replies if reply.ok]
    rows = [row for table, _ in tables for row in table]
    complete = all(reply.ok for reply in replies) and bool(tables) and not tables[-1][1]
    return _facts(capture, rows, complete=complete)


SOURCE = Source("the Wayback Machine: when pages were public, which is not training", gather, read, URL, (), OPTIONS)


async def _ask(http: Http, url: str, asked: dict[str, str], most: int) -> Reply:
    """The captures of one site, page after page, bundled."""
    came: list[tuple[str, Reply]] = []
    room, resume = ROOM, ""
    for _ in range(most):
        more = {"resumeKey": resume} if resume else {}
        address = f"{url.rstrip('/')}/cdx/search/cdx?{urlencode({**asked, **more})}"
        came.append((address, reply := await http.send(Request("GET", address))))
        room -= len(reply.body)
        resume = _resume(reply)
        if not resume or room < 0:
            break
    return bundled(came)


def _resume(reply: Reply) -> str:
    """The key with which the next page is asked for; one that is garbled has none, and is refused when it is read."""
    try:
        return _table(reply.body, NAME)[1] if reply.status == HTTPStatus.OK else ""
    except Unreadable:
        return ""


def _table(body: str | bytes, name: str) -> tuple[list[Row], str]:
    """The rows below the head, and the key with which the next page is asked for, "" when there is none."""
    try:
        told = [[text(cell) for cell in sequence(row)] for row in sequence(orjson.loads(body))]
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"{name}: no table of captures ({error}); gather it again") from error
    resume = ""
    if len(told) > 1 and not told[-2] and len(told[-1]) == 1:  # an empty row, then the key
        resume, told = told[-1][0], told[:-2]
    if told and not {"timestamp", "original"} <= set(told[0]):
        raise Unreadable(f"{name}: the table has no column timestamp or original ({told[0]}); gather it again")
    return [dict(zip(told[0], row, strict=False)) for row in told[1:]], resume


def _facts(capture: Capture, rows: list[Row], *, complete: bool) -> Iterator[Fact]:
    unit = capture.options["unit"]
    since, until = (date.fromisoformat(capture.options[name]) for name in ("since", "until"))
    months: defaultdict[date, set[str]] = defaultdict(set)
    captures: Counter[str] = Counter()
    newest: dict[str, date] = {}
    for row in rows:
        day = _day(row["timestamp"])
        if (
            day is None
            or row.get("statuscode", "200") != "200"
            or not _is_html(row)
            or not belongs(row["original"], unit)
        ):
            continue
        page = canonical(_without_port(row["original"])).url
        months[day.replace(day=1)].add(page)
        captures[page] += 1
        newest[page] = max(newest.get(page, day), day)
    yield from _by_month(unit, months, since, until, complete=complete)
    for page, day in sorted(newest.items()):
        yield Presence(CORPUS, page, "page", PresenceState.PRESENT, METHOD, observed_on=day)
        yield Listing("crawl_index", page, day)
    for page in orjson.loads(capture.options.get("pages", "[]")):
        if (named := canonical(page).url) not in newest:
            state = PresenceState.ABSENT if complete and not _seen(named, newest) else PresenceState.UNKNOWN
            yield Presence(CORPUS, named, "page", state, METHOD, observed_on=until)


def _by_month(
    unit: str, months: Mapping[date, set[str]], since: date, until: date, *, complete: bool
) -> Iterator[Fact]:
    """What is known of the site in each month, dated by its first day; a month that is asked about in part is one."""
    for month in sorted({*_months(since, until), *months}):
        found = months.get(month, set())
        state = PresenceState.PRESENT if found else PresenceState.ABSENT if complete else PresenceState.UNKNOWN
        count = len(found) if complete else None
        yield Presence(CORPUS, unit, unit_kind(unit), state, METHOD, documents=count, observed_on=month)


def _months(since: date, until: date) -> Iterator[date]:
    """The first day of every month that the days touch, of the last hundred years at most."""
    month = max(since, until.replace(year=until.year - 100, day=1)).replace(day=1)
    while month <= until:
        yield month
        month = (month + timedelta(days=31)).replace(day=1)


def _seen(page: str, found: Iterable[str]) -> bool:
    """Whether a page was captured under another spelling: the index keys leave out scheme, www, case and last slash."""
    return _loose(page) in {_loose(other) for other in found}


def _loose(page: str) -> str:
    return page.partition("://")[2].removeprefix("www.").lower().rstrip("/")


def _is_html(row: Row) -> bool:
    return row.get("mimetype", "text/html").lower() in _HTML


def _day(stamp: str) -> date | None:
    try:
        return date.fromisoformat(stamp[:8])
    except ValueError:
        return None


def _without_port(url: str) -> str:
    """The address without the port 80 that the oldest captures carry."""
    parts = urlsplit(url)
    return url.replace(":80/", "/", 1) if parts.netloc.endswith(":80") and parts.scheme == "http" else url
