"""SerpApi: Google's AI Overviews (on the page of results, or fetched by its token) and AI Mode, two engines.

`reference_indexes` of a block name references by their `index`, from 0. An Overview that Google shows only after a
second request comes as a token, good for one use within minutes; a reply that holds no more than that is incomplete.
A page of results without an Overview is an answer that was not shown, and so is a search that found nothing.

Source:
    serpapi.com/ai-overview, /google-ai-overview-api and /google-ai-mode-api.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from urllib.parse import quote, urlencode

import orjson
from msgspec.structs import replace

from crawlers.asking.circumstances import language, user_location
from crawlers.asking.posting import secret
from crawlers.asking.settings import Settings, filled
from crawlers.asking.unsaid import refuse_persona
from crawlers.base import Asking, Engine, Http, Reply, Request, Service
from crawlers.reading.google_overview import (
    ENGINES,
    MAX_DEPTH,
    MODE,
    OVERVIEW,
    Block,
    Source,
    engine_asked,
    lines_cited,
    nested,
    read_overview,
    source,
    table_lines,
    without_overview,
)
from crawlers.reading.lenient import integer, mapping, mappings, moment, sequence, text
from crawlers.reading.wire import Document, documents
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Ask, Capture, Citation, Prompt, Status

_PROVIDER = "serpapi"
_KEY = "SERPAPI_API_KEY"
_OK, _HTTP_FAILURE = 200, 400
_SEARCHES = ("google", *ENGINES)
_WITHIN = ("list", "text_blocks")
_KNOWN_BLOCKS = {"paragraph", "heading", "list", "expandable", "table", "comparison", "code_block"}
_NOTHING_FOUND = ("returned any results", "no results", "not available for this search")
_CHINESE = {"TW": "zh-tw", "HK": "zh-tw", "MO": "zh-tw"}
_References = Mapping[int, Source]


def read(capture: Capture) -> tuple[Answer, ...]:
    """Return the one answer of a reply; raises `Unreadable` when the body is none of SerpApi's."""
    replies = documents(capture.body, capture.name)
    told = replies[0]
    if len(replies) > 1 or not (_is_search(told) or "error" in told):
        raise Unreadable(f"{capture.name}: no search_metadata and no error in it; is this a reply of another provider?")
    engine = _engine(told) or engine_asked(capture)
    holder = told if engine == MODE else mapping(told.get("ai_overview"))
    metadata = mapping(told.get("search_metadata"))
    answer = _answer(holder, told, engine, capture)
    asked_at = moment(text(metadata.get("created_at")).replace(" UTC", "Z"))
    return (replace(answer, asked_at=asked_at or capture.asked_at),)


def claims(replies: Sequence[Document]) -> bool:
    """Tell whether this is a search of Google through SerpApi."""
    return len(replies) == 1 and _is_search(replies[0]) and bool(_engine(replies[0]))


def _is_search(told: Document) -> bool:
    return isinstance(told.get("search_metadata"), dict)


def _engine(told: Document) -> str:
    """Who answered, by what the reply holds; "" when it is of neither."""
    asked = text(mapping(told.get("search_parameters")).get("engine"))
    if "ai_overview" in told or asked in {"google", OVERVIEW}:
        return OVERVIEW
    return MODE if asked == MODE or (not asked and "text_blocks" in told) else ""


def _answer(holder: Document, told: Document, engine: str, capture: Capture) -> Answer:
    stage = text(mapping(told.get("search_metadata")).get("status"))
    if "text_blocks" in holder or text(holder.get("reconstructed_markdown")):
        return _shown(holder, engine, capture)
    problem = text(told.get("error")) or text(holder.get("error"))
    if problem:
        nothing = stage == "Success" and any(words in problem.lower() for words in _NOTHING_FOUND)
        return without_overview(_PROVIDER, engine, Status.NOT_SHOWN if nothing else Status.ERROR, capture)
    if stage == "Success" and engine == OVERVIEW and "ai_overview" not in told:
        return without_overview(_PROVIDER, engine, Status.NOT_SHOWN, capture)
    failed = stage == "Error" or (capture.http_status or _OK) >= _HTTP_FAILURE
    return without_overview(_PROVIDER, engine, Status.ERROR if failed else Status.INCOMPLETE, capture)


def _shown(holder: Document, engine: str, capture: Capture) -> Answer:
    listed = [source(reference, "link") for reference in mappings(holder.get("references"))]
    blocks = mappings(holder.get("text_blocks"))
    laid = [_block(block, _numbered(holder), MAX_DEPTH) for block in blocks]
    if not laid:
        laid = [Block(text(holder.get("reconstructed_markdown")).split("\n"))]
    unknown = sum(text(block.get("type")) not in _KNOWN_BLOCKS for block in blocks)
    return replace(read_overview(_PROVIDER, engine, laid, listed, capture), skipped_blocks=unknown)


def _numbered(holder: Document) -> _References:
    """References by their index, by their place where they tell none; the first of two is meant."""
    numbered: dict[int, Source] = {}
    for place, reference in enumerate(mappings(holder.get("references"))):
        number = integer(reference.get("index"))
        numbered.setdefault(place if number is None else number, source(reference, "link"))
    return numbered


def _block(told: Document, references: _References, depth: int) -> Block:
    """A block of any type: what it says, what it points at itself, and the blocks of the same kind within it."""
    own = {name: value for name, value in told.items() if name not in _WITHIN}
    inner = [block for name in _WITHIN for block in mappings(told.get(name))] if depth else []
    links = [link for found in nested(own, "snippet_links") for link in mappings(found)]
    return Block(
        [*_lines(told)],
        [*_pointed(own, references), *(Source(text(link.get("link"))) for link in links)],
        [_block(block, references, depth - 1) for block in inner],
    )


def _lines(told: Document) -> Iterator[str]:
    for name in ("title", "subtitle", "snippet", "code"):
        yield text(told.get(name))
    yield from table_lines(sequence(told.get("table")))
    for row in mappings(told.get("comparison")):
        yield from table_lines([[text(row.get("feature")), *sequence(row.get("values"))]])


def _pointed(own: Document, references: _References) -> Iterator[Source]:
    for indexes in nested(own, "reference_indexes"):
        for index in map(integer, sequence(indexes)):
            if index is not None and index in references:
                yield references[index]


def render(answer: Answer) -> bytes:
    """Return the search that gives this answer.

    Args:
        answer: Its status is grounded, ungrounded, not shown, incomplete (then without text) or error; its citations
            are among its retrieved pages, and their spans lines of its text.
    """
    made = answer.asked_at and f"{answer.asked_at.isoformat(' ')} UTC"
    failed = answer.status is Status.ERROR
    mode = answer.engine == MODE
    told: Document = {
        "search_metadata": {"id": "0", "status": "Error" if failed else "Success", "created_at": made},
        "search_parameters": {"engine": MODE if mode else "google"},
    }
    if failed:
        told["error"] = "SerpApi failed to get a result; try again."
    elif answer.status is Status.NOT_SHOWN and mode:
        told["error"] = "Google AI Mode hasn't returned any results for this query."
    elif answer.status is not Status.NOT_SHOWN:
        shown = _rendered(answer) if answer.text else {} if mode else {"page_token": "0"}
        told |= shown if mode else {"ai_overview": shown}
    return orjson.dumps(told)


def _rendered(answer: Answer) -> Document:
    numbers = {page.url: page.rank - 1 for page in answer.retrievals}
    references = [{"title": page.title, "link": page.raw_url, "index": page.rank - 1} for page in answer.retrievals]
    blocks = [_paragraph(line, pages, numbers) for line, pages in lines_cited(answer)]
    return {"text_blocks": blocks, "references": references}


def _paragraph(line: str, pages: Sequence[Citation], numbers: Mapping[str, int]) -> Document:
    pointed = [numbers[page.url] for page in pages if page.url in numbers]
    return {"type": "paragraph", "snippet": line, "reference_indexes": pointed}


async def ask(http: Http, ask: Ask, service: Service) -> Reply:
    """Search Google and return the reply that holds the answer: the second one when the Overview comes separately.

    Raises:
        Refused: If the prompt names a persona, of which Google hears nothing.
        ConfigError: If the key is missing or an option is of the wrong kind.
    """
    refuse_persona(ask.prompt, _PROVIDER)
    how = Settings(service, ASKING.options).table("request")
    searched = MODE if service.engine == MODE else "google"
    reply = await _get(http, service, {"engine": searched, "q": ask.prompt.text, **how, **_place(ask.prompt)})
    token = "" if searched == MODE else _token(reply)
    return await _get(http, service, {"engine": OVERVIEW, "page_token": token}) if token else reply


async def _get(http: Http, service: Service, asked: Document) -> Reply:
    key = secret(service, _KEY)
    told = {name: str(value).lower() if isinstance(value, bool) else value for name, value in filled(asked).items()}
    query = urlencode({**told, "no_cache": "true", "api_key": key}, quote_via=quote)
    url = f"{service.url.rstrip('/')}/search.json?{query}"
    secrets = tuple(dict.fromkeys((key, quote(key, safe=""))))
    return await http.send(Request("GET", url, {"accept": "application/json"}, secrets=secrets, paid=True))


def _place(prompt: Prompt) -> Document:
    """From where and in which language, as Google names them: gl is "uk" for GB, hl tells the Chinese scripts apart."""
    known = user_location(prompt)
    country = known.get("country", "")
    tongue = language(prompt)
    told = {
        "gl": "uk" if country == "GB" else country.lower(),
        "hl": _CHINESE.get(country, "zh-cn") if tongue == "zh" else tongue,
        "location": ", ".join(filter(None, (known.get("city"), known.get("region")))),
    }
    return filled(told)


def _token(reply: Reply) -> str:
    """The token of an Overview that is not in the reply itself."""
    with suppress(Unreadable):
        overview = mapping(documents(reply.body, _PROVIDER)[0].get("ai_overview"))
        if reply.status == _OK and "text_blocks" not in overview:
            return text(overview.get("page_token"))
    return ""


ASKING = Asking(
    ask=ask,
    engines=ENGINES,
    url="https://serpapi.com",
    keys=(_KEY,),
    options={"request": {"device": "desktop"}},
)
ENGINE = Engine(read=read, render=render, claims=claims, asking=ASKING)
