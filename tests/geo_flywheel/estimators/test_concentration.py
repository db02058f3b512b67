import numpy as np
import pandas as pd
import pytest

from geo_flywheel.estimate import Estimate, Interval, Verdict
from geo_flywheel.estimators.concentration import ESTIMATOR, Concentration
from geo_flywheel.panel import checked

SITES, PERIODS, ANSWERS = 60, 20, 300


def strengths(seed: int, *, spread: float = 1.0, memory: float = 1.0, drift: float = 0.0) -> np.ndarray:
    """Shares, shape (site, period); memory 1: nobody ever moves; drift widens the log shares by the period."""
    rng = np.random.default_rng(seed)
    log = np.zeros((SITES, PERIODS))
    log[:, 0] = rng.normal(0, spread, SITES)
    for now in range(1, PERIODS):
        log[:, now] = memory * log[:, now - 1] + np.sqrt(1 - memory**2) * rng.normal(0, spread, SITES)
    wide = np.exp(log * (1 + drift * np.arange(PERIODS)))
    return np.asarray(wide / wide.sum(axis=0))


def market(share: np.ndarray, seed: int, answers: int = ANSWERS) -> pd.DataFrame:
    rng = np.random.default_rng(seed + 1000)
    cited = {half: rng.multinomial(answers, share.T).T.ravel() for half in "ab"}
    site, period = (axis.ravel() for axis in np.indices(share.shape))
    columns = {f"cited_{half}": counts for half, counts in cited.items()} | {"asked_a": answers, "asked_b": answers}
    return pd.DataFrame({"page_id": site, "site_id": site, "topic": 0, "period": period, **columns})


def part(estimate: Estimate, name: str) -> Estimate:
    return next(found for found in estimate.parts if found.quantity == name)


def limits(estimate: Estimate) -> Interval:
    assert estimate.interval is not None, estimate.reason
    return estimate.interval


def test_the_hhi_put_in_is_found_and_covered_and_what_is_seen_is_above_it() -> None:
    covered = 0
    for seed in range(8):
        share = strengths(seed)
        estimate = ESTIMATOR.fit(checked(market(share, seed)))
        true = (share[:, 0] ** 2).sum()
        covered += true in limits(estimate)
        noise = (1 - true) / (2 * ANSWERS)
        assert part(estimate, "hhi_as_seen").value == pytest.approx(estimate.value + noise, rel=0.02)
        assert "not corrected" in part(estimate, "hhi_as_seen").reason
    assert covered >= 7


def test_equal_sites_are_as_concentrated_as_their_number() -> None:
    estimate = ESTIMATOR.fit(checked(market(strengths(0, spread=0.0), 3)))
    assert SITES in limits(part(estimate, "effective_number"))
    assert 0 in limits(part(estimate, "hhi_normalised")) or limits(part(estimate, "hhi_normalised")).low == 0
    assert part(estimate, "gini_as_seen").value == pytest.approx(0.23, abs=0.1)
    assert estimate.value is not None
    assert estimate.reason == f"as concentrated as {1 / estimate.value:.1f} equal sites"


def test_the_top_is_chosen_in_one_half_and_measured_in_the_other() -> None:
    share = strengths(4)
    found = part(ESTIMATOR.fit(checked(market(share, 4, answers=5000))), "top_5")
    assert found.value == pytest.approx(np.sort(share[:, 0])[-5:].sum(), abs=0.01)


def test_a_market_that_stands_still_has_no_drift_full_persistence_and_no_mobility_beyond_noise() -> None:
    right = [0] * 4
    for seed in range(4):
        estimate = ESTIMATOR.fit(checked(market(strengths(seed), seed)))
        right[0] += part(estimate, "hhi_drift").verdict is Verdict.WITHIN_NOISE
        right[1] += 1 in limits(part(estimate, "rank_persistence[4]"))
        right[2] += 0 in limits(part(estimate, "mobility_beyond_noise"))
        right[3] += 1 in limits(part(estimate, "top_10_persistence"))
    assert min(right) >= 3
    assert part(estimate, "mobility_beyond_noise").diagnostics["by_noise"] > 0.3


def test_a_market_that_concentrates_moves_up() -> None:
    estimate = ESTIMATOR.fit(checked(market(strengths(1, drift=0.03), 1)))
    assert part(estimate, "hhi_drift").verdict is Verdict.MOVED_UP


def test_a_restless_market_loses_its_ranks() -> None:
    estimate = ESTIMATOR.fit(checked(market(strengths(2, memory=0.8), 2, answers=2000)))
    assert part(estimate, "rank_persistence[1]").value == pytest.approx(0.8, abs=0.06)
    assert part(estimate, "rank_persistence[4]").value == pytest.approx(0.8**4, abs=0.12)
    assert limits(part(estimate, "mobility_beyond_noise")).low > 0


def test_growth_that_does_not_go_by_size_has_slope_1_though_noise_makes_it_look_smaller() -> None:
    found = [ESTIMATOR.fit(checked(market(strengths(seed, spread=0.5), seed, answers=800))) for seed in range(6)]
    slopes = [part(estimate, "gibrat_slope") for estimate in found]
    assert np.mean([one.value for one in slopes if one.value is not None]) == pytest.approx(1, abs=0.06)
    assert sum(1 in limits(one) for one in slopes) >= 5
    assert np.mean([part(e, "gibrat_slope_as_seen").value for e in found]) < 0.93


def test_no_power_law_is_claimed_of_lognormal_sites() -> None:
    found = part(ESTIMATOR.fit(checked(market(strengths(0), 0, answers=3000))), "tail_exponent")
    assert (found.value, found.verdict) == (None, Verdict.CANNOT_TELL)
    assert "no power law is shown" in found.reason


def test_each_engine_has_its_own_and_weeks_that_lack_one_are_left_out_of_all_together() -> None:
    narrow, wide = strengths(5, spread=0.2), strengths(5, spread=1.5)
    second = market(wide, 6)
    absent = second["period"] == 7
    second.loc[absent, ["asked_a", "asked_b", "cited_a", "cited_b"]] = 0
    frame = pd.concat([market(narrow, 5).assign(engine="x"), second.assign(engine="y")])
    estimate = ESTIMATOR.fit(checked(frame))
    assert estimate.n_periods == PERIODS - 1
    for name, share in (("x", narrow), ("y", wide)):
        assert part(estimate, f"hhi[{name}]").value == pytest.approx((share[:, 0] ** 2).sum(), rel=0.1)
    assert (narrow[:, 0] ** 2).sum() in limits(part(estimate, f"hhi[x, period {PERIODS - 1}]"))
    snapshots = ESTIMATOR.by_snapshot(checked(frame))
    assert snapshots.groupby("engine").size().to_dict() == {"x": PERIODS, "y": PERIODS - 1}
    held = (snapshots["low"] <= (narrow[:, 0] ** 2).sum()) & ((narrow[:, 0] ** 2).sum() <= snapshots["high"])
    assert held[snapshots["engine"] == "x"].mean() >= 0.8


def test_without_halves_it_is_not_known() -> None:
    frame = market(strengths(0), 0)
    for lacking in (frame.drop(columns=["asked_b", "cited_b"]), frame.assign(asked_b=0, cited_b=0)):
        estimate = ESTIMATOR.fit(checked(lacking))
        assert (estimate.value, estimate.interval, estimate.verdict) == (None, None, Verdict.CANNOT_TELL)
        assert estimate.reason.startswith("not known")


def test_few_periods_have_a_value_and_say_what_an_interval_needs() -> None:
    frame = market(strengths(0), 0)
    estimate = ESTIMATOR.fit(checked(frame[frame["period"] < 2]))
    assert estimate.value is not None
    assert estimate.interval is None
    assert "needs 8 periods for an interval" in estimate.reason
    assert part(estimate, "rank_persistence[13]").value is None
    one = ESTIMATOR.fit(checked(frame[frame["period"] == 0]))
    assert part(one, "mobility_beyond_noise").value is None


def test_a_panel_of_cited_pages_is_labelled() -> None:
    assumed = ESTIMATOR.fit(checked(market(strengths(0), 0), "cited pages")).assumptions
    assert any("units never cited are missing" in sentence for sentence in assumed)


def test_pages_can_be_meant_and_neither_order_nor_names_matter() -> None:
    frame = market(strengths(3), 3)
    pages = Concentration(unit="page_id").fit(checked(frame.assign(site_id=frame["site_id"] // 2)))
    whole = ESTIMATOR.fit(checked(frame))
    assert pages.value == pytest.approx(whole.value)
    mixed = frame.sample(frac=1, random_state=1).assign(
        site_id=lambda f: "s" + (500 - f["site_id"]).astype(str), page_id=lambda f: 900 - f["page_id"]
    )
    other = ESTIMATOR.fit(checked(mixed))
    assert other.value == pytest.approx(whole.value)
    assert [p.value for p in other.parts] == pytest.approx([p.value for p in whole.parts])
