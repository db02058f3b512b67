"""From mentions in an answer to its citations: one per page, in order of appearance, every span checked."""

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from geo_flywheel.records import Citation, Retrieval, Span
from geo_flywheel.urls import Page, canonical

Listed = tuple[str, str | None, str | None]  # raw URL, title, domain the engine names

_MARKER = re.compile(r"\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\](?!\()")


class _Mentions(Struct):
    """What the mentions of one page tell of it, the first that tells it being believed."""

    raw_url: str
    start: int
    title: str | None
    passage: str | None
    domain: str | None
    spans: list[Span | None]


class Citing:
    """Collects the mentions of pages in one answer's text."""

    def __init__(self, text: str) -> None:
        """Start with the answer's text, against which every span is checked."""
        self._length = len(text)
        self._known: dict[str, Page] = {}
        self._pages: dict[str, _Mentions] = {}
        self._all_placed = True

    def __contains__(self, raw_url: str) -> bool:
        """Tell whether this address was cited."""
        return raw_url in self._known

    def cite(
        self,
        raw_url: str,
        title: str | None = None,
        span: Span | None = None,
        *,
        passage: str | None = None,
        domain: str | None = None,
    ) -> None:
        """Add one mention; a span that does not lie inside the text counts as unknown."""
        page = self._known.get(raw_url)
        if page is None:
            if not raw_url or raw_url.isspace():
                return
            page = self._known[raw_url] = canonical(raw_url)
        if span is None or not 0 <= span[0] < span[1] <= self._length:
            span, start = None, self._length
            self._all_placed = False
        else:
            start = span[0]
        passage = passage or page.passage
        mentions = self._pages.get(page.url)
        if mentions is None:
            self._pages[page.url] = _Mentions(raw_url, start, title or None, passage, domain or None, [span])
            return
        mentions.spans.append(span)
        mentions.start = min(start, mentions.start)
        mentions.title = mentions.title or title or None
        mentions.passage = mentions.passage or passage
        mentions.domain = mentions.domain or domain or None

    def citations(self) -> tuple[Citation, ...]:
        """Return the cited pages by first appearance: by span where every page has one, else as they were mentioned."""
        pages = list(self._pages.items())
        if self._all_placed and len(pages) > 1:
            pages.sort(key=lambda page: page[1].start)
        return tuple(
            [
                Citation(url, p.raw_url, p.title, position, len(p.spans), tuple(p.spans), p.passage, p.domain)
                for position, (url, p) in enumerate(pages, 1)
            ]
        )


def retrievals(pages: Iterable[Listed]) -> tuple[Retrieval, ...]:
    """Return what an engine lists as retrievals: one per page, ranked as they came.

    A page that comes again gives its title to one that had none.
    """
    seen: dict[str, Retrieval] = {}
    for raw_url, title, domain in pages:
        if not (known := seen.get(raw_url)):
            if not raw_url or raw_url.isspace():
                continue
            url = canonical(raw_url).url
            known = seen.get(url)
            if known is None:
                seen[url] = Retrieval(url, raw_url, title or None, len(seen) + 1, domain)
                continue
        if title and not known.title:
            seen[known.url] = replace(known, title=title)
    return tuple(seen.values())


def markers(text: str) -> Iterator[tuple[int, Span]]:
    """Yield each number of each `[n]` or `[n, m]` marker with the marker's span; `[n](url)` is a link, not a marker."""
    for found in _MARKER.finditer(text):
        for number in found[1].split(","):
            yield int(number), found.span()
