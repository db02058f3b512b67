"""Replies as the discovery document of the Data API (v1beta, 20261006) has them."""

from datetime import date
from typing import Any

import pytest

from crawlers.signals import ga4
from geo_flywheel.errors import ConfigError, Unreadable
from geo_flywheel.records import Engagement
from tests.crawlers.signals.asking import TOKEN, facts, gathered, read

DIMENSIONS = ("date", "landingPagePlusQueryString", "sessionSource", "sessionMedium", "sessionDefaultChannelGroup")
METRICS = ("sessions", "engagedSessions", "userEngagementDuration", "keyEvents")
Cells = tuple[str, ...]
SET: dict[str, Any] = {"property": 123, "host": "www.example.com", "all_sessions": False}


def report(*rows: tuple[Cells, Cells], count: int | None = None, **metadata: Any) -> tuple[int, dict[str, Any]]:
    told: dict[str, Any] = {
        "dimensionHeaders": [{"name": name} for name in DIMENSIONS],
        "metricHeaders": [{"name": name, "type": "TYPE_INTEGER"} for name in METRICS],
        "metadata": {"currencyCode": "USD", "timeZone": "America/Los_Angeles", **metadata},
        "kind": "analyticsData#runReport",
    }
    if rows:
        told["rowCount"] = len(rows) if count is None else count
        told["rows"] = [
            {"dimensionValues": [{"value": v} for v in d], "metricValues": [{"value": v} for v in m]} for d, m in rows
        ]
    return 200, told


def row(page: str, source: str = "chatgpt.com", sessions: str = "12", day: str = "20261001", **more: str) -> tuple[
    Cells, Cells
]:  # fmt: skip
    channel = more.get("channel", "AI Assistant")
    return (day, page, source, more.get("medium", "ai-assistant"), channel), (sessions, "5", "61.5", "0")


def sessions(found: list[Engagement]) -> dict[tuple[str, str | None, str | None], float]:
    return {(f.unit, f.assistant, f.attribution): f.value for f in found if f.metric == "sessions"}


def test_it_asks_by_source_and_by_channel_group_and_pages_by_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ga4, "ROWS", 2)
    first, second = report(row("/a"), row("/b"), count=3), report(row("/c"), count=3)
    found, http = gathered("ga4", first, second, **SET)
    assert [body["offset"] for body in http.bodies] == ["0", "2"]
    assert {request.url for request in http.sent} == {
        "https://analyticsdata.googleapis.com/v1beta/properties/123:runReport"
    }
    assert http.sent[0].headers["authorization"] == f"Bearer {TOKEN}"
    by_source, by_channel = (each["filter"] for each in http.bodies[0]["dimensionFilter"]["orGroup"]["expressions"])
    assert (by_source["fieldName"], by_source["stringFilter"]["matchType"]) == ("sessionSource", "PARTIAL_REGEXP")
    assert "chatgpt\\.com" in by_source["stringFilter"]["value"]
    assert by_channel == {
        "fieldName": "sessionDefaultChannelGroup",
        "stringFilter": {"matchType": "EXACT", "value": "AI Assistant"},
    }
    assert len(found) == 1
    assert {f.unit.rpartition("/")[2] for f in read("ga4", found[0])} == {"a", "b", "c"}


def test_values_are_text_and_become_numbers_of_the_property_s_own_day() -> None:
    found = {fact.metric: fact for fact in facts("ga4", report(row("/a?x=1")), **SET)}
    assert {metric: fact.value for metric, fact in found.items()} == {
        "sessions": 12.0,
        "engaged_sessions": 5.0,
        "engagement_seconds": 61.5,
        "key_events": 0.0,
    }
    fact = found["sessions"]
    assert (fact.unit, fact.unit_kind, fact.day) == ("https://www.example.com/a", "page", date(2026, 10, 1))
    assert (fact.assistant, fact.attribution, fact.kind, fact.partial) == ("ChatGPT", "source", "flow", False)
    assert fact.rule is not None
    assert fact.rule.endswith("days in America/Los_Angeles")
    assert 'channel group is "AI Assistant"' in fact.rule


def test_addresses_of_one_page_are_added_up_also_over_pages_of_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ga4, "ROWS", 2)
    pages = (
        report(row("/a"), row("/a?utm_source=chatgpt.com"), count=3),
        report(row("/a#x", medium="(not set)"), count=3),
    )
    assert sessions(facts("ga4", *pages, **SET)) == {("https://www.example.com/a", "ChatGPT", "source"): 36.0}


def test_a_source_that_only_google_knows_is_told_apart_and_a_page_that_is_none_goes_to_the_host() -> None:
    rows = (row("/a", "new.example"), row("(not set)"), row("(other)", "perplexity.ai", channel="Referral"))
    assert sessions(facts("ga4", report(*rows), **SET)) == {
        ("https://www.example.com/a", None, "channel"): 12.0,
        ("www.example.com", "ChatGPT", "source"): 12.0,
        ("www.example.com", "Perplexity", "source"): 12.0,
    }


def test_a_report_without_rows_says_nothing_and_is_no_error() -> None:
    assert facts("ga4", report(), **SET) == []


@pytest.mark.parametrize(
    ("metadata", "partial"),
    [
        ({}, False),
        ({"subjectToThresholding": True}, True),
        ({"dataLossFromOtherRow": True}, True),
        ({"samplingMetadatas": [{"samplesReadCount": "5", "samplingSpaceSize": "9"}]}, True),
        ({"samplingMetadatas": []}, False),
    ],
)
def test_what_google_left_out_marks_every_row(metadata: dict[str, Any], partial: bool) -> None:  # noqa: FBT001
    assert {fact.partial for fact in facts("ga4", report(row("/a"), **metadata), **SET)} == {partial}


def test_without_metadata_nothing_tells_whether_rows_are_missing() -> None:
    status, told = report(row("/a"))
    del told["metadata"]
    assert {fact.partial for fact in facts("ga4", (status, told), **SET)} == {None}


def test_more_rows_than_are_asked_for_make_it_partial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ga4, "MOST_PAGES", 1)
    assert {fact.partial for fact in facts("ga4", report(row("/a"), count=9), **SET)} == {True}


@pytest.mark.parametrize(
    ("status", "code", "to_do"),
    [(401, "UNAUTHENTICATED", "set another one"), (429, "RESOURCE_EXHAUSTED", "quota is used up"), (503, "X", "later")],
)
def test_a_refusal_is_a_problem_that_says_what_to_do_and_no_fact(status: int, code: str, to_do: str) -> None:
    error = {"error": {"code": status, "message": "Exhausted tokens.", "status": code}}
    [only], http = gathered("ga4", (status, error), **SET)
    assert len(http.sent) == 1
    with pytest.raises(Unreadable, match=f"ga4 replied {status} .Exhausted tokens.*{to_do}"):
        read("ga4", only)


def test_a_refusal_in_the_middle_is_no_half_of_a_report() -> None:
    found, http = gathered("ga4", report(row("/a"), count=9), (429, {"error": {"message": "no"}}), **SET)
    assert (len(http.sent), found[0].reply.status) == (2, 429)
    assert b'"/a"' in found[0].reply.body
    with pytest.raises(Unreadable, match="quota is used up"):
        read("ga4", found[0])


@pytest.mark.parametrize(
    "broken",
    [
        (200, {"results": []}),
        (200, b"<html>"),
        report((("20261001",), ("1", "1", "1", "1"))),
        report(row("/a", sessions="many")),
        report(row("/a", day="20261399")),
    ],
)
def test_what_is_no_report_is_unreadable(broken: tuple[int, Any]) -> None:
    with pytest.raises(Unreadable):
        facts("ga4", broken, **SET)


def test_all_sessions_of_each_day_are_asked_for_too_whatever_their_source() -> None:
    per_day = {
        "dimensionHeaders": [{"name": "date"}],
        "metricHeaders": [{"name": "sessions", "type": "TYPE_INTEGER"}],
        "rows": [{"dimensionValues": [{"value": "20261001"}], "metricValues": [{"value": "950"}]}],
        "metadata": {},
    }
    found, http = gathered("ga4", report(), (200, per_day), **SET | {"all_sessions": True})
    assert http.bodies[1]["dimensions"] == [{"name": "date"}]
    assert "dimensionFilter" not in http.bodies[1]
    [fact] = read("ga4", found[1])
    assert (fact.unit, fact.unit_kind, fact.day) == ("www.example.com", "host", date(2026, 10, 1))
    assert (fact.metric, fact.value, fact.assistant, fact.attribution) == ("all_sessions", 950, None, None)


@pytest.mark.parametrize(("options", "missing"), [({"host": "x"}, "property"), ({"property": 1}, "host")])
def test_what_is_not_set_is_named(options: dict[str, Any], missing: str) -> None:
    with pytest.raises(ConfigError, match=rf"{missing} is not set; write .* in \[signals.ga4\]"):
        gathered("ga4", report(), **options)
