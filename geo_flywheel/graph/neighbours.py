"""Co-citation neighbours: which sites stand beside a site more often than the two being cited at all would explain."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from geo_flywheel.graph.network import NOBODY, Engine, Floats, Ints

LEVEL = 0.95
ESTIMAND = "lift over the population of prompts this basket was drawn from"
_FEWEST_PROMPTS = 5
_FEWEST_TOGETHER = 3


@dataclass(frozen=True, slots=True)
class Baskets:
    """What one engine cited together, counted by prompt.

    Attributes:
        made_of: What a basket is: one delivered answer, or the sightings of one prompt and day.
        prompts: Number of each prompt, shape (prompt,); `NOBODY` where the source names none.
        baskets: Baskets of each prompt, same shape.
        with_site: Those that hold the site asked for, same shape.
        others: Name of each other site.
        with_other: Baskets that hold it, shape (other, prompt).
        together: Baskets that hold both, same shape.
    """

    engine: Engine
    made_of: str
    prompts: Ints
    baskets: Floats
    with_site: Floats
    others: Sequence[str]
    with_other: Floats
    together: Floats


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One site beside the one asked for.

    Attributes:
        together: Baskets that hold both; with_site, with_other: either of them; baskets: all there are.
        prompts: Prompts of which some basket holds both.
        lift: P(both) / (P(site) P(other)); 1 when the two have nothing to do with each other.
        low: Lower limit of the 95% interval of `ESTIMAND`, the prompt being what is drawn; None where there is none.
        high: Its upper limit.
        same_prompt: Lift inside prompts: together over what the rates of each prompt would give by chance. Near 1, the
            two meet because they answer the same questions; above, one comes with the other. same_prompt_low: Lower
            limit of its interval; same_prompt_high: the upper one.
        reason: Why there is no interval.
    """

    site: str
    together: int
    with_site: int
    with_other: int
    baskets: int
    prompts: int
    lift: float
    low: float | None
    high: float | None
    same_prompt: float
    same_prompt_low: float | None
    same_prompt_high: float | None
    reason: str = ""


def neighbours(found: Baskets) -> list[Neighbour]:
    """Return the neighbours of a site, those first that are surest to stand beside it for a reason.

    The order is by the lower limit, since of many lifts the largest are large by luck; without an interval a neighbour
    comes after those that have one.

    Source:
        Linearised log ratio of four sums over prompts, each prompt one draw; t with the degrees of freedom of
        Satterthwaite. Every interval is of its own pair, and not of the best of many.
    """
    rows = [_neighbour(found, row) for row in range(len(found.others)) if found.together[row].any()]
    return sorted(rows, key=lambda row: (-(row.low or 0.0), -row.together, row.site))


def _neighbour(found: Baskets, row: int) -> Neighbour:
    other, both = found.with_other[row], found.together[row]
    sums = [float(counts.sum()) for counts in (both, found.with_site, other, found.baskets)]
    lift = sums[0] * sums[3] / (sums[1] * sums[2])
    by_chance = found.with_site * other / found.baskets
    inside = sums[0] / float(by_chance.sum())
    named = found.prompts != NOBODY
    prompts = int((both[named] > 0).sum())
    limits: tuple[float | None, float | None] = (None, None)
    inside_limits = limits
    reason = _lacking(found, prompts, sums[0])
    if not reason:
        limits = _limits(lift, both / sums[0] + found.baskets / sums[3] - found.with_site / sums[1] - other / sums[2])
        inside_limits = _limits(inside, both / sums[0] - by_chance / by_chance.sum())
    return Neighbour(
        site=found.others[row],
        together=int(sums[0]),
        with_site=int(sums[1]),
        with_other=int(sums[2]),
        baskets=int(sums[3]),
        prompts=prompts,
        lift=lift,
        low=limits[0],
        high=limits[1],
        same_prompt=inside,
        same_prompt_low=inside_limits[0],
        same_prompt_high=inside_limits[1],
        reason=reason,
    )


def _lacking(found: Baskets, prompts: int, together: float) -> str:
    if (found.prompts == NOBODY).any():
        return "the source does not say which prompt each answer is for"
    if len(found.prompts) < _FEWEST_PROMPTS:
        return f"{len(found.prompts)} prompts; an interval needs {_FEWEST_PROMPTS}"
    if prompts < _FEWEST_TOGETHER:
        return f"together in {prompts} prompts; an interval needs {_FEWEST_TOGETHER}"
    return "" if together >= _FEWEST_PROMPTS else f"together {together:.0f} times; an interval needs {_FEWEST_PROMPTS}"


def _limits(lift: float, influence: Floats) -> tuple[float, float]:
    """Limits from what each prompt adds to the error of the log lift."""
    clusters = len(influence)
    squares = influence**2
    variance = float(squares.sum()) * clusters / (clusters - 1)
    if variance <= 0:
        return lift, lift
    spread = float((squares**2).mean()) / float(squares.mean()) ** 2 - 1
    freedom = min(clusters - 1, max(2 * clusters / spread, _FEWEST_TOGETHER)) if spread > 0 else clusters - 1
    factor = float(np.exp(stats.t.ppf((1 + LEVEL) / 2, freedom) * np.sqrt(variance)))
    return lift / factor, lift * factor
