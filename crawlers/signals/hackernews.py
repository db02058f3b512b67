"""Hacker News: stories that link to a site, with their points and comments (Algolia's search).

A query gives at most 1,000 stories, so they are taken from the newest on, window after window of time. The search knows
words and not hosts: each story's host is looked at again. Points and comments are levels: how they stood when asked.

Source:
    https://hn.algolia.com/api
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from crawlers.analytics.joining import CUT, all_pages, asked_on, pages
from crawlers.analytics.landing import belongs
from crawlers.base import Gathered, Http, Request, Service, Source, Wanted
from crawlers.reading.lenient import amount, integer, mappings, moment, text
from crawlers.reading.wire import Document
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Capture, Engagement, Fact
from geo_flywheel.urls import canonical

HITS = 1000  # the most a query gives
MOST_WINDOWS = 20


async def gather(http: Http, wanted: Wanted, service: Service) -> AsyncIterator[Gathered]:
    """Yield all stories of each site, its windows joined."""
    for site in wanted.sites:
        reply, extent = await all_pages(http.send, _window(service, site), _older(service, site), MOST_WINDOWS)
        yield Gathered(reply, {"site": site, "since": f"{wanted.since}", "until": f"{wanted.until}", "extent": extent})
        if reply.status != HTTPStatus.OK:
            return  # the next ones would fail alike


def _window(service: Service, site: str, newest: int | None = None) -> Request:
    asked = {"query": site, "restrictSearchableAttributes": "url", "tags": "story", "hitsPerPage": HITS, "page": 0}
    if newest is not None:
        asked["numericFilters"] = f"created_at_i<={newest}"
    return Request("GET", f"{service.url}/api/v1/search_by_date?{urlencode(asked)}")


def _older(service: Service, site: str) -> Callable[[Document], Request | None]:
    """What asks for the stories before those of a window; the second that both share comes twice."""

    def following(document: Document) -> Request | None:
        times = [integer(hit.get("created_at_i")) for hit in mappings(document.get("hits"))]
        oldest = min((time for time in times if time is not None), default=None)
        return _window(service, site, oldest) if len(times) >= HITS and oldest is not None else None

    return following


def read(capture: Capture) -> Iterable[Fact]:
    """Yield per page the points and comments of its stories as they stand, and the stories of each day wanted."""
    documents, options = pages(capture), capture.options
    if not all("hits" in document for document in documents):
        raise Unreadable("the reply of hackernews holds no hits; see to the address")
    stories = {text(hit.get("objectID")): hit for document in documents for hit in mappings(document["hits"])}
    found = [(page, story) for story in stories.values() if (page := _page(story, options["site"]))]
    partial = options["extent"] == CUT
    today = asked_on(capture)
    for metric, key in (("points", "points"), ("comments", "num_comments")):
        for page, value in _sums((page, amount(story.get(key))) for page, story in found).items():
            yield Engagement(
                "hackernews", page, "page", today, metric, value, "level", rule="all its stories", partial=partial
            )
    submitted = ((page, moment(story.get("created_at_i"))) for page, story in found)
    in_time = ((page, at.date()) for page, at in submitted if at and options["since"] <= f"{at:%F}" <= options["until"])
    for (page, day), count in Counter(in_time).items():
        yield Engagement("hackernews", page, "page", day, "stories", count, rule="stories submitted", partial=partial)


def _page(story: Document, site: str) -> str | None:
    """The page a story links to, None when it is on another site, which the search cannot tell."""
    url = text(story.get("url"))
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return None
    return canonical(url).url if belongs(host, site) else None


def _sums(values: Iterable[tuple[str, float | None]]) -> Mapping[str, float]:
    sums: defaultdict[str, float] = defaultdict(float)
    for page, value in values:
        if value is not None:
            sums[page] += value
    return sums


SOURCE = Source(
    describe="Hacker News: stories that link to a site, their points and comments.",
    gather=gather,
    read=read,
    url="https://hn.algolia.com",
)
