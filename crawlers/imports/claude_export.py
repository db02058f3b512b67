"""The export of a Claude account: the zip as it comes, or its conversations.json alone.

Every reply becomes an answer. Pages are cited by the citations of its text and by its links; what a web search gave is
retrieved. An export seldom names the model, and then none is named here.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import BinaryIO, NamedTuple
from zipfile import ZipFile, ZipInfo

from crawlers.base import DroppedFile, Import
from crawlers.dropped.files import ZIP, archive, bounded, member, opened
from crawlers.dropped.json_array import objects
from crawlers.reading.citing import Citing, Listed, retrievals
from crawlers.reading.lenient import embedded, integer, mapping, mappings, moment, sequence, text
from crawlers.reading.linking import links
from crawlers.reading.wire import Document
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Ask, Fact, Prompt, Span, Status

_CONVERSATIONS = "conversations.json"
_CHATS = re.compile(rb'"chat_messages"\s*:\s*\[')
_HEAD = 64 * 1024
_KNOWN_BLOCKS = {"text", "tool_use", "tool_result", "thinking", "token_budget", "flag"}
_DEEPEST = 4


class _Part(NamedTuple):
    """A block of text and where in the answer it begins."""

    block: Document
    start: int


def refuse(file: DroppedFile) -> str | None:
    """Return None for an export or its conversations.json; else what it lacks."""
    if file.head.startswith(ZIP):
        try:
            with archive(file) as export:
                starts = [_start(export, info, file.name) for info in _members(export)]
        except Unreadable as error:
            return str(error).removeprefix(f"{file.name}: ")
        return None if any(map(_CHATS.search, starts)) else "a zip without conversations of Claude"
    start = file.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start.startswith(b"["):
        return "neither a zip nor a JSON array"
    return None if _CHATS.search(start) else "no conversations of Claude"


def read(file: DroppedFile) -> Iterator[Fact]:
    """Yield the answers.

    Raises:
        Unreadable: Naming the member and the conversation at fault.
    """
    if not file.head.startswith(ZIP):
        with opened(file) as stream:
            yield from _conversations(stream, file.name)
        return
    with archive(file) as export:
        for info in bounded(_members(export), file.name):
            with member(export, info, file.name) as stream:
                yield from _conversations(stream, f"{file.name}: {info.filename}")


IMPORT = Import("a Claude data export: the zip, or its conversations.json", refuse, read)


def _members(export: ZipFile) -> list[ZipInfo]:
    return [info for info in export.infolist() if PurePosixPath(info.filename).name == _CONVERSATIONS]


def _start(export: ZipFile, info: ZipInfo, name: str) -> bytes:
    with member(export, info, name) as stream:
        return stream.read(_HEAD)


def _conversations(stream: BinaryIO, where: str) -> Iterator[Answer]:
    for number, conversation in enumerate(objects(stream, where), 1):
        if not isinstance(conversation.get("chat_messages"), list):
            raise Unreadable(f"{where}: conversation {number} has no chat_messages; is this Claude's export?")
        asked = ""
        for message in mappings(conversation["chat_messages"]):
            if text(message.get("sender")) == "human":
                asked = _said(message)
            elif text(message.get("sender")) == "assistant" and asked:
                yield _answer(conversation, message, asked)


def _said(message: Document) -> str:
    """Words of a message: of its blocks, else of itself."""
    blocks = [text(block.get("text")) for block in mappings(message.get("content")) if block.get("type") == "text"]
    return "".join(blocks) or text(message.get("text"))


def _answer(conversation: Document, message: Document, asked: str) -> Answer:
    blocks = mappings(message.get("content"))
    searches = [block for block in blocks if block.get("type") == "tool_use" and "search" in text(block.get("name"))]
    results = [page for block in blocks if block.get("type") == "tool_result" for page in _pages(block.get("content"))]
    said, parts = _laid_out(message, blocks)
    citing = Citing(said)
    for span, (url, title) in sorted([*_marked(parts), *_linked(said)]):
        citing.cite(url, title or None, span)
    citations = citing.citations()
    return Answer(
        provider="claude_export",
        engine="anthropic",
        surface="ui_export",
        status=_status(said, grounded=bool(searches or results or citations)),
        text=said,
        model_served=text(message.get("model")) or text(conversation.get("model")) or None,
        citations=citations,
        retrievals=retrievals(results),
        queries=tuple(filter(None, (_query(block) for block in searches))),
        skipped_blocks=sum(text(block.get("type")) not in _KNOWN_BLOCKS for block in blocks),
        asked_at=moment(message.get("created_at")),
        ask=Ask(Prompt(asked)),
        id=f"{text(conversation.get('uuid'))}/{text(message.get('uuid'))}",
    )


def _status(said: str, *, grounded: bool) -> Status:
    if not said:
        return Status.INCOMPLETE
    return Status.GROUNDED if grounded else Status.UNGROUNDED


def _query(block: Document) -> str:
    return text(mapping(block.get("input")).get("query")).strip()


def _laid_out(message: Document, blocks: Sequence[Document]) -> tuple[str, list[_Part]]:
    """The text of all blocks, and each with its place in it."""
    parts: list[_Part] = []
    pieces: list[str] = []
    length = 0
    for block in blocks:
        if block.get("type") == "text":
            parts.append(_Part(block, length))
            pieces.append(text(block.get("text")))
            length += len(pieces[-1])
    return "".join(pieces) or text(message.get("text")), parts


def _marked(parts: Sequence[_Part]) -> Iterator[tuple[Span, tuple[str, str]]]:
    """Pages that the citations of the blocks name; a place that is not told is that of the whole block."""
    for part in parts:
        end = part.start + len(text(part.block.get("text")))
        for citation in mappings(part.block.get("citations")):
            told = mapping(citation.get("details")) or citation
            first, last = integer(citation.get("start_index")), integer(citation.get("end_index"))
            known = first is not None and last is not None and 0 <= first < last <= end - part.start
            span = (part.start + first, part.start + last) if known and first is not None and last is not None else None
            for page in [told, *mappings(citation.get("sources")), *mappings(told.get("sources"))]:
                if text(page.get("url")):
                    yield span or (part.start, end), (text(page.get("url")), text(page.get("title")))


def _linked(said: str) -> Iterator[tuple[Span, tuple[str, str]]]:
    return ((link.span, (link.url, link.label or "")) for link in links(said))


def _pages(told: object, depth: int = 0) -> Iterator[Listed]:
    """Pages in the result of a tool, which lists them, holds them as text, or wraps either."""
    held = told if isinstance(told, list | dict) else embedded(told)
    for item in mappings(held) if isinstance(held, list) else [mapping(held)]:
        if text(item.get("url")):
            yield text(item["url"]), text(item.get("title")) or None, None
        elif depth < _DEEPEST:
            for key in ("content", "results", "text"):
                if key in item and not isinstance(item[key], int | float):
                    yield from _pages(item[key] if isinstance(item[key], list | dict) else _list(item[key]), depth + 1)


def _list(told: object) -> object:
    """JSON inside a string; an array is wrapped so that it can be told from nothing."""
    said = text(told).strip()
    return sequence(embedded(f'{{"a": {said}}}').get("a")) if said.startswith("[") else embedded(said)
