"""Views of Wikipedia articles per day, by people (Wikimedia's pageviews API).

An article that is silent on a day had no views or is not loaded yet, and the API does not say which: no row, never 0.

Source:
    https://doc.wikimedia.org/generated-data-platform/aqs/analytics-api/
"""

from collections.abc import AsyncIterator, Iterable
from datetime import date
from http import HTTPStatus
from urllib.parse import quote, unquote, urlsplit

from crawlers.analytics.joining import pages
from crawlers.analytics.settings import headers, listed, told
from crawlers.base import Gathered, Http, Request, Service, Source, Wanted
from crawlers.reading.lenient import amount, mappings, text
from geo_flywheel.errors import ConfigError, Unreadable
from geo_flywheel.records import Capture, Engagement, Fact

FIRST_DAY = date(2015, 7, 1)
MOST_ARTICLES = 1000
_ARTICLES = "/wiki/"


async def gather(http: Http, wanted: Wanted, service: Service) -> AsyncIterator[Gathered]:
    """Yield the views of each article: those configured, and those among the pages wanted."""
    access, agent = told(service, "access"), told(service, "agent")
    articles = [url for url in dict.fromkeys((*listed(service, "articles"), *wanted.pages)) if _is_article(url)]
    if not articles:
        raise ConfigError(
            'no article is named; write articles = ["https://en.wikipedia.org/wiki/…"] in [signals.wikimedia]'
        )
    since = max(wanted.since, FIRST_DAY)
    for article in articles[:MOST_ARTICLES]:
        parts = urlsplit(article)
        title = quote(unquote(parts.path.removeprefix(_ARTICLES)).replace(" ", "_"), safe="")
        project = (parts.hostname or "").removesuffix(".org")
        where = f"{project}/{access}/{agent}/{title}/daily/{since:%Y%m%d}/{wanted.until:%Y%m%d}"
        url = f"{service.url}/api/rest_v1/metrics/pageviews/per-article/{where}"
        reply = await http.send(Request("GET", url, headers(service)))
        yield Gathered(reply, {"article": article, "rule": f"{access}, agent {agent}"})
        if reply.status not in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}:
            return  # the next ones would fail alike


def read(capture: Capture) -> Iterable[Fact]:
    """Yield the views of one article per day."""
    if capture.http_status == HTTPStatus.NOT_FOUND:
        return
    for document in pages(capture):
        if "items" not in document:
            raise Unreadable("the reply of wikimedia holds no items; see to the address")
        for item in mappings(document["items"]):
            views = amount(item.get("views"))
            if views is not None:
                yield Engagement(
                    "wikimedia",
                    capture.options["article"],
                    "page",
                    _day(text(item.get("timestamp"))),
                    "pageviews",
                    views,
                    rule=capture.options["rule"],
                )


def _is_article(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return host.endswith(".wikipedia.org") and host.count(".") == 2 and parts.path.startswith(_ARTICLES)  # noqa: PLR2004


def _day(timestamp: str) -> date:
    try:
        return date.fromisoformat(timestamp[:8])
    except ValueError as error:
        raise Unreadable(f"wikimedia names the day {timestamp!r}, which is none; report it") from error


SOURCE = Source(
    describe="Wikipedia articles: views by people, per article and day.",
    gather=gather,
    read=read,
    url="https://wikimedia.org",
    options={"articles": [], "access": "all-access", "agent": "user", "contact": ""},
)
