"""The pages of each site as a corpus would take them: found in its sitemaps, fetched politely, read as text.

Pages that are named (those cited) come first, then those of the sitemaps, the last changed first. robots.txt of the
site holds for this program as for any other.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import date
from itertools import chain
from urllib.parse import urljoin

from crawlers import pages
from crawlers.base import Gathered, Http, Reply, Request, Service, Source, Wanted
from crawlers.page_text import sitemap
from crawlers.page_text.sitemap import Listed
from crawlers.permissions.addressed import tokens
from crawlers.permissions.robots_rules import parse
from geo_flywheel.errors import ConfigError, CrawlError, Unreadable
from geo_flywheel.records import Capture, Fact, Listing
from geo_flywheel.urls import canonical, site

_MOST_SITEMAPS = 50
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PAGES = 200


async def gather(http: Http, wanted: Wanted, service: Service) -> AsyncIterator[Gathered]:
    """Yield the sitemaps and pages of each site; a page that cannot be had is passed over.

    Raises:
        ConfigError: If `pages` is no number of pages.
        CrawlError: If nothing of any site could be fetched.
    """
    walk = _Walk(http, service.url, _most(service))
    for name in wanted.sites:
        named = [page for page in wanted.pages if name in {site(page), pages.host_of(page)}]
        async for gathered in walk.site(name, named):
            yield gathered
    if walk.trouble and not walk.fetched:
        raise walk.trouble


def _most(service: Service) -> int:
    most = service.options.get("pages", _PAGES)
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise ConfigError(f"pages ({most}) of own_pages is no number of pages; write pages = {_PAGES}")
    return most


class _Walk:
    """One way out, and what came of it."""

    def __init__(self, http: Http, base: str, most: int) -> None:
        self._http, self._base, self._most = http, base, most
        self.trouble: CrawlError | None = None
        self.fetched = 0

    async def site(self, name: str, named: Iterable[str]) -> AsyncIterator[Gathered]:
        found: dict[str, date] = {}
        async for gathered, listed in self._sitemaps(name, pages.hosts(name, named)):
            yield gathered
            for page, modified_on in listed:
                if site(page) == site(name):
                    found.setdefault(page, modified_on or date.min)
        newest_first = sorted(found, key=lambda page: found[page], reverse=True)
        async for gathered in self._pages(name, dict.fromkeys(chain(named, newest_first))):
            yield gathered

    async def _sitemaps(self, name: str, hosts: Iterable[str]) -> AsyncIterator[tuple[Gathered, tuple[Listed, ...]]]:
        """Every sitemap that robots.txt or another sitemap names, each once, with the pages in it."""
        waiting: list[str] = []
        for host in hosts:
            robots = await self._reply(f"https://{host}/robots.txt")
            told = parse(robots.body).sitemaps if robots and robots.status == 200 else ()  # noqa: PLR2004 - OK
            waiting += [*told] or ([f"https://{host}/sitemap.xml"] if robots else [])
        seen: set[str] = set()
        while waiting and len(seen) < _MOST_SITEMAPS:
            url = waiting.pop(0)
            if url in seen or site(url) != site(name):
                continue
            seen.add(url)
            reply = await self._reply(url)
            if reply is None or reply.status != 200:  # noqa: PLR2004 - OK
                continue
            try:
                listed = sitemap.read(reply.body, url)
            except Unreadable as trouble:
                self.trouble = trouble
                listed = sitemap.Sitemap((), ())
            waiting += [each.address for each in listed.sitemaps]
            yield Gathered(reply, {"kind": "sitemap", "url": url}), listed.pages

    async def _pages(self, name: str, waiting: Iterable[str]) -> AsyncIterator[Gathered]:
        """Each page once; where one redirects within its site, what it leads to as well."""
        queue = list(waiting)
        seen: set[str] = set()
        while queue and len(seen) < self._most:
            url = queue.pop(0)
            if (same := canonical(url).url) in seen:
                continue
            seen.add(same)
            reply = await self._reply(url, follow=False)
            if reply is None:
                continue
            yield Gathered(reply, {"kind": "page", "url": url, **pages.telling(reply.headers)})
            target = _target(url, reply)
            if target and site(target) == site(name):
                queue.insert(0, target)

    async def _reply(self, url: str, *, follow: bool = True) -> Reply | None:
        try:
            reply = await self._http.send(Request("GET", pages.address(self._base, url), public=True, follow=follow))
        except CrawlError as trouble:
            self.trouble = trouble
            return None
        self.fetched += 1
        return reply


def _target(url: str, reply: Reply) -> str | None:
    location = dict(reply.headers).get("location", "")
    if reply.status not in _REDIRECTS or not location:
        return None
    try:
        target = urljoin(url, location.strip())
    except ValueError:
        return None
    return target if target.startswith(("http://", "https://")) else None


def read(capture: Capture) -> Iterator[Fact]:
    """Yield the pages a sitemap lists, or what a page says.

    Raises:
        Unreadable: If it is neither.
    """
    url, kind, now = capture.options.get("url"), capture.options.get("kind"), capture.asked_at
    if not url or now is None or kind not in {"sitemap", "page"}:
        raise Unreadable(f"{capture.name}: neither a sitemap nor a page of a site; gather it again")
    if kind == "sitemap":
        for page, modified_on in sitemap.read(capture.body, capture.name).pages:
            if site(page) == site(url):
                yield Listing("sitemap", page, now.date(), modified_on)
        return
    yield from pages.facts(url, capture.http_status or 0, capture.options, capture.body, now, tokens())


SOURCE = Source(
    describe="the pages of each site, from its sitemaps: text, training filters, links and permissions",
    gather=gather,
    read=read,
    url="",
    options={"pages": _PAGES},
)
