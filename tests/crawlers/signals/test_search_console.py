"""Replies as the discovery document of Search Console (v1, 20260805) has them."""

from datetime import date
from typing import Any

import pytest

from crawlers.signals import search_console
from geo_flywheel.errors import Unreadable
from tests.crawlers.signals.asking import facts, gathered, read


def rows(*keys: tuple[str, str], **more: Any) -> tuple[int, dict[str, Any]]:
    told = [{"keys": [*key], "clicks": 1, "impressions": 9, "ctr": 0.11, "position": 4.2} for key in keys]
    return 200, ({"rows": told} if told else {}) | {"responseAggregationType": "byPage", **more}


A, B = ("2026-10-01", "https://example.com/a"), ("2026-10-30", "https://example.com/b")


def test_it_asks_page_after_page_until_rows_are_missing() -> None:
    [only], http = gathered("search_console", rows(A, B), rows(A), rows())
    assert [body["startRow"] for body in http.bodies] == [0, 2, 3]
    assert http.sent[0].url.endswith("/webmasters/v3/sites/sc-domain%3Aexample.com/searchAnalytics/query")
    assert (http.bodies[0]["type"], http.bodies[0]["dataState"]) == ("web", "final")
    assert len(read("search_console", only)) == 9


def test_a_url_property_is_asked_for_by_its_whole_address() -> None:
    _, http = gathered("search_console", rows(), site="https://www.example.com/")
    assert "/sites/https%3A%2F%2Fwww.example.com%2F/" in http.sent[0].url


def test_clicks_are_organic_and_never_out_of_an_assistant() -> None:
    found = facts("search_console", rows(A), rows())
    assert [(f.unit, f.day, f.metric, f.value, f.kind) for f in found] == [
        ("https://example.com/a", date(2026, 10, 1), "clicks", 1, "flow"),
        ("https://example.com/a", date(2026, 10, 1), "impressions", 9, "flow"),
        ("https://example.com/a", date(2026, 10, 1), "position", 4.2, "level"),
    ]
    assert {(f.assistant, f.attribution) for f in found} == {(None, None)}
    assert "not told apart" in (found[0].rule or "")


def test_days_that_are_not_over_and_rows_beyond_the_last_page_are_partial(monkeypatch: pytest.MonkeyPatch) -> None:
    found = facts("search_console", rows(A, B, metadata={"firstIncompleteDate": "2026-10-30"}), rows())
    assert {(f.day.day, f.partial) for f in found} == {(1, None), (30, True)}
    monkeypatch.setattr(search_console, "MOST_PAGES", 1)
    assert {f.partial for f in facts("search_console", rows(A))} == {True}


@pytest.mark.parametrize(
    "reply", [(403, {"error": {"message": "no"}}), (200, {"x": 1}), rows(("2026-10-01", "")), rows(("soon", "/a"))]
)
def test_what_cannot_be_read_is_unreadable(reply: tuple[int, Any]) -> None:
    with pytest.raises(Unreadable):
        facts("search_console", reply, rows())
