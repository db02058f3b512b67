"""Common Crawl's columnar index: the captures of many sites out of one crawl, by range requests into its Parquet files.

Files are listed and never guessed: those of the crawl's own list, or those the configuration names. Of each file its
end is read, and then only the row groups that can hold one of the domains. All sites are looked for in one pass. What
is archived is a note per site: the files with what was read of them, and the rows kept.

Source:
    commoncrawl/cc-index-table of 2026-05-22. Paths as in `cc-index-table.paths.gz`; data.commoncrawl.org lists nothing.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from http import HTTPStatus

import orjson

from crawlers.base import Gathered, Http, Reply, Request, Service, Source, Wanted
from crawlers.crawled.captures import Kind, Line, Query, belongs, facts, unknown
from crawlers.crawled.crawls import Crawl, ask_crawls, chosen, is_list, read_crawls
from crawlers.crawled.manners import MANNERS, Polite, names, whole
from crawlers.crawled.notes import note_of
from crawlers.crawled.parquet_rows import Row, keys, matching
from crawlers.crawled.ranges import lines, trouble
from crawlers.reading.lenient import mappings, text
from geo_flywheel.errors import CrawlError, Throttled
from geo_flywheel.records import Capture, Fact

NAME = "common_crawl_columnar"
URL = "https://data.commoncrawl.org"
METHOD = "columnar index"
OPTIONS = {
    **MANNERS,
    "pause": 0.55,
    "crawls": [],
    "most_crawls": 1,
    "files": [],
    "subsets": ["warc"],
    "most_files": 400,
    "most_megabytes": 2048,
    "most_rows": 200_000,
    "collinfo": "",
}
_COLUMNS = ("url", "fetch_status", "content_mime_detected", "content_mime_type", "warc_filename", "fetch_time")
_KINDS: Mapping[str, tuple[Kind, ...]] = {
    "warc": ("page", "other"),
    "crawldiagnostics": ("redirect", "error"),
    "robotstxt": ("robots",),
}
_MEGABYTE = 1024**2


@dataclass(slots=True)
class _Pass:
    """One pass through the files of a crawl.

    Attributes:
        files: What was read of each.
        rows: Kept so far.
        problem: Why it is not whole; "" while it is.
    """

    files: list[Mapping[str, object]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    problem: str = ""


async def gather(http: Http, wanted: Wanted, service: Service) -> AsyncIterator[Gathered]:
    """Yield a note per crawl and site, newest crawl first.

    Raises:
        Throttled: If the other side asks for patience; the notes of the crawl it happened in come first.
    """
    options = {**OPTIONS, **service.options}
    polite = Polite(http, NAME, options)
    listed = await ask_crawls(polite, service, URL)
    if not is_list(listed):
        raise trouble(listed.status, "the list of crawls")
    for crawl in chosen(read_crawls(listed.body, NAME), wanted, options, NAME):
        paths = await _paths(polite, service.url, crawl, options)
        done = await _through(polite, service.url, paths, wanted.sites, options)
        for unit in wanted.sites:
            yield _note(listed, crawl, unit, wanted, done, names(options, "subsets", NAME))
        if done.problem.startswith("throttled"):
            raise Throttled(f"{crawl.id}: {done.problem}; gather again later")


def read(capture: Capture) -> Iterable[Fact]:
    """Yield what a crawl holds of a site.

    Raises:
        Unreadable: If the note is garbled.
    """
    told = note_of(capture)
    options = capture.options
    query = Query(
        unit=options["unit"],
        pages=tuple(orjson.loads(options.get("pages", "[]"))),
        crawl=options["crawl"],
        observed_on=date.fromisoformat(options["observed_on"]),
        method=METHOD,
        source=NAME,
        whole=told.get("problem") == "" and bool(told.get("files")),
        kinds=tuple(kind for subset in options["subsets"].split() for kind in _KINDS.get(subset, ())),
    )
    rows = mappings(told.get("rows"))
    if not rows and not query.whole:
        return unknown(query)
    return facts(query, map(_line, rows))


SOURCE = Source("Common Crawl's columnar index: many sites out of one crawl", gather, read, URL, (), OPTIONS)


async def _paths(http: Http, url: str, crawl: Crawl, options: Mapping[str, object]) -> list[str]:
    """The files of a crawl's index, those of the wanted subsets.

    Raises:
        CrawlError: If the list cannot be had.
    """
    subsets = names(options, "subsets", NAME)
    if files := names(options, "files", NAME):
        return [file for file in files if f"crawl={crawl.id}/" in file]
    reply = await http.send(Request("GET", f"{url.rstrip('/')}/crawl-data/{crawl.id}/cc-index-table.paths.gz"))
    if reply.status != HTTPStatus.OK:
        raise trouble(reply.status, f"the list of files of {crawl.id}")
    paths = lines(reply.body, f"{crawl.id}: list of files")
    return [path for path in paths if any(f"/subset={subset}/" in path for subset in subsets)]


async def _through(
    http: Http, url: str, paths: Sequence[str], sites: Sequence[str], options: Mapping[str, object]
) -> _Pass:
    """Go through the files, one after the other, and keep the rows of the sites."""
    done, room = _Pass(), whole(options, "most_megabytes", NAME) * _MEGABYTE
    most_files, most_rows = whole(options, "most_files", NAME), whole(options, "most_rows", NAME)
    for path in paths[:most_files]:
        address = path if path.startswith(("http://", "https://")) else f"{url.rstrip('/')}/{path}"
        try:
            found = await matching(http, address, keys(sites), _COLUMNS, room)
        except CrawlError as error:
            done.problem = f"{'throttled: ' if isinstance(error, Throttled) else ''}{error}"
            break
        taken = found.note["bytes_read"]
        room -= taken if isinstance(taken, int) else 0
        done.files.append(found.note)
        done.rows += [row for row in found.rows if any(belongs(text(row.get("url")), site) for site in sites)]
        if len(done.rows) > most_rows:
            done.problem = f"more than {most_rows:,} rows"
            break
    if len(paths) > most_files and not done.problem:
        done.problem = f"{len(paths) - most_files:,} files were left out"
    return done


def _note(like: Reply, crawl: Crawl, unit: str, wanted: Wanted, done: _Pass, subsets: Sequence[str]) -> Gathered:
    rows = [row for row in done.rows if belongs(text(row.get("url")), unit)]
    body = orjson.dumps({"problem": done.problem, "files": done.files, "rows": rows})
    about = [page for page in wanted.pages if belongs(page, unit)]
    told = {**crawl.told(), "unit": unit, "subsets": " ".join(subsets), "pages": orjson.dumps(about).decode()}
    headers = (("content-type", "application/json"),)
    address = text(done.files[0].get("url")) if done.files else like.url
    return Gathered(replace(like, body=body, headers=headers, url=address), told)


def _line(row: Row) -> Line:
    mime = text(row.get("content_mime_detected")) or text(row.get("content_mime_type"))
    return Line(text(row.get("url")), str(row.get("fetch_status")), mime, text(row.get("warc_filename")))
