import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.stats import betabinom

from geo_flywheel.errors import EstimateError, NotIdentified
from geo_flywheel.estimate.beta_binomial import BetaBinomial, beta_binomial, log_likelihood

BOYS_OF_TWELVE = [3, 24, 104, 286, 670, 1033, 1343, 1112, 829, 478, 181, 45, 7]


def test_it_gives_the_published_fit_of_boys_in_saxon_families() -> None:
    """Geissler, first 12 of 13 children; Wikipedia, "Beta-binomial distribution": 34.0956, 31.5715, -12492.9."""
    prior = beta_binomial(range(13), 12, units=BOYS_OF_TWELVE)
    assert prior == pytest.approx((34.0956, 31.5715), rel=5e-4)
    assert log_likelihood(prior, range(13), 12, BOYS_OF_TWELVE) == pytest.approx(-12492.9, abs=0.05)


def test_a_table_of_frequencies_is_the_same_as_its_units_one_by_one() -> None:
    spelled = np.repeat(np.arange(13), BOYS_OF_TWELVE)
    assert beta_binomial(spelled, 12) == pytest.approx(beta_binomial(range(13), 12, units=BOYS_OF_TWELVE), rel=1e-9)


@pytest.mark.parametrize(("a", "b"), [(2.0, 8.0), (0.3, 0.5), (0.02, 0.1), (200.0, 400.0), (1.5, 50.0)])
def test_no_other_pair_is_more_likely_by_scipy(a: float, b: float) -> None:
    rng = np.random.default_rng(3)
    trials = rng.integers(2, 60, 800)
    successes = betabinom.rvs(trials, a, b, random_state=rng)
    prior = beta_binomial(successes, trials)

    def loss(logs: np.ndarray) -> float:
        return -float(np.sum(betabinom.logpmf(successes, trials, *np.exp(logs))))

    found = minimize(loss, np.log(prior), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    assert np.exp(found.x) == pytest.approx(prior, rel=1e-4)
    assert loss(np.log(prior)) <= found.fun + 1e-8
    assert log_likelihood(prior, successes, trials) == pytest.approx(-loss(np.log(prior)))


def test_it_comes_back_to_what_was_put_in() -> None:
    rng = np.random.default_rng(0)
    successes = betabinom.rvs(40, 2, 8, size=20_000, random_state=rng)
    assert beta_binomial(successes, 40) == pytest.approx((2, 8), rel=0.05)


def test_it_unpacks_and_shrinks() -> None:
    a, b = prior = BetaBinomial(1.0, 3.0)
    assert (a, b) == (1.0, 3.0)
    assert (prior.mean, prior.correlation) == (0.25, 0.2)
    assert prior.shrunk([0, 4], [0, 4]) == pytest.approx([0.25, 5 / 8])


@pytest.mark.parametrize(
    ("successes", "trials", "said"),
    [
        ([3] * 20, 6, "no more than chance"),
        ([2, 3, 2, 3, 4, 3], 6, "no more than chance"),
        ([0, 6, 0, 6], 6, "run to 0"),
        ([0] * 5, 4, "ended alike"),
        ([4] * 5, 4, "ended alike"),
        ([1, 0, 1], 1, "two trials"),
        ([2], 5, "two units"),
    ],
)
def test_what_has_no_maximum_is_refused_with_the_reason(successes: ArrayLike, trials: ArrayLike, said: str) -> None:
    with pytest.raises(NotIdentified, match=said):
        beta_binomial(successes, trials)


@pytest.mark.parametrize(
    ("successes", "trials"),
    [([1.5], 3), ([-1], 3), ([4], 3), ([1, 2], [3, 4, 5]), (["x"], 3), ([np.nan], 3), ([[1]], 2)],
)
def test_what_is_no_count_is_an_error(successes: ArrayLike, trials: ArrayLike) -> None:
    with pytest.raises(EstimateError):
        beta_binomial(successes, trials)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=2, max_size=30))
def test_any_counts_give_a_fit_that_beats_the_binomial_or_a_reason(pairs: list[tuple[int, int]]) -> None:
    successes, trials = [y for y, _ in pairs], [y + n for y, n in pairs]
    try:
        prior = beta_binomial(successes, trials)
    except NotIdentified:
        return
    share = sum(successes) / sum(trials)
    binomial = log_likelihood(BetaBinomial(share * 1e9, (1 - share) * 1e9), successes, trials)
    assert log_likelihood(prior, successes, trials) >= binomial - 1e-4
    mirrored = beta_binomial([n - y for y, n in zip(successes, trials, strict=True)], trials)
    assert mirrored[::-1] == pytest.approx(prior, rel=1e-4)
