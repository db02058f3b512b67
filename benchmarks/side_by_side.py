"""Limits, and whether they are kept on a machine that is noisy and shared.

A ratio comes of a round that measures the floor and the subject one right after the other, so that what the machine
does meanwhile touches both; it is judged by the median of the rounds. Seconds and megabytes stand alone, and other work
can only raise them; they are judged by the lowest of the rounds.

A limit is *kept* when that figure is within it. When it is not, as many rounds again are measured and all of them
judged together. Then it is *missed*, and fails the run, when even the lower quartile of the rounds lies above it;
between the two the rounds do not agree: *within noise*, which is printed and fails nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from math import isinf
from statistics import median, quantiles
from time import perf_counter
from typing import NamedTuple

Round = Mapping[str, float]


class Limit(NamedTuple):
    """The most that is allowed: a ratio ("x") or a size in seconds or megabytes."""

    most: float
    unit: str = "x"


class Verdict(NamedTuple):
    """What the rounds say of one limit."""

    name: str
    limit: Limit
    rounds: Sequence[float]

    @property
    def typical(self) -> float:
        """The figure it is judged by."""
        return median(self.rounds) if self.limit.unit == "x" else min(self.rounds)

    @property
    def word(self) -> str:
        """Kept, within noise or missed."""
        if self.typical <= self.limit.most:
            return "kept"
        low = quantiles(self.rounds, n=4, method="inclusive")[0] if len(self.rounds) > 1 else self.rounds[0]
        return "within noise" if low <= self.limit.most else "MISSED"

    def __str__(self) -> str:
        most, unit = self.limit
        held_to = "no limit" if isinf(most) else f"limit {most:g} {unit:<2} {self.word}"
        spread = f"{min(self.rounds):,.2f} to {max(self.rounds):,.2f} in {len(self.rounds)}"
        return f"{self.name:<58} {self.typical:>9,.2f} {unit:<2} {held_to:<26} ({spread})"


def judge(limits: Mapping[str, Limit], measure: Callable[[], Round], rounds: int) -> list[Verdict]:
    """Measure, print and return what comes of each limit.

    Args:
        limits: By the names that a round gives.
        measure: One round.
        rounds: How many; as many again when a limit looks missed.
    """
    found = [measure() for _ in range(rounds)]
    if any(verdict.word != "kept" for verdict in _verdicts(limits, found)):
        found += [measure() for _ in range(rounds)]
    verdicts = _verdicts(limits, found)
    for verdict in verdicts:
        print(verdict)
    return verdicts


def fail_on_missed(verdicts: Sequence[Verdict]) -> None:
    """Raise AssertionError naming the limits that are missed."""
    missed = [str(verdict) for verdict in verdicts if verdict.word == "MISSED"]
    assert not missed, "\n".join(missed)


def _verdicts(limits: Mapping[str, Limit], found: Sequence[Round]) -> list[Verdict]:
    return [Verdict(name, limit, [of_round[name] for of_round in found]) for name, limit in limits.items()]


def seconds(work: Callable[[], object]) -> float:
    """Return how long it takes."""
    start = perf_counter()
    work()
    return perf_counter() - start
