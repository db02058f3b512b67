import numpy as np
import pytest

from geo_flywheel.estimate import Interval
from geo_flywheel.estimate.weeks import over_periods, slope

Floats = np.ndarray
SLICE = 40


def as_it_is(means: Floats) -> Floats:
    return means


def lasting(rng: np.random.Generator, periods: int, memory: float) -> Floats:
    steps, series = rng.normal(size=periods + 50), np.zeros(periods + 50)
    for now in range(1, series.size):
        series[now] = memory * series[now - 1] + steps[now]
    return series[50:]


@pytest.mark.parametrize(("periods", "memory"), [(12, 0.0), (26, 0.0), (26, 0.5), (52, 0.5), (52, 0.8)])
def test_means_and_slopes_are_covered_also_where_what_happens_lasts(periods: int, memory: float) -> None:
    rng = np.random.default_rng(1)
    means = slopes = 0
    for seed in range(SLICE):
        series = lasting(rng, periods, memory)
        _, around = over_periods(series, as_it_is, "", seed)
        _, about = slope(series + 0.1 * np.arange(periods), np.arange(periods), "", seed)
        means += around is not None and 0 in around
        slopes += about is not None and 0.1 in about
    assert min(means, slopes) >= 0.85 * SLICE


def test_a_slope_is_that_of_least_squares_also_over_periods_that_are_missing() -> None:
    period = np.array([0, 1, 2, 5, 6, 9, 12, 13, 14, 20])
    series = np.random.default_rng(0).normal(size=10)
    assert slope(series, period, "", 1)[0] == pytest.approx(np.polyfit(period, series, 1)[0])


def test_few_periods_have_a_value_and_no_interval() -> None:
    assert over_periods(np.arange(7.0), as_it_is, "", 1) == (3.0, None)
    assert slope(np.arange(7.0), np.arange(7), "", 1)[1] is None


def test_what_never_moves_has_an_interval_of_no_width_and_a_seed_repeats_itself() -> None:
    assert over_periods(np.full(20, 3.0), as_it_is, "x", 1) == (3.0, Interval(3.0, 3.0, 0.95, "x"))
    series = np.random.default_rng(0).normal(size=20)
    assert over_periods(series, as_it_is, "", 4) == over_periods(series, as_it_is, "", 4)
