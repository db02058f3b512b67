"""What a reply says it took: tokens and searches, whichever provider counts them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from crawlers.reading.lenient import integer, mapping, mappings, sequence, text
from crawlers.reading.wire import Document, documents
from geo_flywheel.errors import Unreadable

_READ = ("input_tokens", "prompt_tokens", "promptTokenCount")
_READ_BESIDES = (
    *("cache_creation_input_tokens", "cache_read_input_tokens"),  # Anthropic counts them apart
    *("toolUsePromptTokenCount", "connector_tokens"),  # Gemini and Mistral, what their tools brought
)
_WRITTEN = ("output_tokens", "completion_tokens", "candidatesTokenCount")
_WRITTEN_BESIDES = ("thoughtsTokenCount",)


class Usage(NamedTuple):
    """Counts of one reply; None where it does not tell."""

    input_tokens: int | None
    output_tokens: int | None
    searches: int | None


def usage(body: bytes) -> Usage:
    """Return what a reply took, as far as it tells; a reply that counts its tokens and names no search had none."""
    try:
        told = documents(body, "reply")
    except Unreadable:
        return Usage(None, None, None)
    counted = next((found for found in map(_counted, reversed(told)) if found), None)
    if counted is None:
        return Usage(None, None, None)
    read, written = _sum(counted, _READ, _READ_BESIDES), _sum(counted, _WRITTEN, _WRITTEN_BESIDES)
    return Usage(read, written, _billed(counted) or sum(1 for reply in told for _ in _searches(reply)))


def _counted(reply: Document) -> Document:
    inside = mapping(reply.get("response")) or reply
    return mapping(inside.get("usage")) or mapping(inside.get("usageMetadata"))


def _sum(counted: Document, names: Sequence[str], besides: Sequence[str]) -> int | None:
    """The first count of those named, and those that stand beside it; None without the first."""
    first = next(_counts(counted, names), None)
    return None if first is None else first + sum(_counts(counted, besides))


def _counts(counted: Document, names: Iterable[str]) -> Iterator[int]:
    found = (integer(counted.get(name)) for name in names)
    return (count for count in found if count is not None and count >= 0)


def _billed(counted: Document) -> int:
    """Searches the provider itself counted: Anthropic's, and those of Mistral's connectors."""
    own = integer(mapping(counted.get("server_tool_use")).get("web_search_requests")) or 0
    connectors = mapping(counted.get("connectors"))
    return max(own, 0) + sum(_counts(connectors, connectors))


def _searches(reply: Document) -> Iterator[Document | str]:
    """Searches that stand in the reply: actions of Responses, queries of Gemini, tools that Groq ran."""
    for item in mappings(reply.get("output")):
        kind = mapping(item.get("action")).get("type", "search")
        if item.get("type") == "web_search_call" and kind == "search" and item.get("status") != "failed":
            yield item
    for candidate in mappings(reply.get("candidates")):
        queries = sequence(mapping(candidate.get("groundingMetadata")).get("webSearchQueries"))
        yield from (query for query in queries if text(query).strip())
    for choice in mappings(reply.get("choices")):
        tools = mappings(mapping(choice.get("message")).get("executed_tools"))
        yield from (tool for tool in tools if "search" in text(tool.get("type")))
