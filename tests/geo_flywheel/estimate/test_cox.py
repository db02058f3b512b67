import warnings
from typing import Any

import numpy as np
import pytest

from geo_flywheel.errors import EstimateError, NotIdentified
from geo_flywheel.estimate.cox import cox

PUBLISHED = {"fin": -0.379, "age": -0.057, "race": 0.314, "wexp": -0.150, "mar": -0.434, "paro": -0.085, "prio": 0.091}


@pytest.fixture(scope="module")
def rossi() -> Any:
    return pytest.importorskip("lifelines.datasets", reason="lifelines has the published data").load_rossi()


def fitted(table: Any, **settings: Any) -> Any:
    lifelines = pytest.importorskip("lifelines", reason="lifelines is the oracle here")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return lifelines.CoxPHFitter().fit(table, "week", "arrest", **settings)


def test_it_gives_the_published_table_of_recidivism(rossi: Any) -> None:
    """Rossi, Berk and Lenihan (1980), as Fox (2002) fits it; ties after Efron."""
    found = cox(rossi["week"], rossi["arrest"], rossi[list(PUBLISHED)])
    assert dict(zip(PUBLISHED, found.coefficients, strict=True)) == pytest.approx(PUBLISHED, abs=1e-3)
    assert found.events == 114


def test_coefficients_errors_and_likelihood_are_those_of_lifelines_with_and_without_strata(rossi: Any) -> None:
    names = [name for name in PUBLISHED if name != "race"]
    for strata in (None, "race"):
        table = rossi if strata else rossi.drop(columns="race")
        oracle = fitted(table, strata=strata and [strata])
        found = cox(rossi["week"], rossi["arrest"], rossi[names], strata=rossi[strata] if strata else None)
        assert found.coefficients == pytest.approx(oracle.params_.to_numpy(), abs=1e-6)
        assert found.errors == pytest.approx(oracle.standard_errors_.to_numpy(), rel=1e-6)
        assert found.log_likelihood == pytest.approx(oracle.log_likelihood_)


def test_clustered_errors_are_those_of_lifelines_where_nothing_is_tied(rossi: Any) -> None:
    apart = rossi.assign(
        week=rossi["week"] + np.random.default_rng(0).random(len(rossi)) / 2, g=np.arange(len(rossi)) % 60
    )
    names = list(PUBLISHED)
    for strata in (None, "race"):
        used = [name for name in names if name != strata]
        oracle = fitted(apart, cluster_col="g", strata=strata and [strata])
        found = cox(
            apart["week"], apart["arrest"], apart[used], group=apart["g"], strata=apart[strata] if strata else None
        )
        assert found.errors == pytest.approx(oracle.standard_errors_.to_numpy(), rel=1e-5)


def test_order_does_not_matter_also_among_ties(rossi: Any) -> None:
    order = np.random.default_rng(1).permutation(len(rossi))
    group = np.arange(len(rossi)) % 40
    one = cox(rossi["week"], rossi["arrest"], rossi[list(PUBLISHED)], group=group)
    mixed = rossi.iloc[order]
    other = cox(mixed["week"], mixed["arrest"], mixed[list(PUBLISHED)], group=group[order])
    assert other.coefficients == pytest.approx(one.coefficients)
    assert other.errors == pytest.approx(one.errors)


def test_what_cannot_be_fitted_is_refused() -> None:
    time, event = np.arange(1.0, 9), np.array([1, 1, 1, 1, 0, 0, 0, 0])
    with pytest.raises(NotIdentified, match="vary"):
        cox(time, event, np.ones((8, 1)))
    with pytest.raises(NotIdentified, match="needs an event"):
        cox(time, np.zeros(8), time[:, None])
    with pytest.raises(NotIdentified, match="tells every event"):
        cox(time, event, np.array([[4.0], [3], [2], [1], [0], [0], [0], [0]]))
    with pytest.raises(NotIdentified, match="among those compared"):
        cox(time, event, (time > 4)[:, None], strata=time > 4)
    with pytest.raises(EstimateError, match="of one length"):
        cox(time, event, np.ones((7, 1)))
    with pytest.raises(EstimateError, match="neither 0 nor 1"):
        cox(time, event * 2, time[:, None])
