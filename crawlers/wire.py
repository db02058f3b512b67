"""From the bytes of a reply to its JSON documents: a full body, server-sent events, or one event per line."""

from typing import Any

import orjson

from geo_flywheel.errors import Unreadable

MAX_BODY = 64 * 1024 * 1024
Document = dict[str, Any]


def documents(body: bytes, name: str) -> list[Document]:
    """Return the JSON objects of a reply, in order: one for a full body, one per event of a stream.

    Args:
        body: Raw bytes, at most `MAX_BODY`.
        name: What the errors call it.

    Raises:
        Unreadable: If it is empty, too large, HTML, not UTF-8, cut off, nested too deep, or holds NaN.
    """
    if len(body) > MAX_BODY:
        raise Unreadable(f"{name}: {len(body):,} bytes, more than the {MAX_BODY:,} one reply may have; split the file")
    start = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise Unreadable(f"{name}: the file is empty; capture the reply again")
    if start.startswith(b"<"):
        raise Unreadable(f"{name}: this is an HTML or XML page, not a reply of the API; look at it for the error it shows")
    if start[:1] in b"{[":
        return _bare(start, name)
    return [_parse(data, name, f"event {n}") for n, data in enumerate(_events(start), 1)] or _nothing(name)


def _bare(start: bytes, name: str) -> list[Document]:
    """One JSON text, or one event per line."""
    lines = start.split(b"\n") if start[:1] == b"{" else []
    if len(lines) > 1 and lines[0].rstrip().endswith(b"}") and len(lines[0]) > 1:
        return [_parse(line, name, f"line {n}") for n, line in enumerate(lines, 1) if line.strip()]
    whole = _loads(start, name, "the body")
    if isinstance(whole, list):
        return [_object(item, name, f"item {n}") for n, item in enumerate(whole, 1)] or _nothing(name)
    return [_object(whole, name, "the body")]


def _events(stream: bytes) -> list[bytes]:
    """Data of each server-sent event; comments, ids, retries and the closing [DONE] left out."""
    events: list[bytes] = []
    data: list[bytes] = []
    for line in (*stream.splitlines(), b""):
        if line.startswith(b"data:"):
            data.append(line[5:].strip())
        elif not line and data:
            events.append(b"\n".join(data))
            data = []
    return [event for event in events if event and event != b"[DONE]"]


def _parse(data: bytes, name: str, where: str) -> Document:
    return _object(_loads(data, name, where), name, where)


def _loads(data: bytes, name: str, where: str) -> object:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Unreadable(
            f"{name}: {where} is not JSON ({error}); the file is cut off or damaged, or of another kind: capture it again"
        ) from error


def _object(value: object, name: str, where: str) -> Document:
    if not isinstance(value, dict):
        raise Unreadable(f"{name}: {where} is a JSON {type(value).__name__}, not an object; is this the reply itself?")
    return value


def _nothing(name: str) -> list[Document]:
    raise Unreadable(f"{name}: no JSON and no event in it; is this the reply itself?")
