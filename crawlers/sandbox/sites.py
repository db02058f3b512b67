"""The sites of a market: their pages, robots.txt and sitemaps."""

from collections import defaultdict
from collections.abc import Iterable
from html import escape

from crawlers.sandbox.serving import Sent
from geo_flywheel.simulate.market import Market
from geo_flywheel.simulate.scenery import host, path, title, topic_name, url

_HTML = "text/html; charset=utf-8"
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_BOUGHT = (
    "We bought what anybody can buy and used it for a season, in rain and in the sun. Nobody paid us for it, and what "
    "broke was repaired or thrown away, as it would be at home."
)
_PROMISED = (
    "What the makers promise and what is left of it after half a year are two things. We wrote down every week what "
    "had changed, and asked three people who had never seen the product to do the same."
)
_FOUND = (
    "The dearest one was not the best one, and the cheapest one was not the worst. Between them lies most of what we "
    "would buy again, and that is the part of the list to read first."
)


class Sites:
    """All sites of one market, by host."""

    def __init__(self, market: Market) -> None:
        self._market = market
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
                return _text(f"User-agent: *\nAllow: /\n\nSitemap: https://{name}/sitemap.xml\n", "text/plain")
            case "/sitemap.xml" if pages:
                return _text(self._sitemap(pages), "application/xml")
            case "/" if pages:
                return _text(_html(name, [], self._links(pages.values())), _HTML)
            case _ if where in pages:
                return _text(self._page(pages[where], pages), _HTML)
            case _:
                return Sent(404, _html("Not found", [], "").encode(), _HTML)

    def told(self) -> list[dict[str, object]]:
        """Return each site with the numbers and addresses of its pages."""
        return [
            {"host": name, "pages": [{"number": page, "url": url(self._market, page)} for page in pages.values()]}
            for name, pages in self._pages.items()
        ]

    def _page(self, page: int, siblings: dict[str, int]) -> str:
        """A page with some text, links to the rest of its site and to the next page of its topic."""
        topic = self._market.pages_of(int(self._market.topic[page]))
        beyond = topic[(topic.index(page) + 1) % len(topic)]
        about = f"This is part {page + 1} of what we know of {topic_name(int(self._market.topic[page]))}."
        links = self._links([*(other for other in siblings.values() if other != page), beyond])
        return _html(title(self._market, page), [about, _BOUGHT, _PROMISED, _FOUND], links)

    def _links(self, pages: Iterable[int]) -> str:
        return "".join(
            f'<li><a href="{url(self._market, page)}">{title(self._market, page)}</a></li>' for page in pages
        )

    def _sitemap(self, pages: dict[str, int]) -> str:
        places = "".join(f"<url><loc>{url(self._market, page)}</loc></url>" for page in pages.values())
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="{_SITEMAP}">{places}</urlset>\n'


def _html(heading: str, paragraphs: Iterable[str], links: str) -> str:
    said = "".join(f"<p>{escape(words)}</p>" for words in paragraphs)
    head = f'<html lang="en"><head><meta charset="utf-8"><title>{escape(heading)}</title></head>'
    return f"<!doctype html>\n{head}\n<body><h1>{escape(heading)}</h1>{said}<ul>{links}</ul></body></html>\n"


def _text(text: str, content_type: str) -> Sent:
    return Sent(200, text.encode(), content_type)
