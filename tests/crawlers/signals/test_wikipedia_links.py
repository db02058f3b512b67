"""Replies as MediaWiki's exturlusage gives them."""

from typing import Any

import pytest

from crawlers.signals import wikipedia_links
from geo_flywheel.errors import Unreadable
from tests.crawlers.signals.asking import NOON, facts, gathered, read


def links(*found: tuple[int, str], onward: str | None = None) -> tuple[int, dict[str, Any]]:
    told = [{"pageid": article, "ns": 0, "title": f"Article {article}", "url": url} for article, url in found]
    more = {"continue": {"eucontinue": onward, "continue": "-||"}} if onward else {}
    return 200, {**more, "query": {"exturlusage": told}}


A, B = "https://example.com/a", "https://www.example.com/b"


def test_it_goes_on_as_long_as_it_is_told_to_also_after_a_page_without_links() -> None:
    [only], http = gathered("wikipedia_links", links((1, A), onward="x|1"), links(onward="x|2"), links((2, A)))
    assert [query.get("eucontinue") for query in http.queries] == [None, "x|1", "x|2"]
    assert (http.queries[0]["euquery"], http.queries[0]["eunamespace"]) == ("*.example.com", "0")
    assert {(f.unit, f.value) for f in read("wikipedia_links", only)} == {("example.com", 2), (A, 2)}


def test_an_article_counts_once_however_often_it_links() -> None:
    reply = links(
        (1, A), (1, f"{A}?utm_source=wiki"), (1, B), (2, "//www.example.com/b"), (3, "https://notexample.com/")
    )
    found = facts("wikipedia_links", reply)
    assert {(f.unit, f.unit_kind): f.value for f in found} == {
        ("example.com", "site"): 2,
        (A, "page"): 1,
        (B, "page"): 2,
    }
    assert {(f.day, f.kind, f.metric, f.partial) for f in found} == {(NOON.date(), "level", "backlinks", False)}


def test_a_site_nobody_links_to_has_none_which_is_known() -> None:
    [fact] = facts("wikipedia_links", links())
    assert (fact.unit, fact.value, fact.partial) == ("example.com", 0, False)


def test_links_beyond_the_last_page_make_it_partial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wikipedia_links, "MOST_PAGES", 2)
    assert {f.partial for f in facts("wikipedia_links", links((1, A), onward="x"))} == {True}


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        ((200, {"error": {"code": "maxlag", "info": "Waiting for a database server"}}), "Waiting for a database"),
        ((429, {}), "quota"),
        ((200, {"x": 1}), "no query"),
    ],
)
def test_what_cannot_be_read_says_why(reply: tuple[int, Any], says: str) -> None:
    with pytest.raises(Unreadable, match=says):
        facts("wikipedia_links", reply)
