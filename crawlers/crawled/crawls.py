"""The crawls of Common Crawl: which there are, when they ran, and which of them a person wants to know about."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from http import HTTPStatus

import orjson

from crawlers.base import Http, Reply, Request, Service, Wanted
from crawlers.crawled.manners import names, whole
from crawlers.reading.lenient import mappings, moment, text
from geo_flywheel.errors import ConfigError, Unreadable

CORPUS = "common_crawl"
COLLINFO = "https://index.commoncrawl.org/collinfo.json"
_WEEKLY = re.compile(r"CC-MAIN-(20\d\d)-([0-5]\d)")
_ID = re.compile(r"CC-MAIN-20\d\d(?:-\d\d\b|-20\d\d)?")


@dataclass(frozen=True, slots=True)
class Crawl:
    """One crawl, which is one snapshot of the corpus.

    Attributes:
        id: As in "CC-MAIN-2025-33".
        first: First day of fetching; None where nothing tells.
        last: Last day; it dates every fact about the crawl.
    """

    id: str
    first: date | None
    last: date

    def overlaps(self, since: date, until: date) -> bool:
        """Return whether any of its days lies in a period."""
        return (self.first or self.last) <= until and self.last >= since

    def told(self) -> dict[str, str]:
        """Return what a reader must know of it, for `Gathered.options`."""
        return {"crawl": self.id, "observed_on": self.last.isoformat()}


def read_crawls(body: bytes, name: str) -> list[Crawl]:
    """Return the crawls of a collinfo.json, newest first.

    Raises:
        Unreadable: If it is no such list.
    """
    try:
        listed = mappings(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"{name}: no list of crawls ({error}); look at what the address gives") from error
    crawls = [_crawl(text(entry.get("id")), entry.get("from"), entry.get("to")) for entry in listed]
    found = [crawl for crawl in crawls if crawl]
    if not found:
        raise Unreadable(f"{name}: names no crawl; look at what the address gives")
    return sorted(found, key=lambda crawl: crawl.last, reverse=True)


def chosen(crawls: Sequence[Crawl], wanted: Wanted, options: Mapping[str, object], source: str) -> list[Crawl]:
    """Return the crawls to ask about: those the configuration names, else the newest that reach into the wanted days.

    Where none does, the last one before them: a crawl comes out weeks after it ended, and what it says is dated by it.

    Args:
        crawls: All there are.
        wanted: Of which days.
        options: `crawls` holds ids, `most_crawls` how many are asked at most when it names none.
        source: Who asks, for the errors.

    Raises:
        ConfigError: If a crawl is named that there is not.
    """
    named = names(options, "crawls", source)
    known = {crawl.id: crawl for crawl in crawls}
    for id_ in named:
        if id_ not in known:
            newest = f"the newest is {crawls[0].id}" if crawls else "there is none"
            raise ConfigError(f"{source}: there is no crawl {id_}; {newest}, see {COLLINFO}")
    if named:
        return [known[id_] for id_ in named]
    return told_of(crawls, wanted.since, wanted.until)[: whole(options, "most_crawls", source)]


def told_of(crawls: Iterable[Crawl], since: date, until: date) -> list[Crawl]:
    """Return the crawls that tell of a period, newest first: those that reach into it, else the last one before it."""
    ordered = sorted(crawls, key=lambda crawl: crawl.last, reverse=True)
    return [crawl for crawl in ordered if crawl.overlaps(since, until)] or [
        crawl for crawl in ordered if crawl.last < since
    ][:1]


async def ask_crawls(http: Http, service: Service, own: str) -> Reply:
    """Return the reply that lists the crawls.

    Args:
        http: The way out.
        service: Whose `collinfo` option may name another address.
        own: The source's own base address; where the configuration names another, the list lies below that.
    """
    below = f"{service.url.rstrip('/')}/collinfo.json"
    url = str(service.options.get("collinfo") or (COLLINFO if service.url.rstrip("/") == own else below))
    return await http.send(Request("GET", url))


def is_list(reply: Reply) -> bool:
    """Return whether the list came."""
    return reply.status == HTTPStatus.OK


def days_of(id_: str) -> tuple[date, date] | None:
    """Return Monday and Sunday of the week a crawl is named after; None for the oldest, named otherwise."""
    weekly = _WEEKLY.fullmatch(id_)
    try:
        monday = date.fromisocalendar(int(weekly[1]), int(weekly[2]), 1) if weekly else None
    except ValueError:
        return None
    return (monday, monday + timedelta(days=6)) if monday else None


def ids(lines: Iterable[str]) -> list[str]:
    """Return the ids of crawls that stand in some lines, each once, in their order."""
    return list(dict.fromkeys(found[0] for line in lines if (found := _ID.search(line))))


def _crawl(id_: str, first: object, last: object) -> Crawl | None:
    week = days_of(id_)
    began, ended = moment(first), moment(last)
    if not _ID.fullmatch(id_) or not (ended or week):
        return None
    if ended:
        return Crawl(id_, began.date() if began else None, ended.date())
    return Crawl(id_, *week) if week else None
