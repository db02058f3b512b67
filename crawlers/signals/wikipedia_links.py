"""Wikipedia articles that link to a site: how many there are now (MediaWiki's exturlusage).

A page of the list may hold fewer links than asked for, or none, and go on all the same: it ends where nothing says that
it continues. Link tables hold what articles link to now, so these are levels.

Source:
    https://www.mediawiki.org/wiki/API:Exturlusage
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from crawlers.analytics.joining import CUT, all_pages, asked_on, pages
from crawlers.analytics.landing import belongs
from crawlers.analytics.settings import headers
from crawlers.base import Gathered, Http, Request, Service, Source, Wanted
from crawlers.reading.lenient import integer, mapping, mappings, text
from crawlers.reading.wire import Document
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Capture, Engagement, Fact, UnitKind
from geo_flywheel.urls import canonical, site

MOST_PAGES = 100
LINKS = 500  # the most a page may hold


async def gather(http: Http, wanted: Wanted, service: Service) -> AsyncIterator[Gathered]:
    """Yield all links to each site, their pages joined."""
    for host in wanted.sites:
        reply, extent = await all_pages(http.send, _links(service, host, {}), _further(service, host), MOST_PAGES)
        wiki = urlsplit(service.url).hostname or ""
        yield Gathered(reply, {"site": host, "wiki": wiki, "extent": extent})
        if reply.status != HTTPStatus.OK:
            return  # the next ones would fail alike


def _links(service: Service, host: str, onward: Document) -> Request:
    asked = {
        "action": "query",
        "list": "exturlusage",
        "euquery": f"*.{host}",
        "eulimit": LINKS,
        "euprop": "ids|title|url",
        "eunamespace": 0,
        "format": "json",
        "formatversion": 2,
        **onward,
    }
    return Request("GET", f"{service.url}/w/api.php?{urlencode(asked)}", headers(service))


def _further(service: Service, host: str) -> Callable[[Document], Request | None]:
    def following(document: Document) -> Request | None:
        onward = mapping(document.get("continue"))
        return _links(service, host, onward) if onward else None

    return following


def read(capture: Capture) -> Iterable[Fact]:
    """Yield how many articles link to the site, and to each page of it."""
    documents = pages(capture)
    if problem := next((mapping(d["error"]) for d in documents if "error" in d), None):
        raise Unreadable(f"wikipedia_links: {text(problem.get('info'))[:300] or 'an error'}; gather again later")
    if not all("query" in document for document in documents):
        raise Unreadable("the reply of wikipedia_links holds no query; see to the address")
    whole, linking = set[int](), defaultdict[str, set[int]](set)
    for article, page in _found(documents, capture.options["site"]):
        whole.add(article)
        linking[page].add(article)
    yield _level(capture, capture.options["site"], len(whole))
    for page, articles in linking.items():
        yield _level(capture, page, len(articles))


def _found(documents: Iterable[Document], host: str) -> Iterator[tuple[int, str]]:
    """Number of each article that links, and the page it links to."""
    for document in documents:
        for link in mappings(mapping(document["query"]).get("exturlusage")):
            url, article = text(link.get("url")), integer(link.get("pageid"))
            url = f"https:{url}" if url.startswith("//") else url
            if article is not None and belongs(_host(url), host):
                yield article, canonical(url).url


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _level(capture: Capture, unit: str, articles: int) -> Engagement:
    kind: UnitKind = "page" if "/" in unit else "site" if site(unit) == unit else "host"
    return Engagement(
        "wikipedia_links",
        unit,
        kind,
        asked_on(capture),
        "backlinks",
        articles,
        "level",
        rule=f"articles of {capture.options['wiki']} that link to it",
        partial=capture.options["extent"] == CUT,
    )


SOURCE = Source(
    describe="Wikipedia: articles that link to a site and to its pages.",
    gather=gather,
    read=read,
    url="https://en.wikipedia.org",
    options={"contact": ""},
)
