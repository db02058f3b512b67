import numpy as np
import pandas as pd
import pytest

from geo_flywheel.errors import EstimateError
from geo_flywheel.estimate import Estimate, Interval, Verdict
from geo_flywheel.estimators.sampling import ESTIMATOR, beta_binomial
from geo_flywheel.panel import checked

PAGES, SITES, PERIODS, PROMPTS, REPEATS = 200, 40, 12, 10, 4
MEAN, SPREAD = 0.2, 0.06


def answered(seed: int, *, alike: float = 0.0, spread: float = SPREAD) -> pd.DataFrame:
    """Pages that differ by an sd of `spread`, repeats that correlate by `alike`, 10 prompts of 4 repeats a half."""
    rng = np.random.default_rng(seed)
    rate = np.clip(MEAN + rng.normal(0, spread, PAGES), 0.01, 0.99)[:, None, None]
    size = np.inf if not alike else 1 / alike - 1
    cells = {}
    for half in ("a", "b"):
        shape = (PAGES, PERIODS, PROMPTS)
        moved = np.broadcast_to(rate, shape) if np.isinf(size) else rng.beta(rate * size, (1 - rate) * size, shape)
        cells[half] = rng.binomial(REPEATS, moved).sum(axis=2).ravel()
    page, period = (axis.ravel() for axis in np.indices((PAGES, PERIODS)))
    return pd.DataFrame({
        "page_id": page, "site_id": page % SITES, "topic": 0, "period": period,
        "asked_a": PROMPTS * REPEATS, "cited_a": cells["a"], "asked_b": PROMPTS * REPEATS, "cited_b": cells["b"],
        "cells_asked": 2 * PROMPTS,
    })  # fmt: skip


def part(estimate: Estimate, name: str) -> Estimate:
    return next(found for found in estimate.parts if found.quantity == name)


def limits(estimate: Estimate) -> Interval:
    assert estimate.interval is not None
    return estimate.interval


def true_reliability(alike: float) -> float:
    answer = MEAN * (1 - MEAN) - SPREAD**2
    noise = answer / (2 * PROMPTS * REPEATS) * (1 + (REPEATS - 1) * alike)
    return SPREAD**2 / (SPREAD**2 + noise)


@pytest.mark.parametrize("alike", [0.0, 0.3])
def test_reliability_design_effect_and_correlation_are_those_put_in(alike: float) -> None:
    found = [ESTIMATOR.fit(checked(answered(seed, alike=alike))) for seed in range(5)]
    effect = 1 + (REPEATS - 1) * alike
    assert np.mean([e.value for e in found]) == pytest.approx(true_reliability(alike), abs=0.02)
    assert np.mean([part(e, "design_effect").value for e in found]) == pytest.approx(effect, abs=0.06)
    assert np.mean([part(e, "correlation_of_repeats").value for e in found]) == pytest.approx(alike, abs=0.02)
    assert sum(effect in limits(part(e, "design_effect")) for e in found) >= 4


def test_the_change_it_calls_detectable_is_two_point_eight_standard_errors_of_a_difference() -> None:
    estimate = ESTIMATOR.fit(checked(answered(1)))
    error = np.sqrt(2 * (MEAN * (1 - MEAN) - SPREAD**2) / (2 * PROMPTS * REPEATS))
    assert part(estimate, "detectable_change").value == pytest.approx(2.8 * error, rel=0.03)


def test_pages_that_do_not_differ_have_no_reliability() -> None:
    estimates = [ESTIMATOR.fit(checked(answered(seed, spread=0.0))) for seed in range(5)]
    assert sum(0 in limits(estimate) for estimate in estimates) >= 3
    assert all(abs(estimate.diagnostics["variance of page"]) < 3e-4 for estimate in estimates)


def test_the_components_of_variance_are_those_put_in() -> None:
    found = ESTIMATOR.fit(checked(answered(2, alike=0.3))).diagnostics
    assert found["variance of page"] == pytest.approx(SPREAD**2, rel=0.3)
    assert found["variance of page x half"] == pytest.approx(0, abs=3e-4)
    assert found["variance of page x period"] == pytest.approx(0, abs=3e-4)
    beyond_chance = 0.3 * (REPEATS - 1) * (MEAN * (1 - MEAN) - SPREAD**2) / PROMPTS / REPEATS
    assert found["variance of page x period x half"] == pytest.approx(beyond_chance, rel=0.2)


def test_page_rates_of_each_engine_are_shrunk_by_a_beta_distribution() -> None:
    frame = pd.concat([answered(1).assign(engine="x"), answered(2).assign(engine="y")])
    estimate = ESTIMATOR.fit(checked(frame))
    pages = answered(2).groupby("page_id")[["cited_a", "cited_b"]].sum().sum(axis=1)
    a, b = beta_binomial(pages, PERIODS * 2 * PROMPTS * REPEATS)
    assert (part(estimate, "beta_a[y]").value, part(estimate, "beta_b[y]").value) == pytest.approx((a, b))
    assert a in limits(part(estimate, "beta_a[y]"))
    assert a / (a + b) == pytest.approx(MEAN, abs=0.02)


def test_where_pages_differ_by_chance_alone_shrinkage_says_so() -> None:
    even = answered(0).assign(cited_a=8, cited_b=8)
    refused = part(ESTIMATOR.fit(checked(even)), "beta_a[all engines]")
    assert (refused.value, refused.verdict) == (None, Verdict.CANNOT_TELL)
    assert "no more than chance" in refused.reason
    assert ESTIMATOR.fit(checked(even)).verdict is Verdict.CANNOT_TELL


def test_what_a_panel_cannot_tell_is_said_and_not_guessed() -> None:
    estimate = ESTIMATOR.fit(checked(answered(0).drop(columns="cells_asked")))
    assert "needs the column cells_asked" in part(estimate, "correlation_of_repeats").reason
    assert part(estimate, "repeats_needed").value is None
    with pytest.raises(EstimateError, match="no column asked_b"):
        ESTIMATOR.fit(checked(answered(0).drop(columns=["asked_b", "cited_b"])))


def test_cells_asked_in_one_half_only_are_left_out_and_few_sites_give_no_interval() -> None:
    frame = answered(0)
    half = frame.assign(asked_b=frame["asked_b"].where(frame["period"] < 6, 0), cited_b=frame["cited_b"].where(
        frame["period"] < 6, 0))  # fmt: skip
    early = ESTIMATOR.fit(checked(frame[frame["period"] < 6]))
    assert ESTIMATOR.fit(checked(half)).value == pytest.approx(early.value)
    few = ESTIMATOR.fit(checked(frame.assign(site_id=frame["page_id"] % 3)))
    assert (few.interval, few.verdict) == (None, Verdict.TOO_FEW)
    assert few.value == pytest.approx(ESTIMATOR.fit(checked(frame)).value)


def test_neither_order_nor_names_matter() -> None:
    frame = answered(3)
    mixed = frame.sample(frac=1, random_state=2).assign(page_id=lambda f: "p" + (999 - f["page_id"]).astype(str))
    one, other = ESTIMATOR.fit(checked(frame)), ESTIMATOR.fit(checked(mixed))
    assert one.value == pytest.approx(other.value)
    assert [p.value for p in one.parts] == pytest.approx([p.value for p in other.parts], nan_ok=True)
