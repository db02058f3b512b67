"""Mistral: conversations with `web_search`, whole and streamed.

A `tool_reference` stands behind the piece of text it supports; several in a row support the same piece. That piece is
the span of the citation. What a search brought back beyond that is not told, so nothing is retrieved.

Source:
    Typed models of the mistralai package 3.7 (`client/models/conversationresponse.py`, `toolreferencechunk.py`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import orjson

from crawlers.asking.circumstances import instructions
from crawlers.asking.posting import post
from crawlers.asking.settings import Settings, filled
from crawlers.base import Asking, Engine, Http, Reply, Service
from crawlers.reading.citing import Citing
from crawlers.reading.failing import failed, failure, nothing_said
from crawlers.reading.lenient import embedded, integer, mapping, mappings, moment, sequence, text
from crawlers.reading.wire import Document, documents
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Ask, Capture, Citation, Span, Status

_PROVIDER = "mistral"
_HTTP_FAILURE = 400
_KNOWN_ENTRIES = {"message.output", "message.input", "tool.execution", "function.call", "agent.handoff"}
_SILENT_CHUNKS = {"image_url", "document_url", "thinking", "tool_file"}
_SILENT_EVENTS = {
    *("conversation.response.started", "tool.execution.done", "agent.handoff.started", "agent.handoff.done"),
    *("function.call.delta", "ping"),
}
_Chunks = list[Document]


@dataclass(slots=True)
class _Conversation:
    """What came of one request, whichever way it was told.

    Attributes:
        messages: Chunks of each message, in order.
        searches: Arguments of each web search.
        problem: What went wrong in a stream.
        skipped: Entries and events of types nobody documented.
    """

    messages: list[_Chunks] = field(default_factory=list)
    searches: list[Document] = field(default_factory=list)
    model: str = ""
    created_at: str = ""
    ended: bool = True
    billed: bool = False
    problem: Status | None = None
    skipped: int = 0


def read(capture: Capture) -> tuple[Answer, ...]:
    """Return the one answer of a reply; raises `Unreadable` when the body is none of Mistral's."""
    replies = documents(capture.body, capture.name)
    if claims(replies):
        told = _whole(replies[0]) if _is_whole(replies[0]) else _streamed(replies)
        return (_answer(told, capture),)
    status = failure(replies) or next((failed(reply) for reply in replies if reply.get("object") == "error"), None)
    if status or (capture.http_status or 0) >= _HTTP_FAILURE:
        return (nothing_said(capture, _PROVIDER, status or Status.ERROR),)
    raise Unreadable(
        f"{capture.name}: neither a conversation of Mistral's nor an error in it; is this a reply of another provider?"
    )


def claims(replies: Sequence[Document]) -> bool:
    """Tell whether this is a conversation, or the stream of one."""
    return any(_is_whole(reply) or text(reply.get("type")).startswith("conversation.response.") for reply in replies)


def _is_whole(reply: Document) -> bool:
    if reply.get("object") == "conversation.response":
        return True
    return isinstance(reply.get("conversation_id"), str) and isinstance(reply.get("outputs"), list)


def _whole(reply: Document) -> _Conversation:
    told = _Conversation()
    for entry in mappings(reply.get("outputs")):
        kind = text(entry.get("type"))
        told.created_at = told.created_at or text(entry.get("created_at"))
        told.skipped += kind not in _KNOWN_ENTRIES
        if kind == "message.output":
            told.model = text(entry.get("model")) or told.model
            content = entry.get("content")
            told.messages.append([_text_chunk(content)] if isinstance(content, str) else mappings(content))
        elif kind == "tool.execution" and _is_search(entry):
            told.searches.append(_arguments(entry.get("arguments")))
    told.billed = _billed(reply)
    return told


def _streamed(events: Sequence[Document]) -> _Conversation:
    told = _Conversation(ended=False)
    messages: dict[int, _Chunks] = {}
    asked: dict[str, str] = {}
    for event in events:
        kind = text(event.get("type"))
        told.created_at = told.created_at or text(event.get("created_at"))
        match kind:
            case "message.output.delta":
                told.model = text(event.get("model")) or told.model
                _grow(messages.setdefault(_place(event, "output_index"), []), event)
            case "tool.execution.started" | "tool.execution.delta":
                if _is_search(event):
                    name = text(event.get("id"))
                    asked[name] = asked.get(name, "") + text(event.get("arguments"))
            case "conversation.response.done":
                told.ended, told.billed = True, _billed(event)
            case "conversation.response.error":
                told.problem = failed(event)
            case _:
                told.skipped += kind not in _SILENT_EVENTS
    told.messages = [*messages.values()]
    told.searches = [_arguments(arguments) for arguments in asked.values()]
    return told


def _place(event: Document, name: str) -> int:
    return integer(event.get(name)) or 0


def _grow(chunks: _Chunks, event: Document) -> None:
    """Add what a delta tells: a piece of the text that is being said, or a chunk of its own."""
    content, place = event.get("content"), _place(event, "content_index")
    chunk = {**(_text_chunk(content) if isinstance(content, str) else mapping(content)), "content_index": place}
    last = chunks[-1] if chunks else {}
    if _is_text(last) and _is_text(chunk) and last["content_index"] == place:
        last["text"] = text(last.get("text")) + text(chunk.get("text"))
    else:
        chunks.append(chunk)


def _text_chunk(words: str) -> Document:
    return {"type": "text", "text": words}


def _is_text(chunk: Document) -> bool:
    return chunk.get("type") == "text"


def _is_search(entry: Document) -> bool:
    return text(entry.get("name")).startswith("web_search")


def _arguments(told: object) -> Document:
    return mapping(told) or embedded(told)


def _billed(reply: Document) -> bool:
    """Whether the usage counts a search."""
    connectors = mapping(mapping(reply.get("usage")).get("connectors"))
    return any(name.startswith("web_search") and integer(count) for name, count in connectors.items())


def _answer(told: _Conversation, capture: Capture) -> Answer:
    chunks = [chunk for message in told.messages for chunk in message]
    words = "".join(text(chunk.get("text")) for chunk in chunks if _is_text(chunk))
    citations = _cited(words, told.messages)
    unknown = sum(text(chunk.get("type")) not in {"text", "tool_reference", *_SILENT_CHUNKS} for chunk in chunks)
    return Answer(
        provider=_PROVIDER,
        engine=_PROVIDER,
        surface="api",
        status=_status(told, words, grounded=bool(citations or told.searches or told.billed)),
        text=words,
        model_served=told.model or None,
        citations=citations,
        queries=tuple(query for search in told.searches for query in _queries(search)),
        skipped_blocks=told.skipped + unknown,
        asked_at=moment(told.created_at) or capture.asked_at,
        ask=capture.ask,
    )


def _cited(words: str, messages: Iterable[_Chunks]) -> tuple[Citation, ...]:
    citing = Citing(words)
    end = 0
    for message in messages:
        supported: Span | None = None
        for chunk in message:
            if _is_text(chunk):
                start, end = end, end + len(text(chunk.get("text")))
                supported = (start, end)
            elif chunk.get("type") == "tool_reference":
                citing.cite(text(chunk.get("url")), text(chunk.get("title")), supported)
    return citing.citations()


def _status(told: _Conversation, words: str, *, grounded: bool) -> Status:
    if told.problem:
        return told.problem
    if not (told.ended and words):
        return Status.INCOMPLETE
    return Status.GROUNDED if grounded else Status.UNGROUNDED


def _queries(search: Document) -> Iterator[str]:
    for query in (search.get("query"), *sequence(search.get("queries"))):
        if text(query).strip():
            yield text(query)


def render(answer: Answer) -> bytes:
    """Return the conversation that gives this answer.

    Args:
        answer: Its status is grounded, ungrounded, incomplete (then without text) or error; its citations have spans,
            none of which overlap in part.
    """
    if answer.status is Status.ERROR:
        problem = {"message": "Service unavailable.", "type": "service_unavailable", "param": None, "code": "3505"}
        return orjson.dumps({"object": "error", **problem})
    made = answer.asked_at and f"{answer.asked_at.isoformat()}Z"
    message = {"type": "message.output", "role": "assistant", "model": answer.model_served, "created_at": made}
    return orjson.dumps({
        "object": "conversation.response",
        "conversation_id": "conv_0",
        "outputs": [*_searches(answer), {**message, "content": [*_chunks(answer)]}],
        "usage": {"connectors": {"web_search": int(answer.status is Status.GROUNDED)}},
    })  # fmt: skip


def _searches(answer: Answer) -> Iterator[Document]:
    for query in answer.queries:
        asked = orjson.dumps({"query": query}).decode()
        yield {"type": "tool.execution", "name": "web_search", "arguments": asked, "info": {}}


def _chunks(answer: Answer) -> Iterator[Document]:
    """The text cut where spans begin and end, and behind each piece the pages it is cited for."""
    mentions = [(span or (0, 0), page) for page in answer.citations for span in page.spans]
    cuts = sorted({0, len(answer.text), *(place for span, _ in mentions for place in span)})
    for start, end in zip([0, *cuts], cuts, strict=False):
        if start < end:
            yield _text_chunk(answer.text[start:end])
        for span, page in mentions:
            if span[1] == end:
                shown = {"tool": "web_search", "title": page.title or "", "url": page.raw_url}
                yield {"type": "tool_reference", **shown}


async def ask(http: Http, ask: Ask, service: Service) -> Reply:
    """Ask for a conversation of one question; raises `ConfigError` without a key or with an option of a wrong kind."""
    how = Settings(service, ASKING.options)
    body = {
        "model": ask.model_requested or service.model or ASKING.model,
        "inputs": ask.prompt.text,
        "instructions": instructions(ask.prompt, place=True),
        "tools": [filled(how.table("tool"))],
        **how.table("request"),
        "stream": False,
    }
    return await post(http, service, "/v1/conversations", filled(body), key="MISTRAL_API_KEY")


ASKING = Asking(
    ask=ask,
    engines=(_PROVIDER,),
    url="https://api.mistral.ai",
    keys=("MISTRAL_API_KEY",),
    model="mistral-medium-latest",
    options={"tool": {"type": "web_search"}, "request": {"store": False}},
)
ENGINE = Engine(read=read, render=render, claims=claims, asking=ASKING)
