import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from geo_flywheel.estimate.within import cell_centred, sums, unit_means, within
from tests.real_data import folder

Floats = NDArray[np.float64]


def panel(seed: int, kept: float) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64], Floats]:
    """Columns, unit, cell and weight of units, of an unbalanced panel in two topics."""
    rng = np.random.default_rng(seed)
    unit, week = np.divmod(np.arange(40 * 9), 9)
    there = rng.random(len(unit)) < kept
    unit, week = unit[there], week[there]
    unit = np.unique(unit, return_inverse=True)[1]
    return rng.normal(size=(len(unit), 3)), unit, unit % 2 * 9 + week, rng.uniform(0.2, 2, unit.max() + 1)


@pytest.mark.parametrize("kept", [1.0, 0.6, 0.3])
def test_what_is_left_is_what_least_squares_on_dummies_leaves(kept: float) -> None:
    columns, unit, cell, weight = panel(3, kept)
    dummies = np.concatenate([np.eye(unit.max() + 1)[unit], np.eye(18)[cell]], axis=1)
    root = np.sqrt(weight[unit])[:, None]
    effects = np.linalg.lstsq(dummies * root, columns * root)[0]
    np.testing.assert_allclose(within(columns, unit, cell, weight), columns - dummies @ effects, atol=1e-9)


def test_without_cells_the_mean_of_each_unit_is_taken_out() -> None:
    columns, unit, _, _ = panel(4, 0.7)
    left = within(columns, unit)
    np.testing.assert_allclose(unit_means(left, unit), 0, atol=1e-12)
    np.testing.assert_allclose(left[unit == 5], columns[unit == 5] - columns[unit == 5].mean(axis=0))


def test_cells_alone_lose_their_weighted_means() -> None:
    columns, unit, cell, weight = panel(5, 0.8)
    left = cell_centred(columns, cell, weight[unit])
    for column in left.T:
        np.testing.assert_allclose(sums(cell, column * weight[unit]), 0, atol=1e-12)


def test_grunfelds_ten_firms_give_the_published_within_estimates() -> None:
    grunfeld = pytest.importorskip("statsmodels.datasets.grunfeld", reason="statsmodels has the data")
    data = grunfeld.load_pandas().data
    data = data[data["firm"] != "American Steel"].sort_values(["firm", "year"])
    unit = np.unique(data["firm"], return_inverse=True)[1]
    left = within(data[["invest", "value", "capital"]].to_numpy(dtype=np.float64), unit)
    found = np.linalg.lstsq(left[:, 1:], left[:, 0])[0]
    assert found == pytest.approx([0.1101, 0.3101], abs=1e-4)


def test_luetkepohls_investment_equation_is_that_of_statsmodels_and_of_the_book() -> None:
    read = pd.read_csv(folder("external") / "lutkepohl2.csv")[["inv", "inc", "consump"]]
    rows = np.diff(np.log(read.to_numpy()), axis=0)[:75]
    lags = np.concatenate([np.ones((73, 1)), rows[1:-1], rows[:-2]], axis=1)
    found = np.linalg.lstsq(lags, rows[2:, 0])[0]
    assert found == pytest.approx([-0.017, -0.320, 0.146, 0.961, -0.161, 0.115, 0.934], abs=1e-3)
    oracle = pytest.importorskip("statsmodels.tsa.api", reason="statsmodels is the oracle here").VAR(rows).fit(2)
    np.testing.assert_allclose(found, oracle.params[:, 0], rtol=1e-8)
