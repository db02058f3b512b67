"""The sites of a market: their pages, sitemaps, and what they permit whom."""

import gzip
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from html import escape

from crawlers.sandbox import site_files
from crawlers.sandbox.page_texts import paragraphs
from crawlers.sandbox.serving import Sent
from geo_flywheel.simulate.market import Market
from geo_flywheel.simulate.scenery import host, path, title, topic_name, url

_HTML = "text/html; charset=utf-8"
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_FIRST_DAY = date(2025, 6, 2)


class Sites:
    """All sites of one market, by host.

    Args:
        market: Whose sites.
        week: Tells the week it is, by which some sites have shut AI crawlers out.
    """

    def __init__(self, market: Market, week: Callable[[], int] = lambda: 0) -> None:
        self._market, self._week = market, week
        self._pages: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for page in range(market.world.pages):
            self._pages[host(int(market.site[page]))][path(market, page)] = page

    def __contains__(self, name: str) -> bool:
        return name in self._pages

    def get(self, name: str, where: str) -> Sent:
        """Return what lies at a path of a site."""
        pages = self._pages.get(name, {})
        match where:
            case "/robots.txt" if pages:
                return self._robots(name, pages)
            case "/sitemap.xml" if pages:
                return _text(self._sitemap(pages), "application/xml")
            case "/sitemap-index.xml" if pages:
                return _text(_index(name), "application/xml")
            case "/sitemap-pages.xml.gz" if pages:
                return Sent(200, gzip.compress(self._sitemap(pages).encode(), mtime=0), "application/gzip")
            case "/" if pages:
                return _text(_html(name, [], self._links(pages.values())), _HTML)
            case _ if where in pages:
                return self._page(pages[where], pages)
            case _ if pages and where in (files := site_files.others(self._number(pages))):
                return Sent(200, files[where], "application/json" if where.endswith(".json") else "text/plain")
            case _:
                return Sent(404, _html("Not found", [], "").encode(), _HTML)

    def told(self) -> list[dict[str, object]]:
        """Return each site with the numbers and addresses of its pages."""
        return [
            {"host": name, "pages": [{"number": page, "url": url(self._market, page)} for page in pages.values()]}
            for name, pages in self._pages.items()
        ]

    def _number(self, pages: dict[str, int]) -> int:
        return int(self._market.site[next(iter(pages.values()))])

    def _robots(self, name: str, pages: dict[str, int]) -> Sent:
        closed = self._week() >= self._market.history.closed[next(iter(pages.values()))]
        return _text(site_files.robots(self._number(pages), name, closed=bool(closed)), "text/plain")

    def _page(self, page: int, siblings: dict[str, int]) -> Sent:
        """A page with its text, links to the rest of its site and to the next page of its topic."""
        site = int(self._market.site[page])
        topic = self._market.pages_of(int(self._market.topic[page]))
        beyond = topic[(topic.index(page) + 1) % len(topic)]
        said = paragraphs(page, topic_name(int(self._market.topic[page])))
        links = self._links([*(other for other in siblings.values() if other != page), beyond])
        text = _html(title(self._market, page), said, links, site_files.metas(site, page))
        return Sent(200, text.encode(), _HTML, tuple(site_files.headers(site)))

    def _links(self, pages: Iterable[int]) -> str:
        return "".join(
            f'<li><a href="{url(self._market, page)}">{title(self._market, page)}</a></li>' for page in pages
        )

    def _sitemap(self, pages: dict[str, int]) -> str:
        places = "".join(
            f"<url><loc>{url(self._market, page)}</loc><lastmod>{_FIRST_DAY + timedelta(page % 170)}</lastmod></url>"
            for page in pages.values()
        )
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="{_SITEMAP}">{places}</urlset>\n'


def _index(name: str) -> str:
    place = f"<sitemap><loc>https://{name}/sitemap-pages.xml.gz</loc></sitemap>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<sitemapindex xmlns="{_SITEMAP}">{place}</sitemapindex>\n'


def _html(heading: str, paragraphs: Iterable[str], links: str, metas: str = "") -> str:
    said = "".join(f"<p>{escape(words)}</p>" for words in paragraphs)
    head = f'<html lang="en"><head><meta charset="utf-8">{metas}<title>{escape(heading)}</title></head>'
    return f"<!doctype html>\n{head}\n<body><h1>{escape(heading)}</h1>{said}<ul>{links}</ul></body></html>\n"


def _text(text: str, content_type: str) -> Sent:
    return Sent(200, text.encode(), content_type)
