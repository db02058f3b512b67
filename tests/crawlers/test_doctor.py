import asyncio
import os
import shutil
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from crawlers import doctor
from crawlers.base import Reply, Request
from crawlers.doctor import PATIENCE, Finding, addresses, reach
from crawlers.http import Client
from crawlers.leases import Leases
from geo_flywheel import plugins
from geo_flywheel.config import Config, parse
from geo_flywheel.errors import ConfigError, CrawlError, NoReply
from geo_flywheel.store.archive import Run
from geo_flywheel.store.database import open_store
from tests.crawlers.loopback import NOW, Hands, Network, reply
from tests.geo_flywheel.store.elsewhere import another_process, holding

TODAY = NOW.date()
OPENAI = parse('[providers.openai]\nurl = "https://proxy.example/openai"\n')
WEEKLY = parse('[schedule.weekly]\ncron = "0 6 * * 1"\n').schedule


class Disk(NamedTuple):
    total: int
    used: int
    free: int


def of(
    config: Config,
    name: str,
    environment: dict[str, str] | None = None,
    replies: dict[str, int | CrawlError] | None = None,
) -> Finding:
    found = {each.name: each for each in doctor.providers(config, environment or {}, TODAY, replies or {})}
    return found[name]


@dataclass
class Crowd:
    """A way out where nobody gets a reply before everyone has asked."""

    size: int
    sent: list[Request] = field(default_factory=list)
    everyone: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, request: Request) -> Reply:
        self.sent.append(request)
        if len(self.sent) == self.size:
            self.everyone.set()
        await self.everyone.wait()
        if "down" in request.url:
            raise NoReply("down.example gave no reply; check the address")
        return reply(404)


class TestProviders:
    def test_one_that_has_all_it_needs_is_ready(self) -> None:
        found = of(OPENAI, "openai", {"OPENAI_API_KEY": "sk-1"}, {"https://proxy.example/openai": 421})
        assert (found.about, found.state, found.used, found.to_do) == ("provider", "ready", True, ())
        model = plugins.engine("openai").asking
        assert found.facts == {
            "engines": ["openai"],
            "model": model and model.model,
            "url": "https://proxy.example/openai",
            "keys_set": ["OPENAI_API_KEY"],
            "keys_missing": [],
            "price_known": True,
            "status": 421,
        }

    def test_keys_that_are_missing_or_empty_are_named(self) -> None:
        found = of(parse("[providers.dataforseo]\n"), "dataforseo", {"DATAFORSEO_LOGIN": ""})
        assert found.state == "not ready"
        assert found.to_do == ("set DATAFORSEO_LOGIN and DATAFORSEO_PASSWORD in the environment",)
        found = of(parse("[providers.dataforseo]\n"), "dataforseo", {"DATAFORSEO_LOGIN": "me"})
        assert found.facts["keys_set"] == ["DATAFORSEO_LOGIN"]
        assert found.facts["keys_missing"] == ["DATAFORSEO_PASSWORD"]

    def test_one_that_gives_no_reply_is_not_ready(self) -> None:
        lost = NoReply("proxy.example gave no reply; check the address")
        found = of(OPENAI, "openai", {"OPENAI_API_KEY": "sk-1"}, {"https://proxy.example/openai": lost})
        assert (found.state, found.to_do, found.facts["status"]) == ("not ready", (f"{lost}",), None)

    @pytest.mark.parametrize(("unknown", "state"), [("refuse", "not ready"), ("allow", "ready")])
    def test_a_price_that_nothing_tells_matters_where_it_is_refused(self, unknown: str, state: str) -> None:
        config = parse(f'[providers.openai]\nmodel = "unheard-of"\n[budget]\nunknown_price = "{unknown}"\n')
        found = of(config, "openai", {"OPENAI_API_KEY": "sk-1"})
        assert (found.state, found.facts["price_known"]) == (state, False)
        assert all("add it to the price table" in line for line in found.to_do)

    def test_everyone_who_could_be_asked_is_listed_once_the_configured_first(self) -> None:
        names = [each.name for each in doctor.providers(OPENAI, {}, TODAY, {})]
        assert names[0] == "openai"
        assert sorted(names) == sorted(name for name, engine in plugins.engines().items() if engine.asking)

    def test_of_one_that_is_not_configured_it_is_told_what_is_missing_to_use_it(self) -> None:
        found = of(OPENAI, "mistral")
        assert (found.state, found.used) == ("not used", False)
        assert found.to_do == ("set MISTRAL_API_KEY in the environment",)

    @pytest.mark.parametrize(
        ("table", "name", "says"),
        [
            ("[providers.opnai]\n", "opnai", "did you mean openai?"),
            ('[providers.openai]\nengines = ["chatgpt"]\n', "openai", "no engine is called chatgpt"),
            ("[providers.openai.options]\nmax_serches = 2\n", "openai", "did you mean max_searches?"),
        ],
    )
    def test_what_is_configured_wrongly_is_told_of_and_the_others_are_looked_at(
        self, table: str, name: str, says: str
    ) -> None:
        config = parse(table)
        found = of(config, name)
        assert (found.state, found.used) == ("not ready", True)
        assert says in found.to_do[0]
        assert of(config, "xai").facts["url"] == "https://api.x.ai"
        assert "https://api.x.ai" in addresses(config)

    def test_one_whose_replies_can_only_be_read_is_listed_only_where_it_is_configured(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        engine = plugins.engine("xai")
        silent = type(engine)(engine.read, engine.render, engine.claims)
        monkeypatch.setattr(plugins, "engine", lambda _: silent)
        monkeypatch.setattr(plugins, "engines", lambda: {"xai": silent})
        assert not list(doctor.providers(Config(), {}, TODAY, {}))
        assert "it cannot be asked" in of(parse("[providers.xai]\n"), "xai").to_do[0]


class TestBrokenPlugins:
    @pytest.fixture(autouse=True)
    def _broken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        broken = {
            "engines": {"openai": ConfigError("openai is broken; mend it")},
            "imports": {"toy": ConfigError("toy")},
            "signals": {"tranco": ConfigError("tranco is broken; mend it")},
            "corpora": {},
        }
        monkeypatch.setattr(plugins, "broken", broken.__getitem__)
        whole = {name: engine for name, engine in plugins.engines().items() if name != "openai"}
        monkeypatch.setattr(plugins, "engines", lambda: whole)

    def test_each_is_told_of_with_its_error(self) -> None:
        engine, import_, source = doctor.broken_plugins(OPENAI)
        assert (source.name, source.facts, source.state) == ("tranco", {"kind": "source"}, "not used")
        assert (engine.name, engine.facts, engine.to_do) == (
            "openai",
            {"kind": "engine"},
            ("openai is broken; mend it",),
        )
        assert (engine.state, import_.name, import_.state) == ("not ready", "toy", "not ready")

    def test_an_engine_that_nobody_configured_is_not_used(self) -> None:
        engine, *_ = doctor.broken_plugins(Config())
        assert engine.state == "not used"

    def test_it_is_told_of_once(self) -> None:
        assert "openai" not in [each.name for each in doctor.providers(OPENAI, {}, TODAY, {})]


class TestReach:
    def test_everyone_is_tried_at_once_and_whoever_gives_no_reply_stops_nobody(self) -> None:
        urls = ["https://a.example", "https://down.example", "https://b.example"]
        found = asyncio.run(self._in_time(urls, Crowd(3)))
        assert (found["https://a.example"], found["https://b.example"]) == (404, 404)
        assert isinstance(found["https://down.example"], NoReply)

    def test_what_is_sent_costs_nothing_and_holds_no_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-distinct")
        crowd = Crowd(1)
        asyncio.run(self._in_time(["https://a.example"], crowd))
        assert crowd.sent == [Request("GET", "https://a.example", follow=False)]
        assert not crowd.sent[0].paid

    @pytest.mark.parametrize("status", [200, 301, 401, 429, 503])
    def test_any_status_is_a_reply_and_nothing_is_sent_twice(self, status: int) -> None:
        network = Network([httpx.Response(status, headers={"location": "/on", "retry-after": "30"})])
        assert asyncio.run(self._by_client(network)) == {"https://a.example": status}
        assert len(network.sent) == 1

    def test_no_reply_is_told_after_one_attempt(self) -> None:
        network = Network([httpx.ConnectError("name not known")])
        found = asyncio.run(self._by_client(network))
        assert "a.example gave no reply" in str(found["https://a.example"])
        assert len(network.sent) == 1

    def test_every_address_is_tried_once(self) -> None:
        found = addresses(
            parse('[providers.openai]\nurl = "https://a.example"\n[providers.xai]\nurl = "https://a.example"')
        )
        assert found.count("https://a.example") == 1
        assert "https://api.openai.com" not in found

    async def _in_time(self, urls: list[str], crowd: Crowd) -> dict[str, int | CrawlError]:
        async with asyncio.timeout(20):
            return await reach(urls, crowd)

    async def _by_client(self, network: Network) -> dict[str, int | CrawlError]:
        hands = Hands()
        async with Client(network=network.transport(), clock=hands.clock(), patience=PATIENCE) as http:
            found = await reach(["https://a.example"], http)
        assert not hands.slept
        return found


class TestStoreAndArchive:
    def test_what_is_not_there_is_not_used_and_not_made(self, tmp_path: Path) -> None:
        path = tmp_path / "none"
        found = [doctor.store(path), doctor.published(path, NOW), doctor.archive(path)]
        assert [each.state for each in found] == ["not used"] * 3
        assert not list(tmp_path.iterdir())

    def test_of_a_store_it_is_told_what_it_holds(self, tmp_path: Path) -> None:
        path = tmp_path / "flywheel.duckdb"
        with open_store(path):
            pass
        found = doctor.store(path)
        assert found.state == "ready"
        assert found.facts == {
            "bytes": path.stat().st_size,
            "schema_current": True,
            "last_run": None,
            "captures": 0,
            "failed_readings": 0,
        }

    def test_a_store_that_is_held_is_not_ready(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "flywheel.duckdb"
        moments = iter(range(0, 1000, 2))
        monkeypatch.setattr("geo_flywheel.store.condition.time.monotonic", lambda: next(moments))
        monkeypatch.setattr("geo_flywheel.store.condition.time.sleep", lambda _: None)
        with another_process(holding(path)):
            found = doctor.store(path)
        assert found.state == "not ready"
        assert "another process holds the store" in found.to_do[0]
        assert found.facts["bytes"]

    def test_of_the_published_copy_size_and_age_are_told(self, tmp_path: Path) -> None:
        path = tmp_path / "published.duckdb"
        path.write_bytes(b"123")
        written = datetime.fromisoformat("2026-11-20T11:58:00+00:00").timestamp()
        os.utime(path, (written, written))
        assert doctor.published(path, NOW).facts == {"bytes": 3, "age": "2 days, 0:02:00"}

    def test_of_an_archive_its_size_and_runs_are_told(self, tmp_path: Path) -> None:
        Run(tmp_path, "crawl").close()
        (tmp_path / "dead.warc.gz.open").touch()
        size = sum(file.stat().st_size for file in tmp_path.iterdir())
        found = doctor.archive(tmp_path)
        assert found.facts == {"bytes": size, "runs": 1, "running": 0, "broken_off": 1, "files": 0}
        assert found.state == "ready"


class TestSchedule:
    SLOT = datetime(2026, 11, 16, 6)

    def test_a_job_that_nobody_ran_tells_its_next_slot_and_makes_no_file(self, tmp_path: Path) -> None:
        (found,) = doctor.schedule(WEEKLY, tmp_path / "schedule.sqlite", NOW)
        assert (found.name, found.state) == ("weekly", "ready")
        assert found.facts == {"next_slot": datetime(2026, 11, 23, 6), "latest_slot": None, "outcome": None}
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize(
        ("outcome", "ago", "told"),
        [("complete", 60, "complete"), (None, 5, "running"), (None, 60, "broken off")],
    )
    def test_what_came_of_the_latest_slot_is_told(
        self, tmp_path: Path, outcome: str | None, ago: int, told: str
    ) -> None:
        path = tmp_path / "schedule.sqlite"
        with Leases(path, lambda: NOW - timedelta(minutes=ago)) as leases:
            leases.claim("weekly", self.SLOT)
            if outcome:
                leases.finish("weekly", self.SLOT, outcome)
        (found,) = doctor.schedule(WEEKLY, path, NOW)
        assert (found.facts["latest_slot"], found.facts["outcome"]) == (self.SLOT, told)

    def test_leases_that_cannot_be_read_are_told_of(self, tmp_path: Path) -> None:
        path = tmp_path / "schedule.sqlite"
        path.write_bytes(b"no such file" * 100)
        (found,) = doctor.schedule(WEEKLY, path, NOW)
        assert found.state == "not ready"
        assert "restore it from a backup" in found.to_do[0]


@pytest.mark.parametrize(("free", "state"), [(1024**3, "ready"), (1024**3 - 1, "not ready"), (0, "not ready")])
def test_a_disk_that_is_nearly_full_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(free, 0, free))
    found = doctor.disk(tmp_path)
    assert (found.facts, found.state) == ({"bytes_free": free}, state)


def test_a_secret_is_replaced_wherever_it_got_in() -> None:
    key = "pass/word+1"
    leaky = Finding("provider", key, {"url": "https://x/pass%2Fword%2B1", "keys": [f"a {key}"], "n": 1}, (key,))
    (found,) = doctor.without_secrets([leaky], {"DATAFORSEO_PASSWORD": key, "PATH": "x"})
    assert found == Finding(
        "provider", "REDACTED", {"url": "https://x/REDACTED", "keys": ["a REDACTED"], "n": 1}, ("REDACTED",)
    )


class TestSources:
    def test_one_that_has_all_it_needs_is_ready(self) -> None:
        found = source('[signals.plausible]\nhost = "www.e.example"\n', "plausible", {"PLAUSIBLE_API_KEY": "k"})
        assert (found.state, found.facts["keys_set"]) == ("ready", ["PLAUSIBLE_API_KEY"])

    @pytest.mark.parametrize(
        ("table", "name", "lacks"),
        [
            (
                '[signals.plausible]\nhost = "www.e.example"\n',
                "plausible",
                "needs PLAUSIBLE_API_KEY in the environment",
            ),
            ('[signals.ga4]\nhost = "www.e.example"\n', "ga4", "property is not set"),
            ("[signals.wikimedia]\n", "wikimedia", "no article is named"),
            ("[signals.ga5]\n", "ga5", "did you mean ga4?"),
            ("[signals.ga4]\npropert = 5\n", "ga4", "did you mean property?"),
            ("[corpora.tranco]\n", "tranco", "write [signals.tranco]"),
        ],
    )
    def test_what_one_lacks_is_told_without_asking_anybody(self, table: str, name: str, lacks: str) -> None:
        found = source(table, name)
        assert found.state == "not ready"
        assert lacks in found.to_do[0]

    def test_one_that_is_not_configured_is_listed_and_not_used(self) -> None:
        found = source("", "hackernews")
        assert (found.state, found.to_do, found.facts["url"]) == ("not used", (), "https://hn.algolia.com")

    def test_only_those_that_are_configured_are_reached_for(self) -> None:
        assert "https://hn.algolia.com" not in addresses(Config())
        assert "https://hn.algolia.com" in addresses(parse("[signals.hackernews]\n"))

    def test_one_that_cannot_be_reached_is_not_ready(self) -> None:
        gone: dict[str, int | CrawlError] = {"https://hn.algolia.com": NoReply("hn.algolia.com gave no reply")}
        table = "[signals.hackernews]\n"
        assert source(table, "hackernews", replies=gone).to_do == ("hn.algolia.com gave no reply",)
        assert source(table, "hackernews", replies={"https://hn.algolia.com": 404}).facts["status"] == 404


def source(
    table: str,
    name: str,
    environment: dict[str, str] | None = None,
    replies: dict[str, int | CrawlError] | None = None,
) -> Finding:
    """What is found about one source."""
    found = doctor.sources(parse(table), environment or {}, TODAY, replies or {})
    return next(each for each in found if each.name == name)
