"""From the documents of an Anthropic reply to its messages: full ones, and those that streams build."""

from collections import defaultdict
from collections.abc import Sequence

from crawlers.reading.lenient import embedded, integer, mapping, mappings, text
from crawlers.reading.wire import Document

_KNOWN_EVENTS = {"ping", "content_block_stop", "message_stop"}
_KNOWN_DELTAS = {"thinking_delta", "signature_delta", "compaction_delta"}


def is_message(reply: Document) -> bool:
    """Tell whether this is a full message."""
    return reply.get("type") == "message" and isinstance(reply.get("content"), list)


def is_start(reply: Document) -> bool:
    """Tell whether this event opens a stream."""
    return reply.get("type") == "message_start"


def is_error(reply: Document) -> bool:
    """Tell whether this is the error body or the error event."""
    return reply.get("type") == "error" and isinstance(reply.get("error"), dict)


def messages(replies: Sequence[Document]) -> list[tuple[Document, int]]:
    """Return full messages as they are, streams as the messages they build, each with its number of unknown events."""
    found: list[Document | _Stream] = []
    for reply in replies:
        if is_start(reply):
            found.append(_Stream(mapping(reply.get("message"))))
        elif found and isinstance(found[-1], _Stream):
            found[-1].take(reply)
        elif is_message(reply) or is_error(reply):
            found.append(reply)
    return [message.built() if isinstance(message, _Stream) else (message, 0) for message in found]


class _Stream:
    """A message that grows event by event."""

    def __init__(self, start: Document) -> None:
        self._message = start
        self._blocks: defaultdict[int | None, Document] = defaultdict(dict)
        self._pieces: defaultdict[int | None, list[str]] = defaultdict(list)
        self._citations: defaultdict[int | None, list[Document]] = defaultdict(list)
        self._skipped = 0

    def take(self, event: Document) -> None:
        match text(event.get("type")):
            case "content_block_delta":
                self._grow(integer(event.get("index")), mapping(event.get("delta")))
            case "content_block_start":
                self._blocks[integer(event.get("index"))] = mapping(event.get("content_block"))
            case "message_delta":
                self._message["stop_reason"] = mapping(event.get("delta")).get("stop_reason")
                self._message["usage"] = mapping(event.get("usage"))
            case "error":
                self._message["type"] = "error"
            case kind:
                self._skipped += kind not in _KNOWN_EVENTS

    def _grow(self, index: int | None, delta: Document) -> None:
        match text(delta.get("type")):
            case "text_delta":
                self._pieces[index].append(text(delta.get("text")))
            case "input_json_delta":
                self._pieces[index].append(text(delta.get("partial_json")))
            case "citations_delta":
                self._citations[index].append(mapping(delta.get("citation")))
            case kind:
                self._skipped += kind not in _KNOWN_DELTAS

    def built(self) -> tuple[Document, int]:
        for index, pieces in self._pieces.items():
            block = self._blocks[index]
            if text(block.get("type")) == "text":
                block["text"] = text(block.get("text")) + "".join(pieces)
            else:
                block["input"] = embedded("".join(pieces))
        for index, citations in self._citations.items():
            self._blocks[index]["citations"] = mappings(self._blocks[index].get("citations")) + citations
        return self._message | {"content": list(self._blocks.values())}, self._skipped
