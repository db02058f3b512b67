"""Attachment on a million page-weeks: what is fitted, and the whole estimate with its parts, checks and intervals.

    pytest -m bench -s benchmarks/bench_attachment.py

The fit is alpha and the spread of quality from three starts, with what each week does to everybody maximised exactly.
"""

import numpy as np
import pandas as pd
import pytest

from benchmarks.side_by_side import Limit, Round, fail_on_missed, judge, seconds
from geo_flywheel.estimate.entrants import entrants
from geo_flywheel.estimate.frailty import NO_FRAILTY, climbed, modes
from geo_flywheel.estimate.risk_cells import Cells, power
from geo_flywheel.estimators.attachment import ESTIMATOR
from geo_flywheel.panel import Panel, checked
from geo_flywheel.simulate.attachment import World, grown

PAGES, WEEKS, CELLS = 49_000, 30, 60_000
FIT, WHOLE = "maximum likelihood, 1,000,000 page-weeks", "the whole estimate with parts and checks"
LIMITS = {FIT: Limit(10, "s"), WHOLE: Limit(60, "s")}
ROUNDS = 3


def market(pages: int = PAGES, cells: int = CELLS) -> Panel:
    """Pages that all enter in the first two thirds of the weeks; alpha .5."""
    world = World(alpha=0.5, incumbents=0, entrants=pages, weeks=WEEKS, burn_in=0, cells=cells, sites=2_000)
    return checked(pd.DataFrame(grown(world, 1).columns), "risk set")


def laid_out(panel: Panel) -> Cells:
    cells = entrants(panel).cells
    assert cells is not None
    return cells


def fit(cells: Cells) -> float:
    """Return alpha by the best of three starts."""
    fresh = Cells(cells.unit, cells.time, cells.past, cells.events, cells.exposure)
    kernel = power(fresh)
    alone = climbed(kernel, np.array([0.5]), NO_FRAILTY)
    return modes(kernel, ((alone.alpha, np.log(200)), (0.5, 1.0), (0.0, 0.0)))[0].alpha


@pytest.mark.bench
def test_a_million_page_weeks_are_fitted_in_seconds() -> None:
    panel = market()
    cells = laid_out(panel)
    print(f"\n{cells.events.size:,} page-weeks of {cells.units:,} pages, {cells.events.sum():,.0f} citing cells")
    assert cells.events.size > 950_000

    def measure() -> Round:
        return {FIT: seconds(lambda: fit(cells)), WHOLE: seconds(lambda: ESTIMATOR.fit(panel))}

    fail_on_missed(judge(LIMITS, measure, ROUNDS))
