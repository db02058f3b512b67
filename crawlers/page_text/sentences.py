"""Sentences that stand on one page and hardly anywhere else: what an index of a corpus is asked for."""

import re
from collections import Counter
from itertools import islice

from crawlers.page_text.words import sentences

_FEWEST, _MOST = 8, 15
_BOILERPLATE = re.compile(
    r"cookie|privacy|terms of|rights reserved|copyright|©|javascript|newsletter|subscribe|sign (?:up|in)|log ?in"
    r"|click here|read more|share (?:this|on)|follow us|contact us|https?:|www\.|[{}<>|@]",
    re.IGNORECASE,
)
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "a about after all also an and any are as at be because been but by can could did do does for from had has "
        "have he her his how i if in into is it its just like make many may more most much my new no not now of on one "
        "only or other our out over people said she so some such than that the their them then there these they this "
        "time to two up use was way we were what when which who will with would year you your",
    )
)


def distinctive(text: str, count: int) -> tuple[str, ...]:
    """Return the most distinctive sentences of a text, at most `count`, as they stand in it.

    A sentence has 8 to 15 words and lies within one paragraph; of a longer one its first 15 words are taken.
    Boilerplate and what stands in the text twice are left out. One sentence of each paragraph comes before the second
    of any.

    Args:
        text: As extracted, a paragraph a line.
        count: How many are wanted.
    """
    offered: list[tuple[int, float, int, str]] = []
    for line in text.splitlines():
        found = sorted(((-_rarity(cut), cut) for cut in map(_cut, sentences(line)) if cut), key=lambda each: each[0])
        offered += [(rank, rarity, len(offered), cut) for rank, (rarity, cut) in enumerate(found)]
    times = Counter(cut for *_, cut in offered)
    once = (cut for *_, cut in sorted(offered) if times[cut] == 1 and text.count(cut) == 1)
    return tuple(islice(once, max(count, 0)))


def _cut(sentence: str) -> str | None:
    """The words of a sentence that are asked for, None where it is boilerplate, too short, or hardly one."""
    words = [match.end() for match in re.finditer(r"\S+", sentence)]
    if len(words) < _FEWEST or _BOILERPLATE.search(sentence):
        return None
    cut = sentence[: words[min(len(words), _MOST) - 1]]
    letters = sum(map(str.isalpha, cut))
    return cut if letters * 2 > len(cut) else None


def _rarity(sentence: str) -> float:
    """How rare its words look: the letters of those that are not common, names and numbers counted twice."""
    words = re.findall(r"\w+", sentence)
    rare = {word for word in words if word.lower() not in _COMMON}
    named = {word for word in words[1:] if word[0].isupper() or word.isdigit()}
    return (sum(map(len, rare)) + sum(map(len, named))) / len(words)
