"""C4's rules: which lines a page loses, and whether what is left is enough.

The rules of lines are applied one after the other, as in the code: a line that one of them takes is not seen by the
next, and a page falls for "lorem ipsum" or a curly bracket only when a line that was kept until then holds it.

Source:
    Raffel et al. (2020), arXiv 1910.10683, 2.2, and tensorflow_datasets' c4_utils.py, as datatrove 0.10.1 computes
    them. Left out: the list of bad words.
"""

import re
from collections import Counter

from crawlers.page_text.words import TERMINAL, sentences

_LONGEST_WORD, _FEWEST_WORDS = 1000, 3
_CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")
_POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
_LINE_RULES = ("line_long_words", "line_end_punctuation", "line_words", "line_javascript", "line_policy")


def values(text: str) -> dict[str, float | None]:
    """Return the share of lines each rule of lines takes, and what the rules of pages count in the others."""
    lines = text.splitlines()
    taken: Counter[str] = Counter()
    counted = {"sentences": 0, "lorem_ipsum": 0, "curly_brackets": 0}
    for line in map(str.strip, lines):
        rule, kept = _taken(line)
        if rule in _LINE_RULES:
            taken[rule] += 1
        elif rule:
            counted[rule] += 1
        else:
            counted["sentences"] += len(sentences(kept))
    return {**counted, **{rule: taken[rule] / len(lines) if lines else None for rule in _LINE_RULES}}


def _taken(line: str) -> tuple[str, str]:
    """The rule that takes a line, "" for none, and the line without marks of citations."""
    words = line.split()
    if any(len(word) > _LONGEST_WORD for word in words):
        return "line_long_words", line
    line = _CITATION.sub("", line)
    lower = line.lower()
    if not line.endswith(TERMINAL) or line.endswith("..."):
        return "line_end_punctuation", line
    if len(words) < _FEWEST_WORDS:
        return "line_words", line
    if "lorem ipsum" in lower:
        return "lorem_ipsum", line
    if "javascript" in lower:
        return "line_javascript", line
    if "{" in line:
        return "curly_brackets", line
    return ("line_policy" if any(phrase in lower for phrase in _POLICY) else ""), line
