"""Replies as Plausible's documentation of the Stats API v2 has them."""

from datetime import date
from typing import Any

import pytest

from crawlers.signals import plausible
from geo_flywheel.errors import ConfigError, Unreadable
from tests.crawlers.signals.asking import TOKEN, facts, gathered, read


def results(*rows: tuple[list[Any], list[Any]], total: int | None = None) -> tuple[int, dict[str, Any]]:
    told = [{"metrics": metrics, "dimensions": dimensions} for dimensions, metrics in rows]
    return 200, {"results": told, "meta": {"total_rows": len(rows) if total is None else total}, "query": {}}


ROW = (["2026-10-01", "/a", "ChatGPT"], [3, 8])


def test_it_asks_for_the_channel_of_assistants_and_pages_by_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plausible, "ROWS", 1)
    other = (["2026-10-02", "/b", "Perplexity"], [1, 1])
    found, http = gathered(
        "plausible", results(ROW, total=2), results(other, total=2), host="www.example.com", all_sessions=False
    )
    assert [body["pagination"] for body in http.bodies] == [{"limit": 1, "offset": 0}, {"limit": 1, "offset": 1}]
    assert http.sent[0].url == "https://plausible.io/api/v2/query"
    assert http.sent[0].headers["authorization"] == f"Bearer {TOKEN}"
    asked = http.bodies[0]
    assert (asked["site_id"], asked["date_range"]) == ("example.com", ["2026-10-01", "2026-10-31"])
    assert asked["filters"] == [["is", "visit:channel", ["AI Assistants"]]]
    assert [(f.unit, f.day, f.metric, f.value, f.assistant, f.attribution) for f in read("plausible", found[0])] == [
        ("https://www.example.com/a", date(2026, 10, 1), "sessions", 3, "ChatGPT", "channel"),
        ("https://www.example.com/a", date(2026, 10, 1), "pageviews", 8, "ChatGPT", "channel"),
        ("https://www.example.com/b", date(2026, 10, 2), "sessions", 1, "Perplexity", "channel"),
        ("https://www.example.com/b", date(2026, 10, 2), "pageviews", 1, "Perplexity", "channel"),
    ]


def test_two_names_of_one_assistant_are_added_up_and_a_stranger_is_nobody() -> None:
    rows = ROW, (["2026-10-01", "/a", "chatgpt.com"], [1, 1]), (["2026-10-01", "(not set)", "new.example"], [5, 5])
    found = facts("plausible", results(*rows), host="www.example.com", all_sessions=False)
    assert {(f.unit, f.unit_kind, f.assistant): f.value for f in found if f.metric == "sessions"} == {
        ("https://www.example.com/a", "page", "ChatGPT"): 4,
        ("www.example.com", "host", None): 5,
    }


def test_no_results_are_no_facts() -> None:
    assert facts("plausible", results(), host="x.example", all_sessions=False) == []


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        ((401, {"error": "Invalid API key or site ID."}), "replied 401 .Invalid API key or site ID.*set another"),
        ((429, {"error": "Too many API requests."}), "gather again later"),
        ((400, {"error": "Invalid filter"}), "options"),
        ((200, {"rows": []}), "no results"),
        (results((["2026-10-01", "/a"], [1, 1])), "does not fit"),
        (results((["soon", "/a", "x"], [1, 1])), "names the day"),
    ],
)
def test_what_cannot_be_read_says_why(reply: tuple[int, Any], says: str) -> None:
    with pytest.raises(Unreadable, match=says):
        facts("plausible", reply, host="x.example", all_sessions=False)


def test_without_a_key_nothing_is_asked() -> None:
    with pytest.raises(ConfigError, match="needs PLAUSIBLE_API_KEY in the environment"):
        gathered("plausible", results(), keys={}, host="x.example", all_sessions=False)


def test_all_visits_of_each_day_are_asked_for_too_and_a_day_without_any_says_nothing() -> None:
    per_day = results((["2026-10-01"], [950]), (["2026-10-02"], [0]))
    found, http = gathered("plausible", results(), per_day, host="www.example.com")
    assert (http.bodies[1]["filters"], http.bodies[1]["dimensions"]) == ([], ["time:day"])
    assert [(f.unit, f.unit_kind, f.day.day, f.metric, f.value) for f in read("plausible", found[1])] == [
        ("www.example.com", "host", 1, "all_sessions", 950)
    ]
