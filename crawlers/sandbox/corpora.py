"""What corpora hold of a market's pages, in each source's own wire format.

Every four weeks a crawl goes through the market. It holds a page when the market's lottery drew it, the page was there
and its robots.txt let crawlers in; how often it was captured follows its presence. A host that shuts crawlers out is
met by its robots.txt alone. Crawls appear when they are over. Indexes of sentences hold the text of the pages crawled.

    common_crawl_index      /collinfo.json  /<crawl>-index
    common_crawl_columnar   /collinfo.json  /crawl-data/<crawl>/cc-index-table.paths.gz  /cc-index/…parquet
    common_crawl_hosts      /collinfo.json  /projects/host-index-testing/v2.paths.gz  /projects/…parquet
    web_graph               /graphinfo.json  /projects/hyperlinkgraph/<release>/domain/…-domain-ranks.txt.gz
    infini_gram, …_mini     POST /
    hugging_face            /filter
    wayback                 /cdx/search/cdx
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from html import unescape
from http import HTTPStatus

import numpy as np
import orjson

from crawlers.sandbox.crawled_files import gzipped, host_index, ranged, ranks, url_index
from crawlers.sandbox.serving import Received, Sent, as_json
from crawlers.sandbox.sites import Sites
from geo_flywheel.simulate.market import PRESENCE, Market
from geo_flywheel.simulate.scenery import host, path, url
from geo_flywheel.urls import site

INDEX_PAGE = 5
"""Lines of a page of the index."""
_CRAWL_DAYS = 10
_ONE_CRAWL = "v2_cc_"
_SEED_OF_CRAWLS = 103
_ROW = ("urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length")


@dataclass(frozen=True, slots=True)
class Crawl:
    """One crawl of the market.

    Attributes:
        number: Its place in the market's history.
        week: Week in which it began, below 0 for those before the market is seen.
        began: First day of it.
    """

    number: int
    week: int
    began: date

    @property
    def id(self) -> str:
        """As Common Crawl names it."""
        year, week, _ = self.began.isocalendar()
        return f"CC-MAIN-{year}-{week:02d}"

    @property
    def ended(self) -> date:
        """Last day of it."""
        return self.began + timedelta(days=_CRAWL_DAYS)


@dataclass(frozen=True, slots=True)
class Captured:
    """One capture; `subset` is "warc", "crawldiagnostics" or "robotstxt"."""

    url: str
    at: datetime
    status: int
    subset: str
    redirect: str = ""

    @property
    def key(self) -> str:
        """The index's own key."""
        name, _, where = self.url.partition("://")[2].partition("/")
        return f"{','.join(reversed(name.removeprefix('www.').split('.')))})/{where}"

    @property
    def mime(self) -> str:
        """Type as detected."""
        return "text/plain" if self.subset == "robotstxt" else "text/html"


class Corpora:
    """All corpora of one market.

    Args:
        market: What is crawled.
        sites: Text of its pages.
        start: First moment of its first week.
        now: Tells the time.
    """

    def __init__(self, market: Market, sites: Sites, start: datetime, now: Callable[[], datetime]) -> None:
        self._market, self._sites, self._start, self._now = market, sites, start, now
        self._doors: dict[str, Callable[[Received], Sent]] = {
            "common_crawl_index": self._index,
            "common_crawl_columnar": self._columnar,
            "common_crawl_hosts": self._hosts,
            "web_graph": self._graph,
            "infini_gram": self._sentences,
            "infini_gram_mini": self._sentences,
            "hugging_face": self._rows,
            "wayback": self._wayback,
        }
        self.captures = lru_cache(maxsize=64)(self._captures)
        self._texts = lru_cache(maxsize=1)(self._read_texts)

    def __contains__(self, source: str) -> bool:
        return source in self._doors

    def get(self, source: str, received: Received) -> Sent:
        """Return what a source replies."""
        return self._doors[source](received)

    def crawls(self) -> list[Crawl]:
        """Return the crawls that are over, newest first."""
        weeks = self._market.history.crawls
        all_of_them = [
            Crawl(number, int(week), (self._start + timedelta(weeks=int(week))).date())
            for number, week in enumerate(weeks)
        ]
        return [crawl for crawl in reversed(all_of_them) if crawl.ended < self._now().date()]

    def pages(self, crawl: Crawl) -> list[int]:
        """Return the pages a crawl holds."""
        history, week = self._market.history, crawl.week
        held = history.crawled[crawl.number] & history.there(week) & history.allowed(max(week, 0))
        return [int(page) for page in np.flatnonzero(held)]

    def _captures(self, crawl: Crawl) -> list[Captured]:
        """All captures of a crawl, in the order of the index."""
        rng = np.random.default_rng((self._market.seed, _SEED_OF_CRAWLS, crawl.number))
        week = max(crawl.week, 0)
        more = rng.poisson(0.3 * self._market.states[week, :, PRESENCE])
        found = list(self._visits(crawl))
        for page in self.pages(crawl):
            for again in range(1 + int(more[page])):
                moment = self._moment(crawl, 600 * page + 86_400 * again)
                found.append(Captured(url(self._market, page), moment, 200, "warc"))
        return sorted(found, key=lambda capture: (capture.key, capture.at))

    def _visits(self, crawl: Crawl) -> Iterator[Captured]:
        """The robots.txt of every host, and the redirect from http of those that let crawlers in."""
        open_pages = self._market.history.allowed(max(crawl.week, 0))
        for number in range(self._market.world.sites):
            name, moment = host(number), self._moment(crawl, 60 * number)
            yield Captured(f"https://{name}/robots.txt", moment, 200, "robotstxt")
            if open_pages[self._market.site == number].all():
                yield Captured(f"http://{name}/", moment, 301, "crawldiagnostics", f"https://{name}/")

    def _moment(self, crawl: Crawl, seconds: int) -> datetime:
        return datetime.combine(crawl.began, datetime.min.time()) + timedelta(
            seconds=seconds % (86_400 * (_CRAWL_DAYS + 1))
        )

    def _crawl(self, id_: str) -> Crawl | None:
        return next((crawl for crawl in self.crawls() if crawl.id == id_), None)

    def _listed(self) -> Sent:
        return as_json(
            [
                {"id": crawl.id, "name": crawl.id, "from": f"{crawl.began}T00:00:00", "to": f"{crawl.ended}T23:59:59"}
                for crawl in self.crawls()
            ]
        )

    def _index(self, received: Received) -> Sent:
        if received.path == "/collinfo.json":
            return self._listed()
        crawl = self._crawl(received.path.removeprefix("/").removesuffix("-index"))
        if crawl is None:
            return _nothing(received)
        wanted, match = received.query.get("url", ""), received.query.get("matchType", "exact")
        found = [capture for capture in self.captures(crawl) if _fits(capture.url, wanted, match)]
        pages = -(-len(found) // INDEX_PAGE)
        if received.query.get("showNumPages") == "true":
            return as_json({"pages": pages, "pageSize": 1, "blocks": pages})
        page = int(received.query.get("page", "0"))
        if not found:
            return as_json({"message": f"No Captures found for: {wanted}"}, HTTPStatus.NOT_FOUND)
        if not 0 <= page < pages:
            message = f"Page {page} invalid: First Page is 0, Last Page is {pages - 1}"
            return as_json({"message": message}, HTTPStatus.BAD_REQUEST)
        shown = found[page * INDEX_PAGE : (page + 1) * INDEX_PAGE]
        body = b"".join(orjson.dumps(_line(crawl, capture)) + b"\n" for capture in shown)
        return Sent(HTTPStatus.OK, body, "text/x-ndjson")

    def _columnar(self, received: Received) -> Sent:
        if received.path == "/collinfo.json":
            return self._listed()
        for crawl in self.crawls():
            files = url_index(crawl.id, tuple(self.captures(crawl)))
            if received.path == f"/crawl-data/{crawl.id}/cc-index-table.paths.gz":
                return Sent(HTTPStatus.OK, gzipped("\n".join(files) + "\n"), "application/gzip")
            if received.path.removeprefix("/") in files:
                return ranged(files[received.path.removeprefix("/")], received)
        return _nothing(received)

    def _hosts(self, received: Received) -> Sent:
        if received.path == "/collinfo.json":
            return self._listed()
        files = {
            f"projects/host-index-testing/v2/crawl={crawl.id}/part-00000.parquet": crawl for crawl in self.crawls()
        }
        if received.path == "/projects/host-index-testing/v2.paths.gz":
            return Sent(HTTPStatus.OK, gzipped("\n".join(files) + "\n"), "application/gzip")
        held = files.get(received.path.removeprefix("/"))
        return ranged(host_index(tuple(self.captures(held))), received) if held else _nothing(received)

    def _graph(self, received: Received) -> Sent:
        release = f"cc-main-{self._start.year}-jan-feb-mar"
        if received.path == "/graphinfo.json":
            return as_json([{"id": release}])
        if received.path == f"/projects/hyperlinkgraph/{release}/domain/{release}-domain-ranks.txt.gz":
            weights = {
                site(host(number)): float(self._market.fitness[self._market.site == number].sum())
                for number in range(self._market.world.sites)
            }
            return ranged(ranks(weights), received)
        return _nothing(received)

    def _sentences(self, received: Received) -> Sent:
        """How many of the pages a crawl holds have the words; errors come with status 200, as they do there."""
        asked = orjson.loads(received.body)
        words, index = str(asked.get("query", "")), str(asked.get("index", ""))
        if not words:
            return as_json({"error": "Exactly one of query and query_ids must be present!"})
        crawls = self._held_by(index)
        if not crawls:
            return as_json({"error": f"[Flask] Invalid index: {index}"}, HTTPStatus.BAD_REQUEST)
        held = {page for crawl in crawls for page in self.pages(crawl)}
        count = sum(words in text for page, text in enumerate(self._texts()) if page in held)
        return as_json({"count": count, "approx": False, "latency": 0.7})

    def _held_by(self, index: str) -> list[Crawl]:
        """The crawl an index of one holds, or those before the market opened, which every other corpus is made of."""
        if index.startswith(_ONE_CRAWL):
            return [crawl for crawl in self.crawls() if crawl.id == f"CC-MAIN-{index.removeprefix(_ONE_CRAWL)}"]
        return [crawl for crawl in self.crawls() if crawl.week < 0]

    def _read_texts(self) -> list[str]:
        market = self._market
        found = [
            self._sites.get(host(int(market.site[page])), path(market, page)) for page in range(market.world.pages)
        ]
        return [unescape(sent.body.decode()) for sent in found]

    def _rows(self, received: Received) -> Sent:
        """The rows of a data set whose address is the one asked for; data sets of fineweb are known in part only."""
        if received.path != "/filter":
            return _nothing(received)
        wanted = received.query.get("where", "").partition("='")[2].removesuffix("'").replace("''", "'")
        newest = self.crawls()[0]
        held = [page for page in self.pages(newest) if url(self._market, page) == wanted]
        rows = [
            {"row_idx": page, "row": {"url": url(self._market, page), "dump": newest.id}, "truncated_cells": []}
            for page in held
        ]
        partial = "fineweb" in received.query.get("dataset", "")
        return as_json(
            {"features": [], "rows": rows, "num_rows_total": len(rows), "num_rows_per_page": 100, "partial": partial}
        )

    def _wayback(self, received: Received) -> Sent:
        """A capture of every page there is on the first day of each crawl."""
        wanted, match = received.query.get("url", ""), received.query.get("matchType", "exact")
        rows = [
            [Captured(where, moment, 200, "warc").key, f"{moment:%Y%m%d%H%M%S}", where, "text/html", "200", "X", "900"]
            for where, moment in self._kept()
            if _fits(where, wanted, match)
            and received.query.get("from", "") <= f"{moment:%Y%m%d}"
            and f"{moment:%Y%m%d}" <= received.query.get("to", "9")
        ]
        if received.query.get("fl"):
            places = [_ROW.index(name) for name in received.query["fl"].split(",")]
            rows = [[row[place] for place in places] for row in rows]
        head = received.query.get("fl", ",".join(_ROW)).split(",")
        first = int(received.query.get("resumeKey", "0"))
        limit = int(received.query.get("limit", "150000"))
        shown: list[list[str]] = rows[first : first + limit]
        rest = [[], [str(first + limit)]] if first + limit < len(rows) and received.query.get("showResumeKey") else []
        return as_json([head, *shown, *rest] if shown else [])

    def _kept(self) -> list[tuple[str, datetime]]:
        kept = [
            (url(self._market, page), self._moment(crawl, page))
            for crawl in self.crawls()
            for page in np.flatnonzero(self._market.history.there(crawl.week)).tolist()
        ]
        return sorted(kept)


def _fits(where: str, wanted: str, match: str) -> bool:
    name = where.partition("://")[2].partition("/")[0]
    if match == "domain":
        return name == wanted or name.endswith(f".{wanted}")
    return name == wanted if match == "host" else where.partition("://")[2] == wanted.partition("://")[2]


def _line(crawl: Crawl, capture: Captured) -> dict[str, str]:
    line = {
        "urlkey": capture.key,
        "timestamp": f"{capture.at:%Y%m%d%H%M%S}",
        "url": capture.url,
        "mime": capture.mime,
        "mime-detected": capture.mime,
        "status": str(capture.status),
        "digest": "FAPYCDZSWJIQ2YPQAYDRLAC25YMUNVTD",
        "length": "7063",
        "offset": "71720",
        "filename": f"crawl-data/{crawl.id}/segments/1754151279781.29/{capture.subset}/{crawl.id}-00340.warc.gz",
    }
    return line | ({"redirect": capture.redirect} if capture.redirect else {})


def _nothing(received: Received) -> Sent:
    return as_json({"message": f"Not found: {received.path}"}, HTTPStatus.NOT_FOUND)
