"""What Common Crawl and the Wayback Machine answered on 2025-09-15, against a plain count of the recorded lines."""

import orjson

from crawlers.crawled.crawls import read_crawls
from geo_flywheel.records import PresenceState
from geo_flywheel.urls import canonical
from tests.crawlers.corpora.gathering import presences
from tests.crawlers.corpora.recorded import Recorded, counted, read, recorded


def test_every_reply_is_read() -> None:
    kinds = sorted(reply.kind for reply in recorded() if counted(reply))
    assert kinds == ["crawls", *["index"] * 5, "other", "other", "pages", "wayback", "wayback"]


def test_captures_are_those_a_plain_count_finds() -> None:
    for reply in recorded():
        if reply.kind == "index" and reply.status == 200:
            lines = [orjson.loads(line) for line in reply.body.splitlines()]
            pages = [line for line in lines if "/warc/" in line["filename"] and line["status"] == "200"]
            whole, *each = presences(read(reply))
            assert (whole.unit, whole.captures) == (reply.unit, len(pages))
            assert {page.unit for page in each} == {canonical(line["url"]).url for line in pages}
            assert len(pages) < len(lines) or len(lines) == 1


def test_nothing_found_is_absent_and_a_page_past_the_end_is_unknown() -> None:
    states = {reply.status: presences(read(reply))[0].state for reply in recorded() if reply.kind == "index"}
    assert states == {200: PresenceState.PRESENT, 404: PresenceState.ABSENT, 400: PresenceState.UNKNOWN}


def test_the_list_of_crawls_is_read_whole() -> None:
    (listed,) = (reply for reply in recorded() if reply.kind == "crawls")
    crawls = read_crawls(listed.body.encode(), "x")
    assert len(crawls) == len(orjson.loads(listed.body))
    assert (crawls[0].id, f"{crawls[0].last}") == ("CC-MAIN-2025-33", "2025-08-15")
    assert crawls[-1].id == "CC-MAIN-2008-2009"


def test_captures_of_the_wayback_machine_are_one_page_under_one_address() -> None:
    for reply in filter(_of_wayback, recorded()):
        _, *rows = orjson.loads(reply.body)
        months = {row[1][:6] for row in rows}
        facts = presences(read(reply))
        assert {
            f"{fact.observed_on:%Y%m}" for fact in facts if fact.unit_kind == "site" and fact.state == "present"
        } == months
        assert {fact.unit for fact in facts if fact.unit_kind == "page"} == {
            canonical(row[2].replace(":80", "")).url for row in rows
        }


def _of_wayback(reply: Recorded) -> bool:
    return reply.kind == "wayback"
