"""You.com: the Answer API, and replies of its Research API.

A marker `[[1, 2]]` or `[1]` names an entry of `citations` (Answer) or `sources` (Research), from 1. All of `citations`
are cited, those without a marker at no known place; a source without one is only retrieved, and so are the results of
the search. The excerpts of a citation are the passage it was cited for.

Source:
    Typed models of the youdotcom package 3.6 (`models/answerresponse.py`, `researchresponse.py`);
    you.com/docs/api-reference/answer/v1-answer for the markers.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import orjson

from crawlers.asking.circumstances import language, user_location
from crawlers.asking.posting import post
from crawlers.asking.settings import Settings, filled
from crawlers.asking.unsaid import refuse_city, refuse_longer, refuse_persona
from crawlers.base import Asking, Engine, Http, Reply, Service
from crawlers.reading.citing import Citing, retrievals
from crawlers.reading.failing import nothing_said
from crawlers.reading.lenient import mapping, mappings, sequence, text
from crawlers.reading.wire import Document, documents
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Ask, Capture, Citation, Prompt, Span, Status
from geo_flywheel.urls import canonical

_PROVIDER = "you"
_HTTP_FAILURE = 400
_LONGEST_QUERY = 400
_MARKER = re.compile(r"(\[)?\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\](?(1)\])(?!\()")
_ERRORS = ("error", "errors", "detail", "message")
_CHINESE = {"TW": "ZH-HANT", "HK": "ZH-HANT", "MO": "ZH-HANT"}
_WITH_COUNTRY = {"EN-GB", "PT-BR", "PT-PT"}
_PORTUGUESE = "PT-PT"


class _Source(NamedTuple):
    url: str
    title: str
    passage: str | None


def read(capture: Capture) -> tuple[Answer, ...]:
    """Return the one answer of a reply; raises `Unreadable` when the body is none of You.com's."""
    replies = documents(capture.body, capture.name)
    if claims(replies):
        told = replies[0]
        return (_researched(told, capture) if "output" in told else _answered(told, capture),)
    if (capture.http_status or 0) >= _HTTP_FAILURE or any(replies[0].get(name) for name in _ERRORS):
        return (nothing_said(capture, _PROVIDER, Status.ERROR),)
    raise Unreadable(
        f"{capture.name}: neither an answer with citations nor research with sources in it; is this a reply of another "
        "provider?"
    )


def claims(replies: Sequence[Document]) -> bool:
    """Tell whether this is an answer beside its citations and results, or the output of research."""
    told = replies[0] if len(replies) == 1 else {}
    output = mapping(told.get("output"))
    researched = "content" in output and isinstance(output.get("sources"), list)
    listed = isinstance(told.get("citations"), list) or isinstance(mapping(told.get("results")).get("web"), list)
    return researched or (isinstance(told.get("answer"), str) and listed)


def _answered(told: Document, capture: Capture) -> Answer:
    found = [_Source(text(page.get("url")), text(page.get("title")), None) for page in _web(told)]
    titles = {canonical(page.url).url: page.title for page in found}
    named = [mapping(citation) for citation in sequence(told.get("citations"))]
    cited = [_Source(text(page.get("source")), "", _passage(page.get("excerpts"))) for page in named]
    titled = [page._replace(title=titles.get(canonical(page.url).url, "")) for page in cited]
    return _answer(text(told.get("answer")), titled, found, capture, unmarked=True)


def _researched(told: Document, capture: Capture) -> Answer:
    output = mapping(told.get("output"))
    sources = [mapping(page) for page in sequence(output.get("sources"))]
    found = [
        _Source(text(page.get("url")), text(page.get("title")), _passage(page.get("snippets"))) for page in sources
    ]
    return _answer(text(output.get("content")), found, found, capture, unmarked=False)


def _web(told: Document) -> list[Document]:
    return mappings(mapping(told.get("results")).get("web"))


def _passage(excerpts: object) -> str | None:
    return "\n".join(filter(None, map(text, sequence(excerpts)))) or None


def _answer(
    words: str, numbered: Sequence[_Source], found: Sequence[_Source], capture: Capture, *, unmarked: bool
) -> Answer:
    listed = retrievals((page.url, page.title, None) for page in found)
    citations = _cited(words, numbered, unmarked=unmarked)
    grounded = Status.GROUNDED if listed or citations else Status.UNGROUNDED
    return Answer(
        provider=_PROVIDER,
        engine=_PROVIDER,
        surface="api",
        status=grounded if words else Status.INCOMPLETE,
        text=words,
        citations=citations,
        retrievals=listed,
        asked_at=capture.asked_at,
        ask=capture.ask,
    )


def _cited(words: str, numbered: Sequence[_Source], *, unmarked: bool) -> tuple[Citation, ...]:
    citing = Citing(words)
    marked: set[str] = set()
    for number, span in _markers(words):
        if 0 < number <= len(numbered):
            page = numbered[number - 1]
            citing.cite(page.url, page.title, span, passage=page.passage)
            marked.add(canonical(page.url).url)
    for page in numbered if unmarked else ():
        if canonical(page.url).url not in marked:
            citing.cite(page.url, page.title, passage=page.passage)
    return citing.citations()


def _markers(words: str) -> Iterator[tuple[int, Span]]:
    for marker in _MARKER.finditer(words):
        for number in dict.fromkeys(map(int, marker[2].split(","))):
            yield number, marker.span()


def render(answer: Answer) -> bytes:
    """Return the reply of the Answer API that gives this answer.

    Args:
        answer: Its status is grounded, ungrounded, incomplete (then without text) or error; its text cites the page of
            position n by the marker [n]; cited pages are among the retrieved ones.
    """
    if answer.status is Status.ERROR:
        return orjson.dumps({"error": "internal_server_error"})
    cited = [{"source": page.raw_url, "excerpts": [page.passage] if page.passage else []} for page in answer.citations]
    listed = [{"url": page.raw_url, "title": page.title or "", "snippets": []} for page in answer.retrievals]
    return orjson.dumps({"answer": answer.text, "citations": cited, "results": {"web": listed}})


async def ask(http: Http, ask: Ask, service: Service) -> Reply:
    """Ask for an answer.

    Raises:
        Refused: If the question is longer than 400 characters, or names a persona or a city.
        ConfigError: If the key is missing or an option is of the wrong kind.
    """
    refuse_persona(ask.prompt, "You.com")
    refuse_city(ask.prompt, "You.com")
    refuse_longer(ask.prompt.text, _LONGEST_QUERY, "You.com")
    request = Settings(service, ASKING.options).table("request")
    body = filled({**request, "query": ask.prompt.text, **_place(ask.prompt)})
    return await post(http, service, "/v1/answer", body, key="YDC_API_KEY", header="x-api-key")


def _place(prompt: Prompt) -> Document:
    """The country and the language of the results, as You.com lists them: EN, EN-GB, PT-BR, ZH-HANS."""
    country, tongue = user_location(prompt).get("country", ""), language(prompt).upper()
    told = f"{tongue}-{country}"
    spoken = {"ZH": _CHINESE.get(country, "ZH-HANS"), "PT": told if told in _WITH_COUNTRY else _PORTUGUESE}
    return filled({"country": country, "language": told if told in _WITH_COUNTRY else spoken.get(tongue, tongue)})


ASKING = Asking(
    ask=ask,
    engines=(_PROVIDER,),
    url="https://api.you.com",
    keys=("YDC_API_KEY",),
    options={"request": {}},
)
ENGINE = Engine(read=read, render=render, claims=claims, asking=ASKING)
