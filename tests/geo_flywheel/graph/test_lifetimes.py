import numpy as np
from lifelines import KaplanMeierFitter  # type: ignore[import-untyped]
from numpy.typing import NDArray

from geo_flywheel.graph.lifetimes import lifetimes


def turnbull(left: NDArray[np.int64], right: NDArray[np.float64], ages: int) -> NDArray[np.float64]:
    """Our curve of losses known to lie after `left` and by `right`."""
    column, open_ = np.arange(ages + 1), np.isinf(right)
    end = np.where(open_, left, ages - 1).astype(np.int32)
    between = (column > left[:, None]) & (column <= right[:, None])
    likelihood = np.where(open_[:, None], column == end[:, None] + 1, between).astype(np.float64)
    return lifetimes(likelihood, end, np.ones(len(left)), np.arange(ages, dtype=np.int32))


def test_with_exact_detection_it_is_turnbulls_curve_as_lifelines_has_it() -> None:
    rng = np.random.default_rng(4)
    loss = np.ceil(rng.exponential(4, 400))
    left = np.where(loss > 9, 9, np.maximum(loss - rng.integers(1, 4, 400), 0)).astype(np.int64)
    right = np.where(loss > 9, np.inf, np.maximum(left + rng.integers(1, 4, 400), loss))
    closed = left + 0.5  # lifelines counts both ends in
    peer = KaplanMeierFitter().fit_interval_censoring(closed, right, tol=1e-10).survival_function_
    ages = np.arange(1, 9)
    np.testing.assert_allclose(turnbull(left, right, 14)[ages], peer.loc[ages].iloc[:, 1], atol=1e-4)


def test_ties_that_are_all_watched_closely_give_kaplan_meier() -> None:
    rng = np.random.default_rng(5)
    loss, watched = rng.geometric(0.2, 500), rng.integers(1, 12, 500)
    ages = 13
    column = np.arange(ages + 1)
    lost = loss <= watched
    end = np.where(lost, loss, watched).astype(np.int32)
    likelihood = np.where(lost[:, None], column == loss[:, None], column == end[:, None] + 1).astype(np.float64)
    found = lifetimes(likelihood, end, np.ones(500), np.arange(ages, dtype=np.int32))
    peer = KaplanMeierFitter().fit(np.minimum(loss, watched), lost)
    np.testing.assert_allclose(found[:11], peer.survival_function_at_times(np.arange(11)), atol=1e-4)
