import numpy as np
import pandas as pd
import pytest

from geo_flywheel.errors import EstimateError, NotIdentified
from geo_flywheel.estimators.dynamic_panel import DynamicPanel, difference_gmm
from tests.real_data import folder

BASIC = ["w", "w_1", "k", "k_1", "k_2", "ys", "ys_1", "ys_2"]


@pytest.fixture(scope="module")
def employment() -> pd.DataFrame:
    data = pd.read_csv(folder("external") / "EmplUK.csv").sort_values(["firm", "year"])
    logs = {"n": "emp", "w": "wage", "k": "capital", "ys": "output"}
    data = data.assign(**{short: np.log(data[name]) for short, name in logs.items()})
    firms = data.groupby("firm")
    lags = {f"{name}_{lag}": firms[name].shift(lag) for name in ("w", "k", "ys") for lag in (1, 2)}
    return data.assign(**lags)


def fit(frame: pd.DataFrame, exogenous: list[str], steps: int = 1, lags: int = 2) -> DynamicPanel:
    return difference_gmm(
        frame, unit="firm", time="year", outcome="n", outcome_lags=lags, exogenous=exogenous, steps=steps
    )


def test_arellano_and_bond_1991_table_4_a1_is_reproduced(employment: pd.DataFrame) -> None:
    found = fit(employment, BASIC)
    assert found.names[:3] == ("L1.n", "L2.n", "w")
    assert found.coefficients[0] == pytest.approx(0.686226, abs=1e-5)
    assert found.standard_errors[0] == pytest.approx(0.144594, abs=1e-5)
    assert (found.m1, found.m2) == pytest.approx((-3.599593, -0.516028), abs=1e-5)
    assert (found.observations, found.units, found.degrees) == (611, 140, 25)
    assert found.sargan == pytest.approx(65.8, abs=0.05)  # as the table prints it


def test_arellano_and_bond_1991_table_4_a2_is_reproduced_with_windmeijers_errors_beside_the_printed(
    employment: pd.DataFrame,
) -> None:
    found = fit(employment, BASIC, steps=2)
    assert found.coefficients[0] == pytest.approx(0.629, abs=5e-4)
    assert found.uncorrected_errors[0] == pytest.approx(0.090, abs=5e-4)
    assert found.standard_errors[0] == pytest.approx(0.193, abs=5e-4)  # Windmeijer (2005), table 3
    assert found.hansen == pytest.approx(31.4, abs=0.05)


def test_arellano_and_bond_1991_table_4_b_is_reproduced(employment: pd.DataFrame) -> None:
    found = fit(employment, ["w", "w_1", "k", "ys", "ys_1"], steps=2)
    printed = [0.474, -0.053, -0.513, 0.225, 0.293, 0.610, -0.446]
    assert found.coefficients[:7] == pytest.approx(printed, abs=6e-4)
    assert found.uncorrected_errors[0] == pytest.approx(0.085, abs=6e-4)
    assert found.hansen == pytest.approx(30.1, abs=0.05)


def test_neither_the_order_of_rows_nor_the_names_of_units_nor_the_count_of_years_matter(
    employment: pd.DataFrame,
) -> None:
    plain = fit(employment, BASIC)
    moved = employment.assign(firm="f" + employment["firm"].astype(str), year=5 * employment["year"])
    shuffled = fit(moved.sample(frac=1, random_state=1), BASIC)
    np.testing.assert_allclose(shuffled.coefficients, plain.coefficients, rtol=1e-8)
    np.testing.assert_allclose(shuffled.standard_errors, plain.standard_errors, rtol=1e-8)
    assert (shuffled.m1, shuffled.m2) == pytest.approx((plain.m1, plain.m2))


def test_the_outcomes_lags_may_be_given_one_by_one(employment: pd.DataFrame) -> None:
    by_number = fit(employment, ["w"])
    listed = difference_gmm(
        employment, unit="firm", time="year", outcome="n", outcome_lags=[2, 1], exogenous=["w"], steps=1
    )
    np.testing.assert_array_equal(listed.coefficients, by_number.coefficients)


def test_a_missing_year_breaks_the_differences_over_it(employment: pd.DataFrame) -> None:
    gap = employment[~((employment["firm"] == 1) & (employment["year"] == 1981))]
    firm_1 = employment[employment["firm"] == 1]
    whole = difference_gmm(employment, unit="firm", time="year", outcome="n", outcome_lags=1, steps=1)
    broken = difference_gmm(gap, unit="firm", time="year", outcome="n", outcome_lags=1, steps=1)
    assert firm_1["year"].tolist() == list(range(1977, 1984))
    assert whole.observations - broken.observations == 3  # 1981, 1982 and 1983 need 1981; 1979 and 1980 do not


def test_the_truth_is_recovered_where_ordinary_least_squares_and_fixed_effects_miss_it() -> None:
    rng = np.random.default_rng(4)
    level = rng.normal(size=(3_000, 1))
    y = np.zeros((3_000, 30))
    for t in range(1, 30):
        y[:, t] = 0.5 * y[:, t - 1] + level[:, 0] + rng.normal(size=3_000)
    y = y[:, -7:]
    frame = pd.DataFrame({"unit": np.repeat(np.arange(3_000), 7), "time": np.tile(np.arange(7), 3_000), "y": y.ravel()})
    for steps in (1, 2):
        found = difference_gmm(frame, unit="unit", time="time", outcome="y", outcome_lags=1, steps=steps)
        assert abs(found.coefficients[0] - 0.5) < 3 * found.standard_errors[0] < 0.15
        assert found.m1 < -10
        assert abs(found.m2) < 3
        assert found.hansen_p > 0.001


def test_errors_grow_by_windmeijers_correction_as_their_spread_over_samples_does() -> None:
    found, corrected, uncorrected = [], [], []
    rng = np.random.default_rng(8)
    for _ in range(150):
        y = np.zeros((60, 28))
        level = rng.normal(size=60)
        for t in range(1, 28):
            y[:, t] = 0.5 * y[:, t - 1] + level + rng.normal(size=60) * rng.uniform(0.5, 1.5, 60)
        frame = pd.DataFrame(
            {"unit": np.repeat(np.arange(60), 8), "time": np.tile(np.arange(8), 60), "y": y[:, -8:].ravel()}
        )
        one = difference_gmm(frame, unit="unit", time="time", outcome="y", outcome_lags=1, steps=2, time_effects=False)
        found.append(one.coefficients[0])
        corrected.append(one.standard_errors[0])
        uncorrected.append(one.uncorrected_errors[0])
    spread = float(np.std(found))
    assert np.median(uncorrected) < 0.85 * spread
    assert np.median(corrected) == pytest.approx(spread, rel=0.2)


def test_what_cannot_be_estimated_is_refused_by_name(employment: pd.DataFrame) -> None:
    with pytest.raises(EstimateError, match="no column nothing"):
        fit(employment, ["nothing"])
    with pytest.raises(NotIdentified, match="sector does not change"):
        fit(employment, ["sector"])
    with pytest.raises(EstimateError, match="3 steps"):
        fit(employment, [], steps=3)
    with pytest.raises(EstimateError, match="outcome_lags 0"):
        fit(employment, [], lags=0)
    with pytest.raises(EstimateError, match="two rows are for"):
        fit(pd.concat([employment, employment.iloc[:1]]), [])
    with pytest.raises(EstimateError, match="no unit has the 4 adjacent periods"):
        fit(employment[employment["year"] < 1979], [])
