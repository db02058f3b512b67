"""The loop that gathers, over sources of its own that say what they are told to."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from crawlers import gather as loop
from crawlers.base import Gathered, Http, Reply, Request, Service, Source, Wanted
from crawlers.gather import Came, Gathering, gather
from crawlers.intake import Places, rebuild, reread
from crawlers.run import Places as CrawlPlaces
from crawlers.run import finish_dead_runs
from geo_flywheel import plugins
from geo_flywheel.errors import ConfigError, NoReply, StoreError, Unreadable
from geo_flywheel.records import Capture, Engagement, Fact
from geo_flywheel.store import archive
from geo_flywheel.store.database import open_store
from tests.geo_flywheel.store.contents import tables, views

NOON = datetime(2026, 3, 2, 12)
DAY = date(2026, 3, 2)
KEY = "sk-very/secret+key"
Row = tuple[str, float]


@dataclass
class Site:
    """What a source replies, by the number of the request; an exception is raised in place of a reply."""

    said: list[list[Row] | Exception] = field(default_factory=list)
    factor: float = 1.0

    async def gather(self, http: Http, wanted: Wanted, service: Service) -> AsyncIterator[Gathered]:
        for number, rows in enumerate(self.said):
            if isinstance(rows, Exception):
                raise rows
            reply = await http.send(Request("GET", f"{service.url}/{number}?key={service.keys.get('TOY_KEY', '')}"))
            body = json.dumps({"rows": rows, "echo": service.keys.get("TOY_KEY")}).encode()
            yield Gathered(
                Reply(reply.status, reply.headers, body, reply.url, NOON, 0.1), {"day": f"{wanted.until}", "echo": KEY}
            )

    def read(self, capture: Capture) -> Iterable[Fact]:
        told = json.loads(capture.body)["rows"]
        if capture.http_status != 200:
            raise Unreadable("the site said no")
        for path, value in told:
            unit, day = f"https://a.example{path}", date.fromisoformat(capture.options["day"])
            yield Engagement(capture.plugin, unit, "page", day, "sessions", self.factor * value)


class Echo:
    """A way out that answers with the address it was asked, key and all."""

    async def send(self, request: Request) -> Reply:
        return Reply(200, (("x-echo", request.url),), b"", request.url, NOON, 0.1)


@dataclass
class Scene:
    root: Path
    sites: dict[str, Site]
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def places(self) -> Places:
        return Places(self.root / "store.duckdb", self.root / "archive")

    def gather(self, **more: Any) -> list[Came]:
        service = Service("toy", "https://toy.example", {"TOY_KEY": KEY})
        made: dict[str, Any] = {
            "store": self.places.store,
            "archive": self.places.archive,
            "sources": dict.fromkeys(self.sites, service),
            "wanted": Wanted(("a.example",), DAY, DAY),
            "http": Echo(),
            "now": lambda: NOON,
        }
        return asyncio.run(gather(Gathering(**made | more)))

    def rows(self, sql: str = "SELECT source, unit, value FROM engagements ORDER BY ALL") -> list[tuple[Any, ...]]:
        with open_store(self.places.store, read_only=True) as store:
            return store.rows(sql)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scene]:
    def made(**sites: Site) -> Scene:
        scene = Scene(tmp_path, sites, dict.fromkeys(sites, "1"))
        found = {name: Source("toy", site.gather, site.read, "") for name, site in sites.items()}
        monkeypatch.setattr(plugins, "source", found.__getitem__)
        monkeypatch.setattr(plugins, "version", lambda name: scene.versions[name])
        return scene

    return made


Make = Callable[..., Scene]


def test_every_reply_is_archived_read_and_stored(scene: Make) -> None:
    here = scene(one=Site([[("/x", 3)], [("/y", 4)]]), two=Site([[("/x", 9)]]))
    came = here.gather()
    assert [(each.name, each.replies, each.added["engagement"], each.problems) for each in came] == [
        ("one", 2, 2, []),
        ("two", 1, 1, []),
    ]
    assert here.rows() == [
        ("one", "https://a.example/x", 3.0),
        ("one", "https://a.example/y", 4.0),
        ("two", "https://a.example/x", 9.0),
    ]
    assert sum(entry.body is not None for entry in archive.entries(here.places.archive)) == 3


def test_a_source_that_fails_stops_no_other_and_is_on_record(scene: Make) -> None:
    here = scene(
        bad=Site([[("/x", 1)], NoReply(f"toy.example gave no reply ({KEY})")]),
        bug=Site([KeyError(KEY)]),
        unset=Site([ConfigError("property is not set; write it under [signals.unset]")]),
        good=Site([[("/x", 2)]]),
    )
    came = {each.name: each.problems for each in here.gather()}
    assert came == {
        "bad": ["toy.example gave no reply (REDACTED)"],
        "bug": ["gathering failed (KeyError); report it"],
        "unset": ["property is not set; write it under [signals.unset]"],
        "good": [],
    }
    assert [name for name, *_ in here.rows()] == ["bad", "good"]
    failed = here.rows("SELECT plugin, problem IS NOT NULL FROM reading WHERE problem IS NOT NULL ORDER BY ALL")
    assert failed == [("bad", True), ("bug", True), ("unset", True)]


def test_a_reply_that_cannot_be_read_is_told_and_kept(scene: Make) -> None:
    here = scene(one=Site([[("/x", "many")]]))  # type: ignore[list-item]
    [came] = here.gather()
    assert "the reader one failed on it" in came.problems[0]
    assert (came.replies, here.rows()) == (1, [])


def test_gathering_again_stores_nothing_twice_and_the_newest_value_counts(scene: Make) -> None:
    site = Site([[("/x", 5)]])
    here = scene(one=site)
    for value in (5.0, 7.0, 5.0):
        site.said = [[("/x", value)]]
        here.gather()
        assert here.rows() == [("one", "https://a.example/x", value)]


def test_no_secret_reaches_the_disk(scene: Make) -> None:
    here = scene(one=Site([[("/x", 5)], NoReply(f"no reply to {KEY}")]))
    here.gather()
    files = [file for file in here.root.rglob("*") if file.is_file()]
    kept = [gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes() for file in files]
    for form in (KEY, "sk-very%2Fsecret%2Bkey", "sk-very/secret%2Bkey"):
        assert not [content for content in kept if form.encode() in content]
    assert any(b"REDACTED" in content for content in kept)


def test_what_was_gathered_is_read_again_when_its_reader_changes(scene: Make) -> None:
    site = Site([[("/x", 5)], [("/y", 1)]])
    here = scene(one=site)
    here.gather()
    assert list(reread(here.places)) == []
    site.factor, here.versions["one"] = 10.0, "2"
    assert [outcome.state for outcome in reread(here.places)] == ["read", "read"]
    assert [value for *_, value in here.rows()] == [50.0, 10.0]
    assert list(reread(here.places)) == []


def test_a_reply_that_never_came_is_not_read_again(scene: Make) -> None:
    here = scene(one=Site([NoReply("none")]))
    here.gather()
    here.versions["one"] = "2"
    assert list(reread(here.places)) == []


def test_the_store_is_rebuilt_from_the_archive_alone(scene: Make) -> None:
    site = Site([[("/x", 5)], NoReply("none")])
    here = scene(one=site, two=Site([[("/x", 1)]]))
    here.gather()
    site.said = [[("/x", 6)], [("/z", 1)]]
    here.gather()
    facts = views(here.places.store)
    readings = here.rows("SELECT plugin, options, problem FROM reading ORDER BY ALL")
    here.places.store.unlink()
    assert {outcome.state for outcome in rebuild(here.places)} == {"read"}
    assert views(here.places.store) == facts
    assert here.rows("SELECT plugin, options, problem FROM reading ORDER BY ALL") == readings


@pytest.mark.parametrize("by", ["gather", "crawl", "reread"])
def test_what_a_killed_run_had_archived_is_committed_by_whoever_comes_next(
    scene: Make, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    here = scene(one=Site([[("/x", 5)]]))

    def full(*_: object) -> None:
        raise StoreError("no space")

    with open_store(here.places.store), monkeypatch.context() as patch:
        patch.setattr(loop, "_committed", full)
        with pytest.raises(StoreError, match="no space"):
            here.gather()
    assert here.rows() == []
    if by == "gather":
        here.gather(sources={})
    elif by == "crawl":
        finish_dead_runs(CrawlPlaces(here.places.store, here.places.archive))
    else:
        assert [outcome.added for outcome in reread(here.places)] == [{"engagement": 1}]
    assert here.rows() == [("one", "https://a.example/x", 5.0)]
    before = tables(here.places.store)
    finish_dead_runs(CrawlPlaces(here.places.store, here.places.archive))
    assert tables(here.places.store) == before


def test_a_batch_is_committed_before_the_source_has_replied_to_everything(
    scene: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "BATCH", 1)
    here = scene(one=Site([[("/x", 5)], [("/y", 6)]]))
    seen: list[int] = []

    def look(_: str) -> None:
        seen.append(len(here.rows()) if here.places.store.exists() else 0)

    here.gather(told=look)
    assert seen == [0, 1]


def test_a_source_that_is_stopped_keeps_what_it_has(scene: Make) -> None:
    stop = asyncio.Event()
    here = scene(one=Site([[("/x", 5)], [("/y", 6)]]))
    [came] = here.gather(stop=stop, told=lambda _: stop.set())
    assert (came.stopped, came.replies, len(here.rows())) == (True, 1, 1)
