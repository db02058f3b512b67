"""Asks of ours as the archive tells them: read again, rebuilt, recovered, to the same facts."""

import fcntl
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from crawlers import intake, replies
from crawlers import run as loop
from crawlers.base import Engine
from crawlers.replies import batches, read_reply, run_replies
from geo_flywheel import plugins
from geo_flywheel.crawl_config import Provider
from geo_flywheel.errors import StoreError
from geo_flywheel.records import Answer, Capture, Status
from geo_flywheel.store import archive
from tests.crawlers.crawling import Scene
from tests.geo_flywheel.store.contents import Rows, one, views


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A crawl with redirects, failures and garbage among its answers."""
    return Scene(tmp_path, providers=(Provider("openai"), Provider("gemini"), Provider("perplexity")))


def places(scene: Scene) -> intake.Places:
    return intake.Places(scene.places.store, scene.places.archive)


def crawled(scene: Scene) -> dict[str, Rows]:
    for order in ({"kind": "garbage", "provider": "openai"}, {"kind": "failure", "provider": "perplexity"}):
        scene.fault(next=1, **order)
    scene.crawl()
    return views(scene.places.store)


def redirects(scene: Scene) -> list[tuple[Any, ...]]:
    return scene.rows(
        "SELECT raw_url, target, status, resolved_at FROM redirect JOIN current_reading USING (reading_no) ORDER BY ALL"
    )


def cited(scene: Scene, engine: str) -> list[str]:
    return [url for who, url in scene.rows("SELECT engine, url FROM citations") if who == engine]


def plant_a_bug(patch: pytest.MonkeyPatch, provider: str) -> None:
    """Make a reader lose every citation, as a version of its own."""
    sound, version = plugins.engine(provider), plugins.version

    def read(capture: Capture) -> tuple[Answer, ...]:
        return tuple(structs.replace(answer, citations=(), status=Status.UNGROUNDED) for answer in sound.read(capture))

    engines = {provider: replace(sound, read=read)}
    engine = plugins.engine
    patch.setattr(plugins, "engine", lambda name: engines.get(name) or engine(name))
    patch.setattr(plugins, "version", lambda name: "buggy" if name == provider else version(name))


def test_a_rebuilt_store_says_what_the_crawled_one_said(scene: Scene) -> None:
    before, led = crawled(scene), redirects(scene)
    assert len(before["citations"]) > 20
    assert len(led) > 5
    list(intake.rebuild(places(scene)))
    assert views(scene.places.store) == before
    assert redirects(scene) == led


def test_reading_again_changes_nothing_as_long_as_no_reader_changed(scene: Scene) -> None:
    before = crawled(scene)
    assert list(intake.reread(places(scene))) == []
    readings = one(scene.places.store, "SELECT count(*) FROM reading")
    assert sum(outcome.added["answer"] for outcome in intake.reread(places(scene), every=True)) == 11
    assert one(scene.places.store, "SELECT count(*) FROM reading") == 2 * readings
    assert views(scene.places.store) == before


@pytest.mark.parametrize("provider", ["openai", "gemini"])
def test_a_reader_that_is_mended_reads_again_what_it_had_read_wrongly(
    provider: str, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        plant_a_bug(patch, provider)
        crawled(scene)
        assert not cited(scene, provider)
    list(intake.reread(places(scene)))
    mended = views(scene.places.store)
    assert len(cited(scene, provider)) > 9
    list(intake.rebuild(places(scene)))
    assert views(scene.places.store) == mended


def test_a_run_that_died_is_committed_by_whatever_comes_next(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreError("no space")

    ways: dict[str, Callable[[], object]] = {
        "reread": lambda: list(intake.reread(places(scene))),
        "rebuild": lambda: list(intake.rebuild(places(scene))),
        "import": lambda: list(intake.take_in(places(scene), [], {})),
        "crawl": lambda: loop.finish_dead_runs(scene.places),
    }
    scene.crawl("before")
    for count, (snapshot, go_on) in enumerate(ways.items(), 1):
        with monkeypatch.context() as patch:
            patch.setattr(loop, "append_replies", full)
            with pytest.raises(StoreError):
                scene.crawl(snapshot)
        go_on()
        go_on()
        assert len(scene.rows("SELECT DISTINCT snapshot FROM answers")) == 1 + count
        assert one(scene.places.store, "SELECT count(*) = count(DISTINCT identity) FROM capture")
        assert list(scene.places.archive.glob("*.open")) == []


def test_reading_again_leaves_a_crawl_that_is_under_way_alone(scene: Scene) -> None:
    scene.crawl()
    (warc,) = archive.closed(scene.places.archive)
    warc.rename(warc.with_name(f"{warc.name}.open"))
    with warc.with_name(f"{warc.name}.open").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert list(intake.reread(places(scene), every=True)) == []


def test_readers_that_are_gone_are_told_of_and_stop_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.crawl()
    gone = plugins.names("engines")
    assert "openai" in gone
    engine, version = plugins.engine, plugins.version

    def named(name: str) -> Engine:
        return engine("gone" if name == "openai" else name)

    monkeypatch.setattr(plugins, "engine", named)
    monkeypatch.setattr(plugins, "version", lambda name: version("gone" if name == "openai" else name))
    list(intake.rebuild(places(scene)))
    assert scene.rows(
        "SELECT DISTINCT problem LIKE 'no plugin is called gone%' FROM reading WHERE plugin = 'openai'"
    ) == [(True,)]
    assert scene.rows("SELECT DISTINCT provider FROM answers ORDER BY 1") == [("gemini",), ("perplexity",)]


# One reply

ASKED_AT = datetime(2026, 3, 2, 9)


def entry(provider: str, body: bytes, status: int = 200) -> archive.Entry:
    ask = {"prompt": {"text": "which"}, "model_requested": "gpt-6.1-sol", "sample_no": 1, "snapshot": "s"}
    about = {"plugin": provider, "engine": provider, "ask": ask, "name": "https://api.example", "bytes": len(body)}
    note = {**about, "kind": "reply", "http_status": status, "asked_at": ASKED_AT.isoformat()}
    return archive.Entry("run", "crawl", ASKED_AT, note, "id", body)


def test_a_refusal_costs_nothing_whatever_the_price_table_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "_price", lambda *_: pytest.fail("nobody pays for a refusal"))
    (answer,) = read_reply(entry("openai", b'{"error":{"code":"x","message":"no"}}', 429)).answers
    assert (answer.status, answer.cost_usd, answer.cost_estimated) == (Status.ERROR, None, False)


def test_a_reader_that_fails_on_a_reply_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(capture: Capture) -> tuple[Answer, ...]:
        raise ZeroDivisionError(capture.name)

    monkeypatch.setattr(plugins, "engine", lambda _: Engine(read, lambda _: b"", lambda _: False))
    read_so = read_reply(entry("openai", b"{}"))
    assert read_so.answers == ()
    assert read_so.problem == (
        "https://api.example: the reader failed (ZeroDivisionError: https://api.example); report it"
    )


def test_replies_come_in_batches_and_none_is_left_out(scene: Scene) -> None:
    scene.crawl()
    (warc,) = archive.closed(scene.places.archive)
    sizes = [len(batch) for batch in batches(run_replies(warc), 5)]
    assert sizes == [5, 5, 2]
