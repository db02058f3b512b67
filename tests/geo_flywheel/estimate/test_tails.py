import numpy as np
import pytest
from numpy.typing import ArrayLike

from geo_flywheel.errors import EstimateError, NotIdentified
from geo_flywheel.estimate.tails import tail


def zipf() -> list[int]:
    return [x for x in np.random.default_rng(5).zipf(2.2, 3000).tolist() if x < 10**6]


def test_it_gives_what_the_powerlaw_package_gives() -> None:
    """Version 2.0, Fit(data, discrete=True): alpha 2.20115, xmin 1, D .00452; against the lognormal -.1384, p .928."""
    found = tail(zipf())
    assert found.exponent == pytest.approx(2.20115, abs=1e-3)
    assert (found.xmin, found.units) == (1, 3000)
    assert found.distance == pytest.approx(0.00452, abs=1e-4)
    assert (found.ratio, found.p) == pytest.approx((-0.1384, 0.928), abs=2e-3)


def test_the_exponent_put_in_is_within_its_error() -> None:
    rng = np.random.default_rng(1)
    found = [tail(np.minimum(rng.zipf(2.5, 4000), 10**6)) for _ in range(20)]
    pulls = [(one.exponent - 2.5) / one.error for one in found if one.xmin == 1]
    assert len(pulls) >= 10
    assert np.abs(np.mean(pulls)) < 1.0
    assert np.std(pulls) == pytest.approx(1, abs=0.5)


def test_lognormal_counts_are_no_power_law() -> None:
    rng = np.random.default_rng(2)
    found = [tail(np.round(rng.lognormal(3, 1, 3000))) for _ in range(10)]
    assert not any(one.ratio > 0 and one.p < 0.1 for one in found)


def test_a_power_law_far_out_is_told_from_a_lognormal() -> None:
    rng = np.random.default_rng(3)
    found = tail(np.concatenate([rng.zipf(1.8, 20_000), rng.integers(1, 4, 500)]).clip(max=10**7))
    assert found.exponent == pytest.approx(1.8, abs=0.05)
    assert found.p > 0.1 or found.ratio > 0


def test_order_does_not_matter_and_zeros_are_left_out() -> None:
    counts = zipf()
    assert tail(counts[::-1] + [0] * 50) == tail(counts)


@pytest.mark.parametrize("counts", [[3] * 100, [1, 2, 3], [], [0] * 90])
def test_what_has_no_tail_is_refused(counts: ArrayLike) -> None:
    with pytest.raises(NotIdentified, match="needs 50 units"):
        tail(counts)


@pytest.mark.parametrize("counts", [[1.5] * 60, [-1] * 60, [[1]] * 60, [np.nan] * 60])
def test_what_is_no_count_is_an_error(counts: ArrayLike) -> None:
    with pytest.raises(EstimateError, match="whole numbers"):
        tail(counts)
