"""Small replies written by hand, and what a hostile or careless world makes of them."""

from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import orjson
from hypothesis import strategies as st

from crawlers.base import Engine
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Capture

CAPTURES = Path(__file__).resolve().parents[2] / "captures"

_junk: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        2**63,
        0.5,
        "",
        "x",
        "https://h.test/",
        "[1](https://h.test/",
        [],
        {},
        [None],
        [[]],
        {"type": []},
    ]
).map(deepcopy)


def body(name: str) -> bytes:
    """Return a reply by its path under tests/captures."""
    return (CAPTURES / name).read_bytes()


def reply(name: str) -> Any:
    """Return a reply of one JSON document by its path under tests/captures."""
    return orjson.loads(body(name))


def answer(engine: Engine, told: object) -> Answer:
    """Return the one answer the engine reads from bytes, one document, or a list of events."""
    if isinstance(told, list):
        told = b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in told)
    (read,) = engine.read(Capture("", told if isinstance(told, bytes) else orjson.dumps(told), "reply.json"))
    return read


def reads_or_refuses(engine: Engine, told: object) -> None:
    """Read it; anything but an answer or `Unreadable` fails the test."""
    with suppress(Unreadable):
        found = answer(engine, told)
        assert all(span is None or found.text[slice(*span)] for page in found.citations for span in page.spans)


@st.composite
def spoiled(draw: st.DrawFn, told: object) -> Any:
    """Draw a copy of a JSON value with up to four of its values replaced or taken out."""
    copy = deepcopy(told)
    for _ in range(draw(st.integers(1, 4))):
        holders = [holder for holder in _holders(copy) if holder]
        if not holders:
            break
        holder = draw(st.sampled_from(holders))
        key = draw(st.sampled_from([*holder] if isinstance(holder, dict) else [*range(len(holder))]))
        if draw(st.booleans()):
            holder[key] = draw(_junk)
        else:
            del holder[key]
    return copy


def _holders(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value, *(holder for inner in value.values() for holder in _holders(inner))]
    if isinstance(value, list):
        return [value, *(holder for inner in value for holder in _holders(inner))]
    return []
