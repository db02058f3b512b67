from datetime import date

import pytest

from crawlers.crawled.crawls import Crawl, days_of, ids, read_crawls, told_of
from geo_flywheel.errors import Unreadable

CRAWLS = [
    Crawl(f"CC-MAIN-2026-{week:02d}", date(2026, month, 3), date(2026, month, 14))
    for month, week in ((1, 1), (2, 6), (3, 10))
]


@pytest.mark.parametrize(
    ("since", "until", "weeks"),
    [
        (date(2026, 1, 1), date(2026, 12, 1), [10, 6, 1]),
        (date(2026, 2, 14), date(2026, 3, 3), [10, 6]),
        (date(2026, 2, 15), date(2026, 3, 2), [6]),  # none reaches in: the last one before
        (date(2027, 1, 1), date(2027, 2, 1), [10]),
        (date(2025, 1, 1), date(2025, 2, 1), []),
    ],
)
def test_the_crawls_that_tell_of_a_period(since: date, until: date, weeks: list[int]) -> None:
    assert [crawl.id for crawl in told_of(CRAWLS, since, until)] == [f"CC-MAIN-2026-{week:02d}" for week in weeks]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"<html>", b'[{"id": "../../x", "to": "2026-01-01"}]', b'[{"id": 3}]']
)
def test_what_is_no_list_of_crawls_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_crawls(body, "x")


def test_the_days_of_a_crawl_named_after_a_week() -> None:
    assert days_of("CC-MAIN-2025-33") == (date(2025, 8, 11), date(2025, 8, 17))
    assert days_of("CC-MAIN-2025-54") is None
    assert days_of("CC-MAIN-2012") is None


def test_ids_stand_in_paths() -> None:
    assert ids(["a/crawl=CC-MAIN-2025-33/part", "b/crawl=CC-MAIN-2025-33/", "crawl=CC-MAIN-2012/x", "none"]) == [
        "CC-MAIN-2025-33",
        "CC-MAIN-2012",
    ]
