"""DataForSEO: Google's AI Overviews on pages of results, and AI Mode, two engines.

A page is cited when an element of the overview lists it among its own references or links to it; the references of the
overview itself, which may have helped, are retrieved. Advertisements, shopping and video cards cite nothing and are
counted as unknown. Success and failure stand inside a reply of status 200, for the whole and for each task.

Source:
    Typed models of the dataforseo-client package 2.1 (`models/ai_overview_serp_element_item.py`,
    `ai_mode_ai_overview_info.py`, `serp_google_ai_mode_live_advanced_request_info.py`).
"""

from base64 import b64encode
from collections.abc import Iterator, Sequence

import orjson
from msgspec.structs import replace

from crawlers.asking.circumstances import language, user_location
from crawlers.asking.geo_targets import geo_target
from crawlers.asking.posting import secret
from crawlers.asking.settings import Settings, filled
from crawlers.asking.unsaid import refuse_longer, refuse_persona
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
from crawlers.reading.lenient import amount, mapping, mappings, moment, sequence, text
from crawlers.reading.linking import links
from crawlers.reading.wire import Document, documents
from geo_flywheel.errors import Refused, Unreadable
from geo_flywheel.records import Answer, Ask, Capture, Citation, Prompt, Retrieval, Status

_PROVIDER = "dataforseo"
_LOGIN, _PASSWORD = "DATAFORSEO_LOGIN", "DATAFORSEO_PASSWORD"
_DONE = 20000
_LONGEST_KEYWORD = 700
_KNOWN_ELEMENTS = {
    *("ai_overview_element", "ai_overview_expanded_element", "ai_overview_table_element"),
    "ai_overview_code_block_element",
}
_PATHS = {OVERVIEW: "/v3/serp/google/organic/live/advanced", MODE: "/v3/serp/google/ai_mode/live/advanced"}
_ASYNC = "load_async_ai_overview"
_CHINESE = {"TW": "zh-TW", "HK": "zh-TW", "MO": "zh-TW"}


def read(capture: Capture) -> tuple[Answer, ...]:
    """Return the answer of each task of a reply; raises `Unreadable` when the body is none of DataForSEO's."""
    replies = documents(capture.body, capture.name)
    told = replies[0]
    if len(replies) > 1 or not isinstance(told.get("status_code"), int):
        raise Unreadable(f"{capture.name}: no status_code in it; is this a reply of another provider?")
    tasks = mappings(told.get("tasks"))
    if not tasks:
        failed = without_overview(_PROVIDER, engine_asked(capture), Status.ERROR, capture)
        return (replace(failed, cost_usd=amount(told.get("cost"))),)
    paid = told.get("cost") if len(tasks) == 1 else None
    return tuple(_answer({"cost": paid, **task}, told, capture) for task in tasks)


def claims(replies: Sequence[Document]) -> bool:
    """Tell whether this is an envelope of tasks, none of which is of another kind than Google's result pages."""
    told = replies[0] if len(replies) == 1 else {}
    envelope = isinstance(told.get("status_code"), int) and "tasks" in told
    paths = [sequence(task.get("path")) for task in mappings(told.get("tasks"))]
    return envelope and all(not path or ("serp" in path and "google" in path) for path in paths)


def _answer(task: Document, told: Document, capture: Capture) -> Answer:
    result = next(iter(mappings(task.get("result"))), None)
    engine = _engine(task, mapping(result)) or engine_asked(capture)
    overviews = [item for item in mappings(mapping(result).get("items")) if item.get("type") == "ai_overview"]
    if told.get("status_code") != _DONE or task.get("status_code") != _DONE:
        answer = without_overview(_PROVIDER, engine, Status.ERROR, capture)
    elif overviews:
        answer = _shown(overviews, engine, capture)
    else:
        status = Status.INCOMPLETE if result is None else Status.NOT_SHOWN
        answer = without_overview(_PROVIDER, engine, status, capture)
    asked_at = moment(mapping(result).get("datetime"))
    queries = (query for holder in (mapping(result), *overviews) for query in sequence(holder.get("fan_out_queries")))
    return replace(
        answer,
        queries=tuple(query for query in queries if text(query).strip()),
        cost_usd=amount(task.get("cost")),
        asked_at=asked_at or capture.asked_at,
    )


def _engine(task: Document, result: Document) -> str:
    """Who answered, by what the task holds; "" when it does not tell."""
    kinds = {text(result.get("type")), text(mapping(task.get("data")).get("se_type"))}
    kinds.update(map(text, sequence(task.get("path"))))
    return MODE if "ai_mode" in kinds else OVERVIEW if kinds & {"organic"} else ""


def _shown(overviews: Sequence[Document], engine: str, capture: Capture) -> Answer:
    blocks: list[Block] = []
    unknown = 0
    for overview in overviews:
        elements = mappings(overview.get("items"))
        known = [element for element in elements if text(element.get("type")) in _KNOWN_ELEMENTS]
        whole = {"markdown": overview.get("markdown")}
        blocks += [_block(element, MAX_DEPTH) for element in known or [whole]]
        unknown += len(elements) - len(known)
    listed = [source(page, "url") for overview in overviews for page in _listed(overview)]
    return replace(read_overview(_PROVIDER, engine, blocks, listed, capture), skipped_blocks=unknown)


def _listed(overview: Document) -> Iterator[Document]:
    """The references of an overview, and those of its elements."""
    yield from mappings(overview.get("references"))
    for references in nested(overview.get("items"), "references"):
        yield from mappings(references)


def _block(element: Document, depth: int) -> Block:
    words, marked = text(element.get("text")), text(element.get("markdown"))
    pages = [source(page, "url") for name in ("references", "links") for page in mappings(element.get(name))]
    linked = [Source(link.url) for link in links(marked) if link.label is not None]
    inner = mappings(element.get("components")) if depth else []
    return Block(
        [text(element.get("title")), words or marked or "\n".join(_rows(element))],
        [*pages, *linked],
        [_block(component, depth - 1) for component in inner],
    )


def _rows(element: Document) -> list[str]:
    table = mapping(element.get("table"))
    return table_lines([table.get("table_header"), *sequence(table.get("table_content"))])


def render(answer: Answer) -> bytes:
    """Return the reply of one task that gives this answer.

    Args:
        answer: Its status is grounded, ungrounded, not shown, incomplete (then without text) or error; its citations
            are among its retrieved pages, and their spans lines of its text.
    """
    failed, mode = answer.status is Status.ERROR, answer.engine == MODE
    kind = "ai_mode" if mode else "organic"
    overview: Document = {"type": "ai_overview", "references": [_reference(page) for page in answer.retrievals]}
    if answer.text:
        overview["items"] = [_element(line, pages) for line, pages in lines_cited(answer)]
    result = {
        "type": kind,
        "datetime": answer.asked_at and f"{answer.asked_at.isoformat(' ')} +00:00",
        "fan_out_queries": answer.queries,
        "items": [] if answer.status is Status.NOT_SHOWN else [overview],
    }
    task = {
        "id": "0",
        "status_code": 40103 if failed else _DONE,
        "status_message": "Task execution failed." if failed else "Ok.",
        "cost": answer.cost_usd,
        "path": ["v3", "serp", "google", kind, "live", "advanced"],
        "result": None if failed else [result],
    }
    head = {"version": "0.1", "status_code": _DONE, "status_message": "Ok.", "cost": answer.cost_usd}
    return orjson.dumps({**head, "tasks_count": 1, "tasks_error": int(failed), "tasks": [task]})


def _element(line: str, pages: Sequence[Citation]) -> Document:
    return {"type": "ai_overview_element", "text": line, "references": [_reference(page) for page in pages]}


def _reference(page: Citation | Retrieval) -> Document:
    return {"type": "ai_overview_reference", "url": page.raw_url, "title": page.title}


async def ask(http: Http, ask: Ask, service: Service) -> Reply:
    """Set one task and return the reply that holds its result.

    Raises:
        Refused: If the question is too long, names a persona, or is to be asked from a place DataForSEO does not know.
        ConfigError: If login or password is missing or an option is of the wrong kind.
    """
    refuse_persona(ask.prompt, _PROVIDER)
    keyword = ask.prompt.text.replace("%", "%25").replace("+", "%2B")
    refuse_longer(keyword, _LONGEST_KEYWORD, _PROVIDER)
    how = Settings(service, ASKING.options)
    task = {**how.table("request"), "keyword": keyword, **_place(ask.prompt, how)}
    if service.engine == MODE:
        task.pop(_ASYNC, None)
    login, password = secret(service, _LOGIN), secret(service, _PASSWORD)
    pair = b64encode(f"{login}:{password}".encode()).decode()
    headers = {"content-type": "application/json", "accept": "application/json", "authorization": f"Basic {pair}"}
    url, body = service.url.rstrip("/") + _PATHS[service.engine], orjson.dumps([filled(task)])
    return await http.send(Request("POST", url, headers, body, secrets=(pair, password, login), paid=True))


def _place(prompt: Prompt, how: Settings) -> Document:
    """From where and in which language: the fields that stand for those of the options."""
    country, tongue = user_location(prompt).get("country", ""), language(prompt)
    spoken = {"language_code": _CHINESE.get(country, "zh-CN") if tongue == "zh" else tongue} if tongue else {}
    return {**spoken, **_location(prompt, country, how.table("locations"))}


def _location(prompt: Prompt, country: str, locations: Document) -> Document:
    """The place of the prompt: the number or name the configuration gives it, its own full name, or its country."""
    known = locations.get(prompt.location) if prompt.location else None
    if isinstance(known, int | str) and known:
        return {"location_code": known} if isinstance(known, int) else _named(known)
    if prompt.location.isdecimal():
        return {"location_code": int(prompt.location)}
    if user_location(replace(prompt, locale="")).get("city"):
        if country == user_location(replace(prompt, locale="")).get("country"):
            raise Refused(_unknown_place(prompt.location))
        return _named(prompt.location)
    code = geo_target(country)
    if country and code is None:
        raise Refused(_unknown_place(prompt.location or prompt.locale))
    return {"location_code": code} if code else {}


def _named(location: str) -> Document:
    name = ",".join(part.strip() for part in location.split(","))
    return {"location_name": name, "location_code": None}


def _unknown_place(place: str) -> str:
    return (
        f"dataforseo knows no place {place[:60]!r}; write its full name (Austin,Texas,United States) or its number, or "
        f'give it one under options.locations of [providers.{_PROVIDER}]: "{place[:60]}" = 1026201'
    )


ASKING = Asking(
    ask=ask,
    engines=ENGINES,
    url="https://api.dataforseo.com",
    keys=(_LOGIN, _PASSWORD),
    options={
        "request": {"location_code": 2840, "language_code": "en", "device": "desktop", _ASYNC: True},
        "locations": {},
    },
)
ENGINE = Engine(read=read, render=render, claims=claims, asking=ASKING)
