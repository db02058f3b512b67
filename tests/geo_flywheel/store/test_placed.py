"""Facts about pages, hosts and sites: placed, keyed and superseded alike."""

from datetime import date, datetime
from pathlib import Path

import pytest

from geo_flywheel.records import (
    Engagement,
    Fact,
    Listing,
    PageLink,
    PageRule,
    PageText,
    Permission,
    Presence,
    PresenceState,
)
from geo_flywheel.store.append import Reader, Source, append
from geo_flywheel.store.database import open_store

_DAY, _NOON = date(2026, 3, 2), datetime(2026, 3, 2, 12)
_PAGE = "https://www.a.example/x?utm_source=chatgpt.com"
FACTS: dict[str, Fact] = {
    "engagement": Engagement("ga4", _PAGE, "page", _DAY, "sessions", 3.0, assistant="chatgpt", attribution="utm"),
    "permission": Permission("robots", "www.a.example", "host", "GPTBot", "training", "disallowed", "/", _NOON),
    "listing": Listing("sitemap", _PAGE, _DAY),
    "page_text": PageText(_PAGE, 200, "X", "en", 7, "0" * 64, b"\x01\x00\x00\x00", _NOON),
    "page_rule": PageRule(
        _PAGE, "gopher_quality", "words", passed=False, value=7.0, low=50.0, high=1e5, observed_at=_NOON
    ),
    "page_link": PageLink(_PAGE, "https://b.example/y", _DAY),
    "presence": Presence("c4", "a.example/x", "page", PresenceState.PRESENT, "index query", captures=1),
}
_VIEWS = {"page_text": "page_texts", "page_rule": "page_rules", "page_link": "page_links", "listing": "listings"}


def _source(identity: str) -> Source:
    return Source(f"run-{identity}", "import", _NOON, identity, "file", 1, Reader("toy", "1"))


@pytest.mark.parametrize("table", FACTS)
def test_a_fact_is_stored_once_however_many_captures_tell_it(tmp_path: Path, table: str) -> None:
    with open_store(tmp_path / "s.duckdb") as store:
        for identity in ("one", "two", "one"):
            append(store, _source(identity), [FACTS[table]])
        readings = "SELECT count(DISTINCT reading_no) FROM current_reading"
        assert store.rows(f"SELECT count(*) FROM {table} JOIN current_reading USING (reading_no)") == [(1,)]  # noqa: S608
        assert store.rows(readings) == [(2,)]


@pytest.mark.parametrize("table", sorted(set(FACTS) - {"permission"}))
def test_a_page_is_the_page_of_the_answers_and_a_host_is_none(tmp_path: Path, table: str) -> None:
    with open_store(tmp_path / "s.duckdb") as store:
        append(store, _source("one"), [FACTS[table], FACTS["permission"]])
        [(url, site)] = store.rows(f"SELECT p.url, t.site FROM {table} AS t JOIN page AS p USING (page_no)")  # noqa: S608
        assert (url.rpartition("a.example")[2], site) == ("/x", "a.example")
        assert store.rows("SELECT page_no, site FROM permission") == [(None, "a.example")]


def test_both_ends_of_a_link_are_pages(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.duckdb") as store:
        append(store, _source("one"), [FACTS["page_link"]])
        ends = store.rows(
            "SELECT a.url, b.url FROM page_links JOIN page AS a ON a.page_no = from_page_no"
            " JOIN page AS b ON b.page_no = to_page_no"
        )
        assert ends == [("https://www.a.example/x", "https://b.example/y")]


def test_of_two_counts_of_one_day_the_newer_one_counts(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.duckdb") as store:
        for identity, value in (("one", 3.0), ("two", 5.0)):
            append(store, _source(identity), [Engagement("ga4", _PAGE, "page", _DAY, "sessions", value)])
        assert store.rows("SELECT value FROM engagements") == [(5.0,)]


def test_text_that_no_column_can_hold_is_stored_all_the_same(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.duckdb") as store:
        append(store, _source("one"), [PageText(_PAGE, 200, "half \ud83d", None, 0, "0" * 64, None, _NOON)])
        assert store.rows("SELECT title FROM page_texts") == [("half ?",)]
