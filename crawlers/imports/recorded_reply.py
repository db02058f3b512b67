"""The recorded body of an answer engine's reply: one JSON document, server-sent events, or an event per line.

Which engine it was is told by the marks that only its replies bear, or by the person: `--set provider=openai`. What the
body does not say the person may: `--set asked_at=2026-01-31T10:00Z`, `--set prompt=…`.
"""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from crawlers.base import DroppedFile, Import
from crawlers.dropped.files import opened
from crawlers.reading.lenient import moment
from crawlers.reading.wire import MAX_BODY, documents
from geo_flywheel import plugins
from geo_flywheel.errors import ConfigError, Unreadable
from geo_flywheel.records import Answer, Ask, Capture, Prompt

_STARTS = (b"{", b"[", b"data:", b"event:", b"id:", b"retry:", b":")


def refuse(file: DroppedFile) -> str | None:
    """Return None when one engine knows the reply for its own or the person named one; else why not."""
    try:
        body = _body(file)
        name = _provider(file, body)
        if "set.provider" in file.options:
            plugins.engine(name).read(Capture(name, body, file.name, options=file.options))
    except Unreadable as error:
        return str(error).removeprefix(f"{file.name}: ")
    return None


def read(file: DroppedFile) -> Iterator[Answer]:
    """Yield the answers in the reply.

    Raises:
        Unreadable: If it is not a reply of the engine named, or of no engine or several where none was named.
    """
    body = _body(file)
    name = _provider(file, body)
    asked_at = _asked_at(file)
    ask = Ask(Prompt(file.options["set.prompt"])) if file.options.get("set.prompt") else None
    capture = Capture(name, body, file.name, asked_at=asked_at, ask=ask, options=file.options)
    for answer in plugins.engine(name).read(capture):
        yield replace(answer, asked_at=answer.asked_at or asked_at, ask=answer.ask or ask)


IMPORT = Import("a recorded reply of an answer engine: JSON, server-sent events or event lines", refuse, read)


def _body(file: DroppedFile) -> bytes:
    """The whole body, when it begins like a reply and is small enough to be one."""
    start = file.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise Unreadable(f"{file.name}: the file is empty; capture the reply again")
    if start.startswith(b"<"):
        raise Unreadable(f"{file.name}: this is an HTML or XML page, not a reply; look at it for the error it shows")
    if not start.startswith(_STARTS):
        raise Unreadable(f"{file.name}: neither JSON nor server-sent events")
    with opened(file) as stream:
        body = stream.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise Unreadable(
            f"{file.name}: more than the {MAX_BODY:,} bytes one reply may have; hand in its replies singly"
        )
    return body


def _provider(file: DroppedFile, body: bytes) -> str:
    """The engine named, else the only one that claims the reply."""
    named = file.options.get("set.provider")
    if named:
        return _known(file, named)
    found = documents(body, file.name)
    claiming = sorted(name for name, engine in plugins.engines().items() if engine.claims(found))
    if len(claiming) == 1:
        return claiming[0]
    who = f"{' and '.join(claiming)} would read it" if claiming else "no engine knows it for its own"
    raise Unreadable(f"{file.name}: {who}; say whose reply it is: --set provider={claiming[0] if claiming else 'NAME'}")


def _known(file: DroppedFile, named: str) -> str:
    try:
        plugins.engine(named)
    except ConfigError as error:
        raise Unreadable(f"{file.name}: --set provider={named}: {error}") from error
    return named


def _asked_at(file: DroppedFile) -> datetime | None:
    said = file.options.get("set.asked_at")
    if said is None:
        return None
    when = moment(said)
    if when is None:
        raise Unreadable(f"{file.name}: --set asked_at={said}: not a date or time; write it as 2026-01-31T10:00:00Z")
    return when
