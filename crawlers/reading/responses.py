"""The Responses shape that several providers share: `output[]` items, whole or told event by event."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from crawlers.reading.citing import Citing, Listed
from crawlers.reading.failing import failed
from crawlers.reading.lenient import embedded, integer, mapping, mappings, sequence, text
from crawlers.reading.linking import Placing, url_citation
from crawlers.reading.wire import Document
from geo_flywheel.records import Citation, Status

_LAST = ("response.completed", "response.incomplete", "response.failed")
_KNOWN_EVENTS = (
    "response.created", "response.queued", "response.in_progress", *_LAST, "response.output_item.",
    "response.content_part.", "response.output_text.", "response.refusal.", "response.reasoning",
    "response.web_search_call.", "response.x_search_call.", "response.file_search_call.",
    "response.code_interpreter_call", "response.function_call_arguments.", "response.custom_tool_call_input.",
    "response.mcp_", "response.image_generation_call.", "response.audio.", "response.shell_call",
    "response.compaction.", "response.steer", "error", "keepalive", "ping",
)  # fmt: skip
_SEARCHES = frozenset({"web_search_call", "x_search_call", "openrouter:web_search"})
_IGNORED_ITEMS = frozenset({
    "reasoning", "compaction", "program", "program_output", "additional_tools", "function_call",
    "function_call_output", "custom_tool_call", "custom_tool_call_output", "file_search_call", "tool_search_call",
    "code_interpreter_call", "computer_call", "computer_call_output", "image_generation_call", "local_shell_call",
    "local_shell_call_output", "shell_call", "shell_call_output", "apply_patch_call", "apply_patch_call_output",
    "mcp_call", "mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "collections_search_call",
})  # fmt: skip
_IGNORED_PARTS = frozenset({"reasoning_text", "summary_text"})
_IGNORED_ANNOTATIONS = frozenset({"file_citation", "container_file_citation", "file_path"})
_PIECES, _ADDED = _KEPT = ("delta pieces", "added annotations")


class Part(NamedTuple):
    """One piece of the answer's text, and the annotations whose offsets count from its start."""

    text: str
    start: int
    annotations: list[Document]


class Response(NamedTuple):
    """One reply of the Responses shape, sorted by what its pieces are.

    Attributes:
        told: The response object itself: id, model, status, usage and whatever a provider adds.
        text: The answer in the engine's words; those of its refusal when it said nothing else.
        parts: Pieces of the text; joined they are the text.
        refusal: Words of a refusal, in place of or after a text.
        searches: Search calls, in order.
        ended: Whether the reply came to its end; a stream that was cut off did not.
        skipped: Items, parts, annotations and events of types nobody documented.
    """

    told: Document
    text: str
    parts: tuple[Part, ...]
    refusal: str
    searches: tuple[Document, ...]
    ended: bool
    skipped: int


def response_object(documents: Sequence[Document]) -> Document | None:
    """Return the fullest response object among the documents, None when they are of another shape."""
    for document in reversed(documents):
        if isinstance(document.get("response"), dict):
            return mapping(document["response"])
        if isinstance(document.get("output"), list) or document.get("object") == "response":
            return document
    return {} if any(text(document.get("type")).startswith("response.") for document in documents) else None


def read_response(documents: Sequence[Document]) -> Response | None:
    """Return the one response in the documents, None when they are of another shape."""
    told = response_object(documents)
    if told is None:
        return None
    last = documents[-1]
    whole = len(documents) == 1 and "response" not in last and not text(last.get("type")).startswith("response.")
    ended = whole or any(text(document.get("type")) in _LAST for document in reversed(documents))
    output = sequence(told.get("output"))
    if not whole and not (ended and output):
        output = _folded(documents) or output
    if not ended and (fault := next((event for event in documents if event.get("type") == "error"), None)):
        told = {**told, "error": fault.get("error") or fault}
    skipped = 0 if whole else _unknown_events(documents)
    return _sorted(told, output, ended=ended, skipped=skipped)


def _sorted(told: Document, output: list[Any], *, ended: bool, skipped: int) -> Response:
    parts: list[Part] = []
    refusals: list[str] = []
    searches: list[Document] = []
    length = 0
    for item in output:
        kind = text(mapping(item).get("type"))
        if kind == "message":
            for part in sequence(item.get("content")):
                piece = mapping(part)
                match text(piece.get("type")):
                    case "output_text":
                        words = text(piece.get("text"))
                        known, unknown = _url_citations(sequence(piece.get("annotations")))
                        parts.append(Part(words, length, known))
                        length += len(words)
                        skipped += unknown
                    case "refusal":
                        refusals.append(text(piece.get("refusal")))
                    case other if other not in _IGNORED_PARTS:
                        skipped += 1
        elif kind in _SEARCHES or _is_x_search(item):
            searches.append(item)
        elif kind not in _IGNORED_ITEMS:
            skipped += 1
    refusal = "".join(refusals)
    said = "".join([part.text for part in parts]) or refusal
    return Response(told, said, tuple(parts), refusal, tuple(searches), ended, skipped)


def _is_x_search(item: object) -> bool:
    told = mapping(item)
    return told.get("type") == "custom_tool_call" and text(told.get("name")).startswith("x_")


def _url_citations(annotations: list[Any]) -> tuple[list[Document], int]:
    cited = [item for item in annotations if isinstance(item, dict) and item.get("type") == "url_citation"]
    if len(cited) == len(annotations):
        return cited, 0
    others = sum(text(mapping(item).get("type")) in _IGNORED_ANNOTATIONS for item in annotations)
    return cited, len(annotations) - len(cited) - others


def _unknown_events(documents: Sequence[Document]) -> int:
    kinds = Counter(text(document.get("type")) for document in documents)
    return sum(count for kind, count in kinds.items() if not kind.startswith(_KNOWN_EVENTS))


def _folded(documents: Sequence[Document]) -> list[Any]:
    """The output items that the events of an unfinished stream add up to."""
    items: dict[int, Document] = {}
    parts: dict[tuple[int, int], Document] = {}
    for event in documents:
        place = integer(event.get("output_index")) or 0
        at = (place, integer(event.get("content_index")) or 0)
        match event.get("type"):
            case "response.output_item.added" | "response.output_item.done":
                items[place] = mapping(event.get("item"))
            case "response.content_part.added" | "response.content_part.done":
                parts[at] = {key: value for key, value in mapping(event.get("part")).items() if key not in _KEPT}
            case "response.output_text.delta":
                part = parts.setdefault(at, {"type": "output_text"})
                part.setdefault(_PIECES, []).append(text(event.get("delta")))
            case "response.output_text.annotation.added":
                part = parts.setdefault(at, {"type": "output_text"})
                part.setdefault(_ADDED, []).append(event.get("annotation"))
            case "response.refusal.delta":
                part = parts.setdefault(at, {"type": "refusal"})
                part.setdefault(_PIECES, []).append(text(event.get("delta")))
    return [*_filled(items, parts)]


def _filled(items: dict[int, Document], parts: dict[tuple[int, int], Document]) -> Iterator[Document]:
    """The items in their order, those still without content with the parts told for them."""
    for place in sorted({*items, *(place for place, _ in parts)}):
        item = items.get(place, {"type": "message"})
        own = [parts[at] for at in sorted(parts) if at[0] == place]
        for part in own:
            said = "refusal" if part.get("type") == "refusal" else "text"
            part[said] = text(part.get(said)) + "".join(part.pop(_PIECES, ()))
            part["annotations"] = [*sequence(part.get("annotations")), *part.pop(_ADDED, ())]
        yield item if sequence(item.get("content")) or not own else {**item, "content": own}


def searched(search: Document) -> list[str]:
    """Return the queries of one search call; an opened page has none."""
    action = search.get("action")
    if isinstance(action, dict):
        if action.get("type", "search") != "search":
            return []
        asked = [text(query) for query in sequence(action.get("queries"))] or [text(action.get("query"))]
    else:
        asked = [text(embedded(search.get("arguments") or search.get("input")).get("query"))]
    return [query for query in asked if query.strip()]


def sources(search: Document) -> Iterator[Listed]:
    """Yield (URL, title, None) of each page a search call lists; feeds that have a label alone are left out."""
    for source in mappings(mapping(search.get("action")).get("sources")):
        if url := text(source.get("url")):
            yield url, text(source.get("title")) or None, None


def annotated(words: str, parts: Iterable[Part]) -> tuple[Citation, ...]:
    """Return the pages that annotations of the parts cite, each span verified against the text or left out."""
    citing = Citing(words)
    for part in parts:
        placing = Placing(part.text)
        for said in filter(None, map(url_citation, part.annotations)):
            span = placing.place(said)
            citing.cite(said.url, said.title, span and (span[0] + part.start, span[1] + part.start))
    return citing.citations()


def response_status(response: Response, *, grounded: bool) -> Status:
    """Return what came of it; grounded is whether a search is proven."""
    told = response.told
    stage = told.get("status")
    if told.get("error") or stage == "failed":
        return failed(mapping(told.get("error")))
    if mapping(told.get("incomplete_details")).get("reason") == "content_filter":
        return Status.BLOCKED
    if response.refusal:
        return Status.REFUSED
    if not response.ended or stage in ("incomplete", "in_progress", "queued", "cancelled") or not response.text:
        return Status.INCOMPLETE
    return Status.GROUNDED if grounded else Status.UNGROUNDED


def proven(response: Response) -> bool:
    """Return whether a search ran: a call that did not fail, completed or (Azure leaves it so) still searching."""
    return any(search.get("status") != "failed" for search in response.searches)
