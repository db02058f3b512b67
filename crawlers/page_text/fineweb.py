"""FineWeb's own rules: lines that end as sentences do, are not short, and stand there once.

Source:
    Penedo et al. (2024), arXiv 2406.17557, 3.6, as datatrove 0.10.1 computes them, but for one thing: a quotation mark
    ends a line, as it did in the code that made FineWeb. The later code asks for full stops of all scripts instead, of
    which those of the larger ones are here too.
"""

from collections.abc import Sequence

from crawlers.page_text.gopher_repetition import repeated
from crawlers.page_text.words import TERMINAL

_ENDS = (*TERMINAL, *"。！？．｡؟۔।॥።፧։‼⁇⁈⁉‽៕။")  # noqa: RUF001 - they are meant
_SHORT = 30


def values(text: str, words: Sequence[str]) -> dict[str, float | None]:
    """Return the value of each rule; None where a text without lines or words has none.

    Args:
        text: As extracted.
        words: Its words and signs.
    """
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines or not words:
        return dict.fromkeys(("punctuated_lines", "short_lines", "duplicate_line_characters", "newlines_per_word"))
    return {
        "punctuated_lines": sum(line.endswith(_ENDS) for line in lines) / len(lines),
        "short_lines": sum(len(line) <= _SHORT for line in lines) / len(lines),
        "duplicate_line_characters": repeated(lines)[1] / len(text.replace("\n", "")),
        "newlines_per_word": text.count("\n") / len(words),
    }
