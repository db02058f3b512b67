"""Week by week, what the logs of a site and its analytics tell: visits out of assistants, fetches by crawlers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa

from geo_flywheel.store.database import Store
from geo_flywheel.urls import site as site_of

_HOSTS = "SELECT DISTINCT host FROM log_hosts ORDER BY host"
_SPANS = """
SELECT DISTINCT CAST(f.first_at AS DATE), CAST(f.last_at AS DATE)
FROM log_file AS f
JOIN current_reading AS r USING (reading_no)
WHERE f.first_at IS NOT NULL AND f.reading_no IN (
    SELECT reading_no FROM log_hosts SEMI JOIN own_host USING (host)
)
"""
_SESSIONS = """
SELECT week, sum(sessions) FILTER (attribution = 'referrer'), sum(sessions) FILTER (attribution = 'utm')
FROM referrals WHERE site = ? GROUP BY week
"""
_FETCHES = """
SELECT week, sum(fetches) FILTER (purpose = 'training'), sum(fetches) FILTER (purpose <> 'training')
FROM verified_fetches WHERE site = ? GROUP BY week
"""
_TOLD = """
SELECT source, metric, attribution, assistant, week, sum(value), bool_or(partial)
FROM engagements
WHERE site = ? AND kind = 'flow' AND assistant IS NOT NULL
GROUP BY source, metric, attribution, assistant, week ORDER BY ALL
"""


@dataclass(frozen=True, slots=True)
class LoggedWeek:
    """What the access logs of a site tell of one week; None throughout where no log spans a day of it.

    Attributes:
        days: Days of the week that a log spans; of fewer than 7 the counts are of those days alone.
        by_referrer: Visits out of assistants that name one as referrer; the least there were.
        by_utm: Visits that carry the mark of one and name no referrer.
        training: Fetches of pages by crawlers for training that are who they say; search: by those that index.
    """

    week: date
    running: bool
    days: int
    by_referrer: int | None
    by_utm: int | None
    training: int | None
    search: int | None


@dataclass(frozen=True, slots=True)
class ToldWeek:
    """What an analytics tool counts of visits out of one assistant in a week; each tool counts in its own way."""

    source: str
    metric: str
    attribution: str | None
    assistant: str
    week: date
    value: float
    partial: bool | None


def logged_weeks(store: Store, site: str, monday: date) -> tuple[LoggedWeek, ...]:
    """Return the weeks that the logs of a site span, in order, without gaps between them.

    Args:
        store: Open for reading.
        site: The site's name.
        monday: Monday of the running week.
    """
    hosts = [host for (host,) in store.rows(_HOSTS) if site_of(f"https://{host}/") == site]
    with store.staged("own_host", pa.table({"host": pa.array(hosts, pa.string())})):
        days = _days(store.rows(_SPANS))
    sessions = {week: counts for week, *counts in store.rows(_SESSIONS, [site])}
    fetches = {week: counts for week, *counts in store.rows(_FETCHES, [site])}
    if not days:
        return ()
    first = min(days) - timedelta(days=min(days).weekday())
    mondays = [first + timedelta(weeks=n) for n in range((max(days) - first).days // 7 + 1)]
    return tuple(_week(week, days, sessions.get(week), fetches.get(week), running=week >= monday) for week in mondays)


def told_weeks(store: Store, site: str) -> tuple[ToldWeek, ...]:
    """Return what analytics tools count of visits out of assistants, in the order of tool, metric and week."""
    return tuple(ToldWeek(*row) for row in store.rows(_TOLD, [site]))


def _days(spans: Iterable[tuple[date, date]]) -> set[date]:
    return {first + timedelta(days=n) for first, last in spans for n in range((last - first).days + 1)}


def _week(
    week: date, days: set[date], sessions: list[int] | None, fetches: list[int] | None, *, running: bool
) -> LoggedWeek:
    spanned = sum(week + timedelta(days=n) in days for n in range(7))
    if not spanned:
        return LoggedWeek(week, running, 0, None, None, None, None)
    counts = [int(count or 0) for count in (*(sessions or (0, 0)), *(fetches or (0, 0)))]
    return LoggedWeek(week, running, spanned, *counts)
