"""Plausible: visits out of AI assistants, per entry page and day (Stats API v2).

Plausible has a channel for assistants and names each source in it. Days are those of the site's time zone. An entry
page comes as a path, so `host` says under which host the pages lie.

Source:
    https://plausible.io/docs/stats-api
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from http import HTTPStatus

from crawlers.analytics.assistants import assistant
from crawlers.analytics.days import day_of
from crawlers.analytics.google import posted
from crawlers.analytics.joining import CUT, all_pages, pages
from crawlers.analytics.landing import Cut, landing, summed, totals
from crawlers.analytics.settings import key, switched_on, told
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
    """Yield the rows of all days wanted, their pages joined, and all visits of each day."""
    host = told(service, "host")
    site = told(service, "site_id", host.removeprefix("www."))
    token, came = key(service, "PLAUSIBLE_API_KEY"), 0
    query = {
        "site_id": site,
        "metrics": list(_METRICS),
        "date_range": [f"{wanted.since}", f"{wanted.until}"],
        "dimensions": list(_DIMENSIONS),
        "filters": [["is", "visit:channel", [CHANNEL]]],
        "order_by": [[name, "asc"] for name in _DIMENSIONS],
        "include": {"total_rows": True},
    }
    url = f"{service.url}/api/v2/query"

    def page(offset: int) -> Request:
        return posted(url, token, {**query, "pagination": {"limit": ROWS, "offset": offset}})

    def following(document: Document) -> Request | None:
        nonlocal came
        rows = len(mappings(document.get("results")))
        came += rows
        total = integer(mapping(document.get("meta")).get("total_rows")) or 0
        return page(came) if rows and came < total else None

    reply, extent = await all_pages(http.send, page(0), following, MOST_PAGES)
    rule = f'visit:channel is "{CHANNEL}"; by entry page; days of the site\'s time zone'
    yield Gathered(reply, {"of": "assistants", "host": host, "rule": rule, "extent": extent})
    if reply.status == HTTPStatus.OK and switched_on(service, "all_sessions"):
        per_day = {"metrics": ["visits"], "dimensions": ["time:day"], "filters": [], "order_by": [["time:day", "asc"]]}
        every = {**query, **per_day, "pagination": {"limit": ROWS, "offset": 0}}
        yield Gathered(await http.send(posted(url, token, every)), {"of": "all", "host": host})


def read(capture: Capture) -> Iterable[Fact]:
    """Yield visits and page views per entry page, day and assistant, or all visits per day."""
    documents = pages(capture)
    if not all("results" in document for document in documents):
        raise Unreadable("the reply of plausible holds no results; see to the address")
    host = capture.options["host"]
    if capture.options["of"] == "all":
        counted = [row for document in documents for row in _rows(document, 1, 1)]
        # A day with no visit may be one that was not counted.
        days = ((day_of("plausible", day[:10]), visits) for [day], [visits] in counted if visits)
        return totals(days, "plausible", host, partial=None)
    rows = (row for document in documents for row in _rows(document, len(_DIMENSIONS), len(_METRICS)))
    cuts = (_visits(dimensions, values, host) for dimensions, values in rows)
    return summed(cuts, "plausible", capture.options["rule"], partial=capture.options["extent"] == CUT or None)


def _rows(document: Document, dimensions: int, metrics: int) -> Iterator[tuple[list[str], list[float | None]]]:
    """Rows whose values stand in the order in which they were asked for."""
    for row in mappings(document["results"]):
        said = [text(value) for value in sequence(row.get("dimensions"))]
        values = [amount(value) for value in sequence(row.get("metrics"))]
        if len(said) != dimensions or len(values) != metrics:
            raise Unreadable("a row of plausible does not fit what was asked for; report it")
        yield said, values


def _visits(dimensions: list[str], values: list[float | None], host: str) -> tuple[Cut, dict[str, float]]:
    day, page, source = dimensions
    metrics = {name: value for name, value in zip(_METRICS.values(), values, strict=True) if value is not None}
    return Cut(landing(host, page), day_of("plausible", day[:10]), assistant(source), "channel"), metrics


SOURCE = Source(
    describe="Plausible: visits out of AI assistants, per entry page and day.",
    gather=gather,
    read=read,
    url="https://plausible.io",
    keys=("PLAUSIBLE_API_KEY",),
    options={"site_id": "", "host": "", "all_sessions": True},
)
