"""Whether each revolution makes the next faster: the gain of younger weeks of a page against that of older ones."""

from dataclasses import replace
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from geo_flywheel.estimate import Estimate, Interval, Verdict
from geo_flywheel.estimate.bcmm import corrected
from geo_flywheel.estimate.bootstrap import LEVEL, Draws
from geo_flywheel.estimate.gain import gain
from geo_flywheel.estimate.moments import moments_of
from geo_flywheel.estimate.transitions import Transitions

Floats = NDArray[np.float64]

FEWEST_WEEKS = 16
_UNIT = "gain per unit of ln(1 + age in revolutions)"
_ESTIMAND = "slope of the gain in ln(1 + age in revolutions), same sites"


def acceleration(pairs: Transitions, draws: Draws, whole: Estimate, revolution: float) -> Estimate:
    """Return the slope of the gain in z = ln(1 + age / revolution time), from the younger and the older half of weeks.

    Age counts from when a page was first seen where that is known, else from its first week in the panel. Each half is
    corrected for its own shortness, so that the slope is not that of the bias.
    """
    part = replace(
        whole, quantity="acceleration", value=None, unit=_UNIT, interval=None, verdict=Verdict.CANNOT_TELL,
        diagnostics={}, assumptions=(), parts=(),
    )  # fmt: skip
    if not revolution > 0:
        return replace(part, reason="nothing is known to return, so that no revolution could become faster")
    age = np.log1p(_age(pairs) / revolution)
    older = age > np.median(age)
    halves = [(pairs.where(kept), float(age[kept].mean())) for kept in (~older, older) if kept.any()]
    weeks = min((float(half.lengths.mean()) + 1 if len(half.page) else 0.0 for half, _ in halves), default=0.0)
    if len(halves) < 2 or weeks < FEWEST_WEEKS:  # noqa: PLR2004 - both of them
        lacks = 2 * round(FEWEST_WEEKS - weeks) if weeks else 2 * FEWEST_WEEKS
        return replace(part, reason=f"each half of a page's weeks needs {FEWEST_WEEKS}; about {lacks} more weeks")
    young, old = (gains_of(half, draws) for half, _ in halves)
    apart = halves[1][1] - halves[0][1]
    return _judged(part, _slopes(young, old, apart), draws, {
        "gain_of_younger_weeks": float(young[0]), "gain_of_older_weeks": float(old[0]), "apart": apart,
    })  # fmt: skip


def _judged(part: Estimate, slopes: Floats, draws: Draws, numbers: dict[str, float]) -> Estimate:
    if not isfinite(slopes[0]):
        reason = "half of the weeks is too short for a gain near 1 (no root); about twice as many weeks would tell"
        return replace(part, reason=reason, diagnostics=numbers)
    low, high = draws.limits(slopes)
    verdict, said = Verdict.WITHIN_NOISE, "no revolution is seen to be faster or slower than the one before"
    if low > 0:
        verdict, said = Verdict.MOVED_UP, "each revolution makes the next faster"
    elif high < 0:
        verdict, said = Verdict.MOVED_DOWN, "each revolution makes the next slower"
    reason = f"{said} (slope {slopes[0]:.2f}, {low:.2f} to {high:.2f}; 0 is none)"
    return replace(
        part, value=float(slopes[0]), interval=Interval(low, high, LEVEL, _ESTIMAND), verdict=verdict, reason=reason,
        diagnostics=numbers,
    )  # fmt: skip


def gains_of(pairs: Transitions, draws: Draws) -> Floats:
    """Gains of all draws, infinite without a root; NaN for draws that have no page of these."""
    moments = moments_of(pairs)
    covered = draws.weights @ moments.weight > 0
    roots = corrected(moments.drawn(draws.weights[covered]))
    gains = np.full(len(covered), np.nan)
    gains[covered] = np.where(roots.found, gain(roots.matrices), inf)
    return gains


def _slopes(young: Floats, old: Floats, apart: float) -> Floats:
    with np.errstate(invalid="ignore"):
        slopes: Floats = (old - young) / apart
    return slopes


def _age(pairs: Transitions) -> Floats:
    """Periods since the page was first seen, or since its first pair, shape (pair,)."""
    starts = np.flatnonzero(np.diff(pairs.page, prepend=-1))
    first = np.where(np.isnan(pairs.entered), pairs.time[starts], np.minimum(pairs.entered, pairs.time[starts]))
    age: Floats = (pairs.time - first[pairs.page]).astype(np.float64)
    return age
