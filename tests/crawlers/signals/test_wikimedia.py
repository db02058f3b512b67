"""Replies as Wikimedia's pageviews API gives them."""

from datetime import date
from typing import Any

import pytest

from crawlers.base import Wanted
from geo_flywheel.errors import ConfigError, Unreadable
from tests.crawlers.signals.asking import facts, gathered

ARTICLE = "https://en.wikipedia.org/wiki/AC/DC"
ITEM = {
    "project": "en.wikipedia",
    "article": "AC/DC",
    "granularity": "daily",
    "timestamp": "2026100100",
    "access": "all-access",
    "agent": "user",
    "views": 612,
}


def test_an_article_is_asked_for_by_its_title_with_every_sign_escaped() -> None:
    _, http = gathered("wikimedia", (200, {"items": [ITEM]}), articles=[ARTICLE], contact="me@example.com")
    assert http.sent[0].url == (
        "https://wikimedia.org/api/rest_v1/metrics/pageviews/per-article/en.wikipedia/all-access/user/AC%2FDC/daily/"
        "20261001/20261031"
    )
    assert http.sent[0].headers == {"user-agent": "geo-flywheel (me@example.com)"}


def test_views_belong_to_the_article_and_the_day() -> None:
    [fact] = facts("wikimedia", (200, {"items": [ITEM]}), articles=[ARTICLE])
    assert (fact.unit, fact.unit_kind, fact.day) == (ARTICLE, "page", date(2026, 10, 1))
    assert (fact.metric, fact.value, fact.kind) == ("pageviews", 612, "flow")


def test_an_article_nobody_counted_has_no_row_and_the_next_one_is_asked_for() -> None:
    both = [ARTICLE, "https://de.wikipedia.org/wiki/Zelt"]
    found, http = gathered("wikimedia", (404, {"title": "Not found."}), (200, {"items": [ITEM]}), articles=both)
    assert len(found) == 2
    assert "/de.wikipedia/" in http.sent[1].url
    assert len(facts("wikimedia", (404, {"title": "Not found."}), (200, {"items": [ITEM]}), articles=both)) == 1


def test_articles_among_the_pages_wanted_are_asked_for_and_other_pages_are_not() -> None:
    pages = (ARTICLE, "https://example.com/wiki/X", "https://en.wikipedia.org/w/index.php", "https://wikipedia.org/")
    wanted = Wanted(("en.wikipedia.org",), date(2010, 1, 1), date(2026, 10, 31), pages)
    _, http = gathered("wikimedia", (200, {"items": []}), wanted=wanted)
    assert [request.url.split("/user/")[1] for request in http.sent] == ["AC%2FDC/daily/20150701/20261031"]


def test_without_an_article_nothing_is_asked() -> None:
    with pytest.raises(ConfigError, match=r"no article is named; write articles = .* in \[signals.wikimedia\]"):
        gathered("wikimedia", (200, {}))


@pytest.mark.parametrize("reply", [(429, {}), (200, {"x": 1}), (200, {"items": [{**ITEM, "timestamp": "soon"}]})])
def test_what_cannot_be_read_is_unreadable(reply: tuple[int, Any]) -> None:
    with pytest.raises(Unreadable):
        facts("wikimedia", reply, articles=[ARTICLE])
