import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from crawlers.analytics.joining import CUT, WHOLE, all_pages, asked_on, pages
from crawlers.base import Reply, Request
from crawlers.reading.wire import Document
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Capture

NOON = datetime(2026, 3, 2, 12)


def took(told: Sequence[tuple[int, bytes]], most: int = 9) -> tuple[Reply, str, int]:
    """The joined reply, how much of it came, and how often was asked; pages name the next one."""
    asked: list[str] = []

    async def send(request: Request) -> Reply:
        asked.append(request.url)
        status, body = told[len(asked) - 1]
        return Reply(status, (), body, request.url, NOON, 1.0)

    def following(document: Document) -> Request | None:
        return Request("GET", document["next"]) if document.get("next") else None

    reply, extent = asyncio.run(all_pages(send, Request("GET", "1"), following, most))
    return reply, extent, len(asked)


def page(number: int, following: str | None = None) -> tuple[int, bytes]:
    return 200, json.dumps({"n": number, "next": following}).encode()


def capture(reply: Reply) -> Capture:
    return Capture("ga4", reply.body, reply.url, NOON, reply.status)


def numbers(reply: Reply) -> list[Any]:
    return [document["n"] for document in pages(capture(reply))]


def test_one_page_stays_as_it_came() -> None:
    reply, extent, _ = took([page(1)])
    assert (reply.body, extent) == (page(1)[1], WHOLE)


def test_pages_stand_in_the_joined_reply_byte_for_byte() -> None:
    odd = b'{"n" : 2,\n  "next": null}'
    reply, extent, asked = took([page(1, "2"), (200, odd)])
    assert (extent, asked, reply.seconds, reply.url) == (WHOLE, 2, 2.0, "1")
    assert odd in reply.body
    assert numbers(reply) == [1, 2]


def test_no_more_pages_are_asked_for_than_may_be_and_that_is_told() -> None:
    reply, extent, asked = took([page(1, "2"), page(2, "3"), page(3)], most=2)
    assert (extent, asked, numbers(reply)) == (CUT, 2, [1, 2])


@pytest.mark.parametrize("bad", [(500, b"<html>"), (429, b'{"error": "slow down"}'), (401, b"\xff")])
def test_a_no_in_the_middle_is_what_the_whole_says_and_nothing_of_it_is_lost(bad: tuple[int, bytes]) -> None:
    reply, _, asked = took([page(1, "2"), bad, page(3)])
    assert (reply.status, asked) == (bad[0], 2)
    assert page(1, "2")[1] in reply.body
    assert len(json.loads(reply.body)) == 2
    with pytest.raises(Unreadable, match=f"ga4 replied {bad[0]}"):
        pages(capture(reply))


def test_garbage_in_the_middle_is_unreadable() -> None:
    reply, *_ = took([page(1, "2"), (200, b"\x00garbage")])
    with pytest.raises(Unreadable, match="item 2"):
        pages(capture(reply))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"error": "Invalid API key"}', "(Invalid API key)"),
        (b'{"error": {"code": 403, "message": "No\\naccess"}}', "(No access)"),
        (b'{"error": {"info": "maxlag"}}', "(maxlag)"),
        (b"<html>", "ga4 replied 403; "),
        (json.dumps({"error": "x" * 9999}).encode(), "x" * 300 + ")"),
    ],
)
def test_what_the_source_says_of_a_refusal_is_told_in_short(body: bytes, says: str) -> None:
    with pytest.raises(Unreadable) as raised:
        pages(Capture("ga4", body, http_status=403))
    assert says in str(raised.value)
    assert "see to its rights" in str(raised.value)
    assert len(str(raised.value)) < 500


def test_a_level_without_a_day_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="nothing tells when"):
        asked_on(Capture("tranco", b""))
