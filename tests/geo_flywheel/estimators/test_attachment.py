from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from geo_flywheel.errors import EstimateError
from geo_flywheel.estimate import Estimate, Interval, Verdict
from geo_flywheel.estimators.attachment import ESTIMATOR
from geo_flywheel.panel import Origin, Panel, checked
from geo_flywheel.simulate.attachment import World, grown

CLOSED = World(incumbents=0, entrants=250, burn_in=0, cells=200, weeks=24)
COVERED = 3


def rows(world: World, seed: int = 0) -> pd.DataFrame:
    return pd.DataFrame(grown(world, seed).columns)


def panel(world: World, seed: int = 0, origin: Origin = "risk set") -> Panel:
    return checked(rows(world, seed), origin)


@cache
def fitted(world: World, seed: int = 0) -> Estimate:
    return ESTIMATOR.fit(panel(world, seed))


def limits(estimate: Estimate) -> Interval:
    assert estimate.interval is not None, estimate.reason
    return estimate.interval


def part(estimate: Estimate, name: str) -> Estimate:
    return next(found for found in estimate.parts if found.quantity == name)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_it_finds_the_stated_exponent_and_covers_it(alpha: float) -> None:
    world = replace(CLOSED, alpha=alpha)
    found = [fitted(world, seed) for seed in range(COVERED)]
    values = [estimate.value for estimate in found if estimate.value is not None]
    assert np.mean(values) == pytest.approx(alpha, abs=0.05)
    assert sum(alpha in limits(estimate) for estimate in found) >= COVERED - 1


def test_where_quality_is_all_it_sees_no_attachment_and_the_fit_without_quality_does() -> None:
    estimate = fitted(World(alpha=0))
    assert 0 in limits(estimate)
    assert estimate.reason == "no attachment seen"
    assert limits(part(estimate, "attachment_without_quality")).low > 0.3
    assert limits(part(estimate, "explained_by_quality")).low > 0.3
    assert abs(estimate.diagnostics["alpha_if_quality_were_all"]) < 0.1


def test_pages_with_a_history_act_only_through_what_a_week_brings() -> None:
    frame = rows(World())
    history = frame["first_seen"] < 0
    dear = frame.assign(cells_cited=np.where(history, frame["cells_cited"] * 2, frame["cells_cited"]))
    assert ESTIMATOR.fit(checked(dear, "risk set")).value == fitted(World()).value


def test_the_kernel_of_any_form_follows_the_power_law_that_was_put_in() -> None:
    kernel = [p for p in fitted(CLOSED).parts if p.quantity.startswith("attachment_kernel")]
    assert [p.quantity for p in kernel[:3]] == [f"attachment_kernel[{k}]" for k in (1, 3, 7)]
    true = [(k + 1) ** 0.5 for k in (1, 3, 7, 15, 31, 63, 127, 255, 511)]
    covered = [k in limits(p) for k, p in zip(true, kernel, strict=False)]
    assert np.mean(covered) > 0.8
    assert [p.value for p in kernel] == pytest.approx(true[: len(kernel)], rel=0.25)


def test_contagion_foretells_better_than_quality_where_there_is_some_and_both_where_there_are_both() -> None:
    told = fitted(CLOSED).diagnostics
    assert told["foretold_by_both"] > max(told["foretold_by_contagion"], told["foretold_by_quality"]) > 0
    told = fitted(World(alpha=0)).diagnostics
    assert told["foretold_by_quality"] > told["foretold_by_contagion"]


def test_alpha_0_is_kept_where_it_is_true_and_excluded_where_it_is_not() -> None:
    told = fitted(replace(CLOSED, alpha=0.0)).diagnostics
    assert told["p_alpha_0"] > 0.01 > told["p_alpha_1"]
    assert fitted(CLOSED).diagnostics["p_alpha_0"] < 1e-6


def test_answers_that_are_copies_of_each_other_are_refused_and_their_cells_are_taken() -> None:
    frame = rows(World(copies=5))
    answers = frame.drop(columns=["cells_cited", "cells_asked"])
    refused = ESTIMATOR.fit(checked(answers, "risk set"))
    assert (refused.value, refused.verdict) == (None, Verdict.CANNOT_TELL)
    assert "copies of each other; give cells_cited and cells_asked" in refused.reason
    assert refused.diagnostics["dispersion"] == pytest.approx(5, abs=0.7)
    assert ESTIMATOR.fit(checked(frame, "risk set")).value == fitted(World()).value


def test_cited_answers_stand_in_for_cells_and_are_labelled() -> None:
    frame = rows(CLOSED).drop(columns=["cells_cited", "cells_asked"])
    estimate = ESTIMATOR.fit(checked(frame, "risk set"))
    assert estimate.value == pytest.approx(fitted(CLOSED).value)
    assert any("no cells_cited" in sentence for sentence in estimate.assumptions)


def test_few_pages_that_enter_are_refused_with_what_they_lack() -> None:
    estimate = ESTIMATOR.fit(panel(World(alpha=1)))
    assert (estimate.value, estimate.interval, estimate.verdict) == (None, None, Verdict.TOO_FEW)
    assert "at least 300 repeated events" in estimate.reason


def test_pages_that_were_always_there_are_refused() -> None:
    frame = rows(World())
    estimate = ESTIMATOR.fit(checked(frame[frame["first_seen"] < 0].assign(first_seen=np.nan), "risk set"))
    assert estimate.verdict is Verdict.TOO_FEW
    assert "no page enters while the panel runs" in estimate.reason


def test_a_panel_of_cited_pages_is_refused() -> None:
    estimate = ESTIMATOR.fit(panel(CLOSED, origin="cited pages"))
    assert (estimate.value, estimate.verdict) == (None, Verdict.CANNOT_TELL)
    assert "those never cited are left out" in estimate.reason


def test_neither_order_nor_names_matter_and_engines_are_pooled() -> None:
    frame = rows(CLOSED)
    whole = fitted(CLOSED)
    mixed = frame.sample(frac=1, random_state=1).assign(page_id=lambda f: "p" + (997 - f["page_id"]).astype(str))
    assert ESTIMATOR.fit(checked(mixed)).value == pytest.approx(whole.value, abs=1e-4)
    half = frame["cells_cited"] // 2
    engines = pd.concat([
        frame.assign(engine="x", cells_cited=half), frame.assign(engine="y", cells_cited=frame["cells_cited"] - half)
    ])  # fmt: skip
    assert ESTIMATOR.fit(checked(engines)).value == pytest.approx(whole.value, abs=1e-6)


def test_dates_of_entry_count_in_the_weeks_of_the_panel() -> None:
    frame = rows(World())
    monday = pd.Timestamp("1970-01-05")
    dated = frame.assign(
        period=monday + pd.to_timedelta(frame["period"] * 7 + 700, unit="D"),
        first_seen=(monday + pd.to_timedelta(frame["first_seen"] * 7 + 703, unit="D")).astype(str),
    )
    assert ESTIMATOR.fit(checked(dated)).value == fitted(World()).value


def test_more_cells_cited_than_asked_are_refused() -> None:
    with pytest.raises(EstimateError, match="more cells than were asked"):
        ESTIMATOR.fit(checked(rows(CLOSED).assign(cells_asked=0)))
