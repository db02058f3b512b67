"""What corpora hold of a market, over real loopback HTTP, against the market's own history."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from datetime import timedelta
from io import BytesIO

import httpx
import numpy as np
import orjson
import pyarrow.parquet as pq
import pytest

from crawlers.sandbox.addresses import Sandbox
from crawlers.sandbox.corpora import INDEX_PAGE
from crawlers.sandbox.serving import served
from geo_flywheel.simulate.scenery import host, title, url
from geo_flywheel.urls import site
from tests.crawlers.corpora.gathering import START, sandbox

Client = Callable[[httpx.AsyncClient], Awaitable[None]]


def talk(market: Sandbox, client: Client) -> None:
    async def both() -> None:
        async with served(market.respond) as address, httpx.AsyncClient(base_url=address) as http:
            await client(http)

    asyncio.run(both())


def get(market: Sandbox, address: str, **headers: str) -> httpx.Response:
    came: list[httpx.Response] = []

    async def client(http: httpx.AsyncClient) -> None:
        came.append(await http.get(address, headers=headers))

    talk(market, client)
    return came[0]


def test_a_crawl_appears_when_it_is_over() -> None:
    market = sandbox(weeks=0)
    before = {crawl["id"] for crawl in get(market, "/common_crawl_index/collinfo.json").json()}
    market.clock.move(START + timedelta(weeks=1))
    assert {crawl["id"] for crawl in get(market, "/common_crawl_index/collinfo.json").json()} == before
    market.clock.move(START + timedelta(weeks=2))
    (new,) = {crawl["id"] for crawl in get(market, "/common_crawl_index/collinfo.json").json()} - before
    assert new == "CC-MAIN-2026-02"


def test_a_crawl_holds_the_pages_the_lottery_drew_where_crawlers_may_come() -> None:
    market = sandbox()
    history = market.market.history
    for crawl in market.corpora.crawls():
        there, allowed = history.there(crawl.week), history.allowed(max(crawl.week, 0))
        held = history.crawled[crawl.number] & there & allowed
        captured = {c.url for c in market.corpora.captures(crawl) if c.subset == "warc"}
        assert captured == {url(market.market, int(page)) for page in np.flatnonzero(held)}


def test_a_host_that_is_closed_is_met_by_its_robots_txt_alone() -> None:
    market = sandbox(weeks=29)
    crawl = market.corpora.crawls()[0]
    closed = {int(number) for number in market.market.site[~market.market.history.allowed(crawl.week)]}
    assert closed
    for number in closed:
        captures = [c for c in market.corpora.captures(crawl) if site(c.url) == site(host(number))]
        assert [capture.subset for capture in captures] == ["robotstxt"]


def test_the_same_market_is_crawled_alike_whatever_is_asked_first() -> None:
    one, other = sandbox(), sandbox()
    for crawl in reversed(other.corpora.crawls()):
        other.corpora.captures(crawl)
    newest = one.corpora.crawls()[0]
    assert one.corpora.captures(newest) == other.corpora.captures(newest)


class TestIndex:
    def test_its_pages_together_are_all_captures_in_order(self) -> None:
        market = sandbox()
        crawl = market.corpora.crawls()[0]
        name = max(
            {site(c.url) for c in market.corpora.captures(crawl)},
            key=lambda name: sum(site(c.url) == name for c in market.corpora.captures(crawl)),
        )
        base = f"/common_crawl_index/{crawl.id}-index?url={name}&matchType=domain&output=json"
        pages = get(market, f"{base}&showNumPages=true").json()["pages"]
        assert pages > 1
        lines = [
            orjson.loads(line) for page in range(pages) for line in get(market, f"{base}&page={page}").text.splitlines()
        ]
        expected = [c for c in market.corpora.captures(crawl) if site(c.url) == name]
        assert [line["url"] for line in lines] == [capture.url for capture in expected]
        assert len(lines) > INDEX_PAGE
        assert {type(value) for line in lines for value in line.values()} == {str}

    def test_past_the_end_is_a_400_and_nothing_a_404_in_the_words_of_the_real_one(self) -> None:
        market = sandbox()
        base = f"/common_crawl_index/{market.corpora.crawls()[0].id}-index?output=json&matchType=domain"
        past = get(market, f"{base}&url=ambertrail.example&page=99")
        assert past.status_code == 400
        assert past.json()["message"].startswith("Page 99 invalid: First Page is 0, Last Page is ")
        nothing = get(market, f"{base}&url=nobody.example&page=0")
        assert (nothing.status_code, nothing.json()) == (
            404,
            {"message": "No Captures found for: nobody.example"},
        )


class TestFiles:
    def test_a_range_is_that_part_of_the_file(self) -> None:
        market = sandbox()
        release = f"cc-main-{START.year}-jan-feb-mar"
        address = f"/web_graph/projects/hyperlinkgraph/{release}/domain/{release}-domain-ranks.txt.gz"
        whole = get(market, address).content
        part, tail = get(market, address, Range="bytes=3-9"), get(market, address, Range="bytes=-5")
        assert (part.status_code, part.content) == (206, whole[3:10])
        assert part.headers["content-range"] == f"bytes 3-9/{len(whole)}"
        assert tail.content == whole[-5:]
        assert get(market, address, Range=f"bytes={len(whole)}-").status_code == 416
        assert gzip.decompress(whole).startswith(b"#harmonicc_pos\t")

    def test_the_parquet_files_listed_hold_every_capture(self) -> None:
        market = sandbox()
        crawl = market.corpora.crawls()[0]
        listed = get(market, f"/common_crawl_columnar/crawl-data/{crawl.id}/cc-index-table.paths.gz")
        rows = [
            row["url"]
            for path in gzip.decompress(listed.content).decode().split()
            for row in pq.read_table(BytesIO(get(market, f"/common_crawl_columnar/{path}").content)).to_pylist()
        ]
        assert sorted(rows) == sorted(capture.url for capture in market.corpora.captures(crawl))


def test_an_index_of_sentences_counts_the_crawled_pages_that_have_them() -> None:
    market = sandbox()
    crawl = market.corpora.crawls()[0]
    held = set(market.corpora.pages(crawl))
    counts: dict[int, int] = {}

    async def client(http: httpx.AsyncClient) -> None:
        for page in range(8):
            asked = {"index": f"v2_cc_{crawl.id.removeprefix('CC-MAIN-')}", "query_type": "count"}
            reply = await http.post("/infini_gram_mini/", json=asked | {"query": title(market.market, page)})
            counts[page] = reply.json()["count"]
        wrong = await http.post("/infini_gram_mini/", json={"index": "v2_cc_1999-01", "query": "x"})
        assert (wrong.status_code, "error" in wrong.json()) == (400, True)
        empty = await http.post("/infini_gram/", json={"index": "v4_c4train_llama"})
        assert (empty.status_code, "error" in empty.json()) == (200, True)

    talk(market, client)
    assert all(count > 0 for page, count in counts.items() if page in held)


@pytest.mark.parametrize("name", ["common_crawl_index", "common_crawl_columnar", "common_crawl_hosts", "web_graph"])
def test_what_is_not_there_is_a_404(name: str) -> None:
    assert get(sandbox(), f"/{name}/nothing").status_code == 404
