"""Bing Webmaster's AI Performance export: how often Copilot and its partners cited the pages of one's own site.

Two of its tables are read: days (`Date, Citations, Cited Pages`; says nothing of pages, so the site must be named:
`--set site=HOST`) and pages (`Page, Citations`; sums over the period that was shown, so its last day must be named:
`--set observed_at=2026-03-31`). They are samples, without engines, positions or what was asked: no rate can be made of
them. The table of grounding queries names no page and is not taken.
"""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import date, datetime
from itertools import islice

from crawlers.base import DroppedFile, Import
from crawlers.dropped.fields import plain
from crawlers.dropped.files import opened
from crawlers.reading.lenient import moment
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Engagement, Fact

SOURCE, ASSISTANT = "bing_ai_performance", "Copilot"
_DAYS, _PAGES = {"date", "citations", "cited_pages"}, {"page", "citations"}
_QUERIES = "grounding_query"
_MOST_COLUMNS = 50
OfRow = Callable[[dict[str, str], str], Iterator[Engagement]]


def refuse(file: DroppedFile) -> str | None:
    """Return None for the table of days or of pages; else what is missing."""
    header = _header(file.head)
    if _QUERIES in header:
        return "grounding queries name no page; export the pages or the days in its place"
    return (
        None
        if header in (_DAYS, _PAGES)
        else "its columns are neither Date, Citations, Cited Pages nor Page, Citations"
    )


def read(file: DroppedFile) -> Iterator[Fact]:
    """Yield citations as engagement of a site and day, or of a page over the period.

    Raises:
        Unreadable: Naming the line at fault, or the option that is missing.
    """
    of_row = _by_day(file) if _header(file.head) == _DAYS else _by_page(file)
    with opened(file) as stream, io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="") as told:
        rows = csv.DictReader(told)
        for row in rows:
            cells = {plain(name): (value or "").strip() for name, value in row.items() if isinstance(name, str)}
            yield from of_row(cells, f"{file.name}: line {rows.line_num}")


IMPORT = Import("Bing Webmaster's AI Performance: its days, or its pages", refuse, read)


def _header(head: bytes) -> set[str]:
    line = next(iter(head.decode("utf-8-sig", "replace").splitlines()), "")
    return {plain(cell) for cell in islice(next(csv.reader([line]), []), _MOST_COLUMNS)}


def _by_day(file: DroppedFile) -> OfRow:
    site = _site(file)
    return lambda cells, where: _of_day(cells, site, where)


def _by_page(file: DroppedFile) -> OfRow:
    until = _until(file)
    return lambda cells, where: iter([_of_page(cells, until, where)])


def _site(file: DroppedFile) -> str:
    site = file.options.get("set.site", "").strip().lower()
    if not site:
        raise Unreadable(f"{file.name}: does not say whose days these are; say it: --set site=www.example.com")
    return site


def _until(file: DroppedFile) -> date:
    said = file.options.get("set.observed_at", "")
    day = moment(said)
    if day is None:
        raise Unreadable(
            f"{file.name}: sums over a period it does not name; name its last day: --set observed_at=2026-03-31"
        )
    return day.date()


def _of_day(cells: dict[str, str], site: str, where: str) -> Iterator[Engagement]:
    day = _day(cells.get("date", ""), where)
    for metric, column in (("citations", "citations"), ("cited_pages", "cited_pages")):
        value = _count(cells.get(column, ""), where)
        yield Engagement(SOURCE, site, "host", day, metric, value, "flow", ASSISTANT, "source", partial=True)


def _of_page(cells: dict[str, str], until: date, where: str) -> Engagement:
    page = cells.get("page", "")
    if not page.startswith(("http://", "https://")):
        raise Unreadable(f"{where}: {page[:80]!r} is no address; mend or remove that line")
    rule = "sum over the period shown, which ends that day"
    value = _count(cells.get("citations", ""), where)
    return Engagement(SOURCE, page, "page", until, "citations", value, "level", ASSISTANT, "source", rule, partial=True)


def _day(told: str, where: str) -> date:
    """A day as this export writes it, `9/5/2026 12:00:00 AM` (month first), or by ISO 8601."""
    for form in ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y"):
        try:
            return datetime.strptime(told, form).date()  # noqa: DTZ007 - the export names no zone
        except ValueError:
            continue
    found = moment(told)
    if found is None:
        raise Unreadable(f"{where}: {told[:40]!r} is no date; export it in English")
    return found.date()


def _count(told: str, where: str) -> float:
    plain_digits = told.replace(",", "")
    if not plain_digits.isascii() or not plain_digits.isdigit():
        raise Unreadable(f"{where}: {told[:40]!r} is no count; mend or remove that line")
    return float(plain_digits)
