"""Captures of a crawl as facts: which of them are pages in the corpus, and which only say that the crawler came by.

A page is in a crawl when a capture of it has status 200, lies in the crawl's `warc` part and was detected as HTML.
Redirects and errors (`crawldiagnostics`) and robots.txt (`robotstxt`) stand in the same index; a capture of robots.txt
shows that the crawler asked, even if it was told to stay out.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

from crawlers.crawled.crawls import CORPUS
from geo_flywheel.records import Engagement, Fact, Listing, Presence, PresenceState, UnitKind
from geo_flywheel.urls import canonical, site

Kind = Literal["page", "other", "redirect", "error", "robots"]
KINDS: tuple[Kind, ...] = ("page", "other", "redirect", "error", "robots")
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_OK = "200"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an index.

    Attributes:
        mime: As detected from the content, else as the server said.
        filename: Where the capture lies.
    """

    url: str
    status: str
    mime: str
    filename: str

    @property
    def kind(self) -> Kind:
        """What was captured."""
        if "/robotstxt/" in self.filename:
            return "robots"
        if self.status == _OK and "/warc/" in self.filename:
            return "page" if self.mime.lower() in _HTML else "other"
        return "redirect" if self.status.startswith("3") else "error"


@dataclass(frozen=True, slots=True)
class Query:
    """What one crawl was asked about one site or host.

    Attributes:
        unit: Registrable domain or host.
        pages: Addresses of its pages that are to be told of one by one.
        crawl: Id of the crawl.
        observed_on: Its last day.
        method: How it was asked.
        source: Who asked.
        whole: Whether every line came; what is not among some of them is not absent.
        kinds: Kinds of captures that were asked about.
    """

    unit: str
    pages: tuple[str, ...]
    crawl: str
    observed_on: date
    method: str
    source: str
    whole: bool
    kinds: tuple[Kind, ...] = KINDS


@lru_cache(maxsize=1024)
def unit_kind(unit: str) -> UnitKind:
    """Return "site" for a registrable domain, "host" for any other host."""
    return "site" if site(unit) == unit else "host"


def belongs(url: str, unit: str) -> bool:
    """Return whether a page lies on a host, or on any host of a site."""
    host = urlsplit(url).hostname or ""
    return host == unit or (host.endswith(f".{unit}") and unit_kind(unit) == "site")


def unknown(query: Query) -> Iterator[Fact]:
    """Yield that nothing is known of the unit and of its pages in this crawl."""
    yield _presence(query, query.unit, unit_kind(query.unit), PresenceState.UNKNOWN)
    for page in sorted({canonical(page).url for page in query.pages}):
        yield _presence(query, page, "page", PresenceState.UNKNOWN)


def facts(query: Query, lines: Iterable[Line]) -> Iterator[Fact]:
    """Yield what the lines say: the unit, each page found, each page asked for, and how often the crawler came by.

    Counts of a unit are left out where not all lines came: a part of a count looks like a count.
    """
    seen: Counter[Kind] = Counter()
    captures: Counter[str] = Counter()
    for line in lines:
        if belongs(line.url, query.unit):
            seen[kind := line.kind] += 1
            if kind == "page":
                captures[canonical(line.url).url] += 1
    yield _of_unit(query, seen, captures)
    yield from _found(query, captures)
    known = captures if query.pages else ()
    doors, spellings = set(map(_door, known)), set(map(_spelling, known))
    asked = sorted({canonical(page).url for page in query.pages})
    states = {page: _state(query, page, doors, spellings) for page in asked}
    for page, state in states.items():
        if page not in captures:
            yield _presence(query, page, "page", state, 0 if state is PresenceState.ABSENT else None)
    yield from _asked(query, list(states.values()))
    if query.whole:
        yield from (_counted(query, f"{kind}_captures", seen[kind]) for kind in query.kinds)


def _of_unit(query: Query, seen: Counter[Kind], captures: Counter[str]) -> Presence:
    state = PresenceState.PRESENT if captures else PresenceState.ABSENT if query.whole else PresenceState.UNKNOWN
    counts = (seen["page"], len(captures)) if query.whole else (None, None)
    return _presence(query, query.unit, unit_kind(query.unit), state, *counts)


def _found(query: Query, captures: Counter[str]) -> Iterator[Fact]:
    for page, count in captures.items():
        yield _presence(query, page, "page", PresenceState.PRESENT, count if query.whole else None)
        yield Listing("crawl_index", page, query.observed_on)


def _state(query: Query, page: str, doors: set[str], spellings: set[str]) -> PresenceState:
    """What is known of a page that was asked for, from the doors and spellings of the pages found."""
    if _door(page) in doors:
        return PresenceState.PRESENT
    return PresenceState.ABSENT if query.whole and _spelling(page) not in spellings else PresenceState.UNKNOWN


def _asked(query: Query, states: list[PresenceState]) -> Iterator[Fact]:
    """How many pages were asked for and what is known of them.

    Only these give a share: the pages found besides are those that are present, by their very choice.
    """
    if states:
        yield _counted(query, "asked_pages", len(states))
        yield _counted(query, "asked_pages_present", states.count(PresenceState.PRESENT))
        yield _counted(query, "asked_pages_absent", states.count(PresenceState.ABSENT))


def _presence(
    query: Query,
    unit: str,
    kind: UnitKind,
    state: PresenceState,
    captures: int | None = None,
    documents: int | None = None,
) -> Presence:
    return Presence(CORPUS, unit, kind, state, query.method, captures, documents, observed_on=query.observed_on)


def _counted(query: Query, metric: str, count: int) -> Engagement:
    """A count of the crawl, dated like all else about it; `attribution` is the method of the presences it goes with."""
    return Engagement(
        query.source,
        query.unit,
        unit_kind(query.unit),
        query.observed_on,
        metric,
        count,
        attribution=query.method,
        rule=query.crawl,
    )


def _door(page: str) -> str:
    """A page without what the crawl's own key leaves out and no site tells apart: the scheme and a leading www."""
    return page.partition("://")[2].removeprefix("www.")


def _spelling(page: str) -> str:
    """A page as the crawl's key may have it besides: any case, any trailing slash, parameters in any order."""
    path, _, query = _door(page).lower().partition("?")
    return f"{path.rstrip('/')}?{'&'.join(sorted(query.split('&')))}"
