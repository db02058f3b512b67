"""What replications say of a cell, each share with its Monte Carlo error, and whether the promises are kept.

A promise is broken only beyond two Monte Carlo errors. A replication that refuses (gives no interval) counts neither
for nor against a number, but its share is told; where nearly all refuse, the promise is not needed.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf, sqrt
from typing import Any, NamedTuple

import numpy as np

from geo_flywheel.estimate import Verdict
from tests.validation.cells import Cell

POSITIVE = (Verdict.SELF_SUSTAINING, Verdict.FADING, Verdict.OPEN)
ERRORS = 2.0
GATE_LEVEL = 0.001
_MOST_BIAS = {"number": 0.03, "exponent": 0.05}
_LEAST, _MOST = 0.90, 0.99
_LOWER = 0.95
_MOST_FALSE = 0.05
_POWER = 0.95
_REFUSES = 0.95
_FEWEST = 4  # values from which on their spread says something
_ROBUST = 1.349  # interquartile range of a standard normal variable
_OF_MEDIANS = 1.2533  # error of the median over that of the mean, of normal variables


class Figure(NamedTuple):
    """A number with its Monte Carlo standard error."""

    value: float
    error: float


class Check(NamedTuple):
    """One promise: what came out, what was promised, and "kept", "BROKEN" or "refuses"."""

    name: str
    figure: Figure
    bound: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What the replications of a cell say.

    Attributes:
        refused: Share without an interval.
        median: Of the values; no root counts as infinite.
        spread: Interquartile range over 1.349.
        cover: Share of the intervals that hold the truth.
        lower: Share of the lower limits at or below the truth.
        half_width: Median; infinite where most intervals are open above.
        verdicts: Share of each.
        rejected: Share whose exclusion gate has p below `GATE_LEVEL`.
        naive: By name of a baseline: median, share that hold the truth, share whose lower limit is above 0.
    """

    replications: int
    refused: Figure
    median: Figure
    spread: float
    cover: Figure
    lower: Figure
    half_width: float
    verdicts: dict[str, Figure]
    rejected: Figure
    naive: dict[str, tuple[Figure, Figure, Figure]] = field(default_factory=dict)


def share(hits: float, of: int) -> Figure:
    """Return a share with its error, which is that of (hits + 2) / (of + 4), so that it is never 0."""
    if not of:
        return Figure(float("nan"), float("nan"))
    near = (hits + 2) / (of + 4)
    return Figure(hits / of, sqrt(near * (1 - near) / of))


def summary(truth: float, rows: Sequence[dict[str, Any]]) -> Summary:
    """Sum the replications of a cell up."""
    count = len(rows)
    told = [row for row in rows if row["low"] is not None]
    low = np.array([row["low"] for row in told])
    high = np.array([inf if row["high"] is None else row["high"] for row in told])
    values = [inf if row["value"] is None else row["value"] for row in told]
    tests = [row["gate_p"] for row in rows if row.get("gate_p") is not None]
    names = sorted({name for row in rows for name in row["naive"]})
    return Summary(
        replications=count,
        refused=share(count - len(told), count),
        median=_median(values),
        spread=_spread(values),
        cover=share(int(((low <= truth) & (truth <= high)).sum()), len(told)),
        lower=share(int((low <= truth).sum()), len(told)),
        half_width=float(np.median([(up - down) / 2 if up < inf else inf for down, up in zip(low, high, strict=True)]))
        if told
        else float("nan"),
        verdicts={name: share(hits, count) for name, hits in Counter(row["verdict"] for row in rows).most_common()},
        rejected=share(sum(value < GATE_LEVEL for value in tests), len(tests)),
        naive={name: _of_naive(truth, [row["naive"][name] for row in rows if name in row["naive"]]) for name in names},
    )


def checks(cell: Cell, seen: Summary) -> Iterator[Check]:
    """Yield the promises of a cell with their outcomes."""
    made: dict[str, Callable[[Cell, Summary], Iterator[Check]]] = {
        "number": _number, "exponent": _number, "lower limit": _lower_limit, "no loop": _no_loop, "gate power": _power,
    }  # fmt: skip
    for promise in cell.promises:
        if promise in made:
            yield from made[promise](cell, seen)


def positive(seen: Summary) -> Figure:
    """Return the share of verdicts that see a loop."""
    hits = sum(seen.verdicts[name].value for name in POSITIVE if name in seen.verdicts)
    return share(hits * seen.replications, seen.replications)


def _number(cell: Cell, seen: Summary) -> Iterator[Check]:
    most = _MOST_BIAS["exponent" if "exponent" in cell.promises else "number"]
    bias = Figure(seen.median.value - cell.truth, seen.median.error)
    yield _check("median bias", bias, f"within {most}", kept=abs(bias.value) <= most + ERRORS * bias.error, seen=seen)
    degenerate = cell.truth == 0 and "exponent" not in cell.promises  # a product of three zeros errs by less than one
    kept = seen.cover.value >= _LEAST - ERRORS * seen.cover.error
    kept &= degenerate or seen.cover.value <= _MOST + ERRORS * seen.cover.error
    yield _check("coverage", seen.cover, f"{_LEAST:.2f} to {1 if degenerate else _MOST:.2f}", kept=kept, seen=seen)


def _lower_limit(cell: Cell, seen: Summary) -> Iterator[Check]:
    kept = seen.lower.value >= _LOWER - ERRORS * seen.lower.error
    yield _check("lower limit holds", seen.lower, f"at least {_LOWER}", kept=kept, seen=seen)
    if cell.truth == 1:
        fading = seen.verdicts.get(Verdict.FADING, share(0, seen.replications))
        yield _at_most("called fading", fading, seen)


def _no_loop(_: Cell, seen: Summary) -> Iterator[Check]:
    yield _at_most("loop seen", positive(seen), seen)


def _power(_: Cell, seen: Summary) -> Iterator[Check]:
    kept = seen.rejected.value >= _POWER - ERRORS * seen.rejected.error
    yield _check("gate rejects", seen.rejected, f"at least {_POWER}", kept=kept, seen=seen)


def _at_most(name: str, figure: Figure, seen: Summary) -> Check:
    kept = figure.value <= _MOST_FALSE + ERRORS * figure.error
    return _check(name, figure, f"at most {_MOST_FALSE}", kept=kept, seen=seen)


def _check(name: str, figure: Figure, bound: str, *, kept: bool, seen: Summary) -> Check:
    outcome = "kept" if kept else "refuses" if seen.refused.value >= _REFUSES else "BROKEN"
    return Check(name, figure, bound, outcome)


def _of_naive(truth: float, rows: Sequence[Sequence[float]]) -> tuple[Figure, Figure, Figure]:
    value, low, high = (np.array(column, float) for column in zip(*rows, strict=True))
    held = int(((low <= truth) & (truth <= high)).sum())
    return _median(list(value)), share(held, len(rows)), share(int((low > 0).sum()), len(rows))


def _median(values: Sequence[float]) -> Figure:
    if not values:
        return Figure(float("nan"), float("nan"))
    if len(values) < _FEWEST:
        return Figure(float(np.median(values)), inf)
    return Figure(float(np.median(values)), _OF_MEDIANS * _spread(values) / sqrt(len(values)))


def _spread(values: Sequence[float]) -> float:
    if not values:
        return float("nan")
    low, high = np.percentile(values, [25, 75], method="nearest")
    return float(high - low) / _ROBUST if high < inf else inf
