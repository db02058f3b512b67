import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_flywheel.estimate.gain import (
    elasticities,
    gain,
    half_life,
    one_pass,
    responses,
    returned,
    revolution_time,
    stage_gains,
)  # fmt: skip
from tests.geo_flywheel.estimate.worlds import matrix

LOOP = matrix(gain=0.5)[None]
FULL = np.array([[[0.5, 0.05, 0.2], [0.4, 0.3, 0.1], [0.1, 0.3, 0.2]]])


def test_the_gain_is_what_comes_back_when_a_unit_of_presence_is_followed() -> None:
    for a in (LOOP[0], FULL[0]):
        state, back = np.array([1.0, 0.0, 0.0]), []
        for _ in range(3_000):
            enters = float(a[0, 1:] @ state[1:])
            state = a @ state
            state[0] -= enters
            back.append(enters)
        assert gain(a[None])[0] == pytest.approx(sum(back))
        np.testing.assert_allclose(returned(a[None], 20)[0], back[:20])
        mean = sum(k * share for k, share in enumerate(back, start=1)) / sum(back)
        assert revolution_time(a[None])[0] == pytest.approx(mean)


def test_a_single_cycle_returns_the_product_of_its_stages_in_the_long_run() -> None:
    assert gain(LOOP)[0] == pytest.approx(0.5)
    assert stage_gains(LOOP)[0].prod() == pytest.approx(0.5)
    assert one_pass(LOOP)[0] == pytest.approx(0.5 * 0.7 * 0.8 * 0.4)


@given(st.lists(st.floats(0, 0.6), min_size=9, max_size=9))
def test_it_returns_more_than_itself_just_when_the_spectral_radius_is_above_one(cells: list[float]) -> None:
    a = np.array(cells).reshape(1, 3, 3)
    found, radius = gain(a)[0], np.abs(np.linalg.eigvals(a[0])).max()
    if abs(radius - 1) > 1e-6 and abs(found - 1) > 1e-6:
        assert (found > 1) == (radius > 1)


def test_nothing_that_never_dies_out_has_a_finite_gain() -> None:
    stuck = LOOP.copy()
    stuck[0, 1, 1] = 1.0
    assert gain(stuck)[0] == np.inf
    assert np.isnan(revolution_time(stuck)[0])
    assert np.isnan(revolution_time(np.diag([0.5, 0.5, 0.5])[None])[0])


def test_elasticities_are_the_derivatives_of_the_logarithm() -> None:
    found = elasticities(FULL[0])
    for to in range(3):
        for of in range(3):
            moved = FULL.copy()
            moved[0, to, of] *= 1 + 1e-6
            assert found[to, of] == pytest.approx((gain(moved)[0] / gain(FULL)[0] - 1) / 1e-6, abs=1e-4)


def test_responses_start_with_the_shock_and_follow_the_matrix() -> None:
    covariance = np.array([[[1.0, 0.2, 0.0], [0.2, 0.5, 0.1], [0.0, 0.1, 2.0]]])
    paths = responses(LOOP, covariance, 4)[0]
    np.testing.assert_allclose(paths[0].diagonal(), np.sqrt(covariance[0].diagonal()))
    np.testing.assert_allclose(paths[3], np.linalg.matrix_power(LOOP[0], 3) @ paths[0])


def test_half_of_a_gap_is_gone_after_the_half_life() -> None:
    assert 0.9 ** half_life(np.array(0.9)) == pytest.approx(0.5)
    assert half_life(np.array([1.0, 1.01])).tolist() == [np.inf, np.inf]
