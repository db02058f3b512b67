"""Anthropic: Messages with the web_search and web_fetch tools, as full messages and as streams.

The answer is split into text blocks; a citation supports the whole block it hangs on, so its span is that block.
The text of an answer is all its text blocks without a separator, the narration between searches included: narration
carries no citation, and where it ends is the provider's secret.

A turn that pauses is continued, and the reply is then one message: the blocks of all turns in order, the usage of all
turns added up, everything else as in the last one.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

import orjson

from crawlers.asking.circumstances import instructions, located
from crawlers.asking.pauses import continued, cut_off, paused
from crawlers.asking.posting import post
from crawlers.asking.settings import Settings, filled
from crawlers.base import Asking, Engine, Http, Reply, Service
from crawlers.reading.anthropic_events import is_error, is_message, is_start, messages
from crawlers.reading.citing import Citing, retrievals
from crawlers.reading.lenient import amount, mapping, mappings, text
from crawlers.reading.wire import Document, documents
from geo_flywheel.errors import CrawlError, Unreadable
from geo_flywheel.records import Answer, Ask, Capture, Citation, Retrieval, Span, Status

_KNOWN_BLOCKS = {
    *("text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "mcp_tool_use", "mcp_tool_listing"),
    *("container_upload", "compaction", "fallback"),
}
_VERSION = "2023-06-01"
_PAGES = {"web_search_result", "web_fetch_result"}
_UNFINISHED = {"", "max_tokens", "pause_turn", "tool_use", "model_context_window_exceeded"}
_STOP_REASONS = {
    Status.GROUNDED: "end_turn",
    Status.UNGROUNDED: "end_turn",
    Status.INCOMPLETE: "max_tokens",
    Status.REFUSED: "refusal",
}


def read(capture: Capture) -> tuple[Answer, ...]:
    """Return the answer of each message in a captured reply.

    A reply whose searches all failed is `ungrounded`: it was given from memory. One that stops before its end, by a
    limit, a pause, a call of the client's own tool or a stream cut off, is `incomplete`.

    Raises:
        Unreadable: If the body holds no message, no stream of one and no error of this provider.
    """
    found = messages(documents(capture.body, capture.name))
    if not found:
        raise Unreadable(
            f"{capture.name}: no Anthropic message in it (an object of type message with a list of content, or the "
            "event message_start); it may be the reply of another provider"
        )
    return tuple(_answer(message, skipped, capture) for message, skipped in found)


def claims(replies: Sequence[Document]) -> bool:
    """Tell whether these documents bear what only this provider's replies have."""
    return any(is_message(reply) or is_start(reply) or (is_error(reply) and "request_id" in reply) for reply in replies)


def _answer(message: Document, skipped: int, capture: Capture) -> Answer:
    blocks = mappings(message.get("content"))
    said = [block for block in blocks if text(block.get("type")) == "text"]
    citations = _citations(said)
    results = [block for block in blocks if text(block.get("type")).endswith("_tool_result")]
    found = list(_found(results))
    answer_text = "".join(text(block.get("text")) for block in said)
    grounded = bool(citations or found) or _searched(results, message)
    return Answer(
        provider="anthropic",
        engine="anthropic",
        surface="api",
        status=_status(message, answer_text, grounded=grounded),
        text=answer_text,
        model_served=text(message.get("model")) or None,
        citations=citations,
        retrievals=retrievals((text(page.get("url")), _title(page), None) for page in found),
        queries=tuple(_queries(blocks)),
        skipped_blocks=skipped + len(blocks) - len(results) - sum(map(_is_known, blocks)),
        asked_at=capture.asked_at,
        ask=capture.ask,
    )


def _citations(said: list[Document]) -> tuple[Citation, ...]:
    citing = Citing("".join(text(block.get("text")) for block in said))
    start = 0
    for block in said:
        end = start + len(text(block.get("text")))
        for citation in mappings(block.get("citations")):
            url, passage = text(citation.get("url")), text(citation.get("cited_text"))
            citing.cite(url, text(citation.get("title")), (start, end), passage=passage)
        start = end
    return citing.citations()


def _found(results: list[Document]) -> Iterator[Document]:
    """Pages in the results of tools, also where they lie nested under code execution."""
    pending: list[object] = [*reversed(results)]
    while pending:
        match pending.pop():
            case list() as nodes:
                pending.extend(reversed(nodes))
            case dict() as node if text(node.get("type")) in _PAGES:
                yield node
            case dict() as node:
                pending.append(node.get("content"))


def _searched(results: list[Document], message: Document) -> bool:
    """Whether a search went through that found or shows nothing: an empty list, or only the bill for it."""
    searches = [block for block in results if text(block.get("type")) == "web_search_tool_result"]
    if searches:
        return any(isinstance(block.get("content"), list) for block in searches)
    return bool(amount(mapping(mapping(message.get("usage")).get("server_tool_use")).get("web_search_requests")))


def _status(message: Document, answer_text: str, *, grounded: bool) -> Status:
    reason = text(message.get("stop_reason"))
    if text(message.get("type")) == "error":
        return Status.ERROR
    if reason == "refusal":
        return Status.REFUSED
    if reason in _UNFINISHED or not answer_text:
        return Status.INCOMPLETE
    return Status.GROUNDED if grounded else Status.UNGROUNDED


def _title(page: Document) -> str:
    return text(page.get("title")) or text(mapping(page.get("content")).get("title"))


def _queries(blocks: list[Document]) -> Iterator[str]:
    for block in blocks:
        query = text(mapping(block.get("input")).get("query"))
        if text(block.get("type")) == "server_tool_use" and text(block.get("name")) == "web_search" and query.strip():
            yield query


def _is_known(block: Document) -> bool:
    return text(block.get("type")) in _KNOWN_BLOCKS


def render(answer: Answer) -> bytes:
    """Return the full message that gives this answer.

    Args:
        answer: Its status is grounded, ungrounded, incomplete, refused or error; the spans of its citations are known,
            and two of them are either equal or apart.
    """
    if answer.status is Status.ERROR:
        failure = {"type": "api_error", "message": "Internal server error"}
        return orjson.dumps({"type": "error", "error": failure, "request_id": "req_rendered"})
    content = [*_searches(answer), *_text_blocks(answer)]
    message = {"id": "msg_rendered", "type": "message", "role": "assistant", "model": answer.model_served}
    return orjson.dumps(message | {"content": content, "stop_reason": _STOP_REASONS[answer.status]})


def _searches(answer: Answer) -> Iterator[Document]:
    for number, query in enumerate(answer.queries):
        call = {"type": "server_tool_use", "id": f"srvtoolu_{number}", "name": "web_search", "input": {"query": query}}
        yield call
    if answer.status is Status.UNGROUNDED and not answer.queries:
        return
    failure = {"type": "web_search_tool_result_error", "error_code": "unavailable"}
    pages: object = failure if answer.status is Status.UNGROUNDED else [_page(page) for page in answer.retrievals]
    yield {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_0", "content": pages}


def _page(page: Retrieval) -> Document:
    return {"type": "web_search_result", "url": page.raw_url, "title": page.title, "encrypted_content": ""}


def _text_blocks(answer: Answer) -> Iterator[Document]:
    """The text, cut where a cited span begins or ends."""
    cited: defaultdict[Span, list[Document]] = defaultdict(list)
    for citation in answer.citations:
        for span in citation.spans:
            if span:
                cited[span].append(_location(citation))
    cuts = sorted({0, len(answer.text), *(edge for span in cited for edge in span)})
    for span in pairwise(cuts):
        yield {"type": "text", "text": answer.text[slice(*span)], "citations": cited.get(span)}


def _location(citation: Citation) -> Document:
    page = {"url": citation.raw_url, "title": citation.title, "cited_text": citation.passage}
    return {"type": "web_search_result_location", "encrypted_index": "", **page}


async def ask(http: Http, ask: Ask, service: Service) -> Reply:
    """Return the message that answers a prompt; raises `ConfigError` without a key or for a wrong option."""
    how = Settings(service, ASKING.options)
    asked = {"role": "user", "content": ask.prompt.text}
    body = {
        "model": ask.model_requested or service.model or ASKING.model,
        "system": instructions(ask.prompt),
        "max_tokens": how.whole("max_output_tokens"),
        "messages": [asked],
        "tools": [filled({"max_uses": how.whole("max_searches"), **how.table("tool"), **located(ask.prompt)})],
        **how.table("request"),
    }
    reply = await _post(http, service, body)
    for _ in range(how.whole("max_continuations", least=0)):
        said = paused(reply)
        if said is None:
            break
        try:
            following = await _post(http, service, body | {"messages": [asked, said]})
        except CrawlError as error:
            return cut_off(reply, error)
        reply = continued(reply, following)
    return reply


async def _post(http: Http, service: Service, body: Document) -> Reply:
    headers = {"anthropic-version": _VERSION}
    return await post(
        http, service, "/v1/messages", filled(body), key="ANTHROPIC_API_KEY", header="x-api-key", headers=headers
    )


ASKING = Asking(
    ask=ask,
    engines=("anthropic",),
    url="https://api.anthropic.com",
    keys=("ANTHROPIC_API_KEY",),
    model="claude-sonnet-5-5",
    options={
        "max_searches": 5,
        "max_continuations": 1,
        "max_output_tokens": 8_192,
        "tool": {"type": "web_search_20250305", "name": "web_search"},
        "request": {},
    },
)
ENGINE = Engine(read=read, render=render, claims=claims, asking=ASKING)
