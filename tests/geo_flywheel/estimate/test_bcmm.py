import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_flywheel.estimate import bcmm
from geo_flywheel.estimate.bcmm import EVERY, LOOP, corrected, innovations, nickell_bias, spectral_radius, uncorrected
from geo_flywheel.estimate.gain import gain
from geo_flywheel.estimate.moments import moments_of
from tests.geo_flywheel.estimate.worlds import matrix, pairs


def test_nickells_formula_gives_the_published_number() -> None:
    assert nickell_bias(0.5, 10) == pytest.approx(-0.16221, abs=1e-5)


def test_least_squares_with_page_effects_is_biased_by_nickells_formula_and_the_correction_removes_it() -> None:
    truth = np.diag([0.5, 0.5, 0.5])
    seen = pairs(truth, np.random.default_rng(1), pages=20_000, weeks=11, noise=0.0)
    moments = moments_of(seen).drawn(np.ones((1, seen.sites)))
    diagonal = np.eye(3, dtype=bool)
    naive = np.diag(uncorrected(moments, diagonal)[0])
    assert naive - 0.5 == pytest.approx(np.full(3, nickell_bias(0.5, 10)), abs=0.006)
    assert np.diag(corrected(moments, diagonal).matrices[0]) == pytest.approx(np.full(3, 0.5), abs=0.01)


def test_the_matrix_is_recovered_from_noisy_halves_with_weeks_missing_here_and_there() -> None:
    for kept in (1.0, 0.7):
        seen = pairs(matrix(), np.random.default_rng(5), pages=6_000, weeks=27, kept=kept)
        roots = corrected(moments_of(seen).drawn(np.ones((1, seen.sites))))
        assert roots.found[0]
        np.testing.assert_allclose(roots.matrices[0], matrix(), atol=0.025)
        assert gain(roots.matrices)[0] == pytest.approx(0.5, abs=0.04)


def test_the_covariance_of_the_innovations_is_recovered_without_the_noise() -> None:
    seen = pairs(matrix(), np.random.default_rng(6), pages=6_000)
    moments = moments_of(seen).drawn(np.ones((1, seen.sites)))
    found = innovations(corrected(moments).matrices, moments)[0]
    np.testing.assert_allclose(found, np.eye(3), atol=0.05)


def test_one_matrix_does_not_depend_on_which_others_are_solved_with_it() -> None:
    seen = pairs(matrix(), np.random.default_rng(7), pages=300)
    draws = np.random.default_rng(8).exponential(1.0, (50, seen.sites))
    together = corrected(moments_of(seen).drawn(draws), EVERY)
    for one in (0, 17, 49):
        alone = corrected(moments_of(seen).drawn(draws[one : one + 1]), EVERY)
        np.testing.assert_allclose(alone.matrices[0], together.matrices[one], atol=1e-7)
        assert alone.found[0] == together.found[one]


def test_where_the_root_has_vanished_it_is_told_and_no_number_made_up() -> None:
    few = pairs(matrix(gain=1.0), np.random.default_rng(1), pages=60, weeks=9, sites=6)
    draws = np.random.default_rng(1).exponential(1.0, (200, few.sites))
    roots = corrected(moments_of(few).drawn(draws))
    lost = ~roots.found
    assert 0 < lost.mean() < 1
    assert (spectral_radius(roots.matrices[roots.found]) <= 1.06 + 1e-9).all()


def test_federated_sums_give_the_matrix_of_the_pooled_rows() -> None:
    seen = pairs(matrix(), np.random.default_rng(10))
    whole = moments_of(seen)
    summed = whole.drawn(np.ones((1, seen.sites)))
    parts = whole.drawn(np.eye(seen.sites))
    np.testing.assert_allclose(summed.xx[0], np.average(parts.xx, axis=0, weights=whole.weight), atol=1e-12)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_powers_by_cayley_and_hamilton_are_powers(seed: int, count: int) -> None:
    matrices = np.random.default_rng(seed).normal(0, 0.4, (4, 3, 3))
    shares = bcmm._powers(matrices, count)
    for power in range(count):
        mixed = sum(shares[:, k, power, None, None] * np.linalg.matrix_power(matrices, k) for k in range(3))
        np.testing.assert_allclose(mixed, np.linalg.matrix_power(matrices, power), atol=1e-9)


def test_cells_outside_the_mask_stay_empty() -> None:
    seen = pairs(matrix(), np.random.default_rng(11))
    moments = moments_of(seen).drawn(np.ones((1, seen.sites)))
    assert (corrected(moments, LOOP).matrices[0][~LOOP] == 0).all()
    assert (corrected(moments, EVERY).matrices[0][~LOOP] != 0).all()
