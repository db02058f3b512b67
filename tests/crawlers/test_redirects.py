import asyncio
from collections.abc import Mapping
from datetime import datetime

import pytest

from crawlers.base import Reply, Request
from crawlers.redirects import resolve
from geo_flywheel.errors import CrawlError, Refused
from geo_flywheel.records import Resolution
from tests.crawlers.asking.waiting import SENT_AT, reply

GROUNDING = "https://vertexaisearch.cloud.google.com/grounding-api-redirect/"
NOW = datetime(2026, 11, 23)


class Web:
    """Answers each address with the reply it has for it."""

    def __init__(self, pages: Mapping[str, Reply | CrawlError]) -> None:
        self.requests: list[Request] = []
        self._pages = pages

    async def send(self, request: Request) -> Reply:
        self.requests.append(request)
        page = self._pages[request.url]
        if isinstance(page, CrawlError):
            raise page
        return page


def to(location: str, status: int = 302) -> Reply:
    return reply(b"", status, [("Content-Type", "text/html"), ("LOCATION", location)])


def resolved(pages: Mapping[str, Reply | CrawlError], *urls: str) -> tuple[list[Resolution], list[Request]]:
    web = Web(pages)
    return asyncio.run(resolve(web, urls or [*pages][:1], now=lambda: NOW)), web.requests


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_to_the_page_it_names(status: int) -> None:
    found, _ = resolved({GROUNDING + "A": to("https://a.test/x?y=1", status)})
    assert found == [Resolution(GROUNDING + "A", "https://a.test/x?y=1", status, SENT_AT)]


def test_the_page_itself_is_never_fetched() -> None:
    _, requests = resolved({GROUNDING + "A": to("https://a.test/")})
    assert [(sent.method, sent.url) for sent in requests] == [("HEAD", GROUNDING + "A")]


def test_a_step_is_public_followed_no_further_and_carries_nothing() -> None:
    _, (sent,) = resolved({GROUNDING + "A": to("https://a.test/")})
    assert (sent.public, sent.follow, sent.paid, dict(sent.headers), sent.body) == (True, False, False, {}, b"")


def test_a_redirect_to_a_redirect_is_followed() -> None:
    pages = {GROUNDING + "A": to("B"), GROUNDING + "B": to("https://t.co/x"), "https://t.co/x": to("https://a.test/")}
    found, requests = resolved(pages)
    assert found == [Resolution(GROUNDING + "A", "https://a.test/", 302, SENT_AT)]
    assert len(requests) == 3


def test_a_circle_ends_unresolved_after_five_steps() -> None:
    found, requests = resolved({GROUNDING + "A": to("A")})
    assert found == [Resolution(GROUNDING + "A", None, 302, SENT_AT)]
    assert len(requests) == 5


@pytest.mark.parametrize("status", [200, 404, 410, 429, 500])
def test_a_reply_that_is_no_redirect_leaves_it_unresolved(status: int) -> None:
    found, _ = resolved({GROUNDING + "A": reply(b"", status, [("location", "https://a.test/")])})
    assert found == [Resolution(GROUNDING + "A", None, status, SENT_AT)]


@pytest.mark.parametrize("location", ["", "javascript:alert(1)", "ftp://a.test/", "http://[bad/", "data:,x"])
def test_a_location_that_is_no_page_leaves_it_unresolved(location: str) -> None:
    found, _ = resolved({GROUNDING + "A": to(location)})
    assert found == [Resolution(GROUNDING + "A", None, 302, SENT_AT)]


def test_one_that_never_answers_is_unresolved_and_stops_no_other() -> None:
    pages: dict[str, Reply | CrawlError] = {
        GROUNDING + "A": Refused("robots"),
        GROUNDING + "B": to("https://b.test/"),
    }
    found, _ = resolved(pages, *pages)
    assert found == [
        Resolution(GROUNDING + "A", None, None, NOW),
        Resolution(GROUNDING + "B", "https://b.test/", 302, SENT_AT),
    ]


def test_an_address_is_asked_for_once_however_often_it_is_cited() -> None:
    pages = {GROUNDING + "A": to("https://a.test/"), GROUNDING + "B": to("https://b.test/")}
    found, requests = resolved(pages, GROUNDING + "B", GROUNDING + "A", GROUNDING + "B")
    assert [each.raw_url for each in found] == [GROUNDING + "B", GROUNDING + "A"]
    assert len(requests) == 2


def test_no_address_is_no_request() -> None:
    assert asyncio.run(resolve(Web({}), [])) == []
