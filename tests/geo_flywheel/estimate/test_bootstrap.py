from math import inf

import numpy as np
import pytest
from scipy import stats

from geo_flywheel.estimate.bootstrap import draws_of, joint_test, spread


def test_limits_are_percentiles_stretched_by_student_about_the_estimate() -> None:
    draws = draws_of(np.ones(40), 999, 3)
    of_site = np.random.default_rng(1).normal(size=40)
    values = draws.weights @ of_site / draws.weights.sum(axis=1)
    low, high = draws.limits(values)
    drawn = values[1:1000]
    stretch = (
        stats.t.ppf(0.975, 39)
        / stats.norm.ppf(0.975)
        * max(1, draws.jackknife_error(values) / draws.standard_error(values))
    )
    assert low == pytest.approx(values[0] - stretch * (values[0] - np.percentile(drawn, 2.5, method="lower")))
    assert high == pytest.approx(values[0] + stretch * (np.percentile(drawn, 97.5, method="higher") - values[0]))


def test_the_jackknife_is_the_textbook_standard_error_of_a_mean() -> None:
    of_site = np.random.default_rng(2).normal(size=25)
    draws = draws_of(np.ones(25), 10, 0)
    values = draws.weights @ of_site / draws.weights.sum(axis=1)
    assert draws.jackknife_error(values) == pytest.approx(of_site.std(ddof=1) / 5)


def test_intervals_of_a_mean_cover_it() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for seed in range(300):
        of_site = rng.exponential(size=40)
        draws = draws_of(np.ones(40), 199, seed)
        low, high = draws.limits(draws.weights @ of_site / draws.weights.sum(axis=1))
        covered += low <= 1 <= high
    assert 0.90 < covered / 300 < 0.99


def test_draws_without_a_value_open_the_upper_limit_and_no_more() -> None:
    draws = draws_of(np.ones(30), 999, 1)
    values = 0.5 + 0.01 * draws.weights @ np.linspace(-1, 1, 30) / draws.weights.sum(axis=1)
    values[1:60] = inf
    low, high = draws.limits(values)
    assert high == inf
    assert 0.4 < low < 0.5
    values[0] = inf
    assert draws.limits(values)[1] == inf
    assert draws.limits(values)[0] < 0.5


def test_sites_without_pages_are_no_units() -> None:
    draws = draws_of(np.array([1.0, 0.0, 2.0, 0.5]), 5, 0)
    assert draws.sites == 3
    assert draws.weights.shape == (1 + 5 + 3, 4)
    assert ((draws.weights[6:] == 0).sum(axis=1) == 1).all()


def test_many_sites_are_left_out_in_groups() -> None:
    draws = draws_of(np.ones(1_300), 2, 0)
    left = draws.weights[3:] == 0
    assert len(left) == 500
    assert (left.sum(axis=0) == 1).all()


def test_the_joint_test_rejects_at_its_level_and_finds_what_is_there() -> None:
    rng = np.random.default_rng(4)
    p = []
    for _ in range(400):
        root = rng.normal(size=(3, 3)) + 2 * np.eye(3)
        p.append(joint_test(root @ rng.normal(size=3), rng.normal(size=(400, 3)) @ root.T, 1_000))
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.09
    assert joint_test(np.array([5.0, 0.0, 0.0]), rng.normal(size=(400, 3)), 60) < 0.001


def test_a_few_wild_draws_do_not_move_the_joint_test_and_too_few_give_none() -> None:
    rng = np.random.default_rng(5)
    drawn = rng.normal(size=(500, 3))
    plain = joint_test(np.array([2.0, 2.0, 2.0]), drawn, 60)
    drawn[:5] = 1e6
    assert (
        plain < joint_test(np.array([2.0, 2.0, 2.0]), drawn, 60) < 0.04
    )  # far from the 1 that plain correlations give
    drawn[40:] = np.nan
    assert np.isnan(joint_test(np.array([2.0, 2.0, 2.0]), drawn, 60))


def test_spread_is_that_of_the_finite_values() -> None:
    values = np.append(np.random.default_rng(6).normal(0, 2, 20_000), [inf, np.nan])
    assert spread(values) == pytest.approx(2, rel=0.03)
    assert spread(np.array([inf])) == inf
