"""Brave Answers: chat completions whose text holds tags, streamed with citations, and its research.

A `<citation>` stands in the stream behind what it supports; that is where the page is cited. Its span is known only
when the offsets it tells end at its own place. Research tells the answer in `<answer>`, which may also link to pages,
the searches in `<queries>`, and in `<thinking>` the pages it selected, which are retrieved. What an answer costs is in
`<usage>` at the end, or in the head of a reply that is not streamed. Entities (`<enum_item>`) are counted as unknown.

Source:
    brave/brave-search-skills, skills/answers/SKILL.md; api-dashboard.search.brave.com, documentation of Answers.
"""

from collections.abc import Iterator, Mapping, Sequence

import orjson
from msgspec.structs import replace

from crawlers.asking.circumstances import language, user_location
from crawlers.asking.posting import post
from crawlers.asking.settings import Settings, filled
from crawlers.asking.unsaid import refuse_city, refuse_persona
from crawlers.base import Asking, Engine, Http, Reply, Service
from crawlers.reading.chat import Chat, chat_status, read_chat
from crawlers.reading.citing import Citing, retrievals
from crawlers.reading.failing import failure, nothing_said
from crawlers.reading.lenient import amount, integer, mapping, moment, seconds, sequence, text
from crawlers.reading.linking import links
from crawlers.reading.tagged import Tag, without_tags
from crawlers.reading.wire import Document, documents
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Ask, Capture, Citation, Prompt, Span, Status

_PROVIDER = "brave"
_HTTP_FAILURE = 400
_TAGS = (
    *("citation", "usage", "queries", "analyzing", "thinking", "progress", "blindspots"),
    *("enum_item", "enum_start", "enum_end", "entity"),
)
_KNOWN_TAGS = set(_TAGS[:7])
_COST = "x-request-total-cost"
_FINISH = {Status.INCOMPLETE: "length", Status.BLOCKED: "content_filter"}
_CHINESE = {"TW": "zh-hant", "HK": "zh-hant", "MO": "zh-hant"}


def read(capture: Capture) -> tuple[Answer, ...]:
    """Return the one answer of a reply; raises `Unreadable` when the body is none of Brave's."""
    replies = documents(capture.body, capture.name)
    if chat := read_chat(replies):
        return (_answer(chat, capture),)
    status = failure(replies)
    if status or (capture.http_status or 0) >= _HTTP_FAILURE:
        return (nothing_said(capture, _PROVIDER, status or Status.ERROR),)
    raise Unreadable(f"{capture.name}: no `choices` and no `error` in it; is this a reply of another provider?")


def claims(replies: Sequence[Document]) -> bool:
    """Tell whether a model of Brave's answered, or the reply is its own kind of error."""
    if any(reply.get("type") == "ErrorResponse" and "error" in reply for reply in replies):
        return True
    chat = read_chat(replies)
    if chat is None or "provider" in chat.told:
        return False
    model = text(chat.told.get("model"))
    tagged = any(f"<{name}>{{" in chat.text for name in ("citation", "usage"))
    return model.startswith("brave") or (tagged and not model)


def _answer(chat: Chat, capture: Capture) -> Answer:
    words, tags = without_tags(chat.text, _TAGS, ("answer",))
    final = next((tag.value for tag in reversed(tags) if tag.name == "answer" and _said(tag.value)), None)
    researched = any(tag.name in {"answer", "queries", "thinking"} for tag in tags)
    if final is not None:
        words, inner = without_tags(_said(final), _TAGS)
        tags = [*(tag for tag in tags if tag.name != "citation"), *inner]
    citations = _cited(words, tags, linked=researched)
    found = retrievals((url, None, None) for tag in tags if tag.name == "thinking" for url in _selected(tag))
    usage = _usage(tags, capture.headers)
    queries = tuple(query for tag in tags if tag.name == "queries" for query in _queries(tag.value))
    searched = bool(citations or found or queries or amount(usage.get("x-request-queries")))
    status = chat_status(replace(chat, ended=chat.ended or _COST in usage), grounded=searched)
    return Answer(
        provider=_PROVIDER,
        engine=_PROVIDER,
        surface="api",
        status=Status.INCOMPLETE if status in {Status.GROUNDED, Status.UNGROUNDED} and not words else status,
        text=words,
        model_served=text(chat.told.get("model")) or None,
        citations=citations,
        retrievals=found,
        queries=queries,
        cost_usd=amount(usage.get(_COST)),
        skipped_blocks=chat.skipped + sum(not _is_known(tag) for tag in tags),
        asked_at=moment(chat.told.get("created")) or capture.asked_at,
        ask=capture.ask,
    )


def _said(value: object) -> str:
    """The words of an answer tag, told plainly or as JSON."""
    return text(value) or text(mapping(value).get("answer"))


def _is_known(tag: Tag) -> bool:
    return tag.name in _KNOWN_TAGS and tag.value is not None if tag.name != "answer" else bool(_said(tag.value))


def _cited(words: str, tags: Sequence[Tag], *, linked: bool) -> tuple[Citation, ...]:
    mentions = [(tag.place, tag.value, _span(tag)) for tag in tags if tag.name == "citation"]
    shown = [link for link in links(words) if link.label is not None] if linked else []
    citing = Citing(words)
    for _, told, span in sorted(
        [*mentions, *((link.span[1], {"url": link.url}, link.span) for link in shown)], key=lambda mention: mention[0]
    ):
        page = mapping(told)
        citing.cite(text(page.get("url")), text(page.get("title")), span, passage=text(page.get("snippet")) or None)
    return citing.citations()


def _span(tag: Tag) -> Span | None:
    """The span a citation tells, when it ends where the citation stands."""
    start, end = (integer(mapping(tag.value).get(name)) for name in ("start_index", "end_index"))
    return None if start is None or end != tag.place else (start, end)


def _selected(tag: Tag) -> Iterator[str]:
    for url in sequence(mapping(tag.value).get("urls_selected")):
        yield text(url)


def _queries(told: object) -> Iterator[str]:
    for query in sequence(mapping(told).get("queries")) or sequence(told):
        if text(query).strip():
            yield text(query)


def _usage(tags: Sequence[Tag], headers: Mapping[str, str]) -> Document:
    """Fields of the last bill in the text, else of the head; their names in lower case."""
    told = next((tag.value for tag in reversed(tags) if tag.name == "usage" and mapping(tag.value)), headers)
    return {name.lower(): value for name, value in told.items()}


def render(answer: Answer) -> bytes:
    """Return the stream that gives this answer.

    Args:
        answer: Its status is grounded, ungrounded, incomplete, blocked or error; its citations bear no titles, and it
            lists neither queries nor retrieved pages.
    """
    if answer.status is Status.ERROR:
        problem = {"id": "0", "status": 500, "code": "INTERNAL_ERROR", "detail": "Internal error"}
        return orjson.dumps({"type": "ErrorResponse", "error": problem, "time": 0})
    finish = _FINISH.get(answer.status, "stop")
    pieces = [({"content": piece}, None) for piece in (*_pieces(answer), *_bill(answer))]
    events = [_event(answer, delta, reason) for delta, reason in [*pieces, ({}, finish)]]
    return b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events) + b"data: [DONE]\n\n"


def _event(answer: Answer, delta: Document, reason: str | None) -> Document:
    return {
        "id": "0",
        "object": "chat.completion.chunk",
        "created": seconds(answer.asked_at),
        "model": answer.model_served,
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
    }


def _pieces(answer: Answer) -> Iterator[str]:
    """The text, cut where a page is cited, and the citations between."""
    mentions = [(span, page) for page in answer.citations for span in page.spans]
    places = sorted({0, len(answer.text), *(span[1] for span, _ in mentions if span)})
    for start, end in zip([0, *places], places, strict=False):
        if start < end:
            yield answer.text[start:end]
        for span, page in mentions:
            if (span or (0, len(answer.text)))[1] == end:
                yield _citation(page, span)


def _citation(page: Citation, span: Span | None) -> str:
    start, end = span or (None, None)
    told = {"start_index": start, "end_index": end, "number": page.position, "url": page.raw_url}
    return _tag("citation", told | {"snippet": page.passage or ""})


def _bill(answer: Answer) -> Iterator[str]:
    told: Document = {"X-Request-Queries": int(answer.status is Status.GROUNDED)}
    if answer.cost_usd is not None:
        told["X-Request-Total-Cost"] = answer.cost_usd
    yield _tag("usage", told)


def _tag(name: str, value: Document) -> str:
    return f"<{name}>{orjson.dumps(value).decode()}</{name}>"


async def ask(http: Http, ask: Ask, service: Service) -> Reply:
    """Ask for a streamed answer; research takes no `enable_citations`, since it always cites.

    Raises:
        Refused: If the prompt names a persona or a city.
        ConfigError: If the key is missing or an option is of the wrong kind.
    """
    refuse_persona(ask.prompt, "Brave")
    refuse_city(ask.prompt, "Brave")
    request = Settings(service, ASKING.options).table("request")
    if request.get("enable_research"):
        request = {**request, "enable_citations": None}
    body = {
        **request,
        "model": ask.model_requested or service.model or ASKING.model,
        "messages": [{"role": "user", "content": ask.prompt.text}],
        "stream": True,
        **_place(ask.prompt),
    }
    accept = {"accept": "text/event-stream"}
    path, key = "/res/v1/chat/completions", "BRAVE_API_KEY"
    return await post(http, service, path, filled(body), key=key, header="x-subscription-token", headers=accept)


def _place(prompt: Prompt) -> Document:
    country, tongue = user_location(prompt).get("country", ""), language(prompt)
    spoken = _CHINESE.get(country, "zh-hans") if tongue == "zh" else tongue
    return filled({"country": country.lower(), "language": spoken})


ASKING = Asking(
    ask=ask,
    engines=(_PROVIDER,),
    url="https://api.search.brave.com",
    keys=("BRAVE_API_KEY",),
    model="brave",
    options={"request": {"enable_citations": True}},
)
ENGINE = Engine(read=read, render=render, claims=claims, asking=ASKING)
