"""A saved Perplexity thread: its JSON, or its Markdown in any of the styles there are.

In JSON `[n]` counts the web results from 1. In Markdown a page is cited by a footnote `[^n]`, a marker `[n]` with its
source listed below, or a link; sources that nothing in sight points to (some footnotes are hidden) were retrieved.
Each first-level heading is a question. Markdown tells no time: `--set asked_at=2026-03-02T10:00Z` does.
"""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from crawlers.base import DroppedFile, Import
from crawlers.dropped.files import opened
from crawlers.dropped.prose import Named, cited
from crawlers.reading.citing import Citing, retrievals
from crawlers.reading.lenient import mapping, mappings, moment, text
from crawlers.reading.linking import links
from crawlers.reading.wire import MAX_BODY, Document
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Ask, Citation, Fact, Prompt, Status

ENGINE, SURFACE, PROVIDER = "perplexity", "ui_export", "perplexity_thread"
_LOGO = re.compile(r"<img[^>]{0,300}(?:pplx|perplexity)[^>]{0,300}>\s*", re.IGNORECASE)
_HIDDEN = re.compile(r"<span[^>]{0,100}display:\s*none[^>]{0,100}>(.{0,4000}?)</span>", re.DOTALL)
_FOOTNOTE = re.compile(r"^\[\^(\w{1,20})\]:\s*<?(https?://\S+?)>?\s*$", re.MULTILINE)
_ENDNOTE = re.compile(
    r"^\s{0,3}(?:[-*]\s+)?\[(\d{1,3})\]:?\s+(?:\[([^\]\n]{0,300})\]\()?<?(https?://[^\s)>]+)[)>]?.*$", re.MULTILINE
)
_POINTER = re.compile(r"\[\^(\w{1,20})\](?!:)")
_QUESTION = re.compile(r"^#\s+(.+)$", re.MULTILINE)
_SOURCES = re.compile(
    r"^\s*(?:#{2,4}\s*|\*\*)(?:Sources|Citations|References):?(?:\*\*)?:?\s*$", re.MULTILINE | re.IGNORECASE
)
_RULE = re.compile(r"^\s*(?:---+|<div[^>]*>⁂</div>)\s*$", re.MULTILINE)


class _Section(NamedTuple):
    """A question and what stands below it."""

    question: str
    body: str


def refuse(file: DroppedFile) -> str | None:
    """Return None for a thread in JSON or in Markdown; else what it lacks."""
    start = file.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if b"\0" in start or start.startswith((b"PK", b"PAR1")):
        return "neither JSON nor Markdown"
    if start.startswith((b"{", b"[")):
        return None if b'"entries"' in start and b'"blocks"' in start else "no entries of a thread"
    told = start.decode("utf-8", "replace")
    listed = _FOOTNOTE.search(told) or _SOURCES.search(told)
    marked = bool(_LOGO.search(told)) or bool(_QUESTION.search(told) and listed)
    return None if marked else "no Markdown of a thread: a heading with footnotes or sources below it"


def read(file: DroppedFile) -> Iterator[Fact]:
    """Yield one answer per question of the thread.

    Raises:
        Unreadable: If it is damaged, too large, or holds no question.
    """
    with opened(file) as stream:
        body = stream.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise Unreadable(f"{file.name}: more than the {MAX_BODY:,} bytes one thread may have; is this the right file?")
    start = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    yield from _from_json(file, start) if start.startswith((b"{", b"[")) else _from_markdown(file, start)


IMPORT = Import("a saved Perplexity thread: JSON or Markdown", refuse, read)


def _from_json(file: DroppedFile, body: bytes) -> Iterator[Answer]:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"{file.name}: not JSON ({error}); it is cut off or damaged: save the thread again") from error
    threads = told if isinstance(told, list) else [told]
    entries = [entry for thread in mappings(threads) for entry in mappings(thread.get("entries"))]
    if not entries:
        raise Unreadable(f"{file.name}: no entries in it; save the thread again")
    for number, entry in enumerate(entries, 1):
        yield _of_entry(entry, f"{file.name}: entry {number}")


def _of_entry(entry: Document, where: str) -> Answer:
    blocks = {text(block.get("intended_usage")): block for block in mappings(entry.get("blocks"))}
    said = text(mapping(blocks.get("ask_text", {}).get("markdown_block")).get("answer"))
    results = mappings(mapping(blocks.get("web_results", {}).get("web_result_block")).get("web_results"))
    listed: list[Named] = [(text(page.get("url")), text(page.get("name")) or None) for page in results]
    question = text(entry.get("query_str"))
    if not question:
        raise Unreadable(f"{where}: no query_str, so nobody knows what was asked; save the thread again")
    return Answer(
        provider=PROVIDER,
        engine=ENGINE,
        surface=SURFACE,
        status=_status(said, grounded=bool(listed)),
        text=said,
        model_served=text(entry.get("display_model")) or None,
        citations=cited(said, dict(enumerate(listed, 1))),
        retrievals=retrievals((url, title, None) for url, title in listed),
        queries=tuple(_queries(blocks.get("plan", {}))),
        asked_at=moment(entry.get("updated_datetime")) or moment(entry.get("created_datetime")),
        ask=Ask(Prompt(question)),
        id=text(entry.get("uuid")) or None,
    )


def _queries(plan: Document) -> Iterator[str]:
    for step in mappings(mapping(plan.get("plan_block")).get("steps")):
        for query in mappings(mapping(step.get("search_web_content")).get("queries")):
            if text(query.get("query")).strip():
                yield text(query["query"])


def _status(said: str, *, grounded: bool) -> Status:
    if not said:
        return Status.INCOMPLETE
    return Status.GROUNDED if grounded else Status.UNGROUNDED


def _from_markdown(file: DroppedFile, body: bytes) -> Iterator[Answer]:
    told = _LOGO.sub("", body.decode("utf-8", "replace").replace("\r\n", "\n"))
    sections = list(_sections(told))
    if not sections:
        raise Unreadable(f"{file.name}: no first-level heading, so nobody knows what was asked; write it as # QUESTION")
    footnotes = dict(_FOOTNOTE.findall(told))
    asked_at = moment(file.options.get("set.asked_at"))
    if asked_at is None and "set.asked_at" in file.options:
        raise Unreadable(f"{file.name}: --set asked_at={file.options['set.asked_at']}: neither a date nor a time")
    for section in sections:
        yield _of_section(section, footnotes, asked_at)


def _sections(told: str) -> Iterator[_Section]:
    found = list(_QUESTION.finditer(told))
    ends = [*(heading.start() for heading in found[1:]), len(told)]
    for heading, end in zip(found, ends, strict=False):
        yield _Section(heading[1].strip(), told[heading.end() : end])


def _of_section(section: _Section, footnotes: dict[str, str], asked_at: Any) -> Answer:
    hidden = [name for span in _HIDDEN.findall(section.body) for name in _POINTER.findall(span)]
    body = _HIDDEN.sub("", section.body)
    endnotes = {int(number): (url, title or None) for number, title, url in _ENDNOTE.findall(_after_sources(body))}
    own = [(url, None) for name, url in _FOOTNOTE.findall(body)]
    said = _answer_of(body)
    unseen = [(footnotes[name], None) for name in hidden if name in footnotes]
    citations = _cited(said, footnotes, endnotes)
    listed: list[Named] = [*((page.raw_url, page.title) for page in citations), *endnotes.values(), *own, *unseen]
    return Answer(
        provider=PROVIDER,
        engine=ENGINE,
        surface=SURFACE,
        status=_status(said, grounded=bool(listed)),
        text=said,
        citations=citations,
        retrievals=retrievals((url, title, None) for url, title in listed),
        asked_at=asked_at,
        ask=Ask(Prompt(section.question)),
        id=f"{PROVIDER}:{sha256(repr((section.question, said)).encode('utf-8', 'replace')).hexdigest()[:32]}",
    )


def _after_sources(body: str) -> str:
    """The list of sources at the end."""
    heading = _SOURCES.search(body)
    return body[heading.end() :] if heading else ""


def _answer_of(body: str) -> str:
    """The answer alone: without its list of sources, its footnotes and the rule below it."""
    heading = _SOURCES.search(body)
    said = _FOOTNOTE.sub("", body[: heading.start()] if heading else body)
    return _RULE.sub("", said).strip()


def _cited(said: str, footnotes: dict[str, str], endnotes: dict[int, Named]) -> tuple[Citation, ...]:
    mentions = [(found.span(), (footnotes[found[1]], "")) for found in _POINTER.finditer(said) if found[1] in footnotes]
    mentions += [(link.span, (link.url, link.label or "")) for link in links(said)]
    for found in re.finditer(r"\[(\d{1,3})\](?![(:\[])|\[(\d{1,3})\](?=\[\d)", said):
        number = int(found[1] or found[2])
        if number in endnotes:
            mentions.append((found.span(), (endnotes[number][0], endnotes[number][1] or "")))
    citing = Citing(said)
    for span, (url, title) in sorted(mentions):
        citing.cite(url, None if title.isdigit() else title or None, span)
    return citing.citations()
