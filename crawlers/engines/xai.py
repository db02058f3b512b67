"""xAI: Responses with `web_search` and `x_search`, its gRPC replies as JSON, and the retired chat with Live Search.

Responses are asked for; no field of theirs limits how often Grok searches.

Annotations and `citations` list everything Grok met, so they are retrieved. Cited is what the text shows: its links,
normally `[[1]](url)`, and bare addresses of pages it met. An annotation on such a link titles it, unless the title is
only the link's number.

Source:
    Proto descriptors of the xai-sdk package 1.21 (`chat_pb2`, `usage_pb2`); the Responses shape is OpenAI's.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import orjson

from crawlers.asking.circumstances import located, messages
from crawlers.asking.posting import post
from crawlers.asking.settings import Settings, filled
from crawlers.base import Asking, Engine, Http, Reply, Service
from crawlers.reading.chat import chat_status, read_chat
from crawlers.reading.citing import Citing, Listed, retrievals
from crawlers.reading.failing import failure, nothing_said
from crawlers.reading.lenient import amount, embedded, integer, mapping, mappings, moment, seconds, sequence, text
from crawlers.reading.linking import Link, UrlCitation, links, url_citation
from crawlers.reading.responses import proven, read_response, response_object, response_status, searched, sources
from crawlers.reading.wire import Document, documents
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Ask, Capture, Citation, Status
from geo_flywheel.urls import canonical

_PROVIDER = "xai"
_TICKS = 1e10
_CUT_SHORT = ("REASON_MAX_LEN", "REASON_MAX_CONTEXT", "REASON_TIME_LIMIT", "REASON_TOOL_CALLS")
_SEARCHES = ("TOOL_CALL_TYPE_WEB_SEARCH_TOOL", "TOOL_CALL_TYPE_X_SEARCH_TOOL")
_MARKS = {"num_sources_used", "num_server_side_tools_used", "cost_in_usd_ticks", "server_side_tools_used"}


class _Reply(NamedTuple):
    """What the three shapes have in common; offsets count in the whole text."""

    told: Document
    text: str
    status: Status
    annotated: Sequence[UrlCitation]
    listed: Sequence[Listed] = ()
    queries: Sequence[str] = ()
    skipped: int = 0


def read(capture: Capture) -> tuple[Answer, ...]:
    """Return the one answer of a reply; raises `Unreadable` when the body is none of xAI's."""
    told = documents(capture.body, capture.name)
    if reply := _response(told) or _grpc(told[-1]) or _chat(told):
        return (_answer(reply, capture),)
    if status := failure(told):
        return (nothing_said(capture, _PROVIDER, status),)
    raise Unreadable(
        f"{capture.name}: no `output`, `outputs`, `choices` or `error` in it; is this a reply of another provider?"
    )


def _response(told: Sequence[Document]) -> _Reply | None:
    response = read_response(told)
    if response is None:
        return None
    annotated = [
        found._replace(start=found.start + part.start, end=found.end + part.start)
        if found.start is not None and found.end is not None
        else found
        for part in response.parts
        for found in map(url_citation, part.annotations)
        if found
    ]
    return _Reply(
        response.told,
        response.text,
        response_status(response, grounded=proven(response) or bool(annotated)),
        annotated,
        [page for search in response.searches for page in sources(search)],
        [query for search in response.searches for query in searched(search)],
        response.skipped,
    )


def _chat(told: Sequence[Document]) -> _Reply | None:
    chat = read_chat(told)
    if chat is None:
        return None
    annotated = [found for found in map(url_citation, chat.annotations) if found]
    grounded = bool(annotated) or bool(sequence(chat.told.get("citations")))
    return _Reply(chat.told, chat.text, chat_status(chat, grounded=grounded), annotated, skipped=chat.skipped)


def _grpc(told: Document) -> _Reply | None:
    if not isinstance(told.get("outputs"), list):
        return None
    outputs = mappings(told["outputs"])
    messages = [mapping(output.get("message")) for output in outputs]
    of_tools = [message for message in messages if message.get("role") == "ROLE_TOOL"]
    spoken = [message for message in messages if message.get("role") != "ROLE_TOOL"]
    words = "".join(text(message.get("content")) for message in spoken)
    calls = {text(call.get("id")): call for message in messages for call in mappings(message.get("tool_calls"))}
    searches = [call for call in calls.values() if call.get("type") in _SEARCHES]
    finish = outputs[-1].get("finish_reason") if outputs else None
    if not words or finish in _CUT_SHORT:
        status = Status.INCOMPLETE
    else:
        ran = any(call.get("status") != "TOOL_CALL_STATUS_FAILED" for call in searches)
        status = Status.GROUNDED if ran else Status.UNGROUNDED
    asked = (text(embedded(mapping(call.get("function")).get("arguments")).get("query")) for call in searches)
    return _Reply(
        told,
        words,
        status,
        [*_inline(spoken)],
        [(page.url, None, None) for page in _inline(of_tools)],
        [query for query in asked if query.strip()],
        len(told["outputs"]) - len(outputs),
    )


def _inline(messages: Iterable[Document]) -> Iterator[UrlCitation]:
    """Citations of messages whose contents follow each other; proto JSON leaves out a start of 0."""
    length = 0
    for message in messages:
        for cited in mappings(message.get("citations")):
            page = mapping(cited.get("web_citation")) or mapping(cited.get("x_citation"))
            start, end = integer(cited.get("start_index")) or 0, integer(cited.get("end_index"))
            if text(page.get("url")):
                yield UrlCitation(text(page["url"]), None, start + length, None if end is None else end + length)
        length += len(text(message.get("content")))


def _answer(reply: _Reply, capture: Capture) -> Answer:
    citations = _cited(reply)
    cited = {page.url for page in citations}
    bare = [(page.url, None, None) for page in reply.annotated if not cited or canonical(page.url).url not in cited]
    encountered = [(url, None, None) for url in map(text, sequence(reply.told.get("citations")))]
    ticks = amount(mapping(reply.told.get("usage")).get("cost_in_usd_ticks"))
    return Answer(
        provider=_PROVIDER,
        engine=_PROVIDER,
        surface="api",
        status=reply.status,
        text=reply.text,
        model_served=text(reply.told.get("model")) or None,
        citations=citations,
        retrievals=retrievals([*reply.listed, *bare, *encountered]),
        queries=tuple(reply.queries),
        cost_usd=None if ticks is None else ticks / _TICKS,
        skipped_blocks=reply.skipped,
        asked_at=moment(reply.told.get("created_at") or reply.told.get("created")) or capture.asked_at,
        ask=capture.ask,
    )


def _cited(reply: _Reply) -> tuple[Citation, ...]:
    shown = links(reply.text)
    if not shown:
        return ()
    met = {canonical(url).url for url in (*(page.url for page in reply.annotated), *(url for url, *_ in reply.listed))}
    titles = {(page.start, page.end): page.title for page in reply.annotated}
    citing = Citing(reply.text)
    for link in shown:
        if link.label is not None or canonical(link.url).url in met:
            citing.cite(link.url, _title(link, titles.get(link.span)), link.span)
    return citing.citations()


def _title(link: Link, told: str | None) -> str | None:
    return None if told is None or f"[{told}]" == link.label else told


def claims(told: Sequence[Document]) -> bool:
    """Return whether a Grok answered, by the model's name or by fields of the usage that xAI alone has."""
    reply = response_object(told) or (told[-1] if told else {})
    return text(reply.get("model")).startswith("grok") or bool(mapping(reply.get("usage")).keys() & _MARKS)


def render(answer: Answer) -> bytes:
    """Return the Responses reply xAI would give, or its notice that Live Search is gone."""
    if answer.status is Status.RETIRED:
        notice = "Live search is deprecated. Please switch to the Agent Tools API"
        return orjson.dumps({"code": "Gone", "error": notice})
    if answer.status is Status.ERROR:
        return orjson.dumps({"code": "Internal error", "error": "Service temporarily unavailable."})
    spoken = {"type": "output_text", "text": answer.text, "annotations": [*_annotations(answer)]}
    message = {"type": "message", "role": "assistant", "status": "completed", "content": [spoken]}
    cost = {} if answer.cost_usd is None else {"cost_in_usd_ticks": round(answer.cost_usd * _TICKS)}
    return orjson.dumps({
        "id": "0",
        "object": "response",
        "created_at": seconds(answer.asked_at),
        "status": "incomplete" if answer.status is Status.INCOMPLETE else "completed",
        "model": answer.model_served,
        "output": [*_search(answer), message],
        "usage": {"num_sources_used": 0, **cost},
    })  # fmt: skip


def _search(answer: Answer) -> list[Document]:
    if not (answer.status is Status.GROUNDED or answer.queries or answer.retrievals):
        return []
    listed = [{"type": "url", "url": page.raw_url, "title": page.title} for page in answer.retrievals]
    action = {"type": "search", "queries": answer.queries, "sources": listed}
    return [{"type": "web_search_call", "id": "ws_0", "status": "completed", "action": action}]


def _annotations(answer: Answer) -> Iterator[Document]:
    for page in answer.citations:
        for start, end in filter(None, page.spans):
            at = {"start_index": start, "end_index": end}
            yield {"type": "url_citation", "url": page.raw_url, "title": page.title, **at}


async def ask(http: Http, ask: Ask, service: Service) -> Reply:
    """Return the Response to a prompt; raises `ConfigError` without a key or for an option of the wrong kind."""
    how = Settings(service, ASKING.options)
    body = {
        "model": ask.model_requested or service.model or ASKING.model,
        "input": messages(ask.prompt),
        "tools": [filled(how.table("tool") | located(ask.prompt)), *[{"type": "x_search"}] * how.flag("x_search")],
        "max_output_tokens": how.whole("max_output_tokens"),
        **how.table("request"),
    }
    return await post(http, service, "/v1/responses", filled(body), key="XAI_API_KEY")


ASKING = Asking(
    ask=ask,
    engines=("xai",),
    url="https://api.x.ai",
    keys=("XAI_API_KEY",),
    model="grok-4.6",
    options={
        "max_output_tokens": 16_000,
        "x_search": True,
        "tool": {"type": "web_search"},
        "request": {"include": ["web_search_call.action.sources"]},
    },
)
ENGINE = Engine(read=read, render=render, claims=claims, asking=ASKING)
