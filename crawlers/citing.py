"""From mentions in an answer to its citations: one per page, in order of appearance, every span checked."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from geo_flywheel.records import Citation, Retrieval, Span
from geo_flywheel.urls import canonical

_MARKER = re.compile(r"\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\](?!\()")


@dataclass(slots=True)
class _Mentions:
    url: str
    raw_url: str
    title: str | None
    passage: str | None
    domain: str | None
    spans: list[Span | None] = field(default_factory=list)


class Citing:
    """Collects the mentions of pages in one answer's text."""

    def __init__(self, text: str) -> None:
        """Start with the answer's text, against which every span is checked."""
        self._text = text
        self._pages: dict[str, _Mentions] = {}

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
        if not raw_url or not raw_url.strip():
            return
        page = canonical(raw_url)
        mentions = self._pages.get(page.url)
        if mentions is None:
            mentions = _Mentions(page.url, raw_url, None, None, domain)
            self._pages[page.url] = mentions
        mentions.title = mentions.title or title or None
        mentions.passage = mentions.passage or passage or page.passage
        mentions.spans.append(span if span and 0 <= span[0] < span[1] <= len(self._text) else None)

    def citations(self) -> tuple[Citation, ...]:
        """Return the cited pages by first appearance: by span where every page has one, else as they were mentioned."""
        pages = list(self._pages.values())
        if all(None not in page.spans for page in pages):
            pages.sort(key=lambda page: min(span[0] for span in page.spans if span))
        return tuple(
            Citation(p.url, p.raw_url, p.title, position, len(p.spans), tuple(p.spans), p.passage, p.domain)
            for position, p in enumerate(pages, 1)
        )


def retrievals(pages: Iterable[tuple[str, str | None, str | None]]) -> tuple[Retrieval, ...]:
    """Return (raw URL, title, domain named by the engine) as retrievals: one per page, ranked as they came."""
    seen: dict[str, Retrieval] = {}
    for raw_url, title, domain in pages:
        if raw_url and raw_url.strip():
            url = canonical(raw_url).url
            if url not in seen:
                seen[url] = Retrieval(url, raw_url, title or None, len(seen) + 1, domain)
    return tuple(seen.values())


def markers(text: str) -> Iterator[tuple[int, Span]]:
    """Yield each number of each `[n]` or `[n, m]` marker with the marker's span; `[n](url)` is a link, not a marker."""
    for found in _MARKER.finditer(text):
        for number in found[1].split(","):
            yield int(number), found.span()
