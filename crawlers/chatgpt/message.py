"""One shown message of ChatGPT: its text without markers, the pages it cites and where, the pages it only consulted.

Two generations of citations exist. The new one puts markers of private-use characters (U+E200 to U+E201) into the text
and their pages into `content_references`; the old one writes `【11†source】` and keeps the pages in `citations` or
`_cite_metadata`. The markers are taken out of the text; the span of a citation is then the claim before its marker.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from crawlers.reading.lenient import integer, mapping, mappings, sequence, text
from crawlers.reading.wire import Document
from geo_flywheel.records import Span

_MARKER = re.compile(
    "(?P<new>\ue200[^\ue200\ue201]*\ue201)"
    r"|(?P<old>【(?P<number>\d{1,6})(?::(?P<second>\d{1,6}))?†[^【】]*】)"
    "|\ue200\\w*(?:\ue202\\w*)*|[\ue200-\ue20f]"
)
_BREAK = re.compile('[.!?\u3002\uff01\uff1f]["\u201d\u2019)\\]*_]*\\s+|\n')
_LOOK_BACK = 2_000
_FOOTNOTES = {"sources_footnote", "attribution_footer"}
_NO_PAGES = {"alt_text", "entity", "file", "hidden", "image_group", "image_inline", "image_v2"}


class Page(NamedTuple):
    """A page as ChatGPT names it."""

    url: str
    title: str | None


class Mention(NamedTuple):
    """One reference of the text to a page; the span is the claim in the cleaned text, None where it is not known."""

    page: Page
    span: Span | None


class _Marker(NamedTuple):
    raw: str
    raw_start: int
    at: int
    number: int | None
    second: int | None


@dataclass(slots=True)
class Said:
    """What a message says.

    Attributes:
        text: The words, without markers.
        mentions: References to pages in the order of the text; those without a place come last.
        consulted: Pages listed beside the text and not referred to in it.
        skipped: Parts and references that are neither text nor pages.
    """

    text: str = ""
    mentions: list[Mention] = field(default_factory=list)
    consulted: list[Page] = field(default_factory=list)
    skipped: int = 0


def words(message: Document) -> str:
    """Return the text of a message as it was written or transcribed, markers and all."""
    parts = sequence(mapping(message.get("content")).get("parts"))
    spoken = (part if isinstance(part, str) else text(mapping(part).get("text")) for part in parts)
    return "\n".join(part for part in spoken if part)


def listed(message: Document) -> list[Page]:
    """Return the pages a message, shown or hidden, lists as found: search results and pages that were opened."""
    metadata = mapping(message.get("metadata"))
    groups = mappings(metadata.get("search_result_groups"))
    pages = [_page(entry) for group in groups for entry in mappings(group.get("entries"))]
    if text(mapping(message.get("author")).get("role")) == "tool":
        pages += [_page(entry) for entry in _cite_metadata(metadata)]
    return [page for page in pages if page.url]


def references(message: Document) -> dict[str, Page]:
    """Return the pages of a message by the names that markers call them: "turn0search3"."""
    metadata = mapping(message.get("metadata"))
    groups = mappings(metadata.get("search_result_groups"))
    named = [(entry.get("ref_id"), entry) for group in groups for entry in mappings(group.get("entries"))]
    for reference in mappings(metadata.get("content_references")):
        named += [(ref, item) for item in mappings(reference.get("items")) for ref in sequence(item.get("refs"))]
    return {name: page for ref, entry in named if (name := _name(mapping(ref))) and (page := _page(entry)).url}


def said(message: Document, known: dict[str, Page]) -> Said:
    """Return what a shown message says.

    Args:
        message: The message.
        known: Pages by the names that markers call them, over the whole turn.
    """
    metadata = mapping(message.get("metadata"))
    clean, markers = _cleaned(words(message))
    parts = sequence(mapping(message.get("content")).get("parts"))
    result = Said(clean, skipped=sum(not isinstance(part, str) for part in parts))
    refs = mappings(metadata.get("content_references"))
    _cite_new(result, [ref for ref in refs if text(ref.get("type")) not in _FOOTNOTES], markers, known)
    if not result.mentions:
        _cite_old(result, metadata, markers)
    for ref in refs:
        if text(ref.get("type")) in _FOOTNOTES:
            result.consulted += _pages(ref, "sources") or _pages(ref, "items")
    return result


def _cleaned(raw: str) -> tuple[str, list[_Marker]]:
    """The text without markers, and each marker with its place in both."""
    kept: list[str] = []
    markers: list[_Marker] = []
    at = end = 0
    for found in _MARKER.finditer(raw):
        kept.append(raw[end : found.start()])
        at += found.start() - end
        markers.append(_Marker(found[0], found.start(), at, _number(found["number"]), _number(found["second"])))
        kept.append(shown := _shown(found[0]))
        at += len(shown)
        end = found.end()
    kept.append(raw[end:])
    return "".join(kept).rstrip(), markers


def _shown(marker: str) -> str:
    """The words a marker stands for in the sentence: the title of a link, the name of an entity; mostly none."""
    keyword, _, rest = marker.strip("\ue200\ue201").partition("\ue202")
    if keyword == "url":
        return rest.split("\ue202")[0]
    if keyword == "entity":
        quoted = re.findall(r'"((?:[^"\\]|\\.)*)"', rest)
        return str(quoted[1]) if len(quoted) > 1 else ""
    return ""


def _cite_new(result: Said, refs: list[Document], markers: list[_Marker], known: dict[str, Page]) -> None:
    """Markers with their references in the order of the text, then the references no marker stands for."""
    waiting: dict[str, list[Document]] = {}
    for ref in sorted(refs, key=lambda ref: integer(ref.get("start_idx")) or 0):
        waiting.setdefault(text(ref.get("matched_text")), []).append(ref)
    used: set[int] = set()
    for marker in markers:
        queue = waiting.get(marker.raw, [])
        ref = queue.pop(0) if len(queue) > 1 else queue[0] if queue else {}
        used.add(id(ref))
        pages = _inline(ref) if ref else _called(marker.raw, known)
        result.mentions += [Mention(page, _claim(result.text, marker)) for page in pages]
        result.skipped += bool(ref) and not pages and text(ref.get("type")) not in _NO_PAGES
    for ref in refs:
        if id(ref) not in used:
            pages = _inline(ref)
            result.mentions += [Mention(page, _visible(result.text, text(ref.get("matched_text")))) for page in pages]
            result.skipped += not pages and text(ref.get("type")) not in _NO_PAGES


def _inline(ref: Document) -> list[Page]:
    """The pages a reference in the text names, each item with the sites that support it."""
    if text(ref.get("type")) in _NO_PAGES:
        return []
    pages = _pages(ref, "items") or _pages(ref, "fallback_items")
    if not pages and (own := _page(ref)).url:
        pages = [own]
    if not pages and text(ref.get("matched_text")).startswith("\ue200cite"):
        pages = [Page(url, None) for url in sequence(ref.get("safe_urls")) if isinstance(url, str) and url.strip()]
    return list({page.url: page for page in reversed(pages)}.values())[::-1]


def _pages(ref: Document, key: str) -> list[Page]:
    items = mappings(ref.get(key))
    pages = (page for item in items for page in (item, *mappings(item.get("supporting_websites"))))
    return [page for page in map(_page, pages) if page.url]


def _called(marker: str, known: dict[str, Page]) -> list[Page]:
    """The pages of a marker that no reference explains: by their names, or a link that holds its own address."""
    keyword, *names = marker.strip("\ue200\ue201").split("\ue202")
    if keyword == "url":
        return [Page(name, names[0]) for name in names[1:2] if name.startswith(("http://", "https://"))]
    return [known[name] for name in names if name in known] if keyword in {"cite", "navlist"} else []


def _cite_old(result: Said, metadata: Document, markers: list[_Marker]) -> None:
    """`citations` by their offsets or numbers; `_cite_metadata` by its numbers, its other pages only consulted."""
    free = {marker.raw_start: marker for marker in markers if marker.number is not None}
    numbered: dict[int, Page] = {}
    found: list[tuple[int, Mention]] = []
    for citation in mappings(metadata.get("citations")):
        entry = mapping(citation.get("metadata"))
        page, number = _page(entry), _cited_index(entry)
        if not page.url:
            continue
        if number is not None:
            numbered[number] = page
        marker = _marker_of(citation, number, free)
        place = free.pop(marker.raw_start).raw_start if marker else len(result.text) * 2
        found.append((place, Mention(page, _claim(result.text, marker) if marker else None)))
    for entry in _cite_metadata(metadata):
        page, number = _page(entry), _cited_index(entry)
        if page.url and number is not None and any(marker.number == number for marker in markers):
            numbered.setdefault(number, page)
        elif page.url:
            result.consulted.append(page)
    found += [
        (start, Mention(numbered[marker.number], _claim(result.text, marker)))
        for start, marker in free.items()
        if marker.number in numbered
    ]
    result.mentions += [mention for _, mention in sorted(found, key=lambda pair: pair[0])]


def _marker_of(citation: Document, number: int | None, free: dict[int, _Marker]) -> _Marker | None:
    """The marker a citation belongs to: the one that lies exactly where it says, else the next one of its number."""
    exact = free.get(integer(citation.get("start_ix")) or 0)
    if exact and exact.raw_start + len(exact.raw) == citation.get("end_ix"):
        return exact
    return next((marker for marker in free.values() if number is not None and marker.number == number), None)


def _claim(clean: str, marker: _Marker) -> Span | None:
    """The sentence or line that ends at a marker; None where there is none before it or its start is out of sight."""
    first = max(0, marker.at - _LOOK_BACK)
    before = clean[first : marker.at].rstrip()
    starts = [found.end() for found in _BREAK.finditer(before) if found.end() < len(before)]
    if not before or (clean[first : marker.at].endswith("\n")) or (first and not starts):
        return None
    return first + (starts[-1] if starts else 0), first + len(before)


def _visible(clean: str, matched: str) -> Span | None:
    """Where a reference that is no marker stands in the text, when it stands there once."""
    wanted = matched.strip()
    if not wanted or clean.count(wanted) != 1:
        return None
    start = clean.index(wanted)
    return start, start + len(wanted)


def _page(entry: Document) -> Page:
    return Page(text(entry.get("url")).strip(), text(entry.get("title")) or None)


def _cite_metadata(metadata: Document) -> Iterator[Document]:
    yield from mappings(mapping(metadata.get("_cite_metadata")).get("metadata_list"))


def _cited_index(entry: Document) -> int | None:
    return integer(mapping(entry.get("extra")).get("cited_message_idx"))


def _name(ref: Document) -> str:
    turn, kind, index = integer(ref.get("turn_index")), text(ref.get("ref_type")), integer(ref.get("ref_index"))
    return f"turn{turn}{kind}{index}" if kind and turn is not None and index is not None else ""


def _number(digits: str | None) -> int | None:
    return int(digits) if digits else None
