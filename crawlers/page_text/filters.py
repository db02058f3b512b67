"""How a text fares under the filters of open training corpora, rule by rule."""

from collections.abc import Sequence
from typing import NamedTuple

from crawlers.page_text import c4, fineweb, gopher_quality, gopher_repetition
from geo_flywheel.registry.page_rules import page_rules


class Verdict(NamedTuple):
    """One rule, and how a text fares under it.

    Attributes:
        passed: None where the rule cannot be applied.
        low: Least value that passes, None where there is none; high: the greatest.
    """

    rule_set: str
    rule: str
    passed: bool | None
    value: float | None
    low: float | None
    high: float | None


def judged(text: str, words: Sequence[str]) -> list[Verdict]:
    """Return the verdict of every rule in `data/page_rules.toml`, in its order.

    Args:
        text: As extracted.
        words: Its words and signs.
    """
    values = {
        "gopher_quality": gopher_quality.values(text, words),
        "gopher_repetition": gopher_repetition.values(text, words),
        "c4": c4.values(text),
        "fineweb": fineweb.values(text, words),
    }
    found = []
    for rule_set, limits in page_rules().items():
        for rule, limit in limits.items():
            value = values[rule_set][rule]
            passed = None if value is None else limit.allows(value)
            found.append(Verdict(rule_set, rule, passed, value, limit.low, limit.high))
    return found
