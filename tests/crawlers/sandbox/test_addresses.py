"""The sandbox over real loopback HTTP, read by the real readers."""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from crawlers.sandbox.addresses import Sandbox
from crawlers.sandbox.questions import ENGINES
from crawlers.sandbox.serving import served
from geo_flywheel import plugins
from geo_flywheel.records import Answer, Capture, Status
from geo_flywheel.simulate.market import World
from geo_flywheel.simulate.scenery import host, path, url

_START = datetime(2025, 11, 24)
_WORLD = World(pages=80, sites=20, topics=2, prompts_per_topic=3, weeks=6, burn_in=5)
_KEY = {"authorization": "Bearer sk-test"}
_PATHS = {
    "openai": "/v1/responses",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/gemini-9:generateContent",
    "perplexity": "/v1/agent",
    "xai": "/v1/responses",
    "groq": "/openai/v1/chat/completions",
    "openrouter": "/api/v1/chat/completions",
    "mistral": "/v1/conversations",
    "you": "/v1/answer",
    "brave": "/res/v1/chat/completions",
    "dataforseo": "/v3/serp/google/organic/live/advanced",
}
_KNOWN = [name for name in (*_PATHS, "serpapi") if name in plugins.engines()]
Seen = Counter[tuple[str, str, tuple[str, ...]]]
Client = Callable[[httpx.AsyncClient], Awaitable[None]]


def _sandbox(seed: int = 3) -> Sandbox:
    return Sandbox(_WORLD, seed, _START)


def _talk(sandbox: Sandbox, client: Client) -> None:
    async def both() -> None:
        async with served(sandbox.respond) as address, httpx.AsyncClient(base_url=address) as http:
            await client(http)

    asyncio.run(both())


async def _ask(http: httpx.AsyncClient, provider: str, question: str, **more: Any) -> httpx.Response:
    if provider == "serpapi":
        return await http.get("/serpapi/search.json", params={"engine": "google", "q": question, "api_key": "k"})
    body = [{"keyword": question}] if provider == "dataforseo" else {"model": "m-1", "input": [{"content": question}]}
    return await http.post(f"/{provider}{_PATHS[provider]}", json=body, headers=_KEY, **more)


def _read(provider: str, reply: httpx.Response) -> Answer:
    (answer,) = plugins.engine(provider).read(Capture(provider, reply.content, http_status=reply.status_code))
    return answer


async def _led_to(http: httpx.AsyncClient, cited: str) -> str:
    """The page an address cited leads to, asked at the sandbox in place of the service that redirects."""
    there = httpx.URL(cited)
    if there.host.endswith(".example"):
        return cited
    reply = await http.head(there.path, headers={"Host": there.host})
    assert reply.status_code == 302
    return str(reply.headers["location"])


@pytest.mark.parametrize("provider", _KNOWN)
def test_the_reader_finds_the_pages_that_the_market_drew(provider: str) -> None:
    sandbox = _sandbox()
    engine = provider if provider in ENGINES else "google_ai_overview"

    async def client(http: httpx.AsyncClient) -> None:
        for number, sample in ((0, 0), (4, 0), (4, 1)):
            answer = _read(provider, await _ask(http, provider, sandbox.prompts[number].text))
            pages = sandbox.market.cited(0, number, ENGINES.index(engine), sample)
            found = [await _led_to(http, citation.url) for citation in answer.citations]
            assert answer.status is Status.GROUNDED
            assert answer.engine == engine
            assert found == [url(sandbox.market, page) for page in pages]

    _talk(sandbox, client)


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini", "perplexity", "xai", "groq", "openrouter"])
def test_spans_select_what_refers_to_the_page_and_unused_pages_are_only_retrieved(provider: str) -> None:
    sandbox = _sandbox()

    async def client(http: httpx.AsyncClient) -> None:
        answer = _read(provider, await _ask(http, provider, sandbox.prompts[1].text))
        assert all(None not in citation.spans for citation in answer.citations)
        cited = {citation.url for citation in answer.citations}
        assert len({page.url for page in answer.retrievals} - cited) == 3

    _talk(sandbox, client)


def test_a_prompt_is_found_inside_what_is_said_around_it() -> None:
    sandbox = _sandbox()

    async def client(http: httpx.AsyncClient) -> None:
        answer = _read("openai", await _ask(http, "openai", f"Answer for Germany: {sandbox.prompts[2].text}"))
        assert len(answer.citations) == 5

    _talk(sandbox, client)


def test_a_question_nobody_knows_is_answered_from_memory() -> None:
    async def client(http: httpx.AsyncClient) -> None:
        answer = _read("openai", await _ask(http, "openai", "Who built this?"))
        assert (answer.status, answer.citations) == (Status.UNGROUNDED, ())

    _talk(_sandbox(), client)


def test_the_model_asked_for_is_the_one_served() -> None:
    async def client(http: httpx.AsyncClient) -> None:
        assert _read("openai", await _ask(http, "openai", "?")).model_served == "m-1"
        assert _read("gemini", await _ask(http, "gemini", "?")).model_served == "gemini-9"

    _talk(_sandbox(), client)


def test_the_same_plan_gets_the_same_answers_in_whatever_order_it_is_asked() -> None:
    def crawled(
        sandbox: Sandbox, *, backwards: bool, faults: bool = False
    ) -> Counter[tuple[str, str, tuple[str, ...]]]:
        seen: Seen = Counter()
        plan = [(name, prompt.text) for name in ("openai", "xai") for prompt in sandbox.prompts for _ in range(2)]

        async def ask(http: httpx.AsyncClient, provider: str, question: str) -> None:
            reply = await _ask(http, provider, question)
            while reply.status_code != 200:
                reply = await _ask(http, provider, question)
            cited = tuple(sorted(page.url for page in _read(provider, reply).citations))
            seen[provider, question, cited] += 1

        async def client(http: httpx.AsyncClient) -> None:
            if faults:
                await http.post("/faults", json={"kind": "status", "rate": 0.4})
            await asyncio.gather(*(ask(http, *asked) for asked in (plan[::-1] if backwards else plan)))

        _talk(sandbox, client)
        return seen

    once = crawled(_sandbox(), backwards=False)
    assert crawled(_sandbox(), backwards=True) == once
    assert crawled(_sandbox(), backwards=True, faults=True) == once
    assert crawled(_sandbox(seed=4), backwards=False) != once


def test_the_clock_moves_and_with_it_the_answers_and_their_time() -> None:
    sandbox = _sandbox()

    async def client(http: httpx.AsyncClient) -> None:
        assert (await http.get("/clock")).json() == {"now": "2025-11-24T00:00:00", "week": 0}
        moved = await http.post("/clock", json={"now": "2025-12-10T08:30:00+01:00"})
        assert moved.json() == {"now": "2025-12-10T07:30:00", "week": 2}
        answer = _read("openai", await _ask(http, "openai", sandbox.prompts[0].text))
        assert answer.asked_at == datetime(2025, 12, 10, 7, 30)
        drawn = sandbox.market.cited(2, 0, 0, 0)
        assert [page.url for page in answer.citations] == [url(sandbox.market, page) for page in drawn]

    _talk(sandbox, client)


@pytest.mark.parametrize("now", ["2025-11-23", "2026-01-05", "soon", None])
def test_the_clock_does_not_leave_the_market(now: str | None) -> None:
    async def client(http: httpx.AsyncClient) -> None:
        assert (await http.post("/clock", json={"now": now})).status_code == 400
        assert (await http.get("/clock")).json()["week"] == 0

    _talk(_sandbox(), client)


def test_faults_happen_as_they_are_ordered() -> None:
    sandbox = _sandbox()

    async def client(http: httpx.AsyncClient) -> None:
        question = sandbox.prompts[0].text
        await http.post("/faults", json={"provider": "openai", "kind": "throttle", "seconds": 4, "next": 1})
        await http.post("/faults", json={"provider": "openai", "kind": "cut", "next": 1})
        assert [order["kind"] for order in (await http.get("/faults")).json()] == ["throttle", "cut"]
        assert (await _ask(http, "xai", question)).status_code == 200
        throttled = await _ask(http, "openai", question)
        assert (throttled.status_code, throttled.headers["retry-after"]) == (429, "4")
        with pytest.raises(httpx.RemoteProtocolError):
            await _ask(http, "openai", question)
        drawn = sandbox.market.cited(0, 0, 0, 0)
        answer = _read("openai", await _ask(http, "openai", question))
        assert [page.url for page in answer.citations] == [url(sandbox.market, page) for page in drawn]
        assert (await http.get("/asked")).json() == {
            "answers": {"openai": 1, "xai": 1},
            "faults": {"throttle": 1, "cut": 1},
        }

    _talk(sandbox, client)


def test_orders_are_taken_back_and_wrong_ones_refused() -> None:
    async def client(http: httpx.AsyncClient) -> None:
        await http.post("/faults", json={"kind": "drop", "rate": 1})
        assert (await http.delete("/faults")).json() == []
        assert (await _ask(http, "openai", "?")).status_code == 200
        for wrong in (b"[]", b"{", b'{"kind":"fire","next":1}'):
            assert (await http.post("/faults", content=wrong)).status_code == 400

    _talk(_sandbox(), client)


def test_nobody_is_answered_without_a_key_or_at_an_unknown_door() -> None:
    async def client(http: httpx.AsyncClient) -> None:
        assert (await http.post("/openai/v1/responses", json={})).status_code == 401
        assert (await http.post("/openai/v2/answers", json={}, headers=_KEY)).status_code == 404
        assert (await http.get("/openai/v1/responses", headers=_KEY)).status_code == 404
        assert (await http.get("/elsewhere")).status_code == 404

    _talk(_sandbox(), client)


def test_the_market_tells_its_prompts_its_sites_and_its_truth() -> None:
    sandbox = _sandbox()

    async def client(http: httpx.AsyncClient) -> None:
        told = (await http.get("/market")).json()
        assert told["true_gain"] == 0.5
        assert [prompt["text"] for prompt in told["prompts"]] == [prompt.text for prompt in sandbox.prompts]
        listed = {page["number"]: page["url"] for site in told["sites"] for page in site["pages"]}
        assert listed == {page: url(sandbox.market, page) for page in range(_WORLD.pages)}

    _talk(sandbox, client)


def test_a_site_serves_what_its_sitemap_lists() -> None:
    sandbox = _sandbox()
    name = host(int(sandbox.market.site[0]))

    async def client(http: httpx.AsyncClient) -> None:
        robots = (await http.get("/robots.txt", headers={"Host": name})).text
        assert f"Sitemap: https://{name}/sitemap.xml" in robots
        places = re.findall("<loc>([^<]+)</loc>", (await http.get(f"/sites/{name}/sitemap.xml")).text)
        assert url(sandbox.market, 0) in places
        for place in places:
            page = await http.get(f"/sites/{place.removeprefix('https://')}")
            assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
            assert "<h1>" in page.text
        assert (await http.get(f"/sites/{name}/nothing")).status_code == 404
        assert (await http.get("/sites/other.example/robots.txt")).status_code == 404

    _talk(sandbox, client)


def test_the_access_log_holds_the_fetches_and_visits_of_the_market() -> None:
    sandbox = _sandbox()
    market, name = sandbox.market, host(int(sandbox.market.site[0]))
    monday = _START + timedelta(weeks=2)
    line = re.compile(r'([\d.]+) - - \[([^\]]+)\] "GET (\S+) HTTP/1.1" 200 \d+ "([^"]+)" "([^"]+)"')

    async def client(http: httpx.AsyncClient) -> None:
        log = f"/logs/{name}/{monday.date()}.log"
        assert (await http.get(log)).status_code == 404  # the week has not come
        await http.post("/clock", json={"now": monday.isoformat()})
        lines = [line.fullmatch(text) for text in (await http.get(log)).text.splitlines()]
        found = [match.groups() for match in lines if match]
        assert len(found) == len(lines)
        times = [datetime.strptime(when, "%d/%b/%Y:%H:%M:%S %z").replace(tzinfo=None) for _, when, *_ in found]
        assert times == sorted(times)
        assert monday <= times[0]
        assert times[-1] < monday + timedelta(weeks=1)
        where = path(market, 0)
        fetched = [place for _, _, place, referrer, _ in found if referrer == "-" and place == where]
        visited = [place for _, _, place, referrer, _ in found if referrer != "-" and place.partition("?")[0] == where]
        assert len(fetched) == market.fetched(2)[0].sum()
        assert len(visited) == market.visited(2)[0].sum()

    _talk(sandbox, client)


def test_the_log_of_all_sites_is_that_of_each_with_its_host_before_it() -> None:
    sandbox = _sandbox()

    async def client(http: httpx.AsyncClient) -> None:
        whole = (await http.get(f"/logs/all/{_START.date()}.log")).text.splitlines()
        names = [host(site) for site in range(sandbox.market.world.sites)]
        for name in names:
            own = (await http.get(f"/logs/{name}/{_START.date()}.log")).text.splitlines()
            assert [line for line in whole if line.startswith(f"{name}:443 ")] == [f"{name}:443 {line}" for line in own]
        assert {line.partition(":443 ")[0] for line in whole} <= set(names)

    _talk(sandbox, client)


def test_a_redirect_leads_to_its_page_and_an_unknown_one_nowhere() -> None:
    async def client(http: httpx.AsyncClient) -> None:
        assert (await http.head("/redirect/AUZIYnothing")).status_code == 404

    _talk(_sandbox(), client)


def test_seed_and_world_make_the_market() -> None:
    one, same, other = _sandbox(), _sandbox(), Sandbox(replace(_WORLD, gain=0.0), 3, _START)
    assert (one.market.states == same.market.states).all()
    assert (one.market.states != other.market.states).any()
