"""Every source from end to end over HTTP: asked of a market whose visits are known, archived, read and stored."""

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crawlers.base import Wanted
from crawlers.gather import Came, Gathering, gather
from crawlers.http import Client
from crawlers.sandbox.addresses import Sandbox
from crawlers.sandbox.faults import parse
from crawlers.sandbox.serving import served
from crawlers.services import sources
from crawlers.signals import ga4, plausible, search_console
from geo_flywheel.crawl_config import GatheredFrom
from geo_flywheel.store.database import open_store
from tests.crawlers.crawling import START, WORLD, impatient

HOST = "www.ambertrail.example"
SITE = HOST.removeprefix("www.")
DAYS = 15
FIRST, LAST = START.date(), START.date() + timedelta(days=DAYS - 1)
KEYS = {"GOOGLE_ACCESS_TOKEN": "tok-g", "PLAUSIBLE_API_KEY": "tok-p", "MATOMO_TOKEN": "tok-m"}
ARTICLES = ["https://en.wikipedia.org/wiki/Running_shoes", "https://en.wikipedia.org/wiki/Unheard_of"]
OPTIONS: dict[str, dict[str, Any]] = {
    "ga4": {"property": 1, "host": HOST},
    "plausible": {"host": HOST},
    "matomo": {"host": HOST},
    "search_console": {},
    "wikimedia": {"articles": ARTICLES},
    "hackernews": {},
    "wikipedia_links": {},
    "tranco": {},
}


class Scene:
    """A market after its first days, and the folder of whoever gathers from it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sandbox = Sandbox(WORLD, 3, START)
        self.sandbox.clock.move(START + timedelta(days=DAYS))

    def gather(
        self, *names: str, keys: dict[str, str] = KEYS, sites: tuple[str, ...] = (SITE,), **options: Any
    ) -> list[Came]:
        async def both() -> list[Came]:
            async with served(self.sandbox.respond) as address, Client(clock=impatient()) as http:
                tables = [
                    GatheredFrom("signals", name, f"{address}/{name}", {**OPTIONS[name], **options})
                    for name in names or OPTIONS
                ]
                wanted = Wanted(sites, FIRST, LAST)
                store, archive = self.root / "store.duckdb", self.root / "archive"
                now = self.sandbox.clock.now
                return await gather(Gathering(store, archive, sources(tables, keys), wanted, http, lambda: now))

        return asyncio.run(both())

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with open_store(self.root / "store.duckdb", read_only=True) as store:
            return store.rows(sql)

    def sessions(self, source: str) -> Counter[tuple[str, str, str | None]]:
        """Sessions by page, day and assistant."""
        told = self.rows("SELECT source, unit, CAST(day AS VARCHAR), assistant, metric, value FROM engagements")
        return Counter({
            (unit, day, assistant): int(value)
            for of, unit, day, assistant, metric, value in told
            if (of, metric) == (source, "sessions")
        })  # fmt: skip

    def truth(self, least: int = 1) -> Counter[tuple[str, str, str | None]]:
        names = {"helper.example": None, "gemini.google.com": "Gemini", "chatgpt.com": "ChatGPT"}
        visits: Counter[tuple[str, str, str | None]] = Counter()
        for visit in self.sandbox.visits.to(0, FIRST, LAST, organic=False):
            if visit.visits >= least:
                who = names.get(visit.sender.source, "Perplexity")
                visits[f"https://{HOST}{visit.path}", f"{visit.day}", who] += visit.visits
        return visits


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_all_sources_are_gathered_at_once_without_a_problem(scene: Scene) -> None:
    came = {each.name: each for each in scene.gather()}
    assert {name: each.problems for name, each in came.items()} == {name: [] for name in OPTIONS}
    assert all(each.added["engagement"] for each in came.values())
    days = scene.rows("SELECT min(day), max(day) FROM engagements WHERE kind = 'flow' AND source <> 'hackernews'")
    assert days == [(FIRST, LAST)]
    unsaid = scene.rows("SELECT DISTINCT source FROM engagements WHERE assistant IS NULL AND metric = 'sessions'")
    assert sorted(unsaid) == [("ga4",), ("plausible",)]


def test_tools_for_web_analytics_count_the_visits_of_the_market(scene: Scene) -> None:
    scene.gather("ga4", "plausible", "matomo")
    truth = scene.truth()
    assert scene.sessions("ga4") == scene.sessions("plausible") == truth
    known = {cell: visits for cell, visits in truth.items() if cell[2]}
    assert scene.sessions("matomo") == known  # no segment finds an assistant nobody knows


def test_all_sessions_of_a_day_are_what_those_out_of_assistants_are_a_part_of(scene: Scene) -> None:
    scene.gather("ga4", "plausible", "matomo")
    every = Counter[Any]()
    for visit in scene.sandbox.visits.to(0, FIRST, LAST):
        every[visit.day] += visit.visits
    told = scene.rows("SELECT source, unit_kind, day, value FROM engagements WHERE metric = 'all_sessions'")
    for source in ("ga4", "plausible", "matomo"):
        assert {day: value for of, kind, day, value in told if (of, kind) == (source, "host")} == every


def test_pages_of_a_report_come_to_the_same_as_one(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.gather("search_console")
    clicks = scene.rows("SELECT unit, day, metric, value FROM engagements ORDER BY ALL")
    for module in (ga4, plausible, search_console):
        monkeypatch.setattr(module, "ROWS", 7)
        monkeypatch.setattr(module, "MOST_PAGES", 1000)
    in_pages = Scene(scene.root / "in pages")
    in_pages.gather("ga4", "plausible", "search_console")
    assert in_pages.sessions("ga4") == in_pages.sessions("plausible") == scene.truth()
    found = in_pages.rows(
        "SELECT unit, day, metric, value FROM engagements WHERE source = 'search_console' ORDER BY ALL"
    )
    assert found == clicks


def test_rows_below_a_threshold_are_missing_and_what_is_there_says_so(scene: Scene) -> None:
    scene.gather("ga4", property=1001)
    assert scene.sessions("ga4").total() < scene.truth().total()
    of_assistants = "SELECT DISTINCT partial FROM engagements WHERE metric <> 'all_sessions'"
    assert scene.rows(of_assistants) == [(True,)]


def test_a_refresh_token_opens_google_and_a_wrong_one_is_told(scene: Scene) -> None:
    keys = {"GOOGLE_REFRESH_TOKEN": "1//r", "GOOGLE_CLIENT_ID": "client-7", "GOOGLE_CLIENT_SECRET": "secret-7"}

    async def token_url() -> list[Came]:
        async with served(scene.sandbox.respond) as address, Client(clock=impatient()) as http:
            options = {**OPTIONS["ga4"], "token_url": f"{address}/ga4/token"}
            found = []
            for refresh in ("1//r", "wrong"):
                table = GatheredFrom("signals", "ga4", f"{address}/ga4", options)
                services = sources([table], {**keys, "GOOGLE_REFRESH_TOKEN": refresh})
                wanted = Wanted((SITE,), FIRST, LAST)
                found += await gather(
                    Gathering(scene.root / "s", scene.root / "a", services, wanted, http, lambda: START)
                )
            return found

    right, wrong = asyncio.run(token_url())
    assert (right.problems, right.added["engagement"] > 0) == ([], True)
    assert (wrong.replies, len(wrong.problems)) == (0, 1)
    assert "Google gave no access token (400, invalid_grant); make a new refresh token" in wrong.problems[0]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ga4", "ga4 replied 401 (Invalid authentication credentials.)"),
        ("plausible", "plausible replied 401 (Invalid API key or site ID."),
        ("matomo", "matomo says: You can't access this resource as it requires 'view' access"),
        ("search_console", "search_console replied 401"),
    ],
)
def test_a_wrong_key_is_told_and_the_others_go_on(scene: Scene, name: str, says: str) -> None:
    wrong, fine = scene.gather(name, "tranco", keys=dict.fromkeys(KEYS, "wrong"))
    assert wrong.problems[0].startswith(says)
    assert (fine.problems, wrong.added.total()) == ([], 0)


def test_a_source_that_asks_for_patience_is_asked_again_and_one_whose_quota_is_spent_is_told(scene: Scene) -> None:
    scene.sandbox.faults.order(parse({"provider": "ga4", "kind": "throttle", "form": "retry_info", "next": 2}))
    scene.sandbox.faults.order(parse({"provider": "plausible", "kind": "throttle", "rate": 1}))
    scene.sandbox.faults.order(parse({"provider": "hackernews", "kind": "cut", "next": 1}))
    scene.sandbox.faults.order(parse({"provider": "tranco", "kind": "garbage", "rate": 1}))
    patient, spent, cut, garbage = scene.gather("ga4", "plausible", "hackernews", "tranco")
    assert (patient.problems, cut.problems) == ([], [])
    assert scene.sessions("ga4") == scene.truth()
    assert "plausible replied 429" in spent.problems[0]
    assert len(garbage.problems) == 1


def test_what_the_public_services_say_is_what_the_market_has(scene: Scene) -> None:
    scene.gather("hackernews", "wikipedia_links", "tranco", "wikimedia")
    signals = scene.sandbox.public_signals
    own = [story for story in signals.stories(SITE) if "//not-" not in str(story["url"])]
    assert len(own) == len(signals.stories(SITE)) - 1
    points = Counter[str]()
    for story in own:
        points[str(story["url"])] += int(str(story["points"]))
    assert Counter(dict(scene.rows("SELECT unit, value FROM engagements WHERE metric = 'points'"))) == points
    articles = {link["pageid"] for link in signals.links(SITE)}
    assert scene.rows("SELECT value FROM engagements WHERE metric = 'backlinks' AND unit_kind = 'site'") == [
        (len(articles),)
    ]
    assert scene.rows("SELECT count(*), count(DISTINCT unit) FROM engagements WHERE source = 'wikimedia'") == [
        (DAYS, 1)
    ]
    ranked = scene.rows("SELECT count(DISTINCT day), min(value) > 0 FROM engagements WHERE source = 'tranco'")
    assert ranked == [(DAYS, True)]


def test_no_key_reaches_the_disk(scene: Scene) -> None:
    import gzip

    scene.sandbox.faults.order(parse({"provider": "ga4", "kind": "status", "status": 400, "next": 1}))
    scene.gather()
    files = [file for file in scene.root.rglob("*") if file.is_file()]
    kept = b"".join(gzip.decompress(f.read_bytes()) if f.suffix == ".gz" else f.read_bytes() for f in files)
    assert b"properties/1:runReport" in kept
    assert not [key for key in KEYS.values() if key.encode() in kept]


@pytest.mark.parametrize("name", ["ga4", "plausible", "matomo"])
def test_what_a_tool_counts_belongs_to_its_own_host_whatever_site_is_asked_about(scene: Scene, name: str) -> None:
    scene.gather(name, sites=("rival.example",))
    assert scene.rows("SELECT DISTINCT site FROM engagements") == [(SITE,)]
