"""OpenRouter: chat completions and Responses with `openrouter:web_search`, whichever search engine stands behind it.

Chat completions are asked for, with the search of the model's own provider: with another the answer is none that this
provider would give.

Its annotations are the search results it put before the model, so they are retrieved. Cited is the one whose address
the text links to or names, or whose offsets select a real piece of the text; 0 to 0 selects nothing.

Source:
    Typed models of the openrouter package 1.3 (`components/urlcitation.py`, `chatusage.py`).
"""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from crawlers.asking.circumstances import located, messages
from crawlers.asking.posting import post
from crawlers.asking.settings import Settings, filled
from crawlers.base import Asking, Engine, Http, Reply, Service
from crawlers.reading.chat import chat_status, read_chat
from crawlers.reading.citing import Citing, Listed, retrievals
from crawlers.reading.failing import failure, nothing_said
from crawlers.reading.lenient import amount, integer, mapping, mappings, moment, seconds, text
from crawlers.reading.linking import UrlCitation, links, url_citation
from crawlers.reading.responses import proven, read_response, response_object, response_status, searched, sources
from crawlers.reading.wire import Document, documents
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Ask, Capture, Citation, Retrieval, Status
from geo_flywheel.urls import canonical

_PROVIDER = "openrouter"
_FINISH = {Status.INCOMPLETE: "length", Status.BLOCKED: "content_filter"}


class _Reply(NamedTuple):
    """What the two shapes have in common; offsets count in the whole text."""

    told: Document
    text: str
    status: Status
    annotated: Sequence[UrlCitation]
    listed: Sequence[Listed]
    queries: Sequence[str]
    skipped: int


def read(capture: Capture) -> tuple[Answer, ...]:
    """Return the one answer of a reply; raises `Unreadable` when the body is none of OpenRouter's."""
    told = documents(capture.body, capture.name)
    if reply := _chat(told) or _response(told):
        return (_answer(reply, capture),)
    if status := failure(told):
        return (nothing_said(capture, _PROVIDER, status),)
    raise Unreadable(
        f"{capture.name}: no `choices`, no `output` and no `error` in it; is this a reply of another provider?"
    )


def _chat(told: Sequence[Document]) -> _Reply | None:
    chat = read_chat(told, ignored=("file",))
    if chat is None:
        return None
    annotated = [found for found in map(url_citation, chat.annotations) if found]
    used = mapping(mapping(chat.told.get("usage")).get("server_tool_use_details"))
    searched_at_all = bool(annotated) or bool(integer(used.get("web_search_requests")))
    status = chat_status(chat, grounded=searched_at_all)
    return _Reply(chat.told, chat.text, status, annotated, (), (), chat.skipped)


def _response(told: Sequence[Document]) -> _Reply | None:
    response = read_response(told)
    if response is None:
        return None
    annotated = [
        found._replace(start=(found.start or 0) + part.start, end=(found.end or 0) + part.start)
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


def _answer(reply: _Reply, capture: Capture) -> Answer:
    told = reply.told
    met = [(page.url, page.title, None) for page in reply.annotated]
    found = retrievals(met)
    return Answer(
        provider=_PROVIDER,
        engine=_PROVIDER,
        surface="api",
        status=reply.status,
        text=reply.text,
        model_served=text(told.get("model")) or None,
        citations=_cited(reply, found),
        retrievals=retrievals([*met, *reply.listed]) if reply.listed else found,
        queries=tuple(reply.queries),
        cost_usd=amount(mapping(told.get("usage")).get("cost")),
        skipped_blocks=reply.skipped,
        asked_at=moment(told.get("created") or told.get("created_at")) or capture.asked_at,
        ask=capture.ask,
    )


def _cited(reply: _Reply, found: Sequence[Retrieval]) -> tuple[Citation, ...]:
    citing = Citing(reply.text)
    pages = {page.url: page for page in found}
    named = set()
    for link in links(reply.text) if pages else ():
        if page := pages.get(canonical(link.url).url):
            named.add(page.url)
            citing.cite(page.raw_url, page.title, link.span)
    for said in reply.annotated:
        span = (said.start or 0, said.end or 0)
        if 0 <= span[0] < span[1] <= len(reply.text) and canonical(said.url).url not in named:
            citing.cite(said.url, said.title, span)
    return citing.citations()


def claims(told: Sequence[Document]) -> bool:
    """Return whether OpenRouter routed it: its ids, the upstream provider it names, or an upstream finish reason."""
    reply = response_object(told) or (told[-1] if told else {})
    named = isinstance(reply.get("provider"), str) and "choices" in reply
    finish = any("native_finish_reason" in choice for choice in mappings(reply.get("choices")))
    costs = isinstance(mapping(reply.get("usage")).get("cost"), int | float) and "/" in text(reply.get("model"))
    return named or finish or costs or text(reply.get("id")).startswith("gen-")


def render(answer: Answer) -> bytes:
    """Return the chat completion OpenRouter would give."""
    if answer.status is Status.ERROR:
        return orjson.dumps({"error": {"code": 502, "message": "Provider returned error", "metadata": {}}})
    places = {page.url: page.spans[0] for page in answer.citations}
    annotations = [
        {
            "type": "url_citation",
            "url_citation": {
                "url": page.raw_url,
                "title": page.title or "",
                "start_index": (places.get(page.url) or (0, 0))[0],
                "end_index": (places.get(page.url) or (0, 0))[1],
            },
        }
        for page in answer.retrievals
    ]
    refused = answer.status is Status.REFUSED
    message = {"role": "assistant", "content": None if refused else answer.text, "annotations": annotations}
    finish = _FINISH.get(answer.status, "stop")
    used = {"server_tool_use_details": {"web_search_requests": 1}} if answer.status is Status.GROUNDED else {}
    return orjson.dumps({
        "id": "gen-0",
        "object": "chat.completion",
        "created": seconds(answer.asked_at),
        "provider": "OpenAI",
        "model": answer.model_served,
        "choices": [{
            "index": 0,
            "finish_reason": finish,
            "native_finish_reason": finish,
            "message": {**message, "refusal": answer.text if refused else None},
        }],
        "usage": {"cost": answer.cost_usd, **used},
    })  # fmt: skip


async def ask(http: Http, ask: Ask, service: Service) -> Reply:
    """Return the completion of a prompt; raises `ConfigError` without a key or for an option of the wrong kind."""
    how = Settings(service, ASKING.options)
    search = {"max_uses": how.whole("max_searches"), **how.table("tool"), **located(ask.prompt)}
    body = {
        "model": ask.model_requested or service.model or ASKING.model,
        "messages": messages(ask.prompt),
        "tools": [{"type": "openrouter:web_search", "parameters": filled(search)}],
        "max_tokens": how.whole("max_output_tokens"),
        **how.table("request"),
    }
    return await post(http, service, "/api/v1/chat/completions", filled(body), key="OPENROUTER_API_KEY")


ASKING = Asking(
    ask=ask,
    engines=("openrouter",),
    url="https://openrouter.ai",
    keys=("OPENROUTER_API_KEY",),
    model="openai/gpt-6.1-sol",
    options={"max_searches": 5, "max_output_tokens": 16_000, "tool": {"engine": "native"}, "request": {}},
)
ENGINE = Engine(read=read, render=render, claims=claims, asking=ASKING)
