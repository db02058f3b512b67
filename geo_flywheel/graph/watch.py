"""Ties watched from the week they began: what was asked and what was seen of them, by their age."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo_flywheel.errors import NotIdentified
from geo_flywheel.graph.network import NOBODY, Cells, Floats, Graph, Ints, Ties

MOST_TIES = 5_000


class Watch(NamedTuple):
    """Ties as they were watched, shape (tie,) but where said.

    Attributes:
        calendar: Number that ties asked in the same way, age by age, share.
        asked: Answers at each age, shape (tie, age); 0 where nothing was asked.
        cited: Answers of these that cite it, same shape.
        end: Oldest age watched.
    """

    prompt: Ints
    calendar: Ints
    asked: Floats
    cited: Floats
    end: Ints


def watched(graph: Graph, ties: Ties, engine: int, seed: int) -> tuple[Watch, int]:
    """Return the ties of an engine that began after their prompt had been asked without them, and how many there are.

    Args:
        graph: The graph; a running week is left out.
        ties: Its `cited` or `cited_sites`.
        engine: Number of the engine.
        seed: Chooses `MOST_TIES` where there are more.

    Raises:
        NotIdentified: If there is no week in which it is known what was asked.
    """
    cells = graph.cells
    weeks = np.array([(day - graph.snapshots[0]).days // 7 for day in graph.snapshots], np.int32)
    mine = (cells.engine == engine) & (cells.snapshot < graph.finished)
    named = mine & (cells.prompt != NOBODY)
    known = named & (cells.asked > 0)
    if not known.any():
        raise NotIdentified(_why_not(cells, mine, named))
    asked = np.zeros((len(graph.prompts), weeks[-1] + 1))
    asked[cells.prompt[known], weeks[cells.snapshot[known]]] = cells.asked[known]
    held = known[ties.cell]
    cell, units = ties.cell[held], int(ties.unit.max(initial=0)) + 1
    edge, number = np.unique(cells.prompt[cell].astype(np.int64) * units + ties.unit[held], return_inverse=True)
    week, prompt = weeks[cells.snapshot[cell]], (edge // units).astype(np.int32)
    first = np.full(len(edge), asked.shape[1], np.int32)
    np.minimum.at(first, number, week)
    asked_before = np.cumsum(asked > 0, axis=1)[prompt, np.maximum(first - 1, 0)] > 0
    entrants = np.flatnonzero((first > 0) & asked_before)
    found = len(entrants)
    if found > MOST_TIES:
        entrants = np.sort(np.random.default_rng(seed).choice(entrants, MOST_TIES, replace=False))
    place = np.full(len(edge), -1)
    place[entrants] = np.arange(len(entrants))
    watched = place[number] >= 0
    cited = np.zeros((len(entrants), asked.shape[1]))
    cited[place[number[watched]], (week - first[number])[watched]] = ties.seen[held][watched]
    return _by_age(prompt[entrants], first[entrants], asked, cited), found


def _why_not(cells: Cells, mine: NDArray[np.bool_], named: NDArray[np.bool_]) -> str:
    if not mine.any():
        return "this engine was not asked in any week that is over; come back when one is"
    if not named.any():
        return "the source does not say which prompt each answer is for; import a file that does"
    if np.isnan(cells.asked[named]).all():
        return (
            "the source does not say what was asked, so that a miss and a loss look the same; crawl, or import answers"
        )
    return "nothing was asked with a prompt named; crawl, or import answers"


def _by_age(prompt: Ints, first: Ints, asked: Floats, cited: Floats) -> Watch:
    """Lay the weeks of each tie out from its first; `cited` is so already."""
    weeks = asked.shape[1]
    at = first[:, None] + np.arange(weeks)
    _, pattern = np.unique(asked, axis=0, return_inverse=True)
    return Watch(
        prompt=prompt,
        calendar=(pattern[prompt] * weeks + first).astype(np.int32),
        asked=np.where(at < weeks, asked[prompt[:, None], np.minimum(at, weeks - 1)], 0.0),
        cited=cited,
        end=(weeks - 1 - first).astype(np.int32),
    )
