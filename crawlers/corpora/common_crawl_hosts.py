"""Common Crawl's host index: per host and crawl how many pages were fetched, its rank, and what was left unfetched.

A row says how many fetches of a host came back with which status, robots.txt apart; ranks and budget stand beside, as
levels of a priority and no presence. It is a test edition ("testing-v2") and its columns will change: what is missing
is left out. What is archived is a note per crawl and site, like that of the columnar index.

Source:
    commoncrawl/cc-host-index of 2025-10-18, schema of v2.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from http import HTTPStatus

import orjson

from crawlers.base import Gathered, Http, Request, Service, Source, Wanted
from crawlers.crawled.captures import belongs, unit_kind
from crawlers.crawled.crawls import CORPUS, ask_crawls, chosen, ids, is_list, read_crawls
from crawlers.crawled.manners import MANNERS, Polite, whole
from crawlers.crawled.notes import note_of
from crawlers.crawled.parquet_rows import Row, keys, matching
from crawlers.crawled.ranges import lines, trouble
from crawlers.reading.lenient import amount, integer, mappings, text
from geo_flywheel.errors import CrawlError, Throttled
from geo_flywheel.records import Capture, Engagement, Fact, Presence, PresenceState
from geo_flywheel.urls import site_key

NAME = "common_crawl_hosts"
URL = "https://data.commoncrawl.org"
METHOD = "host index"
PATHS = "projects/host-index-testing/v2.paths.gz"
OPTIONS = {
    **MANNERS,
    "pause": 0.55,
    "crawls": [],
    "most_crawls": 3,
    "paths": PATHS,
    "most_files": 400,
    "most_megabytes": 2048,
    "collinfo": "",
}
_LEVELS = ("hcrank", "hcrank10", "prank", "prank10", "nutch_numRecords", "nutch_unfetched_pct")
_COUNTS = ("fetch_3xx", "fetch_redirPerm", "fetch_redirTemp", "fetch_4xx", "fetch_5xx", "fetch_gone", "robots_200")
_COLUMNS = ("surt_host_name", "fetch_200", *_LEVELS, *_COUNTS)
_MEGABYTE = 1024**2


async def gather(http: Http, wanted: Wanted, service: Service) -> AsyncIterator[Gathered]:
    """Yield a note per crawl and site, newest crawl first.

    Raises:
        Throttled: If the other side asks for patience.
    """
    options = {**OPTIONS, **service.options}
    polite = Polite(http, NAME, options)
    listed = await ask_crawls(polite, service, URL)
    reply = await polite.send(Request("GET", f"{service.url.rstrip('/')}/{options['paths']}"))
    if not is_list(listed):
        raise trouble(listed.status, "the list of crawls")
    if reply.status != HTTPStatus.OK:
        raise trouble(reply.status, "the list of files of the host index")
    paths = lines(reply.body, NAME)
    known = [crawl for crawl in read_crawls(listed.body, NAME) if crawl.id in ids(paths)]
    for crawl in chosen(known, wanted, options, NAME):
        files = [path for path in paths if f"crawl={crawl.id}/" in path]
        rows, notes, problem = await _through(polite, service.url, files, wanted, options)
        for unit in wanted.sites:
            kept = [row for row in rows if _is_of(row, unit)]
            body = orjson.dumps({"problem": problem, "files": notes, "rows": kept})
            told = {**crawl.told(), "unit": unit}
            yield Gathered(replace(reply, body=body, headers=(("content-type", "application/json"),)), told)


def read(capture: Capture) -> Iterable[Fact]:
    """Yield what a crawl holds of a site and its hosts, and their ranks.

    Raises:
        Unreadable: If the note is garbled.
    """
    told = note_of(capture)
    ended = date.fromisoformat(capture.options["observed_on"])
    complete = told.get("problem") == "" and bool(told.get("files"))
    rows = mappings(told.get("rows"))
    return _facts(capture.options["unit"], capture.options["crawl"], ended, rows, complete=complete)


SOURCE = Source("Common Crawl's host index: fetches, rank and budget of each host", gather, read, URL, (), OPTIONS)


async def _through(
    http: Http, url: str, files: list[str], wanted: Wanted, options: Mapping[str, object]
) -> tuple[list[Row], list[Mapping[str, object]], str]:
    """The rows about the sites, what was read of each file, and why that is not all ("" when it is).

    Raises:
        Throttled: If the other side asks for patience.
    """
    rows: list[Row] = []
    notes: list[Mapping[str, object]] = []
    room = whole(options, "most_megabytes", NAME) * _MEGABYTE
    most = whole(options, "most_files", NAME)
    for file in files[:most]:
        try:
            found = await matching(http, f"{url.rstrip('/')}/{file}", keys(wanted.sites), _COLUMNS, room)
        except Throttled:
            raise
        except CrawlError as error:
            return rows, notes, str(error)
        room -= integer(found.note["bytes_read"]) or 0
        rows += found.rows
        notes.append(found.note)
    return rows, notes, f"{len(files) - most:,} files were left out" if len(files) > most else ""


def _facts(unit: str, crawl: str, ended: date, rows: list[Row], *, complete: bool) -> Iterator[Fact]:
    pages = 0
    for row in rows:
        host, fetched = _host(row), integer(row.get("fetch_200"))
        state = PresenceState.UNKNOWN
        if fetched is not None:
            state = PresenceState.PRESENT if fetched else PresenceState.ABSENT
            pages += fetched
        yield Presence(CORPUS, host, "host", state, METHOD, captures=fetched, observed_on=ended)
        for metric in (*_LEVELS, *_COUNTS):
            value = amount(row.get(metric))
            if value is not None:
                yield Engagement(
                    NAME,
                    host,
                    "host",
                    ended,
                    metric,
                    value,
                    kind="level" if metric in _LEVELS else "flow",
                    attribution=METHOD,
                    rule=crawl,
                )
    state = PresenceState.PRESENT if pages else PresenceState.ABSENT if complete else PresenceState.UNKNOWN
    yield Presence(
        CORPUS, unit, unit_kind(unit), state, METHOD, captures=pages if complete else None, observed_on=ended
    )


def _is_of(row: Row, unit: str) -> bool:
    """Whether a row is about a site or host; names of hosts may have lost a leading www."""
    host = _host(row)
    return belongs(f"https://{host}/", unit) or (unit_kind(unit) == "host" and site_key(host) == site_key(unit))


def _host(row: Row) -> str:
    return ".".join(reversed(text(row.get("surt_host_name")).split(",")))
