"""How long a citation lasts, told apart from how often it is missed.

A prompt that cites a page in week f is watched from then on. In each later week n answers are asked and k cite the
page; while the tie lasts each answer cites it with probability p, and once lost it is lost for good. No citation in n
answers means lost, or missed with probability (1 - p)^n: both are weighed. A week that was not asked says nothing, so
that the loss is only known to lie between two weeks that were.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats

from geo_flywheel.errors import NotIdentified
from geo_flywheel.graph.lifetimes import Fit, Kinds, lifetimes, settle
from geo_flywheel.graph.network import Floats, Graph, Ints, Ties
from geo_flywheel.graph.watch import Watch, watched

LEVEL = 0.95
ESTIMAND = "ties that begin during the watch, over the population of prompts this basket was drawn from"
_CHANCES = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99])
_BANDS = (1, 2, 3, 5, 9, 17, 33)  # first age of each band of one hazard, in weeks
_FEWEST_TIES, _FEWEST_PROMPTS = 30, 5
_GROUPS = 20
_MISFIT = 0.05


class Curve(NamedTuple):
    """What is left of the ties by their age.

    Attributes:
        age: Weeks since first seen, from 0.
        alive: Share not lost, shape (age,), with the limits of its 95% interval of `ESTIMAND`.
        asked: Ties whose prompt was asked at that age.
        cited: Share of these that were cited again then, which is what one sees.
        expected: Share of these that the model expects to be cited; far from `cited`, the model does not hold.
    """

    age: Ints
    alive: Floats
    low: Floats
    high: Floats
    asked: Floats
    cited: Floats
    expected: Floats


class Span(NamedTuple):
    """A half-life in weeks; a part is None where it lies beyond what was watched."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Survival:
    """How long the ties of one engine last.

    Attributes:
        half_life: Weeks from being first seen until half of the ties are lost.
        naive: The same if every week without a citation were a loss.
        missed: Chance that a lasting tie is not seen in a week, on average over the weeks asked.
        ties: Ties that began during the watch and are counted; prompts: prompts they belong to.
        found: Ties that began during the watch, of which at most 5,000 are drawn and counted.
        misfit: Mean distance between what was cited again and what the model expects, over ages.
    """

    half_life: Span
    naive: float | None
    missed: float
    ties: int
    prompts: int
    found: int
    misfit: float
    curve: Curve

    @property
    def reason(self) -> str:
        """What to be wary of; empty if nothing."""
        weeks = len(self.curve.age) - 1
        parts = [
            (self.half_life.value is None, f"more than half are left after the {weeks} weeks watched"),
            (
                self.misfit > _MISFIT,
                "the rate of a tie does not stay what it is while it lasts: trust the curve, not one number",
            ),
            (self.ties < self.found, f"counted on {self.ties} of {self.found} ties"),
        ]
        return "; ".join(text for there, text in parts if there)


def survival(graph: Graph, ties: Ties, engine: int, *, seed: int = 1) -> Survival:
    """Return how long the ties of an engine last, from weeks that are over.

    Args:
        graph: The graph.
        ties: Its `cited` or `cited_sites`.
        engine: Number of the engine.
        seed: Chooses the ties that are counted where there are very many.

    Raises:
        NotIdentified: If asked is unknown, or too few ties begin during the watch.

    Source:
        Turnbull (1976), JRSS B 38, 290-295, by expectation and maximisation, with one hazard in each band of ages and
        with the chance p of each tie drawn from a free distribution on 12 points. Limits: delete-a-group jackknife over
        prompts, t with groups - 1 degrees of freedom, on log(-log alive).
    """
    watch, found = watched(graph, ties, engine, seed)
    prompts = np.unique(watch.prompt)
    if len(watch.prompt) < _FEWEST_TIES or len(prompts) < _FEWEST_PROMPTS:
        raise NotIdentified(
            f"{len(watch.prompt)} ties of {len(prompts)} prompts began during the watch; a half-life needs"
            f" {_FEWEST_TIES} of {_FEWEST_PROMPTS}: ask for longer, or for more prompts"
        )
    kinds = _kinds(watch, np.asarray(np.searchsorted(prompts, watch.prompt) % min(len(prompts), _GROUPS), np.int32))
    total = kinds.ties.sum(axis=0)
    whole = _fit(kinds, total, None)
    parts = [_fit(kinds, total - without, whole).alive for without in kinds.ties]
    low, high = _limits(whole.alive, np.array(parts), len(watch.prompt))
    asked, cited, expected = _seen_again(watch, whole)
    upto = int(np.flatnonzero(asked)[-1]) + 1
    ages = np.arange(upto, dtype=np.int32)
    curve = Curve(ages, *(part[:upto] for part in (whole.alive, low, high, asked, cited, expected)))
    return Survival(
        half_life=Span(_half(curve.alive), _half(curve.low), _half(curve.high)),
        naive=_half(_naive(watch)),
        missed=_missing(watch, whole),
        ties=len(watch.prompt),
        prompts=len(prompts),
        found=found,
        misfit=_misfit(curve),
        curve=curve,
    )


def _fit(kinds: Kinds, ties: Floats, before: Fit | None) -> Fit:
    return settle(kinds, ties, _band(kinds.likelihood.shape[1] - 1), before)


def _kinds(watch: Watch, group: Ints) -> Kinds:
    ages = watch.asked.shape[1]
    last = (ages - 1 - np.argmax(watch.cited[:, ::-1] > 0, axis=1)).astype(np.int32)
    total = watch.cited.sum(axis=1)
    look = np.column_stack([watch.calendar, last, total])
    _, row, kind = np.unique(look, axis=0, return_index=True, return_inverse=True)
    ties = np.zeros((int(group.max()) + 1, len(row)))
    np.add.at(ties, (group, kind), 1.0)
    asked, end, cited = watch.asked[row], watch.end[row], total[row]
    column = np.arange(ages + 1)
    last_alive = np.minimum(column - 1, end[:, None]).clip(0)
    misses = np.take_along_axis(np.cumsum(asked, axis=1), last_alive, axis=1) - cited[:, None]
    possible = (column > last[row][:, None]) & (column <= end[:, None] + 1)
    likelihood = np.where(possible[:, :, None], (1 - _CHANCES) ** np.maximum(misses, 0)[:, :, None], 0.0)
    start = cited[:, None] * np.log(_CHANCES) - np.log1p(-((1 - _CHANCES) ** asked[:, :1]))
    return Kinds(likelihood, np.exp(start - start.max(axis=1, keepdims=True)), end, ties)


def _naive(watch: Watch) -> Floats:
    """Survival if the first week without a citation were the loss."""
    ages = watch.asked.shape[1]
    column = np.arange(ages + 1)
    gone = (watch.asked > 0) & (watch.cited == 0)
    missed = np.where(gone.any(axis=1), np.argmax(gone, axis=1), ages)
    seen = np.where((watch.cited > 0) & (column[:-1] < missed[:, None]), column[:-1], 0).max(axis=1)
    look = np.column_stack([seen, missed, watch.end])
    kinds, ties = np.unique(look, axis=0, return_counts=True)
    seen, missed, end = kinds.T.astype(np.int32)
    between = (column > seen[:, None]) & (column <= missed[:, None])
    likelihood = np.where((missed <= end)[:, None], between, column == end[:, None] + 1).astype(np.float64)
    return lifetimes(likelihood, end, ties.astype(np.float64), _band(ages))


def _band(ages: int) -> Ints:
    return np.asarray(np.searchsorted(_BANDS, np.arange(ages), side="right"), np.int32)


def _limits(alive: Floats, parts: Floats, ties: int) -> tuple[Floats, Floats]:
    """Limits at each age; since what is left only falls, a limit holds for the ages on its other side too."""
    groups, edge = len(parts), 0.5 / ties
    whole, each = (np.log(-np.log(np.clip(share, edge, 1 - edge))) for share in (alive, parts))
    spread = np.sqrt((groups - 1) / groups * ((each - each.mean(axis=0)) ** 2).sum(axis=0))
    reach = stats.t.ppf((1 + LEVEL) / 2, groups - 1) * spread
    low = np.maximum.accumulate(np.exp(-np.exp(whole + reach))[::-1])[::-1]
    high = np.minimum.accumulate(np.exp(-np.exp(whole - reach)))
    low[0] = high[0] = 1.0
    return np.minimum(low, alive), np.maximum(high, alive)


def _half(alive: Floats) -> float | None:
    """Age at which half is left, hazards being even between whole ages; None when it is not reached."""
    under = np.flatnonzero(alive <= 0.5)  # noqa: PLR2004 - half
    if not under.size:
        return None
    age = int(under[0])
    left, now = alive[age - 1], max(alive[age], 1e-12)
    return float(age - 1 + np.log(left / 0.5) / np.log(left / now))


def _missing(watch: Watch, fit: Fit) -> float:
    """Chance to miss a lasting tie in a week after the first, over the weeks its prompt was asked."""
    asked = watch.asked[:, 1:]
    missed = _missed(asked, fit)[asked > 0]
    return float(missed.mean()) if missed.size else float("nan")


def _missed(asked: Floats, fit: Fit) -> Floats:
    """Chance to miss a lasting tie in so many answers."""
    counts, place = np.unique(asked, return_inverse=True)
    return np.asarray((((1 - _CHANCES) ** counts[:, None]) @ fit.mix)[place.reshape(asked.shape)], np.float64)


def _seen_again(watch: Watch, fit: Fit) -> tuple[Floats, Floats, Floats]:
    """By age: ties asked, the share of them cited, and the share expected to be."""
    asked = (watch.asked > 0).sum(axis=0).astype(np.float64)
    found = np.where(watch.asked > 0, 1 - _missed(watch.asked, fit), 0.0).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        cited, expected = (watch.cited > 0).sum(axis=0) / asked, fit.alive * found / asked
    expected[0] = 1.0
    return asked, cited, expected


def _misfit(curve: Curve) -> float:
    later = (curve.age > 0) & (curve.asked > 0)
    gap = np.abs(curve.cited - curve.expected)[later]
    return float(np.average(gap, weights=curve.asked[later])) if later.any() else float("nan")
