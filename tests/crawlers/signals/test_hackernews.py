"""Replies as the Hacker News search of Algolia gives them."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from crawlers.signals import hackernews
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Engagement
from tests.crawlers.signals.asking import NOON, facts, gathered, read


def story(number: int, url: str | None, at: str = "2026-10-05", points: int | None = 10) -> dict[str, Any]:
    created = int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp())
    told = {"objectID": f"{number}", "title": "x", "points": points, "num_comments": 3, "created_at_i": created}
    return told | ({"url": url} if url else {})


def hits(*stories: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    return 200, {"hits": [*stories], "nbHits": len(stories), "page": 0, "nbPages": 1, "hitsPerPage": 1000}


def values(found: list[Engagement], metric: str) -> dict[str, float]:
    return {fact.unit: fact.value for fact in found if fact.metric == metric}


def test_it_searches_addresses_for_the_site() -> None:
    _, http = gathered("hackernews", hits())
    assert http.queries == [
        {
            "query": "example.com",
            "restrictSearchableAttributes": "url",
            "tags": "story",
            "hitsPerPage": "1000",
            "page": "0",
        }
    ]


def test_more_stories_than_a_query_gives_are_taken_window_after_window_each_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hackernews, "HITS", 2)
    a, b, c = (story(n, "https://example.com/a", f"2026-10-0{9 - n}") for n in range(3))
    [only], http = gathered("hackernews", hits(a, b), hits(b, c), hits(c))
    assert [query.get("numericFilters") for query in http.queries] == [
        None,
        f"created_at_i<={b['created_at_i']}",
        f"created_at_i<={c['created_at_i']}",
    ]
    assert values(read("hackernews", only), "points") == {"https://example.com/a": 30}


def test_a_host_that_only_looks_like_the_site_does_not_count() -> None:
    others = ("https://notexample.com/", "https://example.com.evil.example/", "https://x.example/?u=example.com", None)
    stories = (story(number, url) for number, url in enumerate(others, 2))
    found = facts("hackernews", hits(story(1, "https://blog.example.com/x"), *stories))
    assert values(found, "points") == {"https://blog.example.com/x": 10}


def test_points_are_levels_of_the_day_they_were_seen_and_stories_flows_of_the_day_they_came() -> None:
    url = "https://example.com/a?utm_source=hn"
    found = facts("hackernews", hits(story(1, url), story(2, url), story(3, "https://example.com/a", "2026-09-01")))
    assert {(f.metric, f.unit, f.day, f.kind, f.value) for f in found} == {
        ("points", "https://example.com/a", NOON.date(), "level", 30),
        ("comments", "https://example.com/a", NOON.date(), "level", 9),
        ("stories", "https://example.com/a", date(2026, 10, 5), "flow", 2),
    }


def test_points_nobody_tells_are_not_nought() -> None:
    assert values(facts("hackernews", hits(story(1, "https://example.com/", points=None))), "points") == {}


def test_stories_beyond_the_last_window_make_it_partial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hackernews, "HITS", 1)
    monkeypatch.setattr(hackernews, "MOST_WINDOWS", 2)
    assert {f.partial for f in facts("hackernews", hits(story(1, "https://example.com/")))} == {True}


@pytest.mark.parametrize("reply", [(500, {}), (200, {"x": 1}), (200, b"[1]")])
def test_what_is_no_reply_of_the_search_is_unreadable(reply: tuple[int, Any]) -> None:
    with pytest.raises(Unreadable):
        facts("hackernews", reply)
