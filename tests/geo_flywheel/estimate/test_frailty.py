import numpy as np
import pytest
from scipy.special import gammaln
from scipy.stats import nbinom, poisson

from geo_flywheel.estimate.frailty import NO_FRAILTY, climbed, modes, profile
from geo_flywheel.estimate.frailty_influence import dispersion, influence
from geo_flywheel.estimate.risk_cells import Cells, Kernel, doubling, past_of, power


def drawn(seed: int, *, alpha: float = 0.5, shape: float = 2.0, units: int = 300, periods: int = 20) -> Cells:
    """Units of frailty Gamma(shape) that gather 200 events a period, all from the start, at unequal exposure."""
    rng = np.random.default_rng(seed)
    eta = np.ones(units) if np.isinf(shape) else rng.gamma(shape, 1 / shape, units)
    exposure = rng.uniform(0.5, 2, units)
    past, events, held = [], [], np.zeros(units)
    for _ in range(periods):
        weights = (held + 1) ** alpha * eta * exposure
        past.append(held)
        events.append(rng.multinomial(200, weights / weights.sum()).astype(float))
        held = held + events[-1]
    unit, time = (axis.ravel() for axis in np.indices((units, periods)))
    return Cells(unit, time, np.array(past).T.ravel(), np.array(events).T.ravel(), np.repeat(exposure, periods))


def negative_binomial(cells: Cells, kernel: Kernel, alpha: float, s: float) -> float:
    """Log-likelihood of the totals of units by scipy, and of their periods given these."""
    here = profile(kernel, np.array([alpha]), s)
    rates = kernel.rows(np.array([alpha])) * here.level[cells.time]
    totals = np.sum(nbinom.logpmf(cells.by_unit, s, s / (s + here.expected)))
    within = cells.events @ np.log(rates / here.expected[cells.unit])
    return float(totals + within + gammaln(cells.by_unit + 1).sum())


def test_the_likelihood_is_that_of_negative_binomial_totals_spread_over_the_periods() -> None:
    cells = drawn(1)
    kernel = power(cells)
    for alpha, s in ((0.0, 1.0), (0.5, 2.0), (0.9, 30.0)):
        ours = profile(kernel, np.array([alpha]), s).log_likelihood
        assert ours == pytest.approx(negative_binomial(cells, kernel, alpha, s), rel=1e-10)


def test_without_frailty_it_is_that_of_poisson_counts() -> None:
    cells = drawn(2, shape=np.inf)
    here = profile(power(cells), np.array([0.5]), NO_FRAILTY)
    expected = np.sum(poisson.logpmf(cells.events, here.means)) + gammaln(cells.events + 1).sum()
    assert here.log_likelihood == pytest.approx(expected, rel=1e-10)


def test_what_a_period_does_cannot_be_better() -> None:
    cells = drawn(3)
    kernel = power(cells)
    here = profile(kernel, np.array([0.5]), 2.0)

    def height(level: np.ndarray) -> float:
        expected = cells.matrix(kernel.rows(np.array([0.5]))) @ level
        return float(cells.by_period @ np.log(level) - (2 + cells.by_unit) @ np.log(2 + expected))

    rng = np.random.default_rng(0)
    best = height(here.level)
    assert all(height(here.level * np.exp(rng.normal(0, 0.01, 20))) < best for _ in range(50))
    assert here.eta.mean() == pytest.approx(1)


@pytest.mark.parametrize("s", [0.3, 2.0, 100.0])
def test_the_gradient_is_that_of_differences(s: float) -> None:
    for kernel in (power(drawn(4)), doubling(drawn(4))[0]):
        at = np.full(kernel.features.shape[1], 0.4)
        gradient = profile(kernel, at, s).gradient
        for number in range(at.size):
            step = 1e-5 * (np.arange(at.size) == number)
            up, down = (profile(kernel, at + sign * step, s).log_likelihood for sign in (1, -1))
            assert gradient[number] == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-3)
        up, down = (profile(kernel, at, s * np.exp(sign * 1e-5)).log_likelihood for sign in (1, -1))
        assert gradient[-1] == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-3)


def test_a_kernel_of_any_form_can_be_the_power_law() -> None:
    cells = drawn(5)
    free, knots = doubling(cells)
    same = free.rows(0.7 * np.log1p(knots))
    assert same == pytest.approx(power(cells).rows(np.array([0.7])))
    assert knots[:3].tolist() == [1, 3, 7]


def test_alpha_and_the_spread_of_frailty_come_back() -> None:
    found = [modes(power(drawn(seed)), ((0.5, 1.0), (0.0, 0.0)))[0] for seed in range(6)]
    assert np.mean([mode.alpha for mode in found]) == pytest.approx(0.5, abs=0.05)
    assert np.median([mode.s for mode in found]) == pytest.approx(2, rel=0.2)


def test_where_nobody_differs_contagion_and_quality_are_two_maxima() -> None:
    kernel = power(drawn(1, alpha=1.0, shape=np.inf, units=400, periods=30))
    found = modes(kernel, ((1.0, np.log(200)), (0.5, 1.0), (0.0, 0.0)))
    assert found[0].alpha == pytest.approx(1, abs=0.08)
    assert found[0].s > 50
    assert all(found[0].log_likelihood > other.log_likelihood for other in found[1:])


def test_the_errors_of_a_right_model_are_those_of_its_curvature() -> None:
    cells = drawn(6)
    kernel = power(cells)
    mode = climbed(kernel, np.array([0.5]), 2.0)
    moved = influence(kernel, mode)
    assert np.sqrt((moved.by_unit**2).sum(axis=1)) == pytest.approx(moved.model_errors, rel=0.2)
    assert moved.by_unit.sum(axis=1) == pytest.approx([0, 0], abs=0.05 * moved.model_errors.min())
    assert dispersion(cells, mode, profile(kernel, mode.parameters, mode.s)) == pytest.approx(1, abs=0.1)


def test_leaving_out_a_unit_moves_alpha_by_its_influence() -> None:
    cells = drawn(7, units=150)
    kernel = power(cells)
    mode = climbed(kernel, np.array([0.5]), 2.0)
    moved = influence(kernel, mode).by_unit[0]
    order = np.argsort(moved)
    some = np.concatenate([order[5:15], order[-15:-5]])
    without = [climbed(power(cells.kept(cells.unit != unit)), mode.parameters, mode.s).alpha for unit in some]
    assert np.polyfit(moved[some], mode.alpha - np.array(without), 1)[0] == pytest.approx(1, abs=0.25)
    assert np.corrcoef(moved[some], mode.alpha - np.array(without))[0, 1] > 0.95


def test_the_past_is_what_came_before_in_the_same_unit() -> None:
    past = past_of(np.array([0, 0, 0, 1, 1]), np.array([1.0, 0, 2, 3, 4]))
    assert past.tolist() == [0, 1, 1, 0, 3]
