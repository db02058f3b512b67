"""Where an answer's text links to pages, and whether an annotation's offsets select such a link."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from crawlers.reading.wire import Document
from geo_flywheel.records import Span
from geo_flywheel.urls import canonical

_URL = r"https?://(?:[^\s()<>\[\]\"]|\([^\s()<>\"]*\))+"
_TARGET = re.compile(rf"\]\(<?({_URL})>?(?:\s+\"[^\"\n]*\")?\)")
_BARE = re.compile(_URL)
_SENTENCE_END = ".,;:!?'*_`|"
_LONGEST_LABEL = 500
_LONGEST_MARKUP = 2_000
_MOST_LINKS = 2_000


class Link(NamedTuple):
    """A page the text names: `[label](url)`, with the parentheses around it when it has them, or a bare address."""

    url: str
    span: Span
    label: str | None


class UrlCitation(NamedTuple):
    """What an annotation of type url_citation says; its offsets are claims."""

    url: str
    title: str | None
    start: int | None
    end: int | None


def url_citation(annotation: Document) -> UrlCitation | None:
    """Return the page of an annotation, flat (Responses) or nested (chat completions); None when it names none."""
    told = annotation.get("url_citation")
    inner = told if isinstance(told, dict) else annotation
    url, title, start, end = inner.get("url"), inner.get("title"), inner.get("start_index"), inner.get("end_index")
    if not isinstance(url, str) or not url.strip():
        return None
    return UrlCitation(
        url,
        title if isinstance(title, str) and title else None,
        start if type(start) is int else None,
        end if type(end) is int else None,
    )


def links(text: str) -> list[Link]:
    """Return the links of the text in its order, markdown links and bare addresses, the first 2,000 of each."""
    if "http" not in text:
        return []
    found = [_whole(text, target) for target in islice(_TARGET.finditer(text), _MOST_LINKS)]
    inside = [link.span for link in found]
    found.extend(islice(_bare(text, inside), _MOST_LINKS))
    return sorted(found, key=lambda link: link.span)


def _whole(text: str, target: re.Match[str]) -> Link:
    start, end = _label_start(text, target.start()), target.end()
    label = text[start + 1 : target.start()]
    if text[start - 1 : start] == "(" and text[end : end + 1] == ")":
        start, end = start - 1, end + 1
    return Link(target[1], (start, end), label)


def _label_start(text: str, close: int) -> int:
    """Place of the bracket that the one at `close` closes; `close` itself when there is none near."""
    depth = 0
    for place in range(close, max(close - _LONGEST_LABEL, 0) - 1, -1):
        depth += (text[place] == "]") - (text[place] == "[")
        if depth == 0:
            return place
    return close


def _bare(text: str, inside: list[Span]) -> Iterator[Link]:
    spans = iter(inside)
    start, end = next(spans, (len(text), len(text)))
    for found in _BARE.finditer(text):
        while found.start() >= end:
            start, end = next(spans, (len(text), len(text)))
        if found.start() < start:
            url = found[0].rstrip(_SENTENCE_END)
            yield Link(url, (found.start(), found.start() + len(url)), None)


class Placing:
    """Finds the link that an annotation stands for in one text; a place nothing confirms is not returned."""

    def __init__(self, text: str) -> None:
        """Start with the text the offsets count in."""
        self._text = text
        self._links: dict[str, list[Span]] | None = None
        self._pairs: list[int] | None = None

    def place(self, said: UrlCitation) -> Span | None:
        """Return the span of the link in code points, or None.

        Tried in turn: the offsets as code points, the offsets as UTF-16 units (only where the two differ), and the
        links of the text to that page, the one nearest to the offsets first, each of them given once.
        """
        start, end = said.start, said.end
        if start is not None and end is not None:
            if self._selects(start, end, said.url):
                return start, end
            first, last = self._from_utf16(start), self._from_utf16(end)
            if (first, last) != (start, end) and self._selects(first, last, said.url):
                return first, last
        return self._nearest(canonical(said.url).url, start or 0)

    def _selects(self, start: int, end: int, url: str) -> bool:
        if not 0 <= start < end <= min(len(self._text), start + len(url) + _LONGEST_MARKUP):
            return False
        piece = self._text[start:end]
        if piece == url:
            return True
        return piece[:1] in ("(", "[", "<") and piece[-1] in ")]>" and ("](" in piece or url in piece)

    def _from_utf16(self, unit: int) -> int:
        """Code points before a place counted in UTF-16 units, of which each character beyond U+FFFF takes two."""
        if self._pairs is None:
            far = [] if self._text.isascii() else [at for at, sign in enumerate(self._text) if sign > "\uffff"]
            self._pairs = [at + before for before, at in enumerate(far)]
        return unit - bisect_left(self._pairs, unit)

    def _nearest(self, url: str, start: int) -> Span | None:
        if self._links is None:
            self._links = {}
            for link in links(self._text):
                self._links.setdefault(canonical(link.url).url, []).append(link.span)
        left = self._links.get(url)
        if not left:
            return None
        nearest = min(left, key=lambda span: abs(span[0] - start))
        left.remove(nearest)
        return nearest
