"""Google's AI Overviews and AI Mode as result-page providers tell them: blocks of text, and the pages each rests on.

A page is cited when a block rests on it: the block points at it among the references, lists it itself, or links to it.
The span of a citation is the text of its block, blocks within it included. Every page of the references is retrieved,
also those cited too; one that no block rests on is nothing more. Links to Google's own result pages cite nothing.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from crawlers.reading.citing import Citing, retrievals
from crawlers.reading.lenient import sequence, text
from crawlers.reading.wire import Document
from geo_flywheel.records import Answer, Capture, Citation, Retrieval, Span, Status
from geo_flywheel.urls import canonical

OVERVIEW, MODE = ENGINES = ("google_ai_overview", "google_ai_mode")
SURFACE = "serp_provider"
MAX_DEPTH = 20  # blocks within blocks; Google shows three
_RESULT_PAGE = re.compile(r"https?://(?:www\.)?google\.[a-z.]{2,8}/search\b")
_LINE_END = re.compile(r"(?<=.)\n(?=[^\n])", re.DOTALL)


class Source(NamedTuple):
    """A page as the provider names it; the passage is what a text fragment of the address points at."""

    url: str
    title: str = ""
    passage: str | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of an overview.

    Attributes:
        lines: Its own words, one line each.
        pages: What it rests on.
        blocks: Blocks within it, after its own words.
    """

    lines: Sequence[str]
    pages: Sequence[Source] = ()
    blocks: Sequence["Block"] = ()


class _Layout:
    """The text that blocks make, line under line, and where in it each page is cited."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.mentions: list[tuple[Source, Span | None]] = []
        self._length = 0

    def add(self, block: Block) -> None:
        start, place = self._length + bool(self.lines), len(self.mentions)
        for line in filter(None, block.lines):
            self._length += len(line) + bool(self.lines)
            self.lines.append(line)
        for inner in block.blocks:
            self.add(inner)
        span = (start, self._length) if start < self._length else None
        self.mentions[place:place] = [(page, span) for page in _once(block.pages)]


def _once(pages: Iterable[Source]) -> Iterable[Source]:
    """The pages without Google's result pages, each once with what its repeats tell."""
    kept: dict[str, Source] = {}
    for page in pages:
        if not _RESULT_PAGE.match(page.url):
            meant = canonical(page.url)
            known = kept.get(meant.url, page)
            kept[meant.url] = Source(known.url, known.title or page.title, known.passage or meant.passage)
    return kept.values()


def read_overview(
    provider: str, engine: str, blocks: Iterable[Block], listed: Iterable[Source], capture: Capture
) -> Answer:
    """Return the answer that an overview is; incomplete when it has no text."""
    layout = _Layout()
    for block in blocks:
        layout.add(block)
    words = "\n".join(layout.lines)
    found = retrievals((page.url, page.title, None) for page in listed)
    citations = _cited(words, layout.mentions, found)
    shown = Status.GROUNDED if found or citations else Status.UNGROUNDED
    return Answer(
        provider=provider,
        engine=engine,
        surface=SURFACE,
        status=shown if words else Status.INCOMPLETE,
        text=words,
        citations=citations,
        retrievals=found,
        asked_at=capture.asked_at,
        ask=capture.ask,
    )


def _cited(
    words: str, mentions: Iterable[tuple[Source, Span | None]], found: Sequence[Retrieval]
) -> tuple[Citation, ...]:
    titles = {page.url: page.title for page in found}
    citing = Citing(words)
    for page, span in mentions:
        citing.cite(page.url, page.title or titles.get(canonical(page.url).url), span, passage=page.passage)
    return citing.citations()


def without_overview(provider: str, engine: str, status: Status, capture: Capture) -> Answer:
    """Return the answer of a result page that shows no overview, or of a request that failed."""
    return Answer(provider, engine, SURFACE, status, text="", asked_at=capture.asked_at, ask=capture.ask)


def engine_asked(capture: Capture) -> str:
    """Return who was asked, where the reply itself does not tell: by the address of the request, else the Overview."""
    told = (capture.name, *capture.options.values())
    return MODE if any("ai_mode" in words for words in told) else OVERVIEW


def nested(value: object, key: str, depth: int = MAX_DEPTH) -> Iterator[object]:
    """Yield what stands under a key anywhere within a value, down to a depth."""
    if depth and isinstance(value, dict):
        if key in value:
            yield value[key]
        value = [inner for name, inner in value.items() if name != key]
    if depth and isinstance(value, list):
        for inner in value:
            yield from nested(inner, key, depth - 1)


def lines_cited(answer: Answer) -> Iterator[tuple[str, list[Citation]]]:
    """Yield the text as the blocks it may have come from, line by line, each with the pages it is to cite.

    A mention whose span is not one of the lines is given to the line it begins in, one without a span to the first.
    """
    mentions = [((span or (0, 0))[0], page) for page in answer.citations for span in page.spans]
    start = 0
    for line in _LINE_END.split(answer.text):
        after = start + len(line) + 1
        yield line, [page for begin, page in mentions if start <= begin < after]
        start = after


def table_lines(rows: Iterable[object]) -> list[str]:
    """Return the rows of a table as lines, cells side by side; what is neither text nor number is left out."""
    return [" | ".join(str(cell) for cell in sequence(row) if isinstance(cell, str | int | float)) for row in rows]


def source(reference: Document, key: str) -> Source:
    """Return the page a reference names under a key."""
    return Source(text(reference.get(key)), text(reference.get("title")))
