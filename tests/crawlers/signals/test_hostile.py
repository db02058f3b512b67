"""Whatever a service sends, a reader gives facts that can be stored, or says that it cannot read it."""

import copy
import json
import math
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_flywheel import plugins
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Capture, Engagement
from tests.crawlers.signals.asking import NOON
from tests.crawlers.signals.test_ga4 import report, row

OPTIONS = {
    "of": "assistants",
    "host": "www.e.example",
    "site": "e.example",
    "rule": "r",
    "extent": "whole",
    "assistant": "ChatGPT",
    "since": "2026-01-01",
    "until": "2026-12-31",
    "day": "2026-10-01",
    "wiki": "en.wikipedia.org",
    "article": "https://en.wikipedia.org/wiki/X",
}
URL = "https://e.example/a"
SOUND: dict[str, Any] = {
    "ga4": report(row("/a"), row("/b"), subjectToThresholding=True)[1],
    "plausible": {"results": [{"metrics": [3, 8], "dimensions": ["2026-10-01", "/a", "ChatGPT"]}], "meta": {}},
    "matomo": {"2026-10-01": [{"label": "/a", "entry_nb_visits": 3, "entry_nb_actions": 4, "url": URL}]},
    "search_console": {
        "rows": [{"keys": ["2026-10-01", URL], "clicks": 1, "impressions": 9, "position": 4.2}],
        "metadata": {"firstIncompleteDate": "2026-10-03"},
    },
    "wikimedia": {"items": [{"timestamp": "2026100100", "views": 5}]},
    "hackernews": {"hits": [{"objectID": "1", "url": URL, "points": 5, "num_comments": 1, "created_at_i": 1790000000}]},
    "wikipedia_links": {"query": {"exturlusage": [{"pageid": 1, "url": URL}]}, "continue": {"eucontinue": "x"}},
    "tranco": {"ranks": [{"date": "2026-10-01", "rank": 5}]},
}
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["2026-10-01", "date", "error", "nan", "1e999", "https://[", "//e.example"])
    | st.text(max_size=8)
)
ANYTHING = st.recursive(LEAVES, lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=4), some))
GONE = object()


def places(told: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value: what holds it, and under which key."""
    for key, value in list(told.items() if isinstance(told, dict) else enumerate(told)):
        yield told, key
        if isinstance(value, dict | list):
            yield from places(value)


@st.composite
def spoiled(draw: st.DrawFn, name: str) -> Any:
    """A sound reply of which one to three places are gone, or hold something else."""
    told = copy.deepcopy(SOUND[name])
    for _ in range(draw(st.integers(1, 3))):
        if found := list(places(told)):
            holder, key = draw(st.sampled_from(found))
            value = draw(ANYTHING | st.just(GONE))
            if value is GONE:
                del holder[key]
            else:
                holder[key] = value
    return told


@pytest.mark.parametrize("name", SOUND)
def test_the_sound_replies_are_read(name: str) -> None:
    assert read(name, json.dumps(SOUND[name]).encode())


@pytest.mark.parametrize("name", SOUND)
@settings(max_examples=40)
@given(data=st.data())
def test_a_spoiled_reply_is_facts_or_unreadable(name: str, data: st.DataObject) -> None:
    body = json.dumps(data.draw(spoiled(name))).encode()
    for of in ("assistants", "all"):
        read(name, body, of)


@pytest.mark.parametrize("name", SOUND)
@settings(max_examples=20)
@given(body=st.binary(max_size=40) | ANYTHING.map(lambda told: json.dumps(told).encode()))
def test_any_body_is_facts_or_unreadable(name: str, body: bytes) -> None:
    read(name, body)


def read(name: str, body: bytes, of: str = "assistants") -> list[Engagement]:
    """The facts in a body, each as it can be stored; none when it is unreadable."""
    capture = Capture(name, body, name, NOON, 200, options=OPTIONS | {"of": of})
    found: list[Engagement] = []
    try:
        for fact in plugins.source(name).read(capture):
            assert isinstance(fact, Engagement)
            assert math.isfinite(fact.value)
            assert fact.value >= 0
            assert isinstance(fact.day, date)
            assert fact.unit
            found.append(fact)
    except Unreadable:
        return []
    return found
