from dataclasses import replace

import numpy as np
import pytest

from geo_flywheel.simulate.market import WORLDS, Market, World
from geo_flywheel.simulate.panels import observed
from tests.validation.naive import _moments, _relative, _transitions, gain, naive, unsplit

_SMALL = World(pages=24, sites=8, topics=1, prompts_per_topic=4, engines=2, weeks=12)


def _nickell(persistence: float, weeks: int) -> float:
    """The bias of the within estimate of a panel AR(1), for many pages (Nickell 1981, Econometrica 49, equation 18)."""
    lost = 1 - (1 - persistence**weeks) / (weeks * (1 - persistence))
    return -(1 + persistence) / (weeks - 1) * lost / (1 - 2 * persistence * lost / ((1 - persistence) * (weeks - 1)))


def test_the_formula_gives_the_published_bias() -> None:
    assert _nickell(0.5, 10) == pytest.approx(-0.16221, abs=1e-5)


def test_within_is_as_biased_as_the_formula_says() -> None:
    rng = np.random.default_rng(1)
    states = [rng.normal(0, 1 / np.sqrt(1 - 0.25), (30_000, 3))]
    for _ in range(10):
        states.append(0.5 * states[-1] + rng.normal(0, 1, (30_000, 3)))
    seen = np.array(states).transpose(1, 0, 2) + rng.normal(0, 3, (30_000, 1, 3))
    persistence = np.diag(_transitions(_moments(seen, np.arange(30_000) % 20))[0])
    assert persistence - 0.5 == pytest.approx([_nickell(0.5, 10)] * 3, abs=0.005)


def test_within_is_least_squares_with_a_dummy_for_each_page() -> None:
    api = pytest.importorskip("statsmodels.api", reason="statsmodels is the oracle here")
    states, site = _relative(observed(Market(_SMALL, 3)), by_page=True)
    pages, weeks = states.shape[:2]
    dummies = np.repeat(np.eye(pages), weeks - 1, axis=0)
    before = states[:, :-1].reshape(-1, 3)
    found = _transitions(_moments(states, site))[0]
    for row, movers in enumerate(((0, 2), (0, 1), (1, 2))):
        fit = api.OLS(states[:, 1:, row].ravel(), np.column_stack([before[:, movers], dummies])).fit()
        assert found[row, list(movers)] == pytest.approx(fit.params[:2])


def test_the_gain_of_the_true_transition_is_the_true_gain() -> None:
    assert gain(World(gain=0.6).transition) == pytest.approx(0.6)
    assert gain(WORLDS["open"].transition) == 0


def test_neglected_noise_and_short_panels_hide_most_of_a_loop() -> None:
    found = naive(observed(Market(WORLDS["loop"], 3)))
    assert found.keys() == {"pooled OLS", "FE", "HPJ"}
    assert all(one.high < 0.2 for one in found.values())


def test_an_unsplit_panel_has_one_measurement_of_each_state() -> None:
    columns = observed(Market(replace(_SMALL, weeks=4), 3))
    one = unsplit(columns)
    for name in ("asked", "cited", "engagement", "presence"):
        assert one[f"{name}_a"] == pytest.approx(one[f"{name}_b"], rel=1e-8)
        assert (one[f"{name}_a"] * 2 == columns[f"{name}_a"] + columns[f"{name}_b"]).all()
