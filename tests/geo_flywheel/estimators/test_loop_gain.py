from collections.abc import Callable
from dataclasses import replace
from math import inf

import numpy as np
import pandas as pd
import pytest

from geo_flywheel.errors import EstimateError
from geo_flywheel.estimate import Estimate, Verdict
from geo_flywheel.estimators.loop_gain import LoopGain
from geo_flywheel.panel import Panel, checked
from geo_flywheel.simulate.market import Market, World
from geo_flywheel.simulate.panels import observed

POSITIVE = {Verdict.SELF_SUSTAINING, Verdict.FADING, Verdict.OPEN}
QUICK = LoopGain(beside=False)
MakeRows = Callable[[World], pd.DataFrame]


@pytest.fixture(scope="module")
def made() -> MakeRows:
    """Rows of a market, made once."""
    kept: dict[World, pd.DataFrame] = {}

    def rows(world: World) -> pd.DataFrame:
        if world not in kept:
            kept[world] = pd.DataFrame(observed(Market(world, 11)))
        return kept[world]

    return rows


@pytest.fixture(scope="module")
def loop(made: MakeRows) -> Panel:
    return checked(made(World()), "risk set")


@pytest.fixture(scope="module")
def whole(loop: Panel) -> Estimate:
    return LoopGain().fit(loop)


def part(estimate: Estimate, quantity: str) -> Estimate:
    return next(part for part in estimate.parts if part.quantity == quantity)


def test_the_true_gain_of_a_market_is_recovered_with_a_loop_that_fades(whole: Estimate) -> None:
    assert whole.interval is not None
    assert 0.5 in whole.interval
    assert whole.value == pytest.approx(0.5, abs=0.1)
    assert whole.verdict is Verdict.FADING
    assert (whole.n_units, whole.n_periods) == (240, 52)
    assert whole.diagnostics["sites"] == 80
    assert whole.diagnostics["exclusion_gate_p"] > 0.01


@pytest.mark.parametrize(
    ("world", "verdicts"),
    [
        (World(gain=0.0), {Verdict.NO_LOOP, Verdict.HEAD_START}),
        (World(arrows="open"), {Verdict.NO_LOOP, Verdict.HEAD_START, Verdict.CANNOT_TELL}),
        (World(arrows="reversed"), {Verdict.OTHER_ORDER}),
        (World(gain=0.0, hidden_sd=0.1), {Verdict.OTHER_ORDER}),
    ],
)
def test_markets_without_a_loop_get_no_loop(world: World, verdicts: set[Verdict], made: MakeRows) -> None:
    assert QUICK.fit(checked(made(world), "risk set")).verdict in verdicts


def test_short_windows_promise_the_lower_limit_and_no_end(made: MakeRows) -> None:
    rows = made(World())
    found = QUICK.fit(checked(rows[rows["period"] < 26], "risk set"))
    assert found.verdict in POSITIVE
    assert found.interval is not None
    assert found.interval.low <= 0.5
    assert found.diagnostics["trusted"] == 0
    assert "read the lower limit" in found.reason


def test_a_gain_near_one_is_never_said_to_fade_and_has_no_upper_limit(made: MakeRows) -> None:
    found = QUICK.fit(checked(made(World(gain=1.0, burn_in=12)), "risk set"))
    assert found.verdict in {Verdict.OPEN, Verdict.CANNOT_TELL}
    assert found.interval is not None
    assert found.interval.low <= 1
    assert found.interval.high == inf


def test_the_parts_belong_together(whole: Estimate) -> None:
    names = [part.quantity for part in whole.parts]
    assert len(names) == len(set(names))
    product = np.prod([p.value or 0 for p in whole.parts if p.quantity.startswith("stage_")])
    assert product == pytest.approx(whole.value)
    assert part(whole, "multiplier").value == pytest.approx(1 / (1 - (whole.value or 0)))
    radius, half = part(whole, "spectral_radius").value, part(whole, "half_life").value
    assert (radius or 0) ** (half or 0) == pytest.approx(0.5)
    assert (part(whole, "one_pass_gain").value or 1) < (whole.value or 0)
    assert part(whole, "revolution_time").value == pytest.approx(5.05, abs=0.6)  # 1/.4 + 1/.7 + 1/.8 less its start
    assert len([name for name in names if name.startswith("response_of_")]) == 9
    assert all(p.input_digest == whole.input_digest and p.seed == whole.seed for p in whole.parts)


def test_the_baselines_are_labelled_and_fixed_effects_are_as_wrong_as_they_should_be(whole: Estimate) -> None:
    names = ("pooled_ols", "fixed_effects", "hpj_split", "difference_gmm")
    found = {name: part(whole, f"baseline_{name}") for name in names}
    assert all(one.interval and one.interval.estimand == "a baseline, never the answer" for one in found.values())
    fixed = found["fixed_effects"].interval
    assert fixed is not None
    assert fixed.high < 0.3
    assert {"ar2_z_presence", "hansen_p_citation"} <= set(found["difference_gmm"].diagnostics)


def test_diagnostics_stand_beside_and_gate_nothing(whole: Estimate, loop: Panel) -> None:
    for name in ("placebo_lead_p", "noise_ratio_presence", "common_residuals_p_citation"):
        assert name in whole.diagnostics
    quick = QUICK.fit(loop)
    assert (quick.value, quick.interval, quick.verdict) == (whole.value, whole.interval, whole.verdict)
    assert "placebo_lead_p" not in quick.diagnostics


def test_acceleration_is_a_line_of_its_own(whole: Estimate) -> None:
    found = part(whole, "acceleration")
    assert found.verdict in {Verdict.WITHIN_NOISE, Verdict.CANNOT_TELL, Verdict.MOVED_UP, Verdict.MOVED_DOWN}
    assert "compounding" not in whole.reason


def test_neither_order_nor_names_nor_units_of_measurement_move_the_gain(made: MakeRows, whole: Estimate) -> None:
    rows = made(World()).sample(frac=1, random_state=2)
    renamed = rows.assign(
        page_id="p" + (997 - rows["page_id"]).astype(str), site_id="s" + rows["site_id"].astype(str),
        topic="t" + rows["topic"].astype(str), period=rows["period"] + 3_000,
    )  # fmt: skip
    found = QUICK.fit(checked(renamed, "risk set"))
    assert found.value == pytest.approx(whole.value, abs=1e-7)
    assert found.verdict is whole.verdict
    other = {f"{name}_{half}": f"{name}_{'ba'['ab'.index(half)]}"
             for name in ("asked", "cited", "presence", "engagement") for half in "ab"}  # fmt: skip
    swapped = renamed.rename(columns=other)
    assert QUICK.fit(checked(swapped, "risk set")).value == pytest.approx(whole.value, abs=1e-7)


def test_the_same_seed_gives_the_same_limits_and_another_seed_others(loop: Panel) -> None:
    assert QUICK.fit(loop).interval == QUICK.fit(loop).interval
    assert replace(QUICK, seed=1).fit(loop).interval != QUICK.fit(loop).interval


def test_sweeps_that_were_missed_cost_width_and_move_nothing(made: MakeRows, whole: Estimate) -> None:
    rows = made(World()).copy()
    missed = rows["period"].isin([7, 19, 20, 41])
    rows.loc[missed, ["asked_a", "cited_a", "asked_b", "cited_b"]] = 0
    found = QUICK.fit(checked(rows, "risk set"))
    assert found.value == pytest.approx(whole.value, abs=0.08)
    assert found.diagnostics["cells_missing"] == 4 * 240
    assert found.n_periods == 48


def test_a_panel_of_cited_pages_is_refused_and_one_that_does_not_say_is_labelled(made: MakeRows) -> None:
    found = QUICK.fit(checked(made(World()), "cited pages"))
    assert found.verdict is Verdict.CANNOT_TELL
    assert found.value is None
    assert "selects on the outcome" in found.reason
    assert any("does not say" in sentence for sentence in QUICK.fit(checked(made(World()))).assumptions)


def cut(rows: pd.DataFrame, how: str) -> pd.DataFrame:
    match how:
        case "sites":
            return rows[rows["site_id"] < 20]
        case "weeks":
            return rows[rows["period"] < 15]
        case "one site":
            return rows.assign(site_id=1)
        case "copies":
            return rows.assign(presence_b=rows["presence_a"])
        case "one half":
            return rows.assign(engagement_b=0)
        case "nothing asked":
            return rows.assign(asked_a=0, asked_b=0, cited_a=0, cited_b=0)
        case "nothing at all":
            return rows[:0]
    raise AssertionError(how)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("sites", "10 more sites"),
        ("weeks", "about 6 more weeks"),
        ("one site", "29 more sites"),
        ("copies", "the two halves of presence are one and the same"),
        ("one half", "engagement was seen in no two halves"),
        ("nothing asked", "seen in no two halves"),
        ("nothing at all", "seen in no two halves"),
    ],
)
def test_a_panel_that_cannot_carry_a_gain_is_told_what_it_lacks(how: str, said: str, made: MakeRows) -> None:
    found = LoopGain().fit(checked(cut(made(World()), how), "risk set"))
    assert found.verdict is Verdict.CANNOT_TELL
    assert found.value is None
    assert found.interval is None
    assert said in found.reason


def test_an_absent_half_is_an_error_that_names_it(made: MakeRows) -> None:
    with pytest.raises(EstimateError, match="no column presence_a, presence_b"):
        QUICK.fit(checked(made(World()).drop(columns=["presence_a", "presence_b"])))


def test_thorough_adds_chance_by_permutation_weeks_and_windows_and_tells_how_far_it_is(made: MakeRows) -> None:
    rows = made(World(pages=120, sites=40, topics=3, weeks=36, prompts_per_topic=6, engines=2))
    rows = rows.assign(engine_version=np.where(rows["period"] < 18, "one", "two"))
    said: list[str] = []
    found = LoopGain(draws=99, thorough=True, tell=said.append).fit(checked(rows, "risk set"))
    assert found.diagnostics["permutation_p"] < 0.02
    assert found.diagnostics["week_block_error"] > 0
    windows = {part.quantity: part.n_periods for part in found.parts if part.quantity.startswith("gain_of_")}
    assert windows["gain_of_weeks_0_to_17"] == 18
    assert windows["gain_of_spell_0_to_17"] == windows["gain_of_spell_18_to_35"] == 18
    assert any(line.startswith("permutations: 20 of") for line in said)
