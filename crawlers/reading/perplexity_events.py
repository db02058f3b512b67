"""From the events of a Perplexity Agent API stream to the response they tell of."""

from collections.abc import Sequence

from crawlers.reading.lenient import mapping, mappings, text
from crawlers.reading.wire import Document

_SEARCHES = {"search_results", "fetch_url_results"}
_KNOWN_EVENTS = {
    *("response.created", "response.queued", "response.in_progress", "response.output_item.added"),
    *("response.content_part.added", "response.content_part.done", "response.output_text.done"),
    *("response.reasoning.started", "response.reasoning.fetch_url_queries", "response.reasoning.stopped"),
    *("response.skill.loaded", "ping"),
}
_ENDS = {"completed", "failed", "incomplete", "cancelled"}


def response(replies: Sequence[Document]) -> tuple[Document, int]:
    """Return the response in a full reply, or what a stream tells of it, and how many events nobody knows."""
    if len(replies) == 1 and ("output" in replies[0] or replies[0].get("object") == "response"):
        return replies[0], 0
    stream = _Stream()
    for event in replies:
        stream.take(event)
    return stream.response(), stream.skipped


class _Stream:
    """A response that grows event by event; the last full picture of it wins, the events fill what it lacks."""

    def __init__(self) -> None:
        self.skipped = 0
        self._picture: Document = {}
        self._done: list[Document] = []
        self._thought: list[Document] = []
        self._said: list[str] = []
        self._end = "in_progress"

    def take(self, event: Document) -> None:
        kind = text(event.get("type"))
        self._picture = mapping(event.get("response")) or self._picture
        match kind.removeprefix("response."):
            case "output_item.done":
                self._done.append(mapping(event.get("item")))
            case "output_text.delta":
                self._said.append(text(event.get("delta")))
            case "reasoning.search_queries" | "reasoning.search_results":
                self._thought.append(event | {"type": "search_results"})
            case "reasoning.fetch_url_results":
                self._thought.append(event | {"type": "fetch_url_results"})
            case "completed" | "failed" | "incomplete" | "cancelled" as end:
                self._end = end
            case "error":
                self._end = "failed"
            case _:
                self.skipped += kind not in _KNOWN_EVENTS

    def response(self) -> Document:
        pictured = mappings(self._picture.get("output"))
        searches, others = split(pictured or self._done)
        if not any(item.get("type") == "message" for item in others):
            others.append({"type": "message", "content": [{"type": "output_text", "text": "".join(self._said)}]})
        output = [*(searches or split(self._done)[0] or self._thought), *others]
        status = text(self._picture.get("status"))
        return self._picture | {"output": output, "status": status if status in _ENDS else self._end}


def split(items: list[Document]) -> tuple[list[Document], list[Document]]:
    """Return the output items that list pages, and the others."""
    searches = [item for item in items if text(item.get("type")) in _SEARCHES]
    return searches, [item for item in items if text(item.get("type")) not in _SEARCHES]
