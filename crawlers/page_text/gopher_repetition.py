"""Gopher's rules of repetition: how much of a text stands in it twice.

Source:
    Rae et al. (2021), arXiv 2112.11446, table A1, as datatrove 0.10.1 computes them: a duplicate n-gram is passed over
    whole and its characters are counted without the spaces between its words; a top n-gram is counted with them.
"""

import re
from collections import Counter
from collections.abc import Sequence

_PARAGRAPHS, _LINES = re.compile(r"\n{2,}"), re.compile(r"\n+")
_TOP, _DUPLICATE = range(2, 5), range(5, 11)


def values(text: str, words: Sequence[str]) -> dict[str, float | None]:
    """Return the share of each kind of repetition; None where a text has too few words to have any.

    Args:
        text: As extracted.
        words: Its words and signs.
    """
    if not text:
        return dict.fromkeys(_names())
    found: dict[str, float | None] = {}
    for kind, parts in (("paragraph", _PARAGRAPHS.split(text.strip())), ("line", _LINES.split(text))):
        again, characters = repeated(parts)
        found[f"duplicate_{kind}s"] = again / len(parts)
        found[f"duplicate_{kind}_characters"] = characters / len(text)
    for n in _TOP:
        found[f"top_{n}_gram"] = _top(words, n) / len(text) if len(words) >= n else None
    for n in _DUPLICATE:
        found[f"duplicate_{n}_grams"] = _duplicate(words, n) / len(text)
    return found


def repeated(parts: Sequence[str]) -> tuple[int, int]:
    """Return how many parts have been there before, and their characters."""
    counted = Counter(parts)
    again = {part: times - 1 for part, times in counted.items() if times > 1}
    return sum(again.values()), sum(len(part) * times for part, times in again.items())


def _names() -> list[str]:
    kinds = [f"duplicate_{kind}{what}" for kind in ("paragraph", "line") for what in ("s", "_characters")]
    return [*kinds, *(f"top_{n}_gram" for n in _TOP), *(f"duplicate_{n}_grams" for n in _DUPLICATE)]


def _top(words: Sequence[str], n: int) -> int:
    """Characters of the n-gram that occurs most often, all its occurrences together; of several the first counts."""
    grams = Counter(zip(*(words[start:] for start in range(n)), strict=False))
    ((gram, times),) = grams.most_common(1)
    return (sum(map(len, gram)) + n - 1) * times


def _duplicate(words: Sequence[str], n: int) -> int:
    """Characters of the n-grams that have been there before."""
    grams = list(zip(*(words[start:] for start in range(n)), strict=False))
    if len(set(grams)) == len(grams):
        return 0
    seen: set[tuple[str, ...]] = set()
    characters = place = 0
    while place < len(grams):
        if grams[place] in seen:
            characters += sum(map(len, grams[place]))
            place += n
        else:
            seen.add(grams[place])
            place += 1
    return characters
