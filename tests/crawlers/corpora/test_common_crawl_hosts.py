import orjson
import pytest

from crawlers.corpora import common_crawl_hosts as hosts
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Capture, Fact
from geo_flywheel.simulate.scenery import host
from geo_flywheel.urls import site
from tests.crawlers.corpora.gathering import engagements, gathered, presences, read, sandbox, wanted

NAME = "common_crawl_hosts"


def facts(rows: list[dict[str, object]], unit: str = "a.example", *, problem: str = "") -> list[Fact]:
    body = orjson.dumps({"problem": problem, "files": [{"url": "x"}], "rows": rows})
    options = {"unit": unit, "crawl": "CC-MAIN-2026-05", "observed_on": "2026-02-01"}
    return list(hosts.read(Capture(NAME, body, options=options)))


def test_at_the_sandbox_a_host_has_the_pages_that_were_crawled() -> None:
    market = sandbox()
    units = tuple(site(host(number)) for number in range(6))
    came = gathered(market, NAME, wanted(*units, "nobody.example"), most_crawls=2)
    found = presences(read(NAME, came))
    for crawl in market.corpora.crawls()[:2]:
        captures = [c for c in market.corpora.captures(crawl) if c.subset == "warc"]
        for unit in units:
            count = sum(site(capture.url) == unit for capture in captures)
            (whole,) = [p for p in found if p.unit_kind == "site" and p.unit == unit and p.observed_on == crawl.ended]
            assert (whole.state, whole.captures) == ("present" if count else "absent", count)
    assert {p.state for p in found if p.unit == "nobody.example"} == {"absent"}
    levels = [each for each in engagements(read(NAME, came)) if each.metric == "hcrank"]
    assert levels
    assert {each.kind for each in levels} == {"level"}


def test_a_host_that_only_gave_robots_txt_is_absent() -> None:
    told = presences(facts([{"surt_host_name": "example,a", "fetch_200": 0, "robots_200": 4}]))
    assert {(p.unit_kind, p.state, p.captures) for p in told} == {("host", "absent", 0), ("site", "absent", 0)}


def test_a_column_that_went_away_is_unknown_for_the_host() -> None:
    assert [p.state for p in presences(facts([{"surt_host_name": "example,a"}], problem="cut"))] == [
        "unknown",
        "unknown",
    ]


def test_no_row_is_absent_only_where_all_files_were_read() -> None:
    assert [p.state for p in presences(facts([]))] == ["absent"]
    assert [p.state for p in presences(facts([], problem="3 files were left out"))] == ["unknown"]


def test_ranks_are_levels_and_counts_are_flows() -> None:
    row: dict[str, object] = {"surt_host_name": "example,a", "fetch_200": 3, "hcrank10": 4.5, "fetch_gone": 2}
    told = {each.metric: (each.value, each.kind, each.rule) for each in engagements(facts([row]))}
    assert told == {"hcrank10": (4.5, "level", "CC-MAIN-2026-05"), "fetch_gone": (2.0, "flow", "CC-MAIN-2026-05")}


def test_a_garbled_note_is_refused() -> None:
    with pytest.raises(Unreadable, match="the note is cut off or garbled"):
        hosts.read(Capture(NAME, b"{", options={"unit": "a.example", "crawl": "x", "observed_on": "2026-02-01"}))
