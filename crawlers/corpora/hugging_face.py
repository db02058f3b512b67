"""The dataset viewer of Hugging Face: whether a page's address stands among the rows of a published corpus.

Of a data set larger than some 5 GB the viewer knows the first part only and says `partial`: then a page that is missing
is unknown. So it is in a data set that is a sample of its corpus.

Source:
    huggingface/dataset-viewer of 2026-08-20, openapi.json: `where` takes a column in double quotes and a text in single
    ones, doubled inside. Refusals carry X-Error-Code; an index that is being built is none.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from datetime import date
from http import HTTPStatus
from urllib.parse import urlencode

import orjson

from crawlers.base import Gathered, Http, Reply, Request, Service, Source, Wanted
from crawlers.crawled.bundle import Part, bundled, parts
from crawlers.crawled.crawls import days_of
from crawlers.crawled.manners import MANNERS, Polite, names, whole
from crawlers.reading.lenient import integer, mapping, mappings, text
from crawlers.reading.wire import Document
from geo_flywheel.errors import ConfigError, Unreadable
from geo_flywheel.records import Capture, Fact, Presence, PresenceState
from geo_flywheel.registry import DataSet, corpora
from geo_flywheel.urls import canonical

NAME = "hugging_face"
URL = "https://datasets-server.huggingface.co"
METHOD = "address in the dataset viewer"
OPTIONS = {**MANNERS, "corpora": [], "most_pages": 25}
_MOST_ROWS = 100


async def gather(http: Http, wanted: Wanted, service: Service) -> AsyncIterator[Gathered]:
    """Yield, per data set and page, the rows that bear the page's address in one of its spellings.

    Raises:
        ConfigError: If a corpus is configured of which no data set is known.
    """
    options = {**OPTIONS, **service.options}
    polite = Polite(http, NAME, options)
    for corpus, held in _data_sets(names(options, "corpora", NAME)):
        for page in wanted.pages[: whole(options, "most_pages", NAME)]:
            told = {"page": page, "corpus": corpus, "whole": str(held.whole), "column": held.column}
            yield Gathered(await _ask(polite, service.url, held, page), told)


def read(capture: Capture) -> Iterable[Fact]:
    """Yield whether a page stands in a corpus.

    Raises:
        Unreadable: If a reply that says it is good is none of the viewer's.
    """
    told = capture.options
    page = canonical(told["page"]).url
    replies = [_told(part, capture.name) for part in parts(capture)]
    rows = [row for _, found in replies for row in found if canonical(text(row.get(told["column"]))).url == page]
    complete = told["whole"] == "True" and all(known for known, _ in replies)
    state = PresenceState.PRESENT if rows else PresenceState.ABSENT if complete else PresenceState.UNKNOWN
    for ended, count in _by_crawl(rows).items() or {None: 0}.items():
        yield Presence(
            told["corpus"], page, "page", state, METHOD, documents=count if complete else None, observed_on=ended
        )


SOURCE = Source("Hugging Face: your pages among the rows of published corpora", gather, read, URL, (), OPTIONS)


def _data_sets(named: tuple[str, ...]) -> list[tuple[str, DataSet]]:
    known = {held.name: held.hugging_face for held in corpora().values() if held.hugging_face}
    for name in named:
        if name not in known:
            raise ConfigError(f"{NAME}: no data set of {name} is known; there are {', '.join(known)}")
    return [(name, held) for name in named or known for held in known[name]]


async def _ask(http: Http, url: str, held: DataSet, page: str) -> Reply:
    """The rows of a page; a corpus writes an address as its crawler did."""
    came: list[tuple[str, Reply]] = []
    for spelled in dict.fromkeys((page, canonical(page).url)):
        asked = {
            "dataset": held.dataset,
            "config": held.config,
            "split": held.split,
            "where": _equals(held.column, spelled),
            "offset": 0,
            "length": _MOST_ROWS,
        }
        address = f"{url.rstrip('/')}/filter?{urlencode(asked)}"
        came.append((spelled, await http.send(Request("GET", address))))
    return bundled(came)


def _equals(column: str, value: str) -> str:
    quoted = value.replace("'", "''")
    return f"\"{column}\"='{quoted}'"


def _by_crawl(rows: list[Document]) -> dict[date | None, int]:
    """Rows by the end of the week that the crawl they come from is named after; None where they do not tell."""
    weeks = [days_of(text(row.get("dump"))) for row in rows]
    return dict(Counter(week[1] if week else None for week in weeks))


def _told(part: Part, name: str) -> tuple[bool, list[Document]]:
    """Whether a reply speaks for all rows there are, and the rows in it."""
    if part.status != HTTPStatus.OK:
        return False, []
    try:
        told = mapping(orjson.loads(part.body))
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"{name}: no reply of the dataset viewer ({error}); gather it again") from error
    if not isinstance(told.get("rows"), list):
        raise Unreadable(f"{name}: no rows in this reply of the dataset viewer; gather it again")
    rows = [mapping(row.get("row")) for row in mappings(told["rows"])]
    total = integer(told.get("num_rows_total"))
    return told.get("partial") is False and total is not None and total <= len(rows), rows
