"""Replies to asks of ours in the store: each once, whatever is repeated."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from geo_flywheel.errors import StoreError
from geo_flywheel.records import Answer, Ask, Citation, Prompt, Resolution, Status
from geo_flywheel.store import replies
from geo_flywheel.store.append import Reader, Source
from geo_flywheel.store.database import open_store
from geo_flywheel.store.replies import ReadReply, append_replies
from tests.geo_flywheel.store.contents import one, views

AT = datetime(2026, 3, 2, 9)
PAGE = "https://site.example/page"


def reply(identity: str, *texts: str, version: str = "1", **more: Any) -> ReadReply:
    """A reply with an answer for each text, as one version of its reader reads it."""
    source = Source("run", "crawl", AT, identity, "api", 9, Reader("openai", version), AT, 200, asked_for=True)
    ask = Ask(Prompt("which"), "m", 1, "A", "s")
    made = [Answer("openai", "openai", "api", Status.GROUNDED, text, asked_at=AT, ask=ask) for text in texts]
    return ReadReply(
        source, tuple(replace(answer, citations=(Citation(PAGE, PAGE, None, 1),)) for answer in made), **more
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.duckdb"


def append(path: Path, *come: ReadReply, again: bool = False) -> dict[str, int]:
    with open_store(path) as store:
        return {table: rows for table, rows in append_replies(store, come, again=again).items() if rows}


def test_equal_answers_of_two_replies_are_two_facts_and_of_one_reply_two_as_well(path: Path) -> None:
    assert append(path, reply("a", "same", "same"), reply("b", "same")) == {"answer": 3, "citation": 3}
    assert one(path, "SELECT count(DISTINCT key) FROM answer") == 3


def test_a_reply_that_is_held_already_adds_nothing(path: Path) -> None:
    append(path, reply("a", "one"))
    before = views(path)
    assert append(path, reply("a", "one"), reply("a", "one")) == {}
    assert views(path) == before
    assert one(path, "SELECT count(*) FROM reading") == 1


@settings(max_examples=15)
@given(batches=st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=6))
def test_however_replies_are_repeated_each_is_held_once(
    batches: list[list[int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("store") / "store.duckdb"
    with open_store(path) as store:
        for batch in batches:
            append_replies(store, [reply(str(number), "text") for number in batch])
        held = store.rows("SELECT identity FROM capture JOIN reading USING (capture_no) JOIN answer USING (reading_no)")
    assert sorted(identity for (identity,) in held) == sorted({str(number) for batch in batches for number in batch})


def test_what_is_read_anew_supersedes_what_was_read_before(path: Path) -> None:
    append(path, reply("a", "wrong"), reply("b", "right"))
    append(path, reply("a", "right", "and more", version="2"), again=True)
    with open_store(path, read_only=True) as store:
        assert store.rows("SELECT text FROM answers ORDER BY text") == [("and more",), ("right",), ("right",)]
    assert one(path, "SELECT count(*) FROM capture") == 2


def test_nothing_is_read_anew_that_was_never_there(path: Path) -> None:
    assert append(path, reply("a", "one"), again=True) == {}
    assert one(path, "SELECT count(*) FROM capture") == 0


def test_a_reply_that_cannot_be_read_is_held_with_the_reason_and_keeps_what_was_read_before(path: Path) -> None:
    append(path, reply("a", "one"), reply("b", problem="no JSON"))
    append(path, reply("a", version="2", problem="worse"), again=True)
    with open_store(path, read_only=True) as store:
        assert store.rows("SELECT text FROM answers") == [("one",)]
        told = store.rows("SELECT problem FROM reading WHERE problem IS NOT NULL ORDER BY reading_no")
    assert told == [("no JSON",), ("worse",)]


def test_where_redirects_led_belongs_to_the_reading(path: Path) -> None:
    led = (Resolution("https://r.example/1", PAGE, 302, AT), Resolution("https://r.example/2", None, 404, AT))
    assert append(path, reply("a", "one", redirects=led))["redirect"] == 2
    with open_store(path, read_only=True) as store:
        rows = store.rows("SELECT raw_url, target, status, resolved_at FROM redirect ORDER BY raw_url")
    assert rows == [("https://r.example/1", PAGE, 302, AT), ("https://r.example/2", None, 404, AT)]


def test_a_batch_is_stored_whole_or_not_at_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(replies, "insert_answers", full)
        with pytest.raises(StoreError, match="no space"):
            append(path, reply("a", "one"))
    assert one(path, "SELECT (SELECT count(*) FROM run) + (SELECT count(*) FROM capture)") == 0
    assert append(path, reply("a", "one"))["answer"] == 1


def test_nothing_came_and_nothing_is_stored(path: Path) -> None:
    assert append(path) == {}


def test_text_that_is_no_unicode_is_stored_all_the_same(path: Path) -> None:
    assert append(path, reply("a", "half \ud800"))["answer"] == 1
