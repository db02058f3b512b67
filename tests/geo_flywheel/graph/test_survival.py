from typing import Any

import numpy as np
import pytest

from geo_flywheel.errors import NotIdentified
from geo_flywheel.graph.survival import Survival, survival
from tests.geo_flywheel.graph.worlds import ALPHA, fading, graph

HALF_LIFE = 6.0


def found(seed: int, **world: Any) -> Survival:
    made = fading(seed, half_life=HALF_LIFE, **world)
    return survival(made, made.cited, 0)


@pytest.mark.parametrize("world", [{}, {"answers": 4}, {"gaps": 0.3}], ids=["two answers", "four", "weeks missed"])
def test_the_naive_half_life_is_too_short_and_the_adjusted_one_covers_the_truth(world: dict[str, float]) -> None:
    seeds = [found(seed, **world) for seed in range(2)]
    covered = 0
    for one in seeds:
        assert one.naive is not None
        assert one.half_life.low is not None
        assert one.naive < 0.5 * HALF_LIFE
        assert one.naive < one.half_life.low
        covered += one.half_life.low <= HALF_LIFE <= (one.half_life.high or np.inf)
        assert one.reason == ""
    assert covered >= 1
    assert np.mean([one.half_life.value or np.nan for one in seeds]) == pytest.approx(HALF_LIFE, rel=0.15)


@pytest.mark.validate
def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    runs = [found(seed) for seed in range(200)]
    covered = np.mean([(one.half_life.low or np.inf) <= HALF_LIFE <= (one.half_life.high or np.inf) for one in runs])
    assert covered >= 0.95 - 2 * np.sqrt(0.95 * 0.05 / 200)


def test_the_chance_to_miss_is_that_of_the_world() -> None:
    assert found(1, chance=(400, 600)).missed == pytest.approx(0.6**2, abs=0.04)


def test_the_curve_falls_inside_its_limits_and_expects_what_is_seen() -> None:
    curve = found(2).curve
    assert (np.diff(curve.alive) <= 0).all()
    assert (curve.low <= curve.alive + 1e-9).all()
    assert (curve.alive <= curve.high + 1e-9).all()
    assert np.abs(curve.cited - curve.expected)[1:10].max() < 0.08


def test_a_rate_that_falls_while_the_tie_lasts_is_said() -> None:
    made = fading(3, half_life=60.0, drift=0.3, answers=6, chance=(30, 3))
    assert "does not stay what it is" in survival(made, made.cited, 0).reason


def test_ties_that_outlast_the_watch_have_no_half_life_but_a_lower_limit_or_none() -> None:
    made = fading(4, half_life=500.0, weeks=12)
    one = survival(made, made.cited, 0)
    assert ((one.curve.low <= one.curve.alive) & (one.curve.alive <= one.curve.high)).all()
    assert one.half_life.value is None
    assert one.half_life.high is None
    assert "more than half are left after the" in one.reason


def test_equal_seeds_give_equal_numbers() -> None:
    made = fading(5, prompts=12)
    assert survival(made, made.cited, 0).half_life == survival(made, made.cited, 0).half_life


def test_where_asked_is_unknown_a_miss_and_a_loss_look_the_same() -> None:
    asked = {(ALPHA, week, prompt): (np.nan, {0: 1.0}) for week in range(4) for prompt in range(6)}
    unknown = graph(asked, 1)
    with pytest.raises(NotIdentified, match="does not say what was asked"):
        survival(unknown, unknown.cited, 0)


def test_too_few_ties_are_refused_with_what_would_be_needed() -> None:
    few = graph({(ALPHA, week, 0): (2, {0: 1.0} if week else {}) for week in range(4)}, 1)
    with pytest.raises(NotIdentified, match="1 ties of 1 prompts began during the watch; a half-life needs 30 of 5"):
        survival(few, few.cited, 0)


def test_a_running_week_is_left_out() -> None:
    asked = {
        (ALPHA, week, prompt): (2, dict.fromkeys(range(9), 1.0) if week == 1 else {})
        for week in range(2)
        for prompt in range(6)
    }
    running = graph(asked, 9, running=True)
    with pytest.raises(NotIdentified, match="0 ties"):
        survival(running, running.cited, 0)
