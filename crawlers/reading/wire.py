"""From the bytes of a reply to its JSON documents: a full body, server-sent events, or one event per line."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from geo_flywheel.errors import Unreadable

MAX_BODY = 64 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_DONE = b"[DONE]"

Document = dict[str, Any]


def documents(body: bytes, name: str) -> list[Document]:
    """Return the JSON objects of a reply, in order: one for a full body, one per event of a stream.

    A stream that was cut off inside its last event gives the events before it; that it never ended is for its reader
    to see. A full body that was cut off gives nothing.

    Args:
        body: Raw bytes, at most `MAX_BODY`.
        name: What the errors call it.

    Raises:
        Unreadable: If it is empty, too large, HTML, not UTF-8, cut off, nested too deep, or holds NaN.
    """
    if len(body) > MAX_BODY:
        raise Unreadable(f"{name}: {len(body):,} bytes, more than the {MAX_BODY:,} one reply may have; split the file")
    start = body.removeprefix(_BOM).lstrip()
    if not start:
        raise Unreadable(f"{name}: the file is empty; capture the reply again")
    if start.startswith(b"<"):
        raise Unreadable(
            f"{name}: this is an HTML or XML page, not a reply of the API; look at it for the error it shows"
        )
    found = _bare(start, name) if start[:1] in b"{[" else _stream(_events(start), name, "event")
    if not found:
        raise Unreadable(f"{name}: no JSON and no event in it; is this the reply itself?")
    return found


def _bare(start: bytes, name: str) -> list[Document]:
    """One JSON text, over however many lines, or one event per line."""
    try:
        whole = orjson.loads(start)
    except orjson.JSONDecodeError as error:
        lines = [line for line in start.splitlines() if line and not line.isspace()]
        if len(lines) > 1 and _is_json(lines[0]):
            return _stream(lines, name, "line")
        raise _broken(name, "the body", error) from error
    if isinstance(whole, list):
        return [_object(item, name, f"item {n}") for n, item in enumerate(whole, 1)]
    return [_object(whole, name, "the body")]


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _events(stream: bytes) -> Iterator[bytes]:
    """Data of each server-sent event; names, comments, ids, retries and the closing [DONE] left out."""
    data: list[bytes] = []
    for line in stream.splitlines():
        if line.startswith(b"data:"):
            data.append(line[5:].strip())
        elif not line and data:
            yield from _joined(data)
            data = []
    yield from _joined(data)


def _joined(data: list[bytes]) -> Iterable[bytes]:
    """One event over several data lines, or several events whose blank lines between were lost."""
    whole = [b"\n".join(data)] if len(data) > 1 and _is_json(b"\n".join(data)) else data
    return [event for event in whole if event and event != _DONE]


def _stream(events: Iterable[bytes], name: str, kind: str) -> list[Document]:
    """Parse the events; only the last one may be cut off, and only when others came before it."""
    found: list[Document] = []
    broken: Unreadable | None = None
    for number, event in enumerate(events, 1):
        if broken:
            raise broken
        try:
            told = orjson.loads(event)
            found.append(told if isinstance(told, dict) else _object(told, name, f"{kind} {number}"))
        except orjson.JSONDecodeError as error:
            broken = _broken(name, f"{kind} {number}", error)
    if broken and not found:
        raise broken
    return found


def _object(value: object, name: str, where: str) -> Document:
    if not isinstance(value, dict):
        raise Unreadable(f"{name}: {where} is a JSON {type(value).__name__}, not an object; is this the reply itself?")
    return value


def _broken(name: str, where: str, error: orjson.JSONDecodeError) -> Unreadable:
    return Unreadable(
        f"{name}: {where} is not JSON ({error.msg}, byte {error.pos:,}); "
        "it is cut off or damaged, or of another kind: capture it again"
    )
