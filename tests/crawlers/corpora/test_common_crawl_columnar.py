from datetime import date

import orjson
import pytest

from crawlers.base import Gathered
from crawlers.corpora import common_crawl_columnar as columnar
from crawlers.sandbox.addresses import Sandbox
from geo_flywheel.errors import CrawlError, Throttled, Unreadable
from geo_flywheel.records import Capture
from geo_flywheel.simulate.scenery import host, url
from geo_flywheel.urls import site
from tests.crawlers.corpora.gathering import by_hand, captured, engagements, gathered, presences, read, sandbox, wanted

NAME = "common_crawl_columnar"


@pytest.fixture(scope="module")
def market() -> Sandbox:
    return sandbox()


def note(one: Gathered) -> dict[str, object]:
    told: dict[str, object] = orjson.loads(one.reply.body)
    return told


def test_it_says_what_the_index_server_says(market: Sandbox) -> None:
    names = tuple(site(host(number)) for number in range(4))
    pages = tuple(url(market.market, page) for page in range(60))
    options = {"subsets": ["warc", "crawldiagnostics", "robotstxt"], "most_crawls": 2}
    ours = read(NAME, gathered(market, NAME, wanted(*names, pages=pages), **options))
    theirs = read(
        "common_crawl_index", gathered(market, "common_crawl_index", wanted(*names, pages=pages), most_crawls=2)
    )

    def told(facts: list) -> set[tuple[object, ...]]:  # type: ignore[type-arg]
        held = {(p.unit, p.unit_kind, p.state, p.captures, p.documents, p.observed_on) for p in presences(facts)}
        return held | {(e.unit, e.metric, e.value, e.rule, e.day) for e in engagements(facts)}

    assert told(ours) == told(theirs)
    assert len(presences(ours)) > 20


def test_only_row_groups_that_can_hold_a_site_are_read(market: Sandbox) -> None:
    (one,) = gathered(market, NAME, wanted("ambertrail.example"))
    files = note(one)["files"]
    assert isinstance(files, list)
    read_, of = sum(len(file["row_groups_read"]) for file in files), sum(file["row_groups"] for file in files)
    assert 0 < read_ < of
    assert {file["etag"] != "" and file["bytes_read"] > 0 for file in files} == {True}


def test_a_site_no_row_is_about_is_absent_where_all_files_were_read(market: Sandbox) -> None:
    facts = read(NAME, gathered(market, NAME, wanted("nobody.example", pages=("https://nobody.example/x",))))
    assert {(p.unit, p.state) for p in presences(facts)} == {
        ("nobody.example", "absent"),
        ("https://nobody.example/x", "absent"),
    }


def test_subsets_that_were_not_read_are_not_counted(market: Sandbox) -> None:
    facts = read(NAME, gathered(market, NAME, wanted("ambertrail.example")))
    assert {each.metric for each in engagements(facts)} == {"page_captures", "other_captures"}


@pytest.mark.parametrize("cut", [{"most_files": 1}, {"most_rows": 1}])
def test_what_was_cut_is_unknown_and_uncounted(market: Sandbox, cut: dict[str, int]) -> None:
    pages = tuple(url(market.market, page) for page in range(60))
    units = [site(host(number)) for number in range(12)]
    came = gathered(market, NAME, wanted(*units, pages=pages), **cut)
    facts = presences(read(NAME, came))
    assert {note(one)["problem"] for one in came} != {""}
    assert {p.state for p in facts} == {"present", "unknown"}
    assert {p.captures for p in facts} == {None}


def test_a_file_that_is_not_there_leaves_the_crawl_unknown(market: Sandbox) -> None:
    crawl = market.corpora.crawls()[0].id
    (one,) = gathered(market, NAME, wanted("ambertrail.example"), files=[f"cc-index/crawl={crawl}/nothing.parquet"])
    assert "cannot be had (HTTP 404)" in str(note(one)["problem"])
    assert [p.state for p in presences(read(NAME, [one]))] == ["unknown"]


def test_a_file_that_is_no_parquet_leaves_the_crawl_unknown(market: Sandbox) -> None:
    crawl = market.corpora.crawls()[0].id
    (one,) = gathered(
        market, NAME, wanted("ambertrail.example"), files=[f"crawl-data/{crawl}/cc-index-table.paths.gz?crawl={crawl}/"]
    )
    assert note(one)["problem"]
    assert [p.state for p in presences(read(NAME, [one]))] == ["unknown"]


def test_no_file_at_all_says_nothing(market: Sandbox) -> None:
    (one,) = gathered(market, NAME, wanted("ambertrail.example"), files=["cc-index/crawl=CC-MAIN-1999-01/x.parquet"])
    assert [p.state for p in presences(read(NAME, [one]))] == ["unknown"]


@pytest.mark.parametrize(("status", "kind"), [(503, Throttled), (404, Unreadable)])
def test_a_list_of_crawls_that_cannot_be_had_is_an_error(status: int, kind: type[CrawlError]) -> None:
    came, _, error = by_hand(NAME, lambda _: (status, ""), wanted("a.example"))
    assert came == []
    assert isinstance(error, kind)
    assert "the list of crawls cannot be had" in str(error)


def test_a_garbled_note_is_refused() -> None:
    options = {"unit": "a.example", "crawl": "CC-MAIN-2026-05", "observed_on": "2026-02-01", "subsets": "warc"}
    with pytest.raises(Unreadable, match="the note is cut off or garbled"):
        list(columnar.read(Capture(NAME, b'{"problem"', options=options)))


def test_it_is_read_again_from_the_archive_to_the_same_facts(market: Sandbox) -> None:
    (one,) = gathered(market, NAME, wanted("ambertrail.example"))
    assert list(columnar.read(captured(NAME, one))) == list(columnar.read(captured(NAME, one)))
    assert one.options["observed_on"] == date.isoformat(market.corpora.crawls()[0].ended)
