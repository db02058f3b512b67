from contextlib import suppress
from datetime import date
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.base import Request
from crawlers.corpora import common_crawl_index as index
from crawlers.crawled.crawls import read_crawls
from geo_flywheel.errors import ConfigError, Throttled, Unreadable
from geo_flywheel.records import PresenceState
from geo_flywheel.simulate.scenery import url
from geo_flywheel.urls import site
from tests.crawlers.corpora.gathering import (
    by_hand,
    engagements,
    gathered,
    listings,
    presences,
    read,
    sandbox,
    wanted,
)

NAME = "common_crawl_index"
CRAWLS = [
    {"id": "CC-MAIN-2026-10", "from": "2026-03-01T00:00:00", "to": "2026-03-12T00:00:00"},
    {"id": "CC-MAIN-2026-05"},
]
PAGES = {"pages": 2, "pageSize": 5, "blocks": 7}


def line(url: str, status: int = 200, part: str = "warc", mime: str = "text/html") -> bytes:
    name = f"crawl-data/CC-MAIN-2026-10/segments/1/{part}/x.warc.gz"
    return orjson.dumps({"url": url, "status": str(status), "mime-detected": mime, "filename": name}) + b"\n"


def answering(*pages: tuple[int, object], crawls: object = CRAWLS):  # type: ignore[no-untyped-def]  # noqa: ANN201
    def answer(request: Request) -> tuple[int, object]:
        asked = parse_qs(urlsplit(request.url).query)
        if request.url.endswith("collinfo.json"):
            return 200, crawls
        if "showNumPages" in asked:
            return 200, {**PAGES, "pages": len(pages)}
        return pages[int(asked["page"][0])]

    return answer


def states(facts: list) -> dict[str, PresenceState]:  # type: ignore[type-arg]
    return {presence.unit: presence.state for presence in presences(facts)}


class TestAtTheSandbox:
    def test_the_pages_of_a_site_are_those_the_market_crawled(self) -> None:
        market = sandbox()
        crawl = market.corpora.crawls()[0]
        for number in range(4):
            pages = [url(market.market, page) for page in range(60) if market.market.site[page] == number]
            name = site(pages[0])
            facts = read(NAME, gathered(market, NAME, wanted(name, pages=tuple(pages)), most_crawls=1))
            held = {url(market.market, page) for page in market.corpora.pages(crawl)}
            assert {p.unit: p.state == "present" for p in presences(facts) if p.unit_kind == "page"} == {
                page: page in held for page in pages
            }
            captures = [c.url for c in market.corpora.captures(crawl) if c.subset == "warc" and site(c.url) == name]
            (whole,) = [p for p in presences(facts) if p.unit_kind == "site"]
            assert (whole.unit, whole.captures, whole.documents) == (name, len(captures), len(set(captures)))
            assert whole.state == ("present" if captures else "absent")
            assert whole.observed_on == crawl.ended
            assert {page.unit for page in listings(facts)} == set(captures)

    def test_each_crawl_of_the_period_is_asked_once_newest_first(self) -> None:
        market = sandbox()
        came = gathered(market, NAME, wanted("ambertrail.example"), most_crawls=50)
        crawls = [crawl.id for crawl in market.corpora.crawls() if crawl.ended >= date(2026, 1, 1)]
        assert [each.options["crawl"] for each in came[1:]] == crawls
        assert len(crawls) > 3

    def test_visits_of_the_crawler_are_told_apart_from_pages(self) -> None:
        market = sandbox()
        came = gathered(market, NAME, wanted("ambertrail.example"), most_crawls=1)
        told = {each.metric: each.value for each in engagements(read(NAME, came))}
        assert {each.rule for each in engagements(read(NAME, came))} == {market.corpora.crawls()[0].id}
        captures = [c for c in market.corpora.captures(market.corpora.crawls()[0]) if "ambertrail" in c.url]
        assert told == {
            "page_captures": sum(c.subset == "warc" for c in captures),
            "other_captures": 0,
            "redirect_captures": sum(c.subset == "crawldiagnostics" for c in captures),
            "error_captures": 0,
            "robots_captures": sum(c.subset == "robotstxt" for c in captures),
        }
        assert told["robots_captures"] == 1


class TestWhatIsNotThere:
    def test_a_404_that_says_so_is_absent(self) -> None:
        answer = answering((404, {"message": "No Captures found for: a.example"}))
        came, _, error = by_hand(NAME, answer, wanted("a.example", pages=("https://a.example/x",)), {"most_crawls": 1})
        assert error is None
        assert states(read(NAME, came)) == {"a.example": "absent", "https://a.example/x": "absent"}

    @pytest.mark.parametrize("status", [400, 404, 500, 502])
    def test_any_other_failure_is_unknown(self, status: int) -> None:
        came, _, _ = by_hand(
            NAME, answering((status, "<html>")), wanted("a.example", pages=("https://a.example/x",)), {"most_crawls": 1}
        )
        assert states(read(NAME, came)) == {"a.example": "unknown", "https://a.example/x": "unknown"}

    def test_a_count_of_pages_that_fails_is_unknown(self) -> None:
        def answer(request: Request) -> tuple[int, object]:
            return (200, CRAWLS) if request.url.endswith("collinfo.json") else (500, "")

        came, _, _ = by_hand(NAME, answer, wanted("a.example"), {"most_crawls": 1})
        assert states(read(NAME, came)) == {"a.example": "unknown"}

    def test_an_empty_page_says_nothing(self) -> None:
        came, _, _ = by_hand(NAME, answering((200, b"")), wanted("a.example"), {"most_crawls": 1})
        assert states(read(NAME, came)) == {"a.example": "unknown"}

    def test_a_page_of_the_index_that_fails_leaves_what_is_missing_unknown_and_counts_out(self) -> None:
        answer = answering((200, line("https://a.example/x")), (502, ""))
        came, _, _ = by_hand(
            NAME,
            answer,
            wanted("a.example", pages=("https://a.example/x", "https://a.example/y")),
            {"most_crawls": 1},
        )
        facts = read(NAME, came)
        assert states(facts) == {
            "a.example": "present",
            "https://a.example/x": "present",
            "https://a.example/y": "unknown",
        }
        assert {presence.captures for presence in presences(facts)} == {None}
        assert {each.metric: each.value for each in engagements(facts)} == {
            "asked_pages": 2,
            "asked_pages_present": 1,
            "asked_pages_absent": 0,
        }

    def test_more_pages_than_are_asked_for_leave_the_rest_unknown(self) -> None:
        answer = answering((200, line("https://a.example/x")), (200, line("https://a.example/y")))
        what = wanted("a.example", pages=("https://a.example/y",))
        came, sent, _ = by_hand(NAME, answer, what, {"most_crawls": 1, "most_index_pages": 1})
        assert sum("page=1" in request.url for request in sent) == 0
        assert states(read(NAME, came))["https://a.example/y"] == "unknown"

    def test_redirects_errors_robots_and_other_types_are_no_presence(self) -> None:
        lines = [
            line("https://a.example/1", 301, "crawldiagnostics"),
            line("https://a.example/2", 404, "crawldiagnostics"),
            line("https://a.example/robots.txt", 200, "robotstxt", "text/plain"),
            line("https://a.example/3", 200, "warc", "application/pdf"),
        ]
        came, _, _ = by_hand(NAME, answering((200, b"".join(lines))), wanted("a.example"), {"most_crawls": 1})
        facts = read(NAME, came)
        assert states(facts) == {"a.example": "absent"}
        assert {each.metric: each.value for each in engagements(facts)} == {
            "page_captures": 0,
            "other_captures": 1,
            "redirect_captures": 1,
            "error_captures": 1,
            "robots_captures": 1,
        }

    def test_a_period_before_all_crawls_is_unknown(self) -> None:
        what = wanted("a.example", since=date(2001, 1, 1), until=date(2001, 2, 1))
        came, sent, _ = by_hand(NAME, answering(), what)
        (presence,) = presences(read(NAME, came))
        assert (presence.state, presence.observed_on, len(sent)) == ("unknown", date(2001, 2, 1), 1)

    def test_after_the_last_crawl_that_one_is_asked_and_dated_by_itself(self) -> None:
        what = wanted("a.example", since=date(2027, 1, 1), until=date(2027, 2, 1))
        came, _, _ = by_hand(NAME, answering((200, line("https://a.example/x"))), what)
        assert {presence.observed_on for presence in presences(read(NAME, came))} == {date(2026, 3, 12)}

    def test_no_list_of_crawls_is_unknown(self) -> None:
        came, _, _ = by_hand(NAME, lambda _: (502, ""), wanted("a.example"))
        assert states(read(NAME, came)) == {"a.example": "unknown"}

    def test_another_spelling_of_a_page_is_unknown_and_another_door_is_the_page(self) -> None:
        what = wanted("a.example", pages=("https://www.a.example/x", "https://a.example/Y/", "https://a.example/z?q=1"))
        held = line("http://a.example/x") + line("https://a.example/y") + line("https://a.example/z?q=2")
        came, _, _ = by_hand(NAME, answering((200, held)), what, {"most_crawls": 1})
        found = states(read(NAME, came))
        assert [found[page] for page in what.pages] == ["present", "unknown", "absent"]

    def test_captures_of_another_site_are_not_counted(self) -> None:
        held = line("https://a.example/x") + line("https://notA.example/x") + line("https://www.a.example/y")
        came, _, _ = by_hand(NAME, answering((200, held)), wanted("a.example"), {"most_crawls": 1})
        (whole,) = [p for p in presences(read(NAME, came)) if p.unit_kind == "site"]
        assert whole.captures == 2


class TestManners:
    def test_a_403_is_tried_once_more_and_then_nothing_more_is_asked(self) -> None:
        def answer(request: Request) -> tuple[int, object]:
            return (200, CRAWLS) if request.url.endswith("collinfo.json") else (403, "")

        came, sent, error = by_hand(NAME, answer, wanted("a.example", "b.example"), {"most_crawls": 1})
        assert len(sent) == 3
        assert isinstance(error, Throttled)
        assert states(read(NAME, came)) == {"a.example": "unknown"}

    def test_whoever_asks_can_be_reached_when_they_say_how(self) -> None:
        _, sent, _ = by_hand(NAME, answering(), wanted(), {"contact": "https://a.example/bot"})
        assert sent[0].headers["user-agent"] == "geo-flywheel (+https://a.example/bot)"

    def test_an_address_inside_the_list_of_crawls_is_not_followed(self) -> None:
        hostile = [{**CRAWLS[0], "cdx-api": "http://169.254.169.254/index"}, {"id": "../../x", "to": "2026-03-03"}]
        _, sent, _ = by_hand(NAME, answering((200, b""), crawls=hostile), wanted("a.example"))
        assert {urlsplit(request.url).hostname for request in sent} == {"index.commoncrawl.org"}

    def test_a_crawl_that_is_not_there_is_named_with_the_newest(self) -> None:
        with pytest.raises(ConfigError, match="there is no crawl CC-MAIN-2001-01; the newest is CC-MAIN-2026-10"):
            by_hand(NAME, answering(), wanted("a.example"), {"crawls": ["CC-MAIN-2001-01"]})

    @pytest.mark.parametrize(
        "wrong", [{"pause": -1}, {"pause": "1"}, {"most_crawls": 0}, {"crawls": "CC-MAIN-2026-10"}]
    )
    def test_a_setting_that_cannot_be_is_named(self, wrong: dict[str, object]) -> None:
        with pytest.raises(ConfigError, match=f"{next(iter(wrong))} of common_crawl_index is"):
            by_hand(NAME, answering(), wanted("a.example"), wrong)


def test_a_crawl_without_dates_has_those_of_the_week_it_is_named_after() -> None:
    crawl = read_crawls(orjson.dumps(CRAWLS), "x")[1]
    assert (crawl.first, crawl.last) == (date(2026, 1, 26), date(2026, 2, 1))


def test_a_line_that_is_no_capture_is_named() -> None:
    with pytest.raises(Unreadable, match="line 2 is no capture"):
        list(index.lines(line("https://a.example/").decode() + "{...", "x"))


@given(st.text())
def test_whatever_the_body_it_is_read_or_refused(body: str) -> None:
    with suppress(Unreadable):
        list(index.lines(body, "x"))
