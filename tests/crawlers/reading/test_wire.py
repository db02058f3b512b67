from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.reading.wire import MAX_BODY, documents
from geo_flywheel.errors import Unreadable

scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"]))
objects = st.dictionaries(st.text("abc", max_size=3), scalars | st.lists(scalars, max_size=3), max_size=4)


@given(
    objects,
    st.sampled_from([None, orjson.OPT_INDENT_2]),
    st.sampled_from([b"", b"\xef\xbb\xbf", b"\n \r\n"]),
    st.sampled_from([b"", b"\n", b"\r\n\r\n"]),
)
def test_a_full_body_is_one_document_however_it_is_laid_out(
    told: dict[str, object], layout: int | None, head: bytes, tail: bytes
) -> None:
    assert documents(head + orjson.dumps(told, option=layout) + tail, "x") == [told]


@given(st.lists(objects, min_size=2), st.sampled_from([b"\n", b"\r\n", b"\n\n"]))
def test_one_event_per_line_is_one_document_each(told: list[dict[str, object]], end: bytes) -> None:
    assert documents(end.join(map(orjson.dumps, told)), "x") == told


@given(
    st.lists(objects, min_size=1),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["", "event: e{n}", ": PROCESSING", "id: 7", "retry: 5"]),
    st.sampled_from(["data: ", "data:"]),
    st.sampled_from([[], ["data: [DONE]", ""]]),
)
def test_server_sent_events_are_one_document_each(
    told: list[dict[str, object]], end: str, above: str, data: str, close: list[str]
) -> None:
    lines = ["event: first"]
    for event in told:
        lines += [above] if above else []
        lines += [data + orjson.dumps(event).decode(), ""]
    lines += close
    assert documents(end.join(lines).encode(), "x") == told


def test_an_event_over_several_data_lines_is_one_document() -> None:
    assert documents(b'data: {"a":\ndata: 1}\n\n', "x") == [{"a": 1}]


def test_events_that_lost_the_blank_lines_between_them_are_told_apart() -> None:
    assert documents(b'data: {"a":1}\ndata: {"b":2}\ndata: [DONE]', "x") == [{"a": 1}, {"b": 2}]


def test_a_line_separator_inside_a_string_ends_no_line() -> None:
    told = [{"a": "x\u2028y\x85z"}, {"b": 1}]
    assert documents(b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in told), "x") == told
    assert documents(b"\n".join(map(orjson.dumps, told)), "x") == told


def test_an_array_is_one_document_per_item() -> None:
    assert documents(b'[{"a":1},\n{"b":2}]', "x") == [{"a": 1}, {"b": 2}]


def test_a_body_whose_first_line_ends_like_an_object_is_still_one_body() -> None:
    assert documents(b'{"a":{}\n,"b":1}', "x") == [{"a": {}, "b": 1}]


@pytest.mark.parametrize(
    "body", [b'data: {"a":1}\n\ndata: {"b":', b'{"a":1}\n{"b":', b'event: e\ndata: {"a":1}\n\nevent: e\nda']
)
def test_a_stream_cut_off_inside_its_last_event_gives_those_before(body: bytes) -> None:
    assert documents(body, "x") == [{"a": 1}]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b" \r\n\xef\xbb\xbf", "no JSON"),
        (b"\xef\xbb\xbf\n", "empty"),
        (b"<!doctype html><html>", "HTML"),
        (b"Internal Server Error", "no JSON"),
        (b'{"a": 1', "not JSON"),
        (b'{"a": NaN}', "not JSON"),
        (b'{"a": "\xff"}', "not JSON"),
        (b"[" * 10_000, "not JSON"),
        (b'{"a":' * 10_000, "not JSON"),
        (b"[1]", "not an object"),
        (b"[]", "no JSON"),
        (b"data: [DONE]\n\n", "no JSON"),
        (b"data: 7\n\n", "event 1 is a JSON int"),
        (b'data: {"a":\n\n', "event 1 is not JSON"),
        (b'data: {"a":1}\n\ndata: {"b":\n\ndata: {"c":1}\n\n', "event 2 is not JSON"),
        (b'{"a":1}\n{"b":\n{"c":1}', "line 2 is not JSON"),
    ],
)
def test_what_is_no_reply_is_refused_by_name_and_reason(body: bytes, says: str) -> None:
    with pytest.raises(Unreadable, match=f"reply: .*{says}"):
        documents(body, "reply")


def test_a_body_over_the_limit_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(Unreadable, match="split the file"):
        documents(b" " * (MAX_BODY + 1), "reply")


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode) | st.text('data:{}[]"1,\n ').map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(Unreadable):
        assert all(isinstance(told, dict) for told in documents(body, "x"))
