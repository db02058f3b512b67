"""What moves from one snapshot to the next: newcomers, leavers and ranks, beside what chance alone would move."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from geo_flywheel.graph.credit import by_prompt
from geo_flywheel.graph.network import Floats, Graph, Matrix, Ties

LEVEL = 0.95
ESTIMAND = "persistence of ranks over the population of prompts this basket was drawn from"
_SPLITS, _GROUPS, _FEWEST_PROMPTS = 10, 10, 5
_TOP = 10


@dataclass(frozen=True, slots=True)
class Step:
    """What changed between two snapshots of one engine, on the prompts that both asked.

    Attributes:
        before: Monday of the snapshot before it, the last one in which the engine was asked.
        prompts: Prompts asked in both; the counts are of units cited for these.
        new: Cited now and never before; returned: cited now and before, not last time.
        stayed: Cited in both; left: cited last time and not now, whether lost or missed.
        overlap: Share of the first 10 of last time that are among the first 10 now; None when there were fewer.
        rank_correlation: Spearman's, over all units ever cited by the engine.
        by_chance: Spearman's between two halves of the same snapshot's answers, the most that halves can show; None
            where cells hold one answer or asked is unknown.
        persistence: Spearman's across the two snapshots, each by half of its answers, over `by_chance`: 1 when nothing
            but sampling moved.
        low: Lower limit of the 95% interval of `ESTIMAND`, by a jackknife over groups of prompts; high: the upper one.
    """

    week: date
    before: date
    running: bool
    prompts: int
    new: int
    returned: int
    stayed: int
    left: int
    overlap: float | None
    rank_correlation: float | None
    by_chance: float | None
    persistence: float | None
    low: float | None
    high: float | None


class _Corrected(NamedTuple):
    by_chance: float | None
    persistence: float | None
    low: float | None
    high: float | None


def movement(
    graph: Graph, ties: Ties, units: int, engine: int, *, last: int | None = None, seed: int = 1
) -> list[Step]:
    """Return the steps of an engine from snapshot to snapshot.

    Args:
        graph: The graph.
        ties: Its `cited` or `cited_sites`.
        units: Number of the units these ties lead to.
        engine: Number of the engine.
        last: Steps that are wanted, the last ones; default: all.
        seed: Of the random halves; answers of a cell are exchangeable, so a half's count is hypergeometric.
    """
    rng = np.random.default_rng(seed)
    asked = _asked(graph, engine)
    there = np.flatnonzero(~(asked == 0).all(axis=0)).tolist()
    counts = {number: by_prompt(graph, ties, units, engine, number, counts=True) for number in there}
    ever = np.unique(np.concatenate([counts[number].indices for number in there])) if there else np.empty(0, int)
    seen_before = np.zeros(units, bool)
    steps = []
    wanted = len(there) if last is None else last
    for left, (before, now) in enumerate(pairwise(there), 1):
        seen_before[counts[before].indices] = True
        if left < len(there) - wanted:
            continue
        both = (asked[:, before] != 0) & (asked[:, now] != 0)
        pair = [(counts[n][np.flatnonzero(both)][:, ever], asked[both, n]) for n in (before, now)]
        steps.append(_step(graph, (before, now), pair, seen_before[ever], rng))
    return steps


def _step(
    graph: Graph,
    numbers: tuple[int, int],
    pair: list[tuple[Matrix, Floats]],
    known: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Step:
    was, now = (np.asarray(counts.sum(axis=0)).ravel() > 0 for counts, _ in pair)
    scores = [_score(counts, asked) for counts, asked in pair]
    corrected = _corrected(pair, rng)
    best = [np.argsort(-score, kind="stable")[:_TOP] for score in scores]
    full = all(int(there.sum()) >= _TOP for there in (was, now))
    return Step(
        week=graph.snapshots[numbers[1]],
        before=graph.snapshots[numbers[0]],
        running=numbers[1] >= graph.finished,
        prompts=len(pair[0][1]),
        new=int((now & ~known).sum()),
        returned=int((now & known & ~was).sum()),
        stayed=int((now & was).sum()),
        left=int((was & ~now).sum()),
        overlap=len(np.intersect1d(best[0], best[1])) / _TOP if full else None,
        rank_correlation=_spearman(*scores),
        by_chance=corrected.by_chance,
        persistence=corrected.persistence,
        low=corrected.low,
        high=corrected.high,
    )


def _corrected(pair: list[tuple[Matrix, Floats]], rng: np.random.Generator) -> _Corrected:
    """Rank correlation of halves of one snapshot, and that across snapshots over it."""
    prompts = len(pair[0][1])
    if any(not (asked >= 2).all() for _, asked in pair):  # noqa: PLR2004 - two halves
        return _Corrected(None, None, None, None)
    groups = np.arange(prompts) % min(prompts, _GROUPS)
    splits = [tuple(half for side in pair for half in _halves(*side, groups, rng)) for _ in range(_SPLITS)]
    chance, value = _persistence([[half.sum(axis=0) for half in split] for split in splits])
    if value is None or prompts < _FEWEST_PROMPTS:
        return _Corrected(chance, value, None, None)
    without = range(int(groups.max()) + 1)
    parts = [
        _persistence([[half.sum(axis=0) - half[left] for half in split] for split in splits])[1] for left in without
    ]
    if None in parts:
        return _Corrected(chance, value, None, None)
    each, count = np.array(parts, np.float64), len(parts)
    error = np.sqrt((count - 1) / count * ((each - each.mean()) ** 2).sum())
    reach = float(stats.t.ppf((1 + LEVEL) / 2, count - 1) * error)
    return _Corrected(chance, value, value - reach, value + reach)


def _persistence(splits: Sequence[Sequence[Floats]]) -> tuple[float | None, float | None]:
    """Correlation of halves of one snapshot, and across snapshots over it, on average over splits."""
    inside = np.array([[_spearman(a, b), _spearman(c, d)] for a, b, c, d in splits], np.float64)
    across = np.array([[_spearman(a, d), _spearman(b, c)] for a, b, c, d in splits], np.float64)
    ceiling = float(np.sqrt(np.prod(np.maximum(inside.mean(axis=0), 0.0))))
    if not ceiling > 0 or np.isnan(across).any():
        return None, None
    return ceiling, float(across.mean()) / ceiling


def _halves(counts: Matrix, asked: Floats, group: NDArray[np.intp], rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Rates by two random halves of each prompt's answers, summed over each group of prompts, shape (group, unit)."""
    total = np.repeat(asked, np.diff(counts.indptr)).astype(np.int64)
    half = total // 2
    first = rng.hypergeometric(counts.data.astype(np.int64), total - counts.data.astype(np.int64), half)
    place = np.repeat(group, np.diff(counts.indptr)) * counts.shape[1] + counts.indices
    shape = int(group.max()) + 1, counts.shape[1]
    parts = (first / half, (counts.data - first) / (total - half))
    rates = [np.bincount(place, part, minlength=shape[0] * shape[1]).reshape(shape) for part in parts]
    return np.asarray(rates[0], np.float64), np.asarray(rates[1], np.float64)


def _score(counts: Matrix, asked: Floats) -> Floats:
    """Rate summed over prompts; the count where a denominator is missing."""
    weight = 1 / asked if np.isfinite(asked).all() else np.ones(len(asked))
    return np.asarray(counts.T @ weight, np.float64)


def _spearman(first: Floats, second: Floats) -> float | None:
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:  # noqa: PLR2004 - a rank needs company
        return None
    return float(np.corrcoef(stats.rankdata(first), stats.rankdata(second))[0, 1])


def _asked(graph: Graph, engine: int) -> Floats:
    """Answers of each prompt at each snapshot, shape (prompt, snapshot); 0 not asked, NaN unknown."""
    cells = graph.cells
    mine = (cells.engine == engine) & (cells.prompt >= 0)
    asked = np.zeros((len(graph.prompts), len(graph.snapshots)))
    asked[cells.prompt[mine], cells.snapshot[mine]] = cells.asked[mine]
    return asked
