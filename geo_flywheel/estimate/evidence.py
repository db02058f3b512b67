"""The numbers a verdict of a loop gain stands on: limits, stage test, exclusion gate, what lies between pages."""

from math import inf, nan

import numpy as np
from numpy.typing import NDArray

from geo_flywheel.estimate.bcmm import EVERY, LOOP, Roots, corrected, spectral_radius
from geo_flywheel.estimate.bootstrap import Draws, joint_test
from geo_flywheel.estimate.cells import STATES, Cells
from geo_flywheel.estimate.gain import STAGES, gain
from geo_flywheel.estimate.levels import between_share
from geo_flywheel.estimate.loop_parts import Fitted
from geo_flywheel.estimate.transitions import Transitions
from geo_flywheel.estimate.verdicts import Evidence

Floats = NDArray[np.float64]

OWN_MEAN = 3.0
"""Pages are measured in units of their own mean over the weeks seen, which makes a gain G up to .8 run low by about
3 G^2 / weeks: found in markets whose gain is known, without any noise as well (docs/validation.md)."""


def typical_weeks(pairs: Transitions) -> float:
    """Weeks of the pages, averaged with their weights: pairs and one."""
    return float(np.average(pairs.lengths, weights=pairs.weight)) + 1 if len(pairs.page) else 1.0


def evidence_of(fitted: Fitted, cells: Cells, pairs: Transitions) -> tuple[Evidence, dict[str, float]]:
    """Return what the rules of the verdict look at, and all numbers that the estimate stands on."""
    draws, matrices = fitted.draws, fitted.roots.matrices
    gains = fitted.value(gain)
    low, percentile_high = draws.limits(gains)
    weeks = typical_weeks(pairs)
    high = percentile_high + OWN_MEAN * float(gains[0]) ** 2 / weeks
    radii = fitted.value(spectral_radius)
    stages = _stages(fitted)
    full = corrected(fitted.moments, EVERY)
    gate = _gate(full, draws)
    between, between_low = between_share(cells, draws)
    weakest = int(np.argmin(stages))
    seen = Evidence(
        float(gains[0]), low, high, gate, float(stages[weakest]), " -> ".join(STAGES[weakest][:2]), float(radii[0]),
        draws.limits(radii)[1], weeks, between_low,
    )  # fmt: skip
    numbers = dict(pairs.left_out)
    numbers |= {"sites": float(draws.sites), "transitions": float(len(pairs.page)), "weeks_of_a_page": seen.weeks}
    numbers |= {"draws_without_root": float(1 - fitted.roots.found[1 : 1 + draws.drawn].mean())}
    numbers |= {"standard_error": draws.standard_error(gains), "jackknife_error": draws.jackknife_error(gains)}
    numbers |= {"percentile_high": percentile_high, "exclusion_gate_p": gate, "smallest_stage_t": seen.stage}
    numbers |= {f"stage_t_{of}_{to}": float(t) for (of, to, *_), t in zip(STAGES, stages, strict=True)}
    numbers |= {"between_pages": between, "between_pages_low": between_low}
    cells_named = ((0, 1), (1, 2), (2, 0))
    excluded = full.matrices[0]
    numbers |= {f"excluded_{STATES[of]}_{STATES[to]}": float(excluded[to, of]) for to, of in cells_named}
    numbers |= {f"persistence_{name}": float(matrices[0, k, k]) for k, name in enumerate(STATES)}
    return seen, numbers


def _stages(fitted: Fitted) -> Floats:
    """Each stage's coefficient over its standard error, shape (stage,)."""
    found = []
    for _, _, to, of in STAGES:
        values = np.where(fitted.roots.found, fitted.roots.matrices[:, to, of], inf)
        error = fitted.draws.standard_error(values)
        found.append(values[0] / error if 0 < error < inf else nan)
    return np.array(found)


def _gate(full: Roots, draws: Draws) -> float:
    if not full.found[0]:
        return nan
    cells = full.matrices[:, ~LOOP]
    cells = np.where(full.found[:, None], cells, nan)
    return joint_test(cells[0], cells[1 : 1 + draws.drawn], draws.sites)
