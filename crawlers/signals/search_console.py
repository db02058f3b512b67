"""Google Search Console: clicks and impressions in Google Search, per page and day (Search Analytics API).

The API has no type for AI Overviews or AI Mode: their clicks are among the others and cannot be told apart. So these
are what organic search brings beside the assistants, never referrals of one. Only the top rows are given. Days are
Pacific.

Source:
    https://developers.google.com/webmaster-tools/v1/searchanalytics/query
"""

from collections.abc import AsyncIterator, Iterable
from typing import Literal
from urllib.parse import quote

from crawlers.analytics.days import day_of
from crawlers.analytics.google import KEYS, TOKEN_URL, access_token, posted
from crawlers.analytics.joining import CUT, all_pages, pages
from crawlers.analytics.settings import told
from crawlers.base import Gathered, Http, Request, Service, Source, Wanted
from crawlers.reading.lenient import amount, mapping, mappings, sequence, text
from crawlers.reading.wire import Document
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Capture, Engagement, Fact

ROWS = 25_000  # the most a page may have
MOST_PAGES = 20
RULE = "Google Search, type web, final data, top rows; AI Overviews and AI Mode not told apart; days in Pacific Time"

_METRICS: dict[str, Literal["flow", "level"]] = {"clicks": "flow", "impressions": "flow", "position": "level"}


async def gather(http: Http, wanted: Wanted, service: Service) -> AsyncIterator[Gathered]:
    """Yield the rows of all days wanted, page after page until one is empty, joined."""
    site = told(service, "site", f"sc-domain:{wanted.sites[0]}")
    token, came = await access_token(http, service), 0
    url = f"{service.url}/webmasters/v3/sites/{quote(site, safe='')}/searchAnalytics/query"
    query = {
        "startDate": f"{wanted.since}",
        "endDate": f"{wanted.until}",
        "dimensions": ["date", "page"],
        "type": "web",
        "dataState": "final",
        "rowLimit": ROWS,
    }

    def page(start: int) -> Request:
        return posted(url, token, {**query, "startRow": start})

    def following(document: Document) -> Request | None:
        nonlocal came
        rows = len(mappings(document.get("rows")))
        came += rows
        return page(came) if rows else None

    reply, extent = await all_pages(http.send, page(0), following, MOST_PAGES)
    yield Gathered(reply, {"extent": extent})


def read(capture: Capture) -> Iterable[Fact]:
    """Yield clicks and impressions as counts of a day, and the average position as it stood."""
    documents = pages(capture)
    if not all("rows" in document or "responseAggregationType" in document for document in documents):
        raise Unreadable("the reply of search_console is none of its rows; see to the address")
    incomplete = [text(mapping(document.get("metadata")).get("firstIncompleteDate")) for document in documents]
    first_incomplete = min((day for day in incomplete if day), default="9999")
    for document in documents:
        for row in mappings(document.get("rows")):
            said, url = _keys(row)
            day = day_of("search_console", said)
            partial = capture.options["extent"] == CUT or said >= first_incomplete or None
            for metric, kind in _METRICS.items():
                value = amount(row.get(metric))
                if value is not None:
                    yield Engagement(
                        "search_console",
                        url,
                        "page",
                        day,
                        metric,
                        value,
                        kind,
                        rule=RULE,
                        partial=partial,
                    )


def _keys(row: Document) -> tuple[str, str]:
    """Day and page of a row, in the order in which they were asked for."""
    match [text(key) for key in sequence(row.get("keys"))]:
        case [day, page] if page:
            return day, page
    raise Unreadable("a row of search_console has not the two keys asked for; report it")


SOURCE = Source(
    describe="Google Search Console: clicks and impressions in Google Search, per page and day.",
    gather=gather,
    read=read,
    url="https://searchconsole.googleapis.com",
    keys=KEYS,
    options={"site": "", "token_url": TOKEN_URL},
)
