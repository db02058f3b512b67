"""Every estimator found, on ten times the rows beside once: at most twelve times the time.

    pytest -m bench -s benchmarks/bench_estimators.py

The larger panel is the smaller one ten times over, with pages and sites of their own, and as many periods.
"""

from importlib import import_module
from pkgutil import iter_modules
from time import perf_counter
from typing import Any

import pandas as pd
import pytest

from benchmarks.side_by_side import Limit, Round, fail_on_missed, judge
from geo_flywheel import estimators
from geo_flywheel.panel import Panel, checked
from geo_flywheel.simulate import attachment
from geo_flywheel.simulate.market import Market, World
from geo_flywheel.simulate.panels import observed

TIMES, MOST = 10, 12.0
ROWS = 100_000
ROUNDS = 3


def found() -> dict[str, Any]:
    """Estimators by the name of their file."""
    names = sorted(module.name for module in iter_modules(estimators.__path__))
    modules = {name: import_module(f"{estimators.__name__}.{name}") for name in names}
    return {name: module.ESTIMATOR for name, module in modules.items() if hasattr(module, "ESTIMATOR")}


def watched(seed: int = 1) -> pd.DataFrame:
    """A market of 240 pages, half of which enter while it is watched; cells grow by attachment, the rest by a loop."""
    weeks = 52
    loop = pd.DataFrame(observed(Market(World(weeks=weeks), seed)))
    world = attachment.World(incumbents=120, entrants=120, weeks=weeks, sites=80, cells=400)
    grown = pd.DataFrame(attachment.grown(world, seed).columns)
    entry = grown[["page_id", "period", "first_seen", "cells_cited", "cells_asked"]]
    return loop.drop(columns="first_seen").merge(entry, on=["page_id", "period"])


def panel(rows: int) -> Panel:
    """The market as often as it takes to have so many rows."""
    one = watched()
    copies = max(1, round(rows / len(one)))
    many = [one.assign(page_id=one["page_id"] + 1_000 * n, site_id=one["site_id"] + 1_000 * n) for n in range(copies)]
    return checked(pd.concat(many, ignore_index=True), "risk set")


def timed(estimator: Any, given: Panel) -> float:
    start = perf_counter()
    estimator.fit(given)
    return perf_counter() - start


@pytest.mark.bench
@pytest.mark.parametrize("name", sorted(found()))
def test_ten_times_the_rows_cost_at_most_twelve_times_the_time(name: str) -> None:
    estimator, small, large = found()[name], panel(ROWS), panel(TIMES * ROWS)
    line = f"{name}: {len(large.frame):,} / {len(small.frame):,} rows"
    told = f"{name}: {len(large.frame):,} rows"

    def measure() -> Round:
        once, often = timed(estimator, small), timed(estimator, large)
        return {line: often / once, told: often}

    print()
    fail_on_missed(judge({line: Limit(MOST), told: Limit(float("inf"), "s")}, measure, ROUNDS))
