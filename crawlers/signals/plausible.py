"""Plausible: visits out of AI assistants, per entry page and day (Stats API v2).

Plausible has a channel for assistants and names each source in it. Days are those of the site's time zone. An entry
page comes as a path, so `host` says under which host the pages lie.

Source:
    https://plausible.io/docs/stats-api
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import date

from crawlers.analytics.assistants import assistant
from crawlers.analytics.google import posted
from crawlers.analytics.joining import CUT, all_pages, pages
from crawlers.analytics.landing import Cut, landing, summed
from crawlers.analytics.settings import key, told
from crawlers.base import Gathered, Http, Request, Service, Source, Wanted
from crawlers.reading.lenient import amount, integer, mapping, mappings, sequence, text
from crawlers.reading.wire import Document
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Capture, Fact

CHANNEL = "AI Assistants"
ROWS = 10_000  # a page, the API's own default
MOST_PAGES = 20
_DIMENSIONS = ("time:day", "visit:entry_page", "visit:source")
_METRICS = {"visits": "sessions", "pageviews": "pageviews"}


async def gather(http: Http, wanted: Wanted, service: Service) -> AsyncIterator[Gathered]:
    """Yield the rows of all days wanted, their pages joined."""
    site = told(service, "site_id", wanted.sites[0])
    token, host, came = key(service, "PLAUSIBLE_API_KEY"), told(service, "host"), 0
    query = {
        "site_id": site,
        "metrics": list(_METRICS),
        "date_range": [f"{wanted.since}", f"{wanted.until}"],
        "dimensions": list(_DIMENSIONS),
        "filters": [["is", "visit:channel", [CHANNEL]]],
        "order_by": [[name, "asc"] for name in _DIMENSIONS],
        "include": {"total_rows": True},
    }

    def page(offset: int) -> Request:
        asked = {**query, "pagination": {"limit": ROWS, "offset": offset}}
        return posted(f"{service.url}/api/v2/query", token, asked)

    def following(document: Document) -> Request | None:
        nonlocal came
        rows = len(mappings(document.get("results")))
        came += rows
        total = integer(mapping(document.get("meta")).get("total_rows")) or 0
        return page(came) if rows and came < total else None

    reply, extent = await all_pages(http.send, page(0), following, MOST_PAGES)
    rule = f'visit:channel is "{CHANNEL}"; by entry page; days of the site\'s time zone'
    yield Gathered(reply, {"host": host, "rule": rule, "extent": extent})


def read(capture: Capture) -> Iterable[Fact]:
    """Yield visits and page views per entry page, day and assistant."""
    documents = pages(capture)
    if not all("results" in document for document in documents):
        raise Unreadable("the reply of plausible holds no results; see to the address")
    rows = (row for document in documents for row in _rows(document, capture.options["host"]))
    return summed(rows, "plausible", capture.options["rule"], partial=capture.options["extent"] == CUT or None)


def _rows(document: Document, host: str) -> Iterator[tuple[Cut, dict[str, float]]]:
    """Rows whose values stand in the order in which they were asked for."""
    for row in mappings(document["results"]):
        values = [amount(value) for value in sequence(row.get("metrics"))]
        dimensions = [text(value) for value in sequence(row.get("dimensions"))]
        if len(values) != len(_METRICS) or len(dimensions) != len(_DIMENSIONS):
            raise Unreadable("a row of plausible does not fit what was asked for; report it")
        day, page, source = dimensions
        metrics = {name: value for name, value in zip(_METRICS.values(), values, strict=True) if value is not None}
        yield Cut(landing(host, page), _day(day), assistant(source), "channel"), metrics


def _day(said: str) -> date:
    try:
        return date.fromisoformat(said[:10])
    except ValueError as error:
        raise Unreadable(f"plausible names the day {said!r}, which is none; report it") from error


SOURCE = Source(
    describe="Plausible: visits out of AI assistants, per entry page and day.",
    gather=gather,
    read=read,
    url="https://plausible.io",
    keys=("PLAUSIBLE_API_KEY",),
    options={"site_id": "", "host": ""},
)
