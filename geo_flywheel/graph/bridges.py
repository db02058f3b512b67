"""Bridges: sites and pages that several engines of one surface cite on the same prompts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from geo_flywheel.errors import NotIdentified
from geo_flywheel.graph.network import NOBODY, Floats, Graph, Ties

LEVEL = 0.95
ESTIMAND = "participation over the population of prompts this basket was drawn from"
_FEWEST_PROMPTS = 5


@dataclass(frozen=True, slots=True)
class Bridge:
    """One unit and how evenly the engines cite it.

    Attributes:
        unit: Its number.
        rates: Share of answers that cite it, by engine, each prompt counting the same.
        participation: 0 when one engine alone cites it, 1 when all do alike: one minus the sum of squared shares, over
            the most it can be.
        low: Lower limit of the 95% interval of `ESTIMAND`; None where too few prompts cite it. high: the upper one.
    """

    unit: int
    rates: tuple[float, ...]
    participation: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Bridges:
    """The bridges between the engines of one surface, those first whose smallest rate is largest."""

    surface: str
    engines: tuple[int, ...]
    prompts: int
    bridges: tuple[Bridge, ...]


def bridges(graph: Graph, ties: Ties, surface: str, *, most: int = 200) -> Bridges:
    """Return the bridges over all weeks that are over, on prompts that every engine of the surface was asked.

    Args:
        graph: The graph.
        ties: Its `cited` or `cited_sites`.
        surface: Engines of other surfaces are left out.
        most: Units kept, those of the highest sum of rates.

    Raises:
        NotIdentified: If fewer than two engines were asked the same prompts, or asked is unknown.

    Source:
        Participation coefficient of Guimerà and Amaral (2005), Nature 433, 895-900, divided by 1 - 1 / engines. Limits:
        delta method over prompts, t with prompts - 1 degrees of freedom.
    """
    engines = [number for number, engine in enumerate(graph.engines) if engine.surface == surface]
    asked = np.array([_asked(graph, engine) for engine in engines])
    shared = np.flatnonzero((asked > 0).all(axis=0)) if engines else np.empty(0, int)
    if len(engines) < 2 or not shared.size:  # noqa: PLR2004 - a bridge has two ends
        raise NotIdentified(
            f"no two engines of the surface {surface} were asked the same prompts a known number of times; ask several"
        )
    units, rates = _rates(graph, ties, engines, asked, shared, most)
    found = [_bridge(int(unit), rates[:, :, place]) for place, unit in enumerate(units)]
    found.sort(key=lambda bridge: (-min(bridge.rates), -sum(bridge.rates)))
    return Bridges(surface, tuple(engines), len(shared), tuple(found))


def _rates(
    graph: Graph, ties: Ties, engines: Sequence[int], asked: Floats, shared: NDArray[np.intp], most: int
) -> tuple[NDArray[np.intp], Floats]:
    """The units of most citations, and their rates, shape (engine, prompt, unit)."""
    row, place = np.full(len(graph.prompts) + 1, -1), np.full(len(graph.engines), -1)
    row[shared], place[engines] = np.arange(len(shared)), np.arange(len(engines))
    cells = graph.cells
    counted = (
        (place[cells.engine] >= 0) & (cells.snapshot < graph.finished) & (cells.asked > 0) & (row[cells.prompt] >= 0)
    )
    held = counted[ties.cell]
    cell, unit = ties.cell[held], ties.unit[held]
    engine, prompt = place[cells.engine[cell]], row[cells.prompt[cell]]
    weight = ties.seen[held] / asked[engine, cells.prompt[cell]]
    total = np.bincount(unit, weight)
    units = np.flatnonzero(total)[np.argsort(-total[total > 0], kind="stable")[:most]]
    column = np.full(len(total), -1)
    column[units] = np.arange(len(units))
    kept = column[unit] >= 0
    rates = np.zeros((len(engines), len(shared), len(units)))
    np.add.at(rates, (engine[kept], prompt[kept], column[unit[kept]]), weight[kept])
    return units, rates


def _bridge(unit: int, rates: Floats) -> Bridge:
    engines, prompts = rates.shape
    mean = rates.mean(axis=1)
    total, squares, most = mean.sum(), mean @ mean, 1 - 1 / engines
    value = float((1 - squares / total**2) / most)
    low = high = None
    if int(rates.any(axis=0).sum()) >= _FEWEST_PROMPTS:
        slope = (2 * squares / total**3 - 2 * mean / total**2) / most
        influence = slope @ (rates - mean[:, None]) / prompts
        error = float(np.sqrt(influence @ influence * prompts / (prompts - 1)))
        reach = float(stats.t.ppf((1 + LEVEL) / 2, prompts - 1)) * error
        low, high = max(value - reach, 0.0), min(value + reach, 1.0)
    return Bridge(unit, tuple(float(rate) for rate in mean), value, low, high)


def _asked(graph: Graph, engine: int) -> Floats:
    """Answers of each prompt in weeks that are over, those whose number is known."""
    cells = graph.cells
    mine = (cells.engine == engine) & (cells.prompt != NOBODY) & (cells.snapshot < graph.finished) & (cells.asked > 0)
    return np.asarray(np.bincount(cells.prompt[mine], cells.asked[mine], minlength=len(graph.prompts)), np.float64)
