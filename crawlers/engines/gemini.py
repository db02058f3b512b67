"""Google Gemini: generateContent with Google Search, Maps and URL context, and the Interactions API.

In generateContent a grounding chunk is a page the reply lists; the answer cites it only where a support points at it.
Supports count UTF-8 bytes and repeat the words they select: a span whose words differ is not told. Addresses are
mostly redirects nobody followed, kept as they are, with the domain that their title names.

generateContent is asked for; no field of it says where the person who asks is, which is told in
words, or how often to search.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import orjson

from crawlers.asking.circumstances import instructions
from crawlers.asking.posting import post
from crawlers.asking.settings import Settings, filled
from crawlers.base import Asking, Engine, Http, Reply, Service
from crawlers.reading.byte_spans import ByteSpans
from crawlers.reading.citing import Citing, Listed, retrievals
from crawlers.reading.failing import nothing_said
from crawlers.reading.gemini_interactions import domain_beside, is_interaction, read_interaction
from crawlers.reading.lenient import integer, mapping, mappings, moment, sequence, text
from crawlers.reading.wire import Document, documents
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Ask, Capture, Citation, Retrieval, Span, Status

_PROVIDER = "gemini"
_CHUNKS = {"web", "maps", "retrievedContext", "image"}
_QUERIES = ("webSearchQueries", "retrievalQueries", "imageSearchQueries")
_PROOFS = ("groundingChunks", "groundingSupports", "searchEntryPoint", "googleMapsWidgetContextToken")
_PARTS = {
    *("text", "thought", "thoughtSignature", "functionCall", "functionResponse", "executableCode", "inlineData"),
    *("codeExecutionResult", "fileData", "toolCall", "toolResponse", "audioTranscription", "mediaProcessing"),
}
_MARKS = {"candidates", "promptFeedback", "usageMetadata", "modelVersion"}
_BLOCKS = {
    *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "IMAGE_SAFETY"),
    *("IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
}
_FETCH_FAILURES = tuple(f"URL_RETRIEVAL_STATUS_{kind}" for kind in ("ERROR", "PAYWALL", "UNSAFE"))
_FINISH_REASONS = {
    Status.GROUNDED: "STOP",
    Status.UNGROUNDED: "STOP",
    Status.INCOMPLETE: "MAX_TOKENS",
    Status.BLOCKED: "SAFETY",
}


def read(capture: Capture) -> tuple[Answer, ...]:
    """Return one answer per candidate of a captured reply, or the one of an interaction.

    Raises:
        Unreadable: If the body is no reply, stream or error of either API.
    """
    replies = documents(capture.body, capture.name)
    if any(map(is_interaction, replies)):
        return (read_interaction(replies, capture),)
    told = {key: value for reply in replies for key, value in reply.items() if value}
    candidates = _candidates(replies)
    if candidates:
        return tuple(_answer(candidate, told, capture) for candidate in candidates)
    if any(map(_is_error, replies)):
        return (nothing_said(capture, _PROVIDER, Status.ERROR),)
    raise Unreadable(
        f"{capture.name}: no Gemini reply in it (neither candidates, nor promptFeedback, nor an interaction with "
        "steps); it may be the reply of another provider"
    )


def claims(replies: Sequence[Document]) -> bool:
    """Tell whether these documents bear what only this provider's replies have."""
    return any(
        is_interaction(reply)
        or isinstance(reply.get("candidates"), list)
        or "promptFeedback" in reply
        or (_is_error(reply) and text(reply["error"].get("status")).isupper())
        for reply in replies
    )


def _is_error(reply: Document) -> bool:
    error = mapping(reply.get("error"))
    return bool(error.keys() & {"code", "status"}) and "message" in error and not error.keys() & {"type", "param"}


def _candidates(replies: list[Document]) -> list["_Candidate"]:
    """Candidates by their index, each grown over all chunks of a stream; one that said nothing when there is none."""
    candidates: defaultdict[int, _Candidate] = defaultdict(_Candidate)
    for reply in replies:
        for number, told in enumerate(mappings(reply.get("candidates"))):
            candidates[integer(told.get("index", number)) or 0].take(told)
    if candidates:
        return [candidates[index] for index in sorted(candidates)]
    return [] if all(map(_MARKS.isdisjoint, replies)) else [_Candidate()]


class _Candidate:
    """A candidate that grows chunk by chunk; chunks may repeat what earlier ones told, and go on from there."""

    def __init__(self) -> None:
        self.finish = ""
        self.runs: list[list[str]] = []
        self.listed: list[Listed] = []
        self.supports: list[Document] = []
        self.pointed: list[tuple[Document, list[Listed]]] = []
        self.queries: list[str] = []
        self.fetched: list[Document] = []
        self.proven = False
        self.skipped = 0
        self._kind = ""
        self._pages: list[Listed] = []

    def take(self, told: Document) -> None:
        self.finish = text(told.get("finishReason")) or self.finish
        if "urlContextMetadata" in told:
            self.fetched += mappings(mapping(told["urlContextMetadata"]).get("urlMetadata"))
        for number, part in enumerate(mappings(mapping(told.get("content")).get("parts"))):
            self._say(part, goes_on=number == 0)
        if metadata := mapping(told.get("groundingMetadata")):
            self._ground(metadata)

    def _say(self, part: Document, *, goes_on: bool) -> None:
        kind = "" if "text" not in part else "thought" if part.get("thought") is True else "said"
        if not (goes_on and kind and kind == self._kind):
            self.runs.append([])
        if kind == "said":
            self.runs[-1].append(text(part.get("text")))
        self._kind = kind
        self.skipped += bool(part) and _PARTS.isdisjoint(part)

    def _ground(self, metadata: Document) -> None:
        chunks = sequence(metadata.get("groundingChunks"))
        self._pages = [_page(mapping(chunk)) for chunk in chunks] or self._pages
        self.listed += _rest(self._pages, self.listed)
        supports = _rest(mappings(metadata.get("groundingSupports")), self.supports)
        self.supports += supports
        self.pointed += [(support, self._pointed_at(support)) for support in supports]
        asked = [query for kind in _QUERIES for query in sequence(metadata.get(kind)) if text(query).strip()]
        self.queries += _rest(asked, self.queries)
        self.proven |= bool(asked) or any(map(metadata.get, _PROOFS))
        self.skipped += sum(map(_CHUNKS.isdisjoint, map(mapping, chunks)))

    def _pointed_at(self, support: Document) -> list[Listed]:
        known, indices = len(self._pages), sequence(support.get("groundingChunkIndices"))
        pages = [self._pages[index] for index in indices if type(index) is int and 0 <= index < known]
        return list(dict.fromkeys(pages)) if len(pages) > 1 else pages


def _rest(told: list[Any], before: list[Any]) -> list[Any]:
    """What is new in a list that may begin with all that was told before."""
    return told[len(before) :] if before and told[: len(before)] == before else told


def _answer(candidate: _Candidate, told: Document, capture: Capture) -> Answer:
    spans = ByteSpans(["".join(run) for run in candidate.runs])
    fetched = [(text(page.get("retrievedUrl")), None, None) for page in candidate.fetched if _is_fetched(page)]
    return Answer(
        provider=_PROVIDER,
        engine=_PROVIDER,
        surface="api",
        status=_status(candidate, told, spans.text, grounded=candidate.proven or bool(fetched)),
        text=spans.text,
        model_served=text(told.get("modelVersion")) or None,
        citations=_citations(candidate, spans),
        retrievals=retrievals([*candidate.listed, *fetched]),
        queries=tuple(candidate.queries),
        skipped_blocks=candidate.skipped,
        asked_at=moment(told.get("createTime")) or capture.asked_at,
        ask=capture.ask,
    )


def _citations(candidate: _Candidate, spans: ByteSpans) -> tuple[Citation, ...]:
    citing = Citing(spans.text)
    for support, pages in candidate.pointed:
        span = _span(mapping(support.get("segment")), spans)
        for url, title, domain in pages:
            citing.cite(url, title, span, domain=domain)
    return citing.citations()


def _span(segment: Document, spans: ByteSpans) -> Span | None:
    """The span of a segment; with a part that does not fit it may still be counted in the whole text."""
    start, end = integer(segment.get("startIndex", 0)), integer(segment.get("endIndex"))
    part, words = integer(segment.get("partIndex")), text(segment.get("text"))
    if start is None or end is None:
        return None
    within = spans.span(start, end, part=part, words=words)
    return within or (spans.span(start, end, words=words) if part is not None and words else None)


def _page(chunk: Document) -> Listed:
    page = mapping(chunk.get("web") or chunk.get("maps") or chunk.get("retrievedContext") or chunk.get("image"))
    url, title = text(page.get("uri")) or text(page.get("sourceUri")), text(page.get("title"))
    return url, title, domain_beside(url, text(page.get("domain")), title)


def _is_fetched(page: Document) -> bool:
    return page.get("urlRetrievalStatus") not in _FETCH_FAILURES


def _status(candidate: _Candidate, told: Document, answer_text: str, *, grounded: bool) -> Status:
    if mapping(told.get("error")):
        return Status.ERROR
    if candidate.finish in _BLOCKS or (not candidate.finish and mapping(told.get("promptFeedback")).get("blockReason")):
        return Status.BLOCKED
    if candidate.finish != "STOP" or not answer_text:
        return Status.INCOMPLETE
    return Status.GROUNDED if grounded else Status.UNGROUNDED


def render(answer: Answer) -> bytes:
    """Return the full generateContent reply that gives this answer.

    Args:
        answer: Its status is grounded, ungrounded, incomplete, blocked or error; what it cites, it also retrieved.
    """
    if answer.status is Status.ERROR:
        return orjson.dumps({"error": {"code": 500, "message": "An internal error.", "status": "INTERNAL"}})
    asked_at = answer.asked_at and f"{answer.asked_at.isoformat()}Z"
    told = {"modelVersion": answer.model_served, "createTime": asked_at, "responseId": "rendered"}
    if answer.status is Status.BLOCKED and not answer.text:
        return orjson.dumps(told | {"promptFeedback": {"blockReason": "SAFETY"}})
    content = {"role": "model", "parts": [{"text": answer.text}]}
    candidate = {"index": 0, "content": content, "finishReason": _FINISH_REASONS[answer.status]}
    return orjson.dumps(told | {"candidates": [candidate | _grounding(answer)]})


def _grounding(answer: Answer) -> Document:
    if answer.status is not Status.GROUNDED and not answer.retrievals and not answer.queries:
        return {}
    number = {page.url: page.rank - 1 for page in answer.retrievals}
    mentions = [(span, number[page.url]) for page in answer.citations for span in page.spans]
    mentions.sort(key=lambda mention: mention[0][0] if mention[0] else len(answer.text))
    metadata = {
        "webSearchQueries": answer.queries,
        "groundingChunks": [{"web": _web(page)} for page in answer.retrievals],
        "groundingSupports": [_support(answer.text, span, index) for span, index in mentions],
        "searchEntryPoint": {"renderedContent": "<div></div>"},
    }
    return {"groundingMetadata": metadata}


def _web(page: Retrieval) -> Document:
    return {"uri": page.raw_url, "title": page.title, "domain": page.domain}


def _support(said: str, span: Span | None, index: int) -> Document:
    if span is None:
        return {"groundingChunkIndices": [index]}
    words = said[slice(*span)]
    start = len(said[: span[0]].encode())
    segment = {"startIndex": start, "endIndex": start + len(words.encode()), "text": words}
    return {"segment": segment, "groundingChunkIndices": [index]}


async def ask(http: Http, ask: Ask, service: Service) -> Reply:
    """Return the content generated for a prompt; raises `ConfigError` as a missing key or a wrong option does."""
    how = Settings(service, ASKING.options)
    model = (ask.model_requested or service.model or ASKING.model).removeprefix("models/")
    about = instructions(ask.prompt, place=True)
    body = {
        "systemInstruction": {"parts": [{"text": about}]} if about else {},
        "contents": [{"role": "user", "parts": [{"text": ask.prompt.text}]}],
        "tools": [{"googleSearch": filled(how.table("tool"))}],
        "generationConfig": {"maxOutputTokens": how.whole("max_output_tokens")},
        **how.table("request"),
    }
    path = f"/v1beta/models/{quote(model, safe='')}:generateContent"
    return await post(http, service, path, filled(body), key="GEMINI_API_KEY", header="x-goog-api-key")


ASKING = Asking(
    ask=ask,
    engines=("gemini",),
    url="https://generativelanguage.googleapis.com",
    keys=("GEMINI_API_KEY",),
    model="gemini-3.8-flash",
    options={"max_output_tokens": 16_000, "tool": {}, "request": {}},
)
ENGINE = Engine(read=read, render=render, claims=claims, asking=ASKING)
