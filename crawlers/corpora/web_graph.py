"""Common Crawl's web graph: how central a domain is among all, which decides how much of it the next crawls fetch.

Ranks are signals of a priority and no presence, so that they are levels of engagement and say nothing of what a corpus
holds. The list of a release (some 2 GB packed, 90 million domains) is streamed in ranges, and only the lines about the
wanted sites are kept, in memory and in the archive: what is archived is a note with the list's address, size, version,
the digest of what was read, its head and those lines. Reading ends when the last site is found.

Source:
    commoncrawl/cc-webgraph of 2026-07-24; columns by the head of the file: `#harmonicc_pos #harmonicc_val #pr_pos
    #pr_val #host_rev #n_hosts`, domains reversed.
"""

import re
from calendar import monthrange
from collections.abc import AsyncIterator, Iterable
from datetime import date
from http import HTTPStatus

import orjson

from crawlers.base import Gathered, Http, Request, Service, Source, Wanted
from crawlers.crawled.manners import MANNERS, Polite, whole
from crawlers.crawled.ranges import Read, note, streamed, trouble
from crawlers.reading.lenient import amount, mapping, mappings, sequence, text
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Capture, Engagement, Fact
from geo_flywheel.urls import site

NAME = "web_graph"
URL = "https://data.commoncrawl.org"
GRAPHINFO = "https://index.commoncrawl.org/graphinfo.json"
METHOD = "web graph"
OPTIONS = {**MANNERS, "pause": 0.55, "release": "", "graphinfo": "", "most_megabytes": 4096}
_METRICS = {
    "harmonicc_pos": "harmonic_position",
    "harmonicc_val": "harmonic_centrality",
    "pr_pos": "pagerank_position",
    "pr_val": "pagerank",
    "n_hosts": "hosts",
}
_RELEASE = re.compile(r"cc-main-(20\d\d)(?:-(\d\d))?((?:-[a-z]{3})+)")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MEGABYTE = 1024**2
_LONGEST_LINE = 64 * 1024


async def gather(http: Http, wanted: Wanted, service: Service) -> AsyncIterator[Gathered]:
    """Yield the note about the newest release that is over by the last of the wanted days, or the one configured.

    Raises:
        Throttled: If a list cannot be had now.
        Unreadable: If there is no such release, or the list is damaged.
    """
    options = {**OPTIONS, **service.options}
    polite = Polite(http, NAME, options)
    release, ended = await _release(polite, service, str(options["release"]), wanted.until)
    sites = dict.fromkeys(site(unit) for unit in wanted.sites)
    read = Read(f"{service.url.rstrip('/')}/projects/hyperlinkgraph/{release}/domain/{release}-domain-ranks.txt.gz")
    head, kept = await _kept(polite, read, list(sites), whole(options, "most_megabytes", NAME) * _MEGABYTE)
    found = len(kept) == len(sites)
    told = {**read.told(), "complete": found or read.taken == read.size, "head": head, "lines": kept}
    about = {"release": release, "observed_on": ended.isoformat(), "sites": " ".join(sites)}
    yield Gathered(note(read, orjson.dumps(told)), about)


def read(capture: Capture) -> Iterable[Fact]:
    """Yield the ranks of the sites; one that is on no line has none, which says nothing about any corpus.

    Raises:
        Unreadable: If the note is garbled, or the list's head names no domain.
    """
    try:
        told = mapping(orjson.loads(capture.body))
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"{capture.name}: the note is cut off or garbled ({error}); gather it again") from error
    columns = [name.removeprefix("#") for name in text(told.get("head")).split("\t")]
    if "host_rev" not in columns:
        raise Unreadable(
            f"{capture.name}: the list's head has no host_rev ({told.get('head')!r:.80}); look at the list"
        )
    ended, release = date.fromisoformat(capture.options["observed_on"]), capture.options["release"]
    for line in sequence(told.get("lines")):
        cells = dict(zip(columns, text(line).split("\t"), strict=False))
        unit = ".".join(reversed(cells.get("host_rev", "").split(".")))
        for column, metric in _METRICS.items():
            value = amount(cells.get(column))
            if value is not None:
                yield Engagement(
                    NAME, unit, "site", ended, metric, value, kind="level", attribution=METHOD, rule=release
                )


SOURCE = Source("Common Crawl's web graph: ranks of domains, which steer its crawls", gather, read, URL, (), OPTIONS)


def release_end(release: str) -> date | None:
    """Return the last day of the months a release is named after; None when it is named otherwise."""
    named = _RELEASE.fullmatch(release)
    month = named[3].rpartition("-")[2] if named else ""
    if named is None or month not in _MONTHS:
        return None
    year = 2000 + int(named[2]) if named[2] else int(named[1])
    number = _MONTHS.index(month) + 1
    return date(year, number, monthrange(year, number)[1])


async def _release(http: Http, service: Service, named: str, until: date) -> tuple[str, date]:
    if named:
        ended = release_end(named)
        if ended is None:
            raise Unreadable(f"{NAME}: {named} is no release; write one such as cc-main-2026-apr-may-jun")
        return named, ended
    below = f"{service.url.rstrip('/')}/graphinfo.json"
    url = str(service.options.get("graphinfo") or (GRAPHINFO if service.url.rstrip("/") == URL else below))
    reply = await http.send(Request("GET", url))
    if reply.status != HTTPStatus.OK:
        raise trouble(reply.status, "the list of releases of the web graph")
    try:
        listed = [text(entry.get("id")) for entry in mappings(orjson.loads(reply.body))]
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"{NAME}: no list of releases ({error}); look at what {url} gives") from error
    dated = sorted(((ended, name) for name in listed if (ended := release_end(name))), reverse=True)
    over = [(name, ended) for ended, name in dated if ended <= until]
    if not over:
        raise Unreadable(f"{NAME}: no release is over by {until}; ask for later days")
    return over[0]


async def _kept(http: Http, read: Read, sites: list[str], most: int) -> tuple[str, list[str]]:
    """The head of the list and the lines about the sites; reading ends with the last of them."""
    wanted = {".".join(reversed(name.split("."))) for name in sites}
    names = b"|".join(re.escape(name.encode()) for name in sorted(wanted))
    pattern = re.compile(rb"\t(" + names + rb")(?=[\t\r\n]|\Z)")
    head, rest = "", b""
    kept: dict[str, str] = {}
    async for chunk in streamed(http, read, most):
        block, _, rest = (rest + chunk).rpartition(b"\n")
        if len(rest) > _LONGEST_LINE:
            raise Unreadable(f"{read.url}: a line of more than {_LONGEST_LINE:,} bytes; look at the list")
        if block and not head:
            head = block.partition(b"\n")[0].decode("utf-8", "replace")
        _keep(block, pattern, kept)
        if len(kept) == len(wanted):
            break
    _keep(rest, pattern, kept)
    return head, list(kept.values())


def _keep(block: bytes, pattern: "re.Pattern[bytes]", kept: dict[str, str]) -> None:
    for match in pattern.finditer(block):
        start, end = block.rfind(b"\n", 0, match.start()) + 1, block.find(b"\n", match.end(1))
        line = block[start : end if end >= 0 else len(block)].decode("utf-8", "replace")
        kept.setdefault(match[1].decode(), line)
