"""Gopher's rules of quality: length, words that are words, and lines that are sentences.

Source:
    Rae et al. (2021), arXiv 2112.11446, A.1.1, as datatrove 0.10.1 computes them: hyphens count as bullets, and the
    stop words are counted once each.
"""

from collections.abc import Sequence

from crawlers.page_text.words import plain

_STOP_WORDS = frozenset(("the", "be", "to", "of", "and", "that", "have", "with"))
_ELLIPSES = ("...", "…")
_BULLETS = ("•", "-")


def values(text: str, words: Sequence[str]) -> dict[str, float | None]:
    """Return the value of each rule; None where a text without words or lines has none.

    Args:
        text: As extracted.
        words: Its words and signs.
    """
    real, lines = plain(words), text.splitlines()
    return {
        "words": len(real),
        "mean_word_length": _ratio(sum(map(len, real)), len(real)),
        "hashes_per_word": _ratio(text.count("#"), len(words)),
        "ellipses_per_word": _ratio(sum(map(text.count, _ELLIPSES)), len(words)),
        "bullet_lines": _ratio(sum(line.lstrip().startswith(_BULLETS) for line in lines), len(lines)),
        "ellipsis_lines": _ratio(sum(line.rstrip().endswith(_ELLIPSES) for line in lines), len(lines)),
        "alphabetic_words": _ratio(sum(_has_letter(word) for word in words), len(words)),
        "stop_words": len(_STOP_WORDS.intersection(words)),
    }


def _has_letter(word: str) -> bool:
    return word[0].isalpha() or any(map(str.isalpha, word))


def _ratio(part: float, whole: int) -> float | None:
    return part / whole if whole else None
