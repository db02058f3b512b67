"""The sandbox's logs, fetched over HTTP and taken in as a person would."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from crawlers.intake import Places, take_in
from crawlers.sandbox.addresses import Sandbox
from crawlers.sandbox.serving import served
from geo_flywheel.simulate.market import World
from geo_flywheel.simulate.scenery import url
from geo_flywheel.store.database import open_store

_START = datetime(2025, 11, 24)
_WORLD = World(pages=80, sites=20, topics=2, prompts_per_topic=3, weeks=6, burn_in=5)


def _fetched(sandbox: Sandbox, folder: Path, *names: str) -> list[Path]:
    async def both() -> None:
        async with served(sandbox.respond) as address, httpx.AsyncClient(base_url=address) as http:
            for name in names:
                reply = await http.get(f"/{name}")
                (folder / name.replace("/", "-")).write_bytes(reply.raise_for_status().content)

    asyncio.run(both())
    return [folder / name.replace("/", "-") for name in names]


def test_every_fetch_is_a_verified_agents_and_every_visit_a_referral(tmp_path: Path) -> None:
    sandbox = Sandbox(_WORLD, 3, _START)
    sandbox.clock.move(_START + timedelta(weeks=1))
    log, ranges = _fetched(sandbox, tmp_path, f"logs/all/{_START.date()}.log", "ranges.json")
    places = Places(tmp_path / "store.duckdb", tmp_path / "archive")
    (outcome,) = take_in(places, [log], {"set.ranges": str(ranges)})
    assert (outcome.state, outcome.added["traffic"]) == ("read", 0)
    market = sandbox.market
    with open_store(places.store, read_only=True) as store:
        assert store.rows("SELECT DISTINCT verification FROM bot_hits") == [("verified",)]
        fetches = dict(store.rows("SELECT url, sum(fetches) FROM verified_fetches GROUP BY url"))
        sessions = dict(store.rows("SELECT unit, sum(value) FROM visit_engagements GROUP BY unit"))
    for counts, found in ((market.fetched(0), fetches), (market.visited(0), sessions)):
        drawn = {url(market, page): int(number) for page, number in enumerate(counts.sum(axis=1)) if number}
        assert drawn
        assert found == drawn
