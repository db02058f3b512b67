import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

from geo_flywheel.simulate.sweeps import World, draw, logit_normal_mean


def test_the_same_seed_draws_the_same_sweeps() -> None:
    first, again, other = draw(World(sweeps=3), 5), draw(World(sweeps=3), 5), draw(World(sweeps=3), 6)
    assert np.array_equal(first.cited, again.cited)
    assert np.array_equal(first.this_basket, again.this_basket)
    assert not np.array_equal(first.cited, other.cited)


def test_counts_have_one_row_for_each_prompt_and_one_column_for_each_sweep() -> None:
    sample = draw(World(prompts=7, sweeps=3, repeats=4), 1)
    assert sample.cited.shape == sample.asked.shape == (7, 3)
    assert (sample.asked == 4).all()
    assert (sample.cited <= sample.asked).all()


@pytest.mark.parametrize(("location", "sd"), [(-3.0, 1.6), (0.0, 1.0), (1.5, 0.5)])
def test_the_population_rate_agrees_with_adaptive_quadrature(location: float, sd: float) -> None:
    direct, _ = quad(lambda z: expit(location + sd * z) * norm.pdf(z), -10, 10)
    assert float(logit_normal_mean(location, sd)) == pytest.approx(direct, abs=1e-6)


def test_the_long_run_rate_is_the_stated_one() -> None:
    assert draw(World(rate=0.07, prompt_sd=1.5, sweep_sd=0.5), 1).over_time == pytest.approx(0.07, abs=1e-9)


def test_each_truth_is_what_many_answers_would_show() -> None:
    sample = draw(World(rate=0.2, prompts=4000, sweeps=2, repeats=2000), 3)
    seen = sample.cited.sum(axis=0) / sample.asked.sum(axis=0)
    assert seen == pytest.approx(sample.this_basket, abs=5 * 0.5 / np.sqrt(4000 * 2000))
    assert sample.this_basket == pytest.approx(sample.this_sweep, abs=5 * 0.5 / np.sqrt(4000))


def test_the_sweep_rates_scatter_about_the_long_run_rate() -> None:
    sample = draw(World(rate=0.2, prompts=2, sweeps=4000, sweep_sd=0.5), 3)
    assert sample.this_sweep.std() > 0.03
    assert sample.this_sweep.mean() == pytest.approx(0.2, abs=5 * sample.this_sweep.std() / np.sqrt(4000))


def test_a_step_lifts_the_later_half_alone() -> None:
    level, lifted = World(sweeps=4, sweep_sd=0.0), World(sweeps=4, sweep_sd=0.0, step=1.0)
    difference = draw(lifted, 1).this_sweep - draw(level, 1).this_sweep
    assert difference[:2] == pytest.approx([0.0, 0.0])
    assert (difference[2:] > 0.05).all()


def test_without_a_step_or_shocks_no_prompt_changes() -> None:
    assert draw(World(sweeps=2, sweep_sd=0.0, cell_sd=0.0), 1).change == pytest.approx(0.0)


def test_lost_asks_are_not_counted_as_asked() -> None:
    sample = draw(World(prompts=500, repeats=8, missing=0.25), 1)
    assert sample.asked.mean() == pytest.approx(6.0, abs=5 * np.sqrt(8 * 0.25 * 0.75 / 500))
