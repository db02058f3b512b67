from dataclasses import replace

import numpy as np
import pytest

from geo_flywheel.estimate.bcmm import corrected
from geo_flywheel.estimate.bootstrap import Draws, draws_of
from geo_flywheel.estimate.moments import crossed, demeaned
from geo_flywheel.estimate.soundness import common_residuals, noise_check, placebo_leads
from geo_flywheel.estimate.transitions import Transitions
from geo_flywheel.estimate.within import sums
from tests.geo_flywheel.estimate.worlds import matrix, pairs


def seen(seed: int, noise: float = 0.5) -> tuple[Transitions, Draws]:
    found = pairs(matrix(), np.random.default_rng(seed), noise=noise)
    found = replace(found, noise=np.full((len(found.weight), 6), noise**2))
    return found, draws_of(sums(found.site, found.weight), 199, seed)


def test_noise_of_the_size_of_counting_is_a_ratio_of_one_and_no_warning() -> None:
    found, draws = seen(1)
    numbers, warnings = noise_check(demeaned(found), found, draws)
    assert [numbers[f"noise_ratio_{name}"] for name in ("presence", "citation", "engagement")] == pytest.approx(
        [1, 1, 1], abs=0.03
    )
    assert warnings == []


def test_halves_that_share_noise_are_told() -> None:
    found, draws = seen(2)
    before, after = found.before.copy(), found.after.copy()
    for half in (before, after):
        half[:, 4] = 0.5 * half[:, 1] + 0.5 * half[:, 4]
    shared = replace(found, before=before, after=after)
    numbers, warnings = noise_check(demeaned(shared), shared, draws)
    assert numbers["noise_ratio_citation"] == pytest.approx(0.25, abs=0.02)
    assert [warning.split(" differ")[0] for warning in warnings] == ["the halves of citation"]


def test_what_is_no_count_has_no_noise_to_compare_with() -> None:
    found = pairs(matrix(), np.random.default_rng(3))
    assert noise_check(demeaned(found), found, draws_of(np.ones(60), 20, 1)) == ({}, [])


def test_leads_say_nothing_in_a_true_loop_and_something_where_a_stage_has_no_lag() -> None:
    found, draws = seen(4, noise=0.2)
    assert placebo_leads(found, draws)["placebo_lead_p"] > 0.01
    before, after = found.before.copy(), found.after.copy()
    for half in (before, after):
        half[:, (0, 3)] += half[:, (1, 4)]  # presence that moves with citations of the same week
    instant = replace(found, before=before, after=after)
    numbers = placebo_leads(instant, draws)
    assert numbers["placebo_lead_p"] < 1e-4
    assert abs(numbers["placebo_lead_presence_citation"]) > 0.05


def test_residuals_that_sites_share_are_told_and_independent_ones_are_not() -> None:
    found, _ = seen(5)
    columns = demeaned(found)
    roots = corrected(crossed(columns, found).drawn(np.ones((1, found.sites))))
    quiet = common_residuals(columns, roots.matrices[0], found, 1)
    assert min(quiet.values()) > 0.05
    swing = np.random.default_rng(6).normal(0, 1, (30, 3))[found.time] * (1 - 2 * (found.site % 2))[found.page, None]
    shared = columns.copy()
    shared[:, 6:9] += swing
    shared[:, 9:] += swing
    assert max(common_residuals(shared, roots.matrices[0], found, 1).values()) < 0.01
