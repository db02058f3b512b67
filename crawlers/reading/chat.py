"""The chat completions shape that several providers share: `choices[0].message`, whole or told chunk by chunk."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from crawlers.reading.failing import failed
from crawlers.reading.lenient import integer, mapping, mappings, sequence, text
from crawlers.reading.wire import Document
from geo_flywheel.records import Status

_CUT_SHORT = ("length", "tool_calls", "function_call")


class Chat(Struct, frozen=True):
    """One reply of the chat shape; of several choices the first.

    Attributes:
        told: Fields of the reply around its choices: id, model, created, usage and whatever a provider adds.
        message: The message, deltas joined: content, refusal, annotations, executed_tools.
        text: The answer in the engine's words; those of its refusal when it said nothing else.
        finish_reason: Why it stopped; empty when it does not say.
        ended: Whether the reply came to its end; a stream that was cut off did not.
        skipped: Annotations of types nobody documented, and parts that are none.
    """

    told: Document
    message: Document
    text: str
    finish_reason: str
    ended: bool
    skipped: int

    @property
    def annotations(self) -> list[Document]:
        """Annotations of type url_citation."""
        return [item for item in mappings(self.message.get("annotations")) if item.get("type") == "url_citation"]


def content(message: Document) -> str:
    """Return a message's text, told as a string or as a list of parts."""
    told = message.get("content")
    if isinstance(told, list):
        return "".join(text(part.get("text")) for part in mappings(told))
    return text(told)


def read_chat(documents: Sequence[Document], ignored: Sequence[str] = ()) -> Chat | None:
    """Return the one chat completion in the documents, None when they are of another shape.

    Args:
        documents: Of one reply.
        ignored: Types of annotation that are documented and cite no page.
    """
    choice = _first(documents[0]) if len(documents) == 1 else {}
    if "message" in choice:
        told, message = documents[0], mapping(choice["message"])
        finish, ended = text(choice.get("finish_reason")), True
    elif not any(isinstance(document.get("choices"), list) for document in documents):
        return None
    else:
        told, message, finish = _joined(documents)
        ended = bool(finish)
    known = ("url_citation", *ignored)
    skipped = sum([mapping(item).get("type") not in known for item in sequence(message.get("annotations"))])
    return Chat(told, message, content(message) or text(message.get("refusal")), finish, ended, skipped)


def _first(document: Document) -> Document:
    """The choice with index 0."""
    for choice in sequence(document.get("choices")):
        if isinstance(choice, dict) and not choice.get("index"):
            return choice
    return {}


def _joined(chunks: Sequence[Document]) -> tuple[Document, Document, str]:
    """What the chunks of a stream add up to: fields around, message, finish reason."""
    told: Document = {}
    pieces: dict[str, list[str]] = {"content": [], "refusal": []}
    annotations: list[Any] = []
    tools: dict[int, Document] = {}
    finish = ""
    for chunk in chunks:
        told.update((key, value) for key, value in chunk.items() if value is not None)
        choice = _first(chunk)
        finish = text(choice.get("finish_reason")) or finish
        delta = mapping(choice.get("delta")) or mapping(choice.get("message"))
        pieces["content"].append(content(delta))
        pieces["refusal"].append(text(delta.get("refusal")))
        annotations.extend(sequence(delta.get("annotations")))
        for tool in mappings(delta.get("executed_tools")):
            known = tools.setdefault(integer(tool.get("index")) or 0, {})
            known.update((key, value) for key, value in tool.items() if value is not None)
    message: Document = {kind: "".join(said) for kind, said in pieces.items()}
    return told, {**message, "annotations": annotations, "executed_tools": [*tools.values()]}, finish


def chat_status(chat: Chat, *, grounded: bool) -> Status:
    """Return what came of it; grounded is whether a search is proven."""
    error = chat.told.get("error")
    if error:
        return failed(mapping(error), chat.told)
    if chat.finish_reason == "error":
        return Status.ERROR
    if chat.finish_reason == "content_filter":
        return Status.BLOCKED
    if text(chat.message.get("refusal")):
        return Status.REFUSED
    if not chat.ended or chat.finish_reason in _CUT_SHORT or not chat.text:
        return Status.INCOMPLETE
    return Status.GROUNDED if grounded else Status.UNGROUNDED
