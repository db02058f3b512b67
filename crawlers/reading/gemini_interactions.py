"""The Interactions API of Gemini: steps, whole or told event by event, with citations counted in UTF-8 bytes.

The pages a search found are not told: only those that were fetched by address, or are places of Maps, are retrieved.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from crawlers.reading.byte_spans import ByteSpans
from crawlers.reading.citing import Citing, Listed, retrievals
from crawlers.reading.lenient import integer, mapping, mappings, moment, sequence, text
from crawlers.reading.wire import Document
from geo_flywheel.records import Answer, Capture, Citation, Status
from geo_flywheel.urls import named_domain

_REDIRECT = "https://vertexaisearch.cloud.google.com/"
_CITATIONS = {"url_citation", "place_citation"}
_ANNOTATIONS = {*_CITATIONS, "file_citation", "speech_metadata", "word_info"}
_OTHER_CONTENT = {"image", "document", "audio", "video"}
_OTHER_DELTAS = {"thought_signature", "thought_summary", "arguments_delta", *_OTHER_CONTENT}
_OTHER_EVENTS = {"interaction.created", "interaction.completed", "interaction.status_update", "step.stop", "error"}


def domain_beside(uri: str, *titles: str) -> str | None:
    """Return the domain that the first title to name one names, when the address is an opaque redirect of Google's."""
    return next(filter(None, map(_named, titles)), None) if uri.startswith(_REDIRECT) else None


_named = lru_cache(maxsize=4096)(named_domain)


def is_interaction(reply: Document) -> bool:
    """Tell whether this is an interaction or an event of one."""
    if "event_type" in reply and text(reply["event_type"]).startswith(("interaction.", "step.")):
        return True
    return reply.get("object") == "interaction" or isinstance(reply.get("steps"), list)


def read_interaction(replies: Sequence[Document], capture: Capture) -> Answer:
    """Return the answer of one interaction, given all documents of its reply."""
    whole = next((reply for reply in replies if "event_type" not in reply and is_interaction(reply)), None)
    told, skipped = (whole, 0) if whole else _built(replies)
    steps = mappings(told.get("steps"))
    said = [piece for step in steps if step.get("type") == "model_output" for piece in mappings(step.get("content"))]
    spoken = [piece for piece in said if piece.get("type") == "text"]
    spans = ByteSpans([text(piece.get("text")) for piece in spoken])
    citations = _citations(spoken, spans)
    found = retrievals(page for step in steps for page in _pages(step))
    return Answer(
        provider="gemini",
        engine="gemini",
        surface="api",
        status=_status(told, spans.text, grounded=bool(citations or found) or _searched(steps)),
        text=spans.text,
        model_served=text(told.get("model")) or None,
        citations=citations,
        retrievals=found,
        queries=tuple(query for step in steps for query in _queries(step)),
        skipped_blocks=skipped + sum(_unknown(steps, said)),
        asked_at=moment(told.get("created")) or capture.asked_at,
        ask=capture.ask,
    )


def _built(events: Sequence[Document]) -> tuple[Document, int]:
    """The interaction that a stream tells of, and how many of its events nobody knows."""
    told: Document = {"status": "in_progress"}
    steps: defaultdict[int | None, _Step] = defaultdict(_Step)
    skipped = 0
    for event in events:
        told |= mapping(event.get("interaction")) | {key: event[key] for key in ("status", "error") if key in event}
        match text(event.get("event_type")):
            case "step.start":
                steps[integer(event.get("index"))].told |= mapping(event.get("step"))
            case "step.delta":
                skipped += not steps[integer(event.get("index"))].grow(mapping(event.get("delta")))
            case kind:
                skipped += kind not in _OTHER_EVENTS
    return told | {"steps": [step.built() for step in steps.values()] or told.get("steps")}, skipped


@dataclass(slots=True)
class _Step:
    """A step that grows event by event."""

    told: Document = field(default_factory=dict)
    pieces: list[str] = field(default_factory=list)
    annotations: list[Document] = field(default_factory=list)

    def grow(self, delta: Document) -> bool:
        """Add what a delta tells; False when nobody knows such a delta."""
        match text(delta.get("type")):
            case "text":
                self.pieces.append(text(delta.get("text")))
            case "text_annotation_delta":
                self.annotations.extend(mappings(delta.get("annotations")))
            case kind if kind.endswith(("_call", "_result")):
                self.told |= delta
            case kind:
                return kind in _OTHER_DELTAS
        return True

    def built(self) -> Document:
        grown = {"type": "text", "text": "".join(self.pieces), "annotations": self.annotations}
        return self.told | {"content": [*mappings(self.told.get("content")), grown]}


def _citations(spoken: list[Document], spans: ByteSpans) -> tuple[Citation, ...]:
    citing = Citing(spans.text)
    for number, piece in enumerate(spoken):
        for annotation in mappings(piece.get("annotations")):
            if text(annotation.get("type")) in _CITATIONS:
                url, title = text(annotation.get("url")), text(annotation.get("title")) or text(annotation.get("name"))
                start, end = integer(annotation.get("start_index", 0)), integer(annotation.get("end_index"))
                span = None if start is None or end is None else spans.span(start, end, part=number)
                citing.cite(url, title, span, domain=domain_beside(url, title))
    return citing.citations()


def _status(told: Document, answer_text: str, *, grounded: bool) -> Status:
    stage = text(told.get("status"))
    if stage == "failed" or mapping(told.get("error")):
        return Status.ERROR
    if stage not in {"", "completed"} or not answer_text:
        return Status.INCOMPLETE
    return Status.GROUNDED if grounded else Status.UNGROUNDED


def _searched(steps: list[Document]) -> bool:
    """Whether a search went through: one that was called, and not all results are failures."""
    results = [step for step in steps if text(step.get("type")) in {"google_search_result", "google_maps_result"}]
    called = any(text(step.get("type")) in {"google_search_call", "google_maps_call"} for step in steps)
    return any(step.get("is_error") is not True for step in results) if results else called


def _pages(step: Document) -> Iterator[Listed]:
    if not text(step.get("type")).endswith("_result"):
        return
    for result in mappings(step.get("result")):
        for page in [result, *mappings(result.get("places"))]:
            if text(page.get("status")) in {"", "success"}:
                url, title = text(page.get("url")), text(page.get("title")) or text(page.get("name"))
                yield url, title, domain_beside(url, title)


def _queries(step: Document) -> Iterator[str]:
    if text(step.get("type")).endswith("_call"):
        for query in sequence(mapping(step.get("arguments")).get("queries")):
            if text(query).strip():
                yield query


def _unknown(steps: list[Document], said: list[Document]) -> Iterator[bool]:
    """For each step, piece of content and annotation whether nobody knows its type."""
    for step in steps:
        kind = text(step.get("type"))
        yield kind not in {"thought", "model_output", "user_input"} and not kind.endswith(("_call", "_result"))
    for piece in said:
        yield text(piece.get("type")) not in {"text", *_OTHER_CONTENT}
        for annotation in mappings(piece.get("annotations")):
            yield text(annotation.get("type")) not in _ANNOTATIONS
