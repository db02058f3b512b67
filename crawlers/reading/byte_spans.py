"""Spans told in UTF-8 bytes, as spans in code points."""

from collections.abc import Sequence
from itertools import accumulate

from geo_flywheel.records import Span

_CONTINUATION = bytes(range(0x80, 0xC0))
_STRIDE = 1024


class ByteSpans:
    """A text in parts, addressed by byte; a span costs the same wherever it lies in however long a text."""

    def __init__(self, parts: Sequence[str]) -> None:
        """Start with the parts; joined they are the text."""
        encoded = [part.encode() for part in parts]
        self.text = "".join(parts)
        self._bytes = b"".join(encoded)
        self._starts = [0, *accumulate(map(len, encoded))]
        self._ascii = self.text.isascii()
        self._counted: list[int] = []

    def span(self, start: int, end: int, *, part: int | None = None, words: str = "") -> Span | None:
        """Return a span in code points of the text.

        Args:
            start: First byte.
            end: Byte after the last one.
            part: Number of the part, from 0, that the bytes are counted in; None when they are counted in the text.
            words: What the span must select; anything when empty.

        Returns:
            None when the span leaves the part, cuts a character in two or selects other words.
        """
        if part is not None and not 0 <= part < len(self._starts) - 1:
            return None
        lowest, highest = (0, len(self._bytes)) if part is None else self._starts[part : part + 2]
        first, last = lowest + start, lowest + end
        if not lowest <= first < last <= highest:
            return None
        if words:
            return self._of_words(first, last, words)
        return (self._points(first), self._points(last)) if self._is_edge(first) and self._is_edge(last) else None

    def _of_words(self, first: int, last: int, words: str) -> Span | None:
        """The span of bytes that say these words; whole words begin and end between characters."""
        if last - first > 4 * len(words) or self._bytes[first:last] != words.encode():
            return None
        start = self._points(first)
        return start, start + len(words)

    def _is_edge(self, byte: int) -> bool:
        return byte == len(self._bytes) or self._bytes[byte] not in _CONTINUATION

    def _points(self, byte: int) -> int:
        """Code points before a byte: those of the strides before it, counted once, and those since."""
        if self._ascii:
            return byte
        if not self._counted:
            strides = (self._bytes[at : at + _STRIDE] for at in range(0, len(self._bytes), _STRIDE))
            self._counted = [0, *accumulate(len(stride.translate(None, _CONTINUATION)) for stride in strides)]
        stride, rest = divmod(byte, _STRIDE)
        return self._counted[stride] + len(self._bytes[byte - rest : byte].translate(None, _CONTINUATION))
