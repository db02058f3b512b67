"""The export of a ChatGPT account: the zip as it comes, or its conversations.json or one shard of it alone.

Every turn that is shown becomes an answer, every answer that was asked for again one of its own with a `Feedback` of
kind "regenerated", and every thumb in message_feedback.json a `Feedback` of kind "rating". Nothing is unpacked to disk,
and memory holds one conversation.
"""

import logging
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO
from zipfile import ZipFile, ZipInfo

from crawlers.base import DroppedFile, Import
from crawlers.chatgpt.conversation import Reply, turns
from crawlers.dropped.files import ZIP, archive, bounded, member, opened
from crawlers.dropped.json_array import objects
from crawlers.reading.lenient import embedded, mapping, moment, sequence, text
from crawlers.reading.wire import Document
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Fact, Feedback

_log = logging.getLogger(__name__)

_SHARD = re.compile(r"conversations(-\d+)?\.json")
_FEEDBACK = "message_feedback.json"
_HEAD = 64 * 1024
_MAPPING = re.compile(rb'"mapping"\s*:\s*\{')
_UP = {"thumbsup", "up", "positive", "good", "like", "liked", "1", "true"}
_DOWN = {"thumbsdown", "down", "negative", "bad", "dislike", "disliked", "-1", "false"}


def refuse(file: DroppedFile) -> str | None:
    """Return None for an export or its conversations.json; else what it lacks."""
    if file.head.startswith(ZIP):
        try:
            with archive(file) as export:
                found = _members(export)
                foreign = bool(found) and _is_claude(export, found[0], file.name)
        except Unreadable as error:
            return str(error).removeprefix(f"{file.name}: ")
        if foreign:
            return "its conversations are those of Claude"
        return None if found else "a zip without conversations.json or conversations-000.json"
    start = file.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] not in (b"[", b"{"):
        return "neither a zip nor JSON"
    named = _SHARD.fullmatch(PurePosixPath(file.name.replace("\\", "/")).name) and b"chat_messages" not in start
    return None if named or (_MAPPING.search(start) and _begins_conversations(start)) else "no conversations of ChatGPT"


def _is_claude(export: ZipFile, info: ZipInfo, name: str) -> bool:
    with member(export, info, name) as stream:
        start = stream.read(_HEAD)
    return b'"chat_messages"' in start and not _MAPPING.search(start)


def _begins_conversations(start: bytes) -> bool:
    return bool(re.match(rb'\[\s*\{|\{\s*"conversations"\s*:', start))


def read(file: DroppedFile) -> Iterator[Fact]:
    """Yield the answers and what the person thought of them.

    Raises:
        Unreadable: Naming the member and the conversation at fault.
    """
    if not file.head.startswith(ZIP):
        with opened(file) as stream:
            yield from _conversations(stream, file.name, _Ratings([]))
        return
    with archive(file) as export:
        shards = bounded(_members(export), file.name)
        ratings = _Ratings(_rated(export, file.name))
        left = len(export.infolist()) - len(shards)
        _log.info("%s: %d files of conversations read, %d other members left alone", file.name, len(shards), left)
        for shard in shards:
            with member(export, shard, file.name) as stream:
                yield from _conversations(stream, f"{file.name}: {shard.filename}", ratings)
        yield from ratings.feedback()


IMPORT = Import("a ChatGPT data export: the zip, or its conversations.json", refuse, read)


def _members(export: ZipFile) -> list[ZipInfo]:
    found = [info for info in export.infolist() if _SHARD.fullmatch(PurePosixPath(info.filename).name)]
    return sorted(found, key=lambda info: info.filename)


def _rated(export: ZipFile, name: str) -> list[Document]:
    found = [info for info in export.infolist() if PurePosixPath(info.filename).name == _FEEDBACK]
    rated: list[Document] = []
    for info in bounded(found, name):
        with member(export, info, name) as stream:
            rated += objects(stream, f"{name}: {info.filename}")
    return rated


def _conversations(stream: BinaryIO, where: str, ratings: "_Ratings") -> Iterator[Fact]:
    for number, conversation in enumerate(objects(stream, where, wrapper="conversations"), 1):
        if not isinstance(conversation.get("mapping"), dict):
            raise Unreadable(f"{where}: conversation {number} has no mapping of messages; is this ChatGPT's export?")
        try:
            for turn in turns(conversation):
                replies = (*((turn.kept,) if turn.kept else ()), *turn.left)
                for reply in replies:
                    ratings.join(reply)
                    yield reply.answer
                if turn.kept and turn.left:
                    yield _preference(turn.kept.answer, 1)
                    yield from (_preference(reply.answer, -1) for reply in turn.left)
        except Unreadable as error:
            raise Unreadable(f"{where}: conversation {number}: {error}") from error


def _preference(answer: Answer, rating: int) -> Feedback:
    return Feedback(answer.id or "", "regenerated", rating)


class _Ratings:
    """The thumbs of an export, which name a message, and the answers those messages became."""

    def __init__(self, rated: list[Document]) -> None:
        self._rated = rated
        self._wanted = {_message_id(rating) for rating in rated} - {""}
        self._answers: dict[str, set[str]] = {}

    def join(self, reply: Reply) -> None:
        """Remember the answer that a rated message belongs to; the first one said is the one that was shown."""
        for message in reply.messages & self._wanted:
            conversation = (reply.answer.id or "").partition("/")[0]
            held = self._answers.setdefault(message, set())
            if not any(answer.startswith(f"{conversation}/") for answer in held):
                held.add(reply.answer.id or "")

    def feedback(self) -> Iterator[Feedback]:
        """Yield what can be said of an answer; a thumb nobody can place is left out and counted."""
        lost = 0
        for rating in self._rated:
            thumb, answer = _thumb(rating.get("rating")), self._answer(rating)
            if thumb and answer:
                yield Feedback(answer, "rating", thumb, moment(rating.get("create_time")), _comment(rating))
            else:
                lost += 1
        if lost:
            _log.info("%d ratings name no answer or are neither up nor down", lost)

    def _answer(self, rating: Document) -> str:
        """The id of the answer judged: as it was read, else, where the conversation is gone, as it would have been."""
        message, conversation = _message_id(rating), text(rating.get("conversation_id"))
        held = [a for a in self._answers.get(message, set()) if not conversation or a.startswith(f"{conversation}/")]
        if len(held) == 1:
            return held[0]
        return f"{conversation}/{message}" if conversation and message else ""


def _message_id(rating: Document) -> str:
    """The message judged; older files say it as `id`."""
    return text(rating.get("message_id")) or text(rating.get("id"))


def _thumb(rating: object) -> int:
    """1 or -1 in all the spellings there have been (thumbs_up, thumbsUp, THUMBS-UP, 1, true); 0 for anything else."""
    told = str(rating).lower().strip()
    told = told if told == "-1" else re.sub(r"[^a-z0-9]", "", told)
    return 1 if told in _UP else -1 if told in _DOWN else 0


def _comment(rating: Document) -> str | None:
    """What the person wrote or ticked."""
    content = mapping(rating.get("content")) or embedded(rating.get("content"))
    tags = [tag for tag in sequence(content.get("tags")) if isinstance(tag, str)]
    said = text(rating.get("text")) or text(content.get("text")) or ", ".join(tags)
    return said or None
