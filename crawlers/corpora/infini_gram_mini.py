"""infini-gram-mini: whether distinctive sentences of a page stand, to the letter, in whole crawls of last year.

Source:
    xuhaoxh/infini-gram-mini of 2025-09-26. Its table of indexes writes v2_cc_2025-30, an example of its own
    v2_cc-2025-30: the second is tried where the first is not known. A count takes seconds.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import date
from http import HTTPStatus

from crawlers.base import Gathered, Http, Reply, Request, Service, Source, Wanted
from crawlers.crawled import sentence_index
from crawlers.crawled.crawls import CORPUS, ask_crawls, days_of, read_crawls
from crawlers.crawled.manners import MANNERS, Polite, names, whole
from crawlers.crawled.sentence_index import Asking, Index
from geo_flywheel.errors import ConfigError
from geo_flywheel.records import Capture, Fact
from geo_flywheel.registry import corpora

NAME = "infini_gram_mini"
URL = "https://api.infini-gram-mini.io/"
METHOD = "distinctive sentences, to the letter"
OPTIONS = {
    **MANNERS,
    "indexes": ["v2_cc_2025-30", "v2_cc_2025-05"],
    "sentences": 4,
    "most_pages": 25,
    "sites": "",
    "collinfo": "",
}
_CRAWLS = "v2_cc_"


async def gather(http: Http, wanted: Wanted, service: Service) -> AsyncIterator[Gathered]:
    """Yield, per page and index, the counts of the page's sentences.

    Raises:
        ConfigError: If an index is configured that is neither a crawl's nor named in data/corpora.toml.
    """
    options = {**OPTIONS, **service.options}
    asking = Asking(
        service.url, whole(options, "sentences", NAME), whole(options, "most_pages", NAME), str(options["sites"])
    )
    polite = Polite(http, NAME, options)
    days = await _days(polite, service)
    indexes = [_index(name, days) for name in names(options, "indexes", NAME)]
    async for each in sentence_index.gather(http, _Spelling(polite), wanted, asking, indexes):
        yield each


def read(capture: Capture) -> Iterable[Fact]:
    """Yield whether a page's text stands in a corpus: present, or unknown."""
    return sentence_index.read(capture, METHOD)


SOURCE = Source("infini-gram-mini: sentences of your pages in crawls of last year", gather, read, URL, (), OPTIONS)


class _Spelling:
    """A way out that spells the name of an index the other way when it is not known."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._otherwise = False

    async def send(self, request: Request) -> Reply:
        """Return the reply, the second one when the first does not know the index."""
        reply = await self._http.send(self._spelled(request))
        if b"nvalid index" in reply.body and not self._otherwise:
            self._otherwise = True
            reply = await self._http.send(self._spelled(request))
        return reply

    def _spelled(self, request: Request) -> Request:
        if not self._otherwise or request.method != "POST":
            return request
        body = request.body.replace(b'"v2_cc_', b'"v2_cc-', 1)
        return Request(request.method, request.url, request.headers, body)


async def _days(http: Http, service: Service) -> Mapping[str, date]:
    """Last day of each crawl; without the list a crawl is dated by the week it is named after."""
    listed = await ask_crawls(http, service, URL)
    crawls = read_crawls(listed.body, NAME) if listed.status == HTTPStatus.OK else []
    return {crawl.id: crawl.last for crawl in crawls}


def _index(name: str, days: Mapping[str, date]) -> Index:
    if name.startswith(_CRAWLS):
        crawl = f"CC-MAIN-{name.removeprefix(_CRAWLS)}"
        week = days_of(crawl)
        ended = days.get(crawl) or (week[1] if week else None)
        if ended:
            return Index(name, CORPUS, ended)
    for held in corpora().values():
        if name in held.infini_gram:
            return Index(name, held.name)
    raise ConfigError(f"{NAME}: no corpus is known for the index {name}; write one such as v2_cc_2025-30")
