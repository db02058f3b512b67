import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.dropped import json_array
from crawlers.dropped.json_array import objects
from geo_flywheel.errors import Unreadable


def read(body: bytes, wrapper: str = "") -> list[dict[str, Any]]:
    return list(objects(io.BytesIO(body), "f.json", wrapper))


@given(
    st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none())),
    st.integers(1, 9),
    st.sampled_from([None, 2]),
)
def test_objects_come_as_json_has_them_whatever_the_size_of_a_chunk(
    items: list[dict[str, Any]], chunk: int, indent: int | None
) -> None:
    body = json.dumps(items, indent=indent, ensure_ascii=indent is None).encode("utf-8", "replace")
    before, json_array._CHUNK = json_array._CHUNK, chunk
    try:
        assert read(body) == json.loads(body)
    finally:
        json_array._CHUNK = before


def test_the_array_may_stand_in_an_object() -> None:
    assert read(b'{"conversations": [{"a": 1}], "more": 2}', "conversations") == [{"a": 1}]


def test_half_characters_are_replaced() -> None:
    assert read(rb'[{"a": ["\ud83d \ud83d\ude00"]}]') == [{"a": ["? \U0001f600"]}]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"<html>", "HTML"),
        (b"7", "not with a JSON array"),
        (b'{"other": []}', "not with a JSON array"),
        (b'[{"a": 1}, {"a"', "item 2 is not JSON"),
        (b'[{"a": 1}', "no comma after item 1"),
        (b'[{"a": 1} {"a": 2}]', "no comma after item 1"),
        (b"[7]", "item 1 is a JSON int"),
        (b'[{"a": NaN}]', "NaN is not JSON"),
        (b'[{"a": "\xff"}]', "not UTF-8"),
        (b'[{"a": ' + b"[" * 10_000, "nested too deep"),
    ],
)
def test_what_is_no_array_of_objects_is_unreadable(body: bytes, problem: str) -> None:
    with pytest.raises(Unreadable, match=r"f\.json") as caught:
        read(body, "conversations")
    assert problem in str(caught.value)


def test_an_object_that_does_not_end_is_given_up_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_array, "MAX_OBJECT", 1000)
    monkeypatch.setattr(json_array, "_CHUNK", 100)
    stream = io.BytesIO(b'[{"a": "' + b"x" * 100_000)
    with pytest.raises(Unreadable, match="does not end within 1,000"):
        list(objects(stream, "f.json"))
    assert stream.tell() < 10_000
