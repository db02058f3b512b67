"""Perplexity: the Agent API, full and streamed, and replies of the Sonar chat it replaced on 2026-09-27.

A reply lists every page the search offered; the answer cites one by a marker `[n]`, also `[n, m]` and `[web:n]`. In
the Agent API n is the id of a search result (the first one that bears it), in Sonar chat the place in `citations`,
from 1. Annotations, where there are any, cite the pages that no marker names. Thoughts at the start of the text
(`<think>…</think>`) are no part of the answer.

The Agent API is asked; it refuses any field it does not know. A model without a slash is one of its presets, which
bring their own search.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from crawlers.asking.circumstances import instructions, language, user_location
from crawlers.asking.posting import post
from crawlers.asking.settings import Settings, filled
from crawlers.base import Asking, Engine, Http, Reply, Service
from crawlers.reading.chat import Chat, chat_status, read_chat
from crawlers.reading.citing import Citing, Listed, retrievals
from crawlers.reading.failing import nothing_said
from crawlers.reading.lenient import amount, integer, mapping, mappings, moment, seconds, sequence, text
from crawlers.reading.perplexity_events import response, split
from crawlers.reading.wire import Document, documents
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Ask, Capture, Citation, Span, Status

_PROVIDER = "perplexity"
_MARKER = re.compile(r"\[((?:web:)?\d{1,3}(?:\s*,\s*(?:web:)?\d{1,3})*)\](?!\()")
_DIGITS = 3  # of the number of a marker
_THOUGHTS = re.compile(r"\s*<think>.*?(?:</think>\s*|\Z)", re.DOTALL)
_SONAR_MODEL = re.compile("sonar|r1-1776|pplx")
_RETIRED = {"agent_api_migration_required", "chat_completions_not_available"}
_MOVED = "now the agent api"
_KNOWN_ITEMS = {
    *("message", "reasoning", "finance_results", "function_call", "mcp_list_tools", "mcp_call", "skill_loaded"),
    *("advisor_result", "share_file"),
}
_STATUS_NAMES = {Status.GROUNDED: "completed", Status.UNGROUNDED: "completed", Status.INCOMPLETE: "incomplete"}


def read(capture: Capture) -> tuple[Answer, ...]:
    """Return the answer in a captured reply.

    Raises:
        Unreadable: If the body is no reply, stream or error of either API.
    """
    replies = documents(capture.body, capture.name)
    chat = read_chat(replies)
    if chat and any(map(_is_sonar, replies)):
        return (_from_sonar(chat, replies, capture),)
    told, skipped = response(replies)
    if _is_agent(told) or "/" in text(told.get("model")):
        return (_from_agent(told, skipped, capture),)
    failure = next(filter(None, map(_failure, replies)), None)
    if failure:
        return (nothing_said(capture, _PROVIDER, failure),)
    raise Unreadable(
        f"{capture.name}: no Perplexity reply in it (neither an output with search results or a perplexity model, nor "
        "Sonar choices with citations); it may be the reply of another provider"
    )


def claims(replies: Sequence[Document]) -> bool:
    """Tell whether these documents bear what only this provider's replies have."""
    return any(map(_is_sonar, replies)) or _is_agent(response(replies)[0]) or Status.RETIRED in map(_failure, replies)


def _is_sonar(reply: Document) -> bool:
    if not isinstance(reply.get("choices"), list) or "provider" in reply:
        return False
    model = text(reply.get("model"))
    named = _SONAR_MODEL.search(model) if model else "citations" in reply
    return bool(named) or "search_results" in reply


def _is_agent(told: Document) -> bool:
    searches, others = split(mappings(told.get("output")))
    priced = bool(others) and isinstance(mapping(told.get("usage")).get("cost"), dict)
    return bool(searches) or priced or text(told.get("model")).startswith("perplexity/")


def _failure(reply: Document) -> Status | None:
    """What a body without an answer says went wrong; None when it is no error of this provider."""
    error = reply.get("error")
    told = error if isinstance(error, dict) else reply
    if _RETIRED & {text(told.get("code")), text(told.get("type"))} or _MOVED in text(told.get("message")).lower():
        return Status.RETIRED
    foreign = "status" in told or "request_id" in reply
    return Status.ERROR if told is error and not foreign and told.keys() & {"message", "type"} else None


def _from_agent(told: Document, skipped: int, capture: Capture) -> Answer:
    searches, others = split(mappings(told.get("output")))
    said = [content for item in others if item.get("type") == "message" for content in mappings(item.get("content"))]
    spoken = [content for content in said if content.get("type") == "output_text"]
    answer_text, start = _without_thoughts("".join(text(content.get("text")) for content in spoken))
    listed = [page for item in searches for page in _listed(item.get("results") or item.get("contents"))]
    queries = [text(query) for item in searches for query in sequence(item.get("queries"))]
    return Answer(
        provider=_PROVIDER,
        engine=_PROVIDER,
        surface="api",
        status=_agent_status(told, answer_text, grounded=bool(searches)),
        text=answer_text,
        model_served=text(told.get("model")) or None,
        citations=_cited(answer_text, _numbered(searches), _annotated(spoken, -start)),
        retrievals=retrievals(listed),
        queries=tuple(query for query in queries if query.strip()),
        cost_usd=_cost(told),
        skipped_blocks=skipped + len(said) - len(spoken) + sum(not _is_known(item) for item in others),
        asked_at=moment(told.get("created_at")) or capture.asked_at,
        ask=capture.ask,
    )


def _agent_status(told: Document, answer_text: str, *, grounded: bool) -> Status:
    stage = text(told.get("status"))
    if stage == "failed" or mapping(told.get("error")):
        return Status.ERROR
    if stage not in {"", "completed"} or not answer_text:
        return Status.INCOMPLETE
    return Status.GROUNDED if grounded else Status.UNGROUNDED


def _numbered(searches: list[Document]) -> dict[int, Listed]:
    numbered: dict[int, Listed] = {}
    for item in searches:
        for result in mappings(item.get("results")):
            number = str(result.get("id"))
            if number.isdecimal() and len(number) <= _DIGITS:
                numbered.setdefault(int(number), _page(result))
    return numbered


def _listed(results: object) -> list[Listed]:
    return list(map(_page, mappings(results)))


def _page(result: Document) -> Listed:
    url, title = result.get("url"), result.get("title")
    return url if isinstance(url, str) else "", title if isinstance(title, str) else None, None


def _annotated(spoken: list[Document], start: int) -> Iterator[tuple[Listed, Span | None]]:
    for content in spoken:
        for annotation in mappings(content.get("annotations")):
            first, end = integer(annotation.get("start_index")), integer(annotation.get("end_index"))
            yield _page(annotation), None if first is None or end is None else (start + first, start + end)
        start += len(text(content.get("text")))


def _is_known(item: Document) -> bool:
    kind = text(item.get("type"))
    return kind in _KNOWN_ITEMS or kind.startswith("sandbox_")


def _without_thoughts(said: str) -> tuple[str, int]:
    """The text after the thoughts, and where in all that was said it starts."""
    thoughts = _THOUGHTS.match(said)
    start = thoughts.end() if thoughts else 0
    return said[start:], start


def _from_sonar(chat: Chat, replies: Sequence[Document], capture: Capture) -> Answer:
    answer_text, _ = _without_thoughts(chat.text)
    results = _listed(_last(replies, "search_results"))
    titled = {page[0]: page for page in results}
    offered = [titled.get(url) or (url, None, None) for url in map(text, _last(replies, "citations"))] or results
    searched = bool(offered) or bool(amount(mapping(chat.told.get("usage")).get("num_search_queries")))
    status = chat_status(chat, grounded=searched)
    return Answer(
        provider=_PROVIDER,
        engine=_PROVIDER,
        surface="api",
        status=Status.INCOMPLETE if status is Status.GROUNDED and not answer_text else status,
        text=answer_text,
        model_served=text(chat.told.get("model")) or None,
        citations=_cited(answer_text, dict(enumerate(offered, 1)), ()),
        retrievals=retrievals([*offered, *results]),
        queries=tuple(_keywords(chat.message)),
        cost_usd=_cost(chat.told) if chat.ended else None,
        skipped_blocks=chat.skipped,
        asked_at=moment(chat.told.get("created")) or capture.asked_at,
        ask=capture.ask,
    )


def _last(replies: Sequence[Document], key: str) -> list[Any]:
    """The last list under this key that is not empty: chunks of a stream repeat it."""
    for reply in reversed(replies):
        if found := sequence(reply.get(key)):
            return found
    return []


def _keywords(message: Document) -> Iterator[str]:
    for step in mappings(message.get("reasoning_steps")):
        for keyword in sequence(mapping(step.get("web_search")).get("search_keywords")):
            if text(keyword).strip():
                yield keyword


def _cost(reply: Document) -> float | None:
    cost = mapping(mapping(reply.get("usage")).get("cost"))
    return amount(cost.get("total_cost")) if text(cost.get("currency")) in {"", "USD"} else None


def _cited(
    said: str, numbered: dict[int, Listed], annotated: Iterable[tuple[Listed, Span | None]]
) -> tuple[Citation, ...]:
    citing = Citing(said)
    for marker in _MARKER.finditer(said):
        for number in marker[1].replace("web:", "").split(","):
            if page := numbered.get(int(number)):
                citing.cite(page[0], page[1], marker.span())
    others = [(page, span) for page, span in annotated if page[0] not in citing]
    for (url, title, _), span in others:
        citing.cite(url, title, span)
    return citing.citations()


def render(answer: Answer) -> bytes:
    """Return the full Agent API reply that gives this answer.

    Args:
        answer: Its status is grounded, ungrounded, incomplete, error or retired; its text cites the page of rank n
            by the marker [n].
    """
    if answer.status is Status.RETIRED:
        retired = {"message": "Sonar is now the Agent API", "type": "chat_completions_not_available"}
        return orjson.dumps({"error": retired | {"code": "agent_api_migration_required"}})
    if answer.status is Status.ERROR:
        return orjson.dumps({"error": {"message": "Internal server error", "type": "internal_error", "code": 500}})
    told = {
        "id": "resp_rendered",
        "object": "response",
        "status": _STATUS_NAMES[answer.status],
        "created_at": seconds(answer.asked_at),
        "model": answer.model_served,
        "output": [*_search_items(answer), _message(answer)],
        "usage": {"cost": {"currency": "USD", "total_cost": answer.cost_usd}},
    }
    return orjson.dumps(told)


def _search_items(answer: Answer) -> Iterator[Document]:
    if answer.status is Status.GROUNDED or answer.retrievals or answer.queries:
        pages = [{"id": page.rank, "url": page.raw_url, "title": page.title} for page in answer.retrievals]
        yield {"type": "search_results", "queries": answer.queries, "results": pages}


def _message(answer: Answer) -> Document:
    content = {"type": "output_text", "text": answer.text, "annotations": []}
    return {"type": "message", "id": "msg_rendered", "role": "assistant", "status": "completed", "content": [content]}


async def ask(http: Http, ask: Ask, service: Service) -> Reply:
    """Return the Agent's reply to a prompt; raises `ConfigError` without a key or for an option of the wrong kind."""
    how = Settings(service, ASKING.options)
    body = {
        **_asked(ask.model_requested or service.model or ASKING.model, how, ask),
        "instructions": instructions(ask.prompt),
        "input": ask.prompt.text,
        "language_preference": language(ask.prompt),
        "max_steps": how.whole("max_searches"),
        "max_output_tokens": how.whole("max_output_tokens"),
        **how.table("request"),
    }
    return await post(http, service, "/v1/agent", filled(body), key="PERPLEXITY_API_KEY")


def _asked(model: str, how: Settings, ask: Ask) -> Document:
    """A model with its search, or a preset."""
    if "/" not in model:
        return {"preset": model}
    known = user_location(ask.prompt)
    tool = how.table("tool") | ({"user_location": known} if known else {})
    return {"model": model, "tools": [filled(tool)], "tool_choice": {"type": "web_search"}}


ASKING = Asking(
    ask=ask,
    engines=("perplexity",),
    url="https://api.perplexity.ai",
    keys=("PERPLEXITY_API_KEY",),
    model="perplexity/sonar",
    options={"max_searches": 5, "max_output_tokens": 8_192, "tool": {"type": "web_search"}, "request": {}},
)
ENGINE = Engine(read=read, render=render, claims=claims, asking=ASKING)
