"""OpenAI: Responses with `web_search`, chat completions of the search models, and both as Azure serves them.

Responses are asked for. A search without `user_location` is made from the United States, so that one is always sent.

Cited are the `url_citation` annotations. Retrieved are the `sources` that search actions list, also those cited too; a
page the model asked to open is in neither list, since the reply does not tell whether it came back. Offsets select
the inline link; one that selects something else is looked up by its address or left out.

Source:
    Typed models of the openai package 3.54 (`types/responses`, `types/chat`).
"""

import re
from collections.abc import Iterable, Sequence

import orjson

from crawlers.asking.circumstances import instructions, located
from crawlers.asking.posting import post
from crawlers.asking.settings import Settings, filled
from crawlers.base import Asking, Engine, Http, Reply, Service
from crawlers.reading.chat import Chat, chat_status, read_chat
from crawlers.reading.citing import retrievals
from crawlers.reading.failing import failure, nothing_said
from crawlers.reading.lenient import mapping, mappings, moment, seconds, text
from crawlers.reading.responses import (
    Part,
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
from geo_flywheel.records import Answer, Ask, Capture, Citation, Status

_PROVIDER = "openai"
_CHAT_MODEL = re.compile(r"(gpt-|chatgpt-|o\d)")


def read(capture: Capture) -> tuple[Answer, ...]:
    """Return the one answer of a reply; raises `Unreadable` when the body is none of OpenAI's."""
    told = documents(capture.body, capture.name)
    if response := read_response(told):
        return (_from_response(response, capture),)
    if chat := read_chat(told):
        return (_from_chat(chat, capture),)
    if status := failure(told):
        return (nothing_said(capture, _PROVIDER, status),)
    raise Unreadable(
        f"{capture.name}: no `output`, no `choices` and no `error` in it; is this a reply of another provider?"
    )


def _from_response(response: Response, capture: Capture) -> Answer:
    citations = annotated(response.text, response.parts)
    return Answer(
        provider=_PROVIDER,
        engine=_PROVIDER,
        surface="api",
        status=response_status(response, grounded=bool(citations) or proven(response)),
        text=response.text,
        model_served=text(response.told.get("model")) or None,
        citations=citations,
        retrievals=retrievals(page for search in response.searches for page in sources(search)),
        queries=tuple(query for search in response.searches for query in searched(search)),
        skipped_blocks=response.skipped,
        asked_at=moment(response.told.get("created_at")) or capture.asked_at,
        ask=capture.ask,
    )


def _from_chat(chat: Chat, capture: Capture) -> Answer:
    citations = annotated(chat.text, [Part(chat.text, 0, chat.annotations)])
    return Answer(
        provider=_PROVIDER,
        engine=_PROVIDER,
        surface="api",
        status=chat_status(chat, grounded=bool(citations)),
        text=chat.text,
        model_served=text(chat.told.get("model")) or None,
        citations=citations,
        skipped_blocks=chat.skipped,
        asked_at=moment(chat.told.get("created")) or capture.asked_at,
        ask=capture.ask,
    )


def claims(told: Sequence[Document]) -> bool:
    """Return whether it is a Responses reply no other provider marks, or a chat reply of a model of OpenAI's."""
    response = response_object(told)
    if response is not None:
        model = text(response.get("model"))
        others = any(item.get("type") == "search_results" for item in mappings(response.get("output")))
        costs = mapping(response.get("usage")).keys() & {"cost", "cost_in_usd_ticks", "num_sources_used"}
        return bool(model) and not (others or costs or "/" in model or model.startswith("grok"))
    chat = read_chat(told)
    return (
        chat is not None
        and bool(_CHAT_MODEL.match(text(chat.told.get("model"))))
        and not chat.told.keys() & {"provider", "x_groq", "citations", "search_results"}
    )


def render(answer: Answer) -> bytes:
    """Return the Responses reply OpenAI would give."""
    blocked = answer.status is Status.BLOCKED
    incomplete = blocked or answer.status is Status.INCOMPLETE
    failed = answer.status is Status.ERROR
    return orjson.dumps({
        "id": "resp_0",
        "object": "response",
        "created_at": seconds(answer.asked_at),
        "status": "failed" if failed else "incomplete" if incomplete else "completed",
        "error": {"code": "server_error", "message": "The server had an error."} if failed else None,
        "incomplete_details": {"reason": "content_filter" if blocked else "max_output_tokens"} if incomplete else None,
        "model": answer.model_served,
        "output": [*_search(answer), *_message(answer)],
    })  # fmt: skip


def _search(answer: Answer) -> list[Document]:
    if not (answer.status is Status.GROUNDED or answer.queries or answer.retrievals):
        return []
    listed = [{"type": "url", "url": page.raw_url, "title": page.title} for page in answer.retrievals]
    action = {"type": "search", "queries": answer.queries, "sources": listed}
    return [{"type": "web_search_call", "id": "ws_0", "status": "completed", "action": action}]


def _message(answer: Answer) -> list[Document]:
    if answer.status is Status.REFUSED:
        part: Document = {"type": "refusal", "refusal": answer.text}
    else:
        part = {"type": "output_text", "text": answer.text, "annotations": [*_annotations(answer.citations)]}
    return [{"type": "message", "id": "msg_0", "role": "assistant", "status": "completed", "content": [part]}]


def _annotations(citations: Iterable[Citation]) -> Iterable[Document]:
    for page in citations:
        for span in page.spans:
            places = {"start_index": span[0], "end_index": span[1]} if span else {}
            yield {"type": "url_citation", "url": page.raw_url, "title": page.title, **places}


async def ask(http: Http, ask: Ask, service: Service) -> Reply:
    """Return the Response to a prompt; raises `ConfigError` without a key or for an option of the wrong kind."""
    how = Settings(service, ASKING.options)
    tool = {"user_location": {"type": "approximate"}, **how.table("tool"), **located(ask.prompt)}
    body = {
        "model": ask.model_requested or service.model or ASKING.model,
        "instructions": instructions(ask.prompt),
        "input": ask.prompt.text,
        "tools": [filled(tool)],
        "max_tool_calls": how.whole("max_searches"),
        "max_output_tokens": how.whole("max_output_tokens"),
        **how.table("request"),
    }
    return await post(http, service, "/v1/responses", filled(body), key="OPENAI_API_KEY")


ASKING = Asking(
    ask=ask,
    engines=("openai",),
    url="https://api.openai.com",
    keys=("OPENAI_API_KEY",),
    model="gpt-6.1-sol",
    options={
        "max_searches": 5,
        "max_output_tokens": 16_000,
        "tool": {"type": "web_search", "search_context_size": "medium"},
        "request": {"tool_choice": "auto", "include": ["web_search_call.action.sources"]},
    },
)
ENGINE = Engine(read=read, render=render, claims=claims, asking=ASKING)
