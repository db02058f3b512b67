"""CSV exports of GA4, Plausible, Matomo and Search Console, for people without access to their interfaces.

The tool is told by its column names. Paths belong to the host that is named: `--set site=www.example.com`. A table with
a column of days is counted by day; one without is a sum over the period that was shown and must say how it ends, by its
own lines (GA4 writes them) or by `--set observed_at=2026-03-31`. Where a table tells sources apart, visits from
assistants are marked as theirs. Clicks and impressions of a search are no visits from an assistant. Plausible and
Search Console export zips: their tables of pages, sources and days are read; the others count the same visits again by
country, device or campaign, and are left alone.
"""

import csv
import io
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import BinaryIO, TextIO
from zipfile import ZipFile, ZipInfo

from msgspec.structs import replace

from crawlers.analytics.assistants import assistant
from crawlers.analytics.landing import Cut, Place, landing, summed
from crawlers.base import DroppedFile, Import
from crawlers.dropped.fields import plain
from crawlers.dropped.files import ZIP, archive, bounded, member, opened
from crawlers.reading.lenient import moment
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Engagement, Fact

_log = logging.getLogger(__name__)

_MEMBERS = {"pages.csv", "sources.csv", "visitors.csv", "dates.csv", "chart.csv"}
_PERIOD = re.compile(r"^#\s*End date:\s*(\d{8})\s*$", re.MULTILINE | re.IGNORECASE)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Tool:
    """How a tool calls its columns, as `plain` has them.

    Attributes:
        pages: Columns of pages, the best first; sources: of where visits came from; days: of the day.
        metrics: Our name of each column that counts what adds up.
        sign: Columns of which one must be there for the table to be this tool's.
    """

    name: str
    pages: tuple[str, ...]
    sources: tuple[str, ...]
    days: tuple[str, ...]
    metrics: Mapping[str, str]
    sign: frozenset[str]


_TOOLS = (
    _Tool(
        "ga4",
        ("landing_page_query_string", "landing_page", "page_path_and_screen_class", "page_path"),
        ("session_source_medium", "session_source", "session_default_channel_group", "session_primary_channel_group"),
        ("date",),
        {"sessions": "sessions", "engaged_sessions": "engaged_sessions", "views": "pageviews"},
        frozenset({"engaged_sessions", "session_source_medium", "session_source", "page_path_and_screen_class"}),
    ),
    _Tool(
        "search_console",
        ("top_pages", "page", "pages"),
        (),
        ("date",),
        {"clicks": "clicks", "impressions": "impressions"},
        frozenset({"impressions"}),
    ),
    _Tool(
        "matomo",
        ("page_url", "entry_page_url", "url", "metadata_url"),
        ("label", "referrer", "website"),
        ("date",),
        {"visits": "sessions", "entrances": "sessions", "pageviews": "pageviews", "actions": "actions"},
        frozenset({"unique_visitors", "bounces", "entrances", "total_time_spent_by_visitors_in_seconds", "actions"}),
    ),
    _Tool(
        "plausible",
        ("name", "page", "entry_page"),
        ("source", "name"),
        ("date",),
        {"visitors": "visitors", "visits": "sessions", "pageviews": "pageviews"},
        frozenset({"visitors"}),
    ),
)


def refuse(file: DroppedFile) -> str | None:
    """Return None for a table that one of the tools exports; else what is missing."""
    if file.head.startswith((b"PAR1", b"{", b"[", b"<")):
        return "no CSV of an analytics tool"
    try:
        if not file.head.startswith(ZIP):
            _tool(next(iter(_rows(io.StringIO(_told(file.head)))), {}), file.name)
            return None
        with archive(file) as export:
            return (
                None
                if _members(export, file.name)
                else "a zip without pages.csv, sources.csv, visitors.csv or Dates.csv"
            )
    except Unreadable as error:
        return str(error).removeprefix(f"{file.name}: ")


def read(file: DroppedFile) -> Iterator[Fact]:
    """Yield engagement by page, or by the site where the table tells no pages.

    Raises:
        Unreadable: Naming the line at fault, or the option that is missing.
    """
    if not file.head.startswith(ZIP):
        with opened(file) as stream:
            yield from _facts(stream, file, file.name, file.head)
        return
    with archive(file) as export:
        found = bounded(_members(export, file.name), file.name)
        _log.info(
            "%s: %d tables read, %d others left alone", file.name, len(found), len(export.infolist()) - len(found)
        )
        for info in found:
            with member(export, info, file.name) as stream:
                yield from _facts(stream, file, f"{file.name}: {info.filename}", b"")


IMPORT = Import("a CSV export of GA4, Plausible, Matomo or Search Console", refuse, read)


def _members(export: ZipFile, zip_name: str) -> list[ZipInfo]:
    """The tables that are read, one of each name."""
    found: dict[str, ZipInfo] = {}
    for info in export.infolist():
        name = PurePosixPath(info.filename).name.lower()
        if name in found and name in _MEMBERS:
            raise Unreadable(
                f"{zip_name}: holds {found[name].filename} and {info.filename}; hand in one export at a time"
            )
        found[name] = info
    return [found[name] for name in sorted(found.keys() & _MEMBERS)]


def _facts(stream: BinaryIO, file: DroppedFile, name: str, head: bytes) -> Iterator[Fact]:
    encoding = "utf-16" if head.startswith(_UTF16) else "utf-8-sig"
    with io.TextIOWrapper(stream, encoding, "replace", newline="") as told:
        yield from _Table(name, file.options, head).facts(told)


def _told(head: bytes) -> str:
    """The head as text, without a last line that may be cut off."""
    told = head.decode("utf-16" if head.startswith(_UTF16) else "utf-8-sig", "replace")
    return told if len(head) < 64 * 1024 else told.rpartition("\n")[0]


def _rows(told: TextIO) -> Iterator[Row]:
    """Rows under the header, by plain column names; comments and empty lines before it are passed over."""
    lines = (line for line in told if line.strip() and not line.startswith("#"))
    for row in csv.DictReader(lines):
        yield {plain(name): (value or "").strip() for name, value in row.items() if isinstance(name, str)}


def _tool(row: Row, where: str) -> _Tool:
    for tool in _TOOLS:
        cut_by = {*tool.pages, *tool.sources, *tool.days}
        if row.keys() & tool.sign and row.keys() & tool.metrics.keys() and row.keys() & cut_by:
            return tool
    raise Unreadable(f"{where}: no columns of GA4, Search Console, Matomo or Plausible with pages, sources or days")


class _Table:
    """One export, and what the person said about it."""

    def __init__(self, name: str, options: Mapping[str, str], head: bytes) -> None:
        self._name = name
        self._site = options.get("set.site", "").strip().lower()
        self._until = self._end(options.get("set.observed_at"), head)

    def facts(self, told: TextIO) -> Iterator[Engagement]:
        """Yield what the rows count, by page, day and assistant."""
        rows = enumerate(_rows(told), 1)
        first = next(rows, None)
        if first is None:
            return
        tool = _tool(first[1], self._name)
        dated = any(name in first[1] for name in tool.days)
        if not dated and self._until is None:
            raise Unreadable(
                f"{self._name}: sums over a period it does not name; name its last day: --set observed_at=2026-03-31"
            )
        rule = f"{tool.name} export" if dated else f"{tool.name} export, sum over the period shown, which ends that day"
        counted = [self._counted(tool, row, number) for number, row in (first, *rows)]
        for fact in summed(counted, tool.name, rule, partial=None):
            yield fact if dated else replace(fact, kind="level")  # no count of that day

    def _counted(self, tool: _Tool, row: Row, number: int) -> tuple[Cut, dict[str, float]]:
        where = f"{self._name}: row {number}"
        day = _day(next((row[name] for name in tool.days if row.get(name)), ""), where) or self._until
        if day is None:
            raise Unreadable(f"{where}: no day in it; mend or remove that row")
        source = next((row[name] for name in tool.sources if row.get(name)), "")
        page = next((row[name] for name in tool.pages if _is_page(row.get(name, ""))), "")
        who = assistant(source.partition(" / ")[0].strip()) if source and source != page else None
        metrics = {ours: _number(row[theirs], where) for theirs, ours in tool.metrics.items() if row.get(theirs)}
        return Cut(self._place(page, where), day, who, "source" if who else None), metrics

    def _place(self, page: str, where: str) -> Place:
        if not self._site and not page.startswith(("http://", "https://")):
            raise Unreadable(f"{where}: names no host; say whose pages these are: --set site=www.example.com")
        return landing(self._site, page)

    def _end(self, said: str | None, head: bytes) -> date | None:
        """The last day of the period: as the person says, or as the file does."""
        if said is not None:
            found = moment(said)
            if found is None:
                raise Unreadable(f"{self._name}: --set observed_at={said}: no date; write it as 2026-03-31")
            return found.date()
        told = _PERIOD.search(_told(head))
        return datetime.strptime(told[1], "%Y%m%d").date() if told else None  # noqa: DTZ007 - a day of the property


def _is_page(told: str) -> bool:
    return told.startswith(("/", "http://", "https://")) or told in {"(not set)", "(other)"}


def _day(told: str, where: str) -> date | None:
    if not told:
        return None
    iso = f"{told[:4]}-{told[4:6]}-{told[6:8]}" if re.fullmatch(r"\d{8}", told) else told
    found = moment(iso)
    if found is None:
        raise Unreadable(f"{where}: {told[:40]!r} is no day; export it with days as 2026-03-31")
    return found.date()


def _number(told: str, where: str) -> float:
    digits = told.replace(",", "").replace("\u202f", "").replace(" ", "")
    try:
        value = float(digits)
    except ValueError as error:
        raise Unreadable(f"{where}: {told[:40]!r} is no number; mend or remove that row") from error
    if not 0 <= value < float("inf"):
        raise Unreadable(f"{where}: {told[:40]!r} is no count; mend or remove that row")
    return value
