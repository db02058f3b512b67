"""Groq: chat completions of Compound and of gpt-oss with browser search, and its Responses.

Chat completions are asked for, with `browser_search`; Compound, which ended on 2026-09-21, searches without being told.
No field says where the person who asks is, which is told in words, or how often to search.

Retrieved are the results of the executed tools. Cited is what the text shows: links, addresses of retrieved pages, and
`【n†L1-L9】` markers of browser search, where n is the tool call that opened the page; a marker of a call that listed
several pages, or none, names no page. In its Responses the annotations are the citations.

Source:
    Typed models of the groq package 1.7 (`types/chat/chat_completion_message.py`); console.groq.com/docs/browser-search
    for the markers.
"""

import re
from collections.abc import Iterator, Sequence

import orjson

from crawlers.asking.circumstances import messages
from crawlers.asking.posting import post
from crawlers.asking.settings import Settings, filled
from crawlers.base import Asking, Engine, Http, Reply, Service
from crawlers.reading.chat import Chat, chat_status, read_chat
from crawlers.reading.citing import Citing, Listed, retrievals
from crawlers.reading.failing import failure, nothing_said
from crawlers.reading.lenient import embedded, integer, mapping, mappings, moment, seconds, text
from crawlers.reading.linking import Link, links
from crawlers.reading.responses import (
    Response,
    annotated,
    proven,
    read_response,
    response_object,
    response_status,
    searched,
    sources,
)
from crawlers.reading.wire import Document, documents
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Ask, Capture, Citation, Retrieval, Status
from geo_flywheel.urls import canonical

_PROVIDER = "groq"
_MARKER = re.compile(r"[【〖](\d{1,3})†[^】〗\n]{0,80}[】〗]")
_FINISH = {Status.INCOMPLETE: "length", Status.BLOCKED: "content_filter"}


def read(capture: Capture) -> tuple[Answer, ...]:
    """Return the one answer of a reply; raises `Unreadable` when the body is none of Groq's."""
    told = documents(capture.body, capture.name)
    if chat := read_chat(told, ignored=("document_citation", "function_citation")):
        return (_from_chat(chat, capture),)
    if response := read_response(told):
        return (_from_response(response, capture),)
    if status := failure(told):
        return (nothing_said(capture, _PROVIDER, status),)
    raise Unreadable(
        f"{capture.name}: no `choices`, no `output` and no `error` in it; is this a reply of another provider?"
    )


def _from_chat(chat: Chat, capture: Capture) -> Answer:
    tools = mappings(chat.message.get("executed_tools"))
    searches = [tool for tool in tools if "search" in text(tool.get("type"))]
    found = retrievals([page for tool in tools for page in _results(tool)])
    asked = (text(embedded(tool.get("arguments")).get("query")) for tool in searches)
    opened = {integer(tool.get("index")): [*_results(tool)] for tool in tools}
    pages = {number: listed[0][0] for number, listed in opened.items() if number is not None and len(listed) == 1}
    return Answer(
        provider=_PROVIDER,
        engine=_PROVIDER,
        surface="api",
        status=chat_status(chat, grounded=bool(searches or found)),
        text=chat.text,
        model_served=text(chat.told.get("model")) or None,
        citations=_cited(chat.text, found, pages),
        retrievals=found,
        queries=tuple(query for query in asked if query.strip()),
        skipped_blocks=chat.skipped,
        asked_at=moment(chat.told.get("created")) or capture.asked_at,
        ask=capture.ask,
    )


def _from_response(response: Response, capture: Capture) -> Answer:
    citations = annotated(response.text, response.parts)
    return Answer(
        provider=_PROVIDER,
        engine=_PROVIDER,
        surface="api",
        status=response_status(response, grounded=proven(response) or bool(citations)),
        text=response.text,
        model_served=text(response.told.get("model")) or None,
        citations=citations,
        retrievals=retrievals(page for search in response.searches for page in sources(search)),
        queries=tuple(query for search in response.searches for query in searched(search)),
        skipped_blocks=response.skipped,
        asked_at=moment(response.told.get("created_at")) or capture.asked_at,
        ask=capture.ask,
    )


def _results(tool: Document) -> Iterator[Listed]:
    """Pages that one executed tool brought back."""
    told = tool.get("search_results")
    listed = mappings(told) or mappings(mapping(told).get("results"))
    for page in (*listed, *mappings(tool.get("browser_results"))):
        if text(page.get("url")):
            yield text(page["url"]), text(page.get("title")) or None, None
    visited = text(embedded(tool.get("arguments")).get("url"))
    if visited.startswith("http") and text(tool.get("output")):
        yield visited, None, None


def _cited(words: str, found: Sequence[Retrieval], opened: dict[int, str]) -> tuple[Citation, ...]:
    titles = {page.url: page.title for page in found}
    citing = Citing(words)
    marked = [(opened.get(int(marker[1])), marker.span()) for marker in _MARKER.finditer(words)]
    shown = [*links(words), *(Link(url, span, "") for url, span in marked if url)]
    for link in sorted(shown, key=lambda link: link.span):
        url = canonical(link.url).url
        if link.label is not None or url in titles:
            citing.cite(link.url, titles.get(url), link.span)
    return citing.citations()


def claims(told: Sequence[Document]) -> bool:
    """Return whether Groq's own fields or model names stand in it."""
    if any("x_groq" in document for document in told):
        return True
    response = response_object(told)
    if response is not None:
        served = text(response.get("model")).startswith(("groq/", "openai/gpt-oss"))
        return served and "cost" not in mapping(response.get("usage"))
    chat = read_chat(told)
    if chat is None:
        return False
    timed = "queue_time" in mapping(chat.told.get("usage"))
    tools = bool(chat.message.get("executed_tools"))
    return tools or timed or text(chat.told.get("model")).startswith(("groq/", "compound-beta"))


def render(answer: Answer) -> bytes:
    """Return the chat completion Groq's Compound would give."""
    if answer.status is Status.ERROR:
        return orjson.dumps({"error": {"message": "Internal Server Error", "type": "internal_server_error"}})
    finish = _FINISH.get(answer.status, "stop")
    message = {"role": "assistant", "content": answer.text, "executed_tools": [*_tools(answer)]}
    return orjson.dumps(
        {
            "id": "chatcmpl-0",
            "object": "chat.completion",
            "created": seconds(answer.asked_at),
            "model": answer.model_served,
            "choices": [{"index": 0, "finish_reason": finish, "message": message}],
            "x_groq": {"id": "req_0"},
        }
    )


def _tools(answer: Answer) -> Iterator[Document]:
    """One search per query; what they found stands at the first."""
    if not (answer.status is Status.GROUNDED or answer.queries or answer.retrievals):
        return
    found = [
        {"url": page.raw_url, "title": page.title or "", "content": "", "score": 1.0} for page in answer.retrievals
    ]
    for index, query in enumerate(answer.queries or ("",)):
        asked = orjson.dumps({"query": query}).decode()
        results = found if index == 0 else []
        yield {"index": index, "type": "search", "arguments": asked, "search_results": {"results": results}}


async def ask(http: Http, ask: Ask, service: Service) -> Reply:
    """Return the completion of a prompt; raises `ConfigError` without a key or for an option of the wrong kind."""
    how = Settings(service, ASKING.options)
    model = ask.model_requested or service.model or ASKING.model
    body = {
        "model": model,
        "messages": messages(ask.prompt, place=True),
        "tools": [] if "compound" in model else [filled(how.table("tool"))],
        "max_completion_tokens": how.whole("max_output_tokens"),
        **how.table("request"),
    }
    return await post(http, service, "/openai/v1/chat/completions", filled(body), key="GROQ_API_KEY")


ASKING = Asking(
    ask=ask,
    engines=("groq",),
    url="https://api.groq.com",
    keys=("GROQ_API_KEY",),
    model="openai/gpt-oss-120b",
    options={"max_output_tokens": 8_192, "tool": {"type": "browser_search"}, "request": {}},
)
ENGINE = Engine(read=read, render=render, claims=claims, asking=ASKING)
