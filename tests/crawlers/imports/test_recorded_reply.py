import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from crawlers.base import Engine
from crawlers.imports import recorded_reply
from crawlers.imports.recorded_reply import IMPORT
from crawlers.reading.wire import MAX_BODY, Document, documents
from geo_flywheel import plugins
from geo_flywheel.errors import ConfigError, Unreadable
from geo_flywheel.records import Answer, Capture, Fact, Status
from tests import real_data
from tests.crawlers.imports.handing import hand, write

REPLY = {"id": "r1", "mark": "one", "text": "A."}


def engine(name: str, claims: Callable[[Sequence[Document]], bool]) -> Engine:
    def read(capture: Capture) -> tuple[Answer, ...]:
        (found,) = documents(capture.body, capture.name)
        if found.get("mark") != "one":
            raise Unreadable(f"{capture.name}: not a reply of {name}; name its provider")
        when = datetime(2026, 1, 1) if found.get("dated") else None
        return (Answer(capture.plugin, name, "api", Status.UNGROUNDED, str(found["text"]), asked_at=when),)

    return Engine(read, lambda _: b"", claims)


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> dict[str, Engine]:
    there = {
        "one": engine("one", lambda found: any(d.get("mark") == "one" for d in found)),
        "two": engine("two", lambda found: any("both" in d for d in found)),
    }

    def named(name: str) -> Engine:
        if name not in there:
            raise ConfigError(f"no plugin is called {name}; there are one, two")
        return there[name]

    monkeypatch.setattr(plugins, "engines", lambda: there)
    monkeypatch.setattr(plugins, "engine", named)
    return there


def the_answer(facts: Iterable[Fact]) -> Answer:
    (fact,) = facts
    assert isinstance(fact, Answer)
    return fact


def reply(tmp_path: Path, **change: object) -> Path:
    return write(tmp_path / "reply.json", json.dumps(REPLY | change))


def test_the_engine_that_claims_a_reply_reads_it(tmp_path: Path) -> None:
    file = hand(reply(tmp_path))
    assert IMPORT.refuse(file) is None
    answer = the_answer(IMPORT.read(file))
    assert (answer.provider, answer.text, answer.asked_at, answer.ask) == ("one", "A.", None, None)


def test_events_are_replies_too(tmp_path: Path) -> None:
    assert IMPORT.refuse(hand(write(tmp_path / "reply.sse.txt", f"data: {json.dumps(REPLY)}\n\n"))) is None


@pytest.mark.parametrize(("dated", "expected"), [(False, datetime(2026, 2, 1, 8)), (True, datetime(2026, 1, 1))])
def test_the_person_says_what_the_reply_does_not(tmp_path: Path, dated: bool, expected: datetime) -> None:  # noqa: FBT001 - parametrised
    file = hand(reply(tmp_path, dated=dated), set_asked_at="2026-02-01T09:00+01:00", set_prompt="best crm?")
    answer = the_answer(IMPORT.read(file))
    assert answer.asked_at == expected
    assert answer.ask
    assert answer.ask.prompt.text == "best crm?"


def test_none_and_several_claiming_are_told_with_the_option_to_pass(tmp_path: Path) -> None:
    assert "no engine knows it" in str(IMPORT.refuse(hand(reply(tmp_path, mark="other"))))
    several = str(IMPORT.refuse(hand(reply(tmp_path, both=1))))
    assert "one and two would read it" in several
    assert "--set provider=one" in several
    with pytest.raises(Unreadable, match=r"reply\.json: one and two"):
        list(IMPORT.read(hand(reply(tmp_path, both=1))))


def test_the_provider_named_reads_it_unless_it_is_the_wrong_one(tmp_path: Path) -> None:
    both = reply(tmp_path, both=1)
    assert the_answer(IMPORT.read(hand(both, set_provider="two"))).engine == "two"
    assert "not a reply of two" in str(IMPORT.refuse(hand(reply(tmp_path, mark="x"), set_provider="two")))
    assert "no plugin is called three" in str(IMPORT.refuse(hand(both, set_provider="three")))


def test_a_time_that_is_none_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"--set asked_at=soon"):
        list(IMPORT.read(hand(reply(tmp_path), set_asked_at="soon")))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"<html>502</html>", "HTML"),
        (b"date,url\n", "neither JSON nor server-sent events"),
        (b'{"mark": "one"', "cut off"),
        (b"[" * 10_000, "not JSON"),
        (b'{"mark": NaN}', "not JSON"),
        (b'{"mark": "\xff"}', "not JSON"),
    ],
)
def test_what_is_no_reply_is_refused_with_the_reason(tmp_path: Path, body: bytes, reason: str) -> None:
    assert reason in str(IMPORT.refuse(hand(write(tmp_path / "reply.json", body))))


def test_a_body_too_large_for_a_reply_is_not_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded_reply, "documents", lambda *_: pytest.fail("parsed"))
    path = tmp_path / "reply.json"
    with path.open("wb") as file:
        file.write(b"{")
        file.truncate(MAX_BODY + 1)
    assert "one reply may have" in str(IMPORT.refuse(hand(path)))


def test_recorded_replies_find_their_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    folder = real_data.folder("recorded_replies")
    bodies = [path for path in sorted(folder.glob("*/*")) if "__" in path.name]
    lost = {path.name: reason for path in bodies if (reason := IMPORT.refuse(hand(path)))}
    facts: list[Fact] = [fact for path in bodies if path.name not in lost for fact in IMPORT.read(hand(path))]
    assert len(facts) >= len(bodies) - len(lost) > len(bodies) / 2
    assert all("--set provider=" in reason for reason in lost.values()), lost
