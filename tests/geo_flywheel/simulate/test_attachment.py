from dataclasses import replace
from math import inf

import numpy as np
import pytest

from geo_flywheel.simulate.attachment import World, grown

_SMALL = World(incumbents=60, entrants=60, weeks=20, burn_in=5, cells=200)


def test_cells_are_shared_out_whole_and_what_is_held_is_what_was_gained() -> None:
    columns = grown(_SMALL, 3).columns
    page, week = columns["page_id"], columns["period"]
    for one in range(_SMALL.weeks):
        assert columns["cells_cited"][week == one].sum() == _SMALL.cells
    for one in (0, 59, 60, 119):
        held, gained = columns["held"][page == one], columns["cells_cited"][page == one]
        assert (np.diff(held) == gained[:-1]).all()
    assert (columns["cited_a"] + columns["cited_b"] == columns["cells_cited"]).all()


def test_entrants_begin_with_nothing_and_incumbents_with_what_nobody_saw() -> None:
    columns = grown(_SMALL, 3).columns
    first = columns["period"] == np.maximum(columns["first_seen"], 0)
    entered = columns["first_seen"] >= 0
    assert (columns["held"][first & entered] == 0).all()
    assert columns["held"][first & ~entered].sum() == 5 * _SMALL.cells
    assert len(np.unique(columns["page_id"][entered])) == _SMALL.entrants


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_pages_gain_in_proportion_to_the_stated_power_of_what_they_hold(alpha: float) -> None:
    world = replace(_SMALL, alpha=alpha, shape=inf, cells=2000, weeks=30, burn_in=0, entrants=0)
    expected, seen = [], []
    for seed in range(4):
        columns = grown(world, seed).columns
        held, gained = (columns[name].reshape(world.pages, -1).astype(float) for name in ("held", "cells_cited"))
        weights = (held + 1) ** alpha
        expected.append(world.cells * weights / weights.sum(axis=0))
        seen.append(gained)
    scores = (np.array(seen) - np.array(expected)) / np.sqrt(np.array(expected))
    slope = np.polyfit(np.log(np.array(expected)).ravel(), scores.ravel(), 1)[0] if alpha else scores.mean()
    assert abs(slope) < 0.2
    assert scores.std() == pytest.approx(1, abs=0.05)


def test_fitness_has_the_stated_variance_and_decides_who_gains() -> None:
    growth = grown(replace(_SMALL, alpha=0.0, incumbents=2000, entrants=0, cells=20_000), 3)
    assert growth.fitness.mean() == pytest.approx(1, abs=0.05)
    assert growth.fitness.var() == pytest.approx(1 / _SMALL.shape, abs=0.06)
    gained = growth.columns["cells_cited"].reshape(2000, -1).mean(axis=1)
    assert np.corrcoef(gained, growth.fitness)[0, 1] > 0.99


def test_answers_are_copies_that_change_nothing_about_the_cells() -> None:
    one, five = grown(_SMALL, 3).columns, grown(replace(_SMALL, copies=5), 3).columns
    assert (one["cells_cited"] == five["cells_cited"]).all()
    assert (five["cited_a"] + five["cited_b"] == 5 * five["cells_cited"]).all()
