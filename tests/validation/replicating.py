"""One replication: a seeded world, the estimator on what is seen of it, and the naive answers to the same."""

from math import isnan
from typing import Any
from zlib import crc32

import pandas as pd

from geo_flywheel.estimate import Estimate
from geo_flywheel.estimators.attachment import Attachment
from geo_flywheel.estimators.loop_gain import LoopGain
from geo_flywheel.panel import Panel, checked
from geo_flywheel.simulate import attachment
from geo_flywheel.simulate.market import Market, World
from geo_flywheel.simulate.panels import Columns, observed
from tests.validation.cells import Cell
from tests.validation.naive import balanced, naive, unsplit

Row = dict[str, Any]

DRAWS = 999
_FEW_DRAWS = 199


def modules_of(cell: Cell) -> tuple[str, ...]:
    """Return the modules that draw and estimate in a cell."""
    if isinstance(cell.world, attachment.World):
        return "geo_flywheel.simulate.attachment", "geo_flywheel.estimators.attachment"
    return "geo_flywheel.simulate.panels", "geo_flywheel.estimators.loop_gain"


def seed_of(cell: Cell, first: int, number: int) -> int:
    """Return the seed of a cell's replication: each cell has a range of its own, which its name and `first` decide."""
    return (crc32(f"{cell.name} {first}".encode()) << 16) + number


def replicate(cell: Cell, seed: int) -> Row:
    """Return what one replication gives, as a row of a checkpoint."""
    if isinstance(cell.world, attachment.World):
        return {"seed": seed, **_exponent(cell.world, seed)}
    return {"seed": seed, **_gain(_seen(cell, cell.world, seed), seed)}


def panel_of(columns: Columns) -> Panel:
    """Return the panel of a simulated world, whose pages are all that there are."""
    return checked(pd.DataFrame(columns), "risk set")


def _seen(cell: Cell, world: World, seed: int) -> Columns:
    return observed(Market(world, seed), crawlers=cell.crawlers, missing=cell.missing)


def _gain(columns: Columns, seed: int) -> Row:
    estimate = LoopGain(draws=DRAWS, seed=seed, beside=False).fit(panel_of(columns))
    whole = LoopGain(draws=_FEW_DRAWS, seed=seed, beside=False).fit(panel_of(unsplit(columns)))
    beside = {name: list(one) for name, one in naive(columns).items()} if balanced(columns) else {}
    told = estimate.diagnostics
    return {
        **_told(estimate),
        "gate_p": None if isnan(told.get("exclusion_gate_p", float("nan"))) else told["exclusion_gate_p"],
        "stage_t": told.get("smallest_stage_t"),
        "naive": {**beside, **_limits("no split", whole)},
    }


def _exponent(world: attachment.World, seed: int) -> Row:
    estimate = Attachment(seed=seed).fit(panel_of(attachment.grown(world, seed).columns))
    alone = [part for part in estimate.parts if part.quantity == "attachment_without_quality"]
    return {**_told(estimate), "naive": {} if not alone else _limits("without quality", alone[0])}


def _told(estimate: Estimate) -> Row:
    limits = estimate.interval
    return {
        "value": estimate.value,
        "low": limits and float(limits.low),
        "high": limits and float(limits.high),
        "verdict": str(estimate.verdict),
    }


def _limits(name: str, estimate: Estimate) -> dict[str, list[float]]:
    if estimate.value is None or estimate.interval is None:
        return {}
    return {name: [estimate.value, float(estimate.interval.low), float(estimate.interval.high)]}
