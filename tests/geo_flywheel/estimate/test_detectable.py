import numpy as np
import pytest

from geo_flywheel.errors import EstimateError, NotIdentified
from geo_flywheel.estimate.detectable import detectable_change, prompts_seen, repeats_needed


def test_the_stated_plan_sees_the_stated_change() -> None:
    assert detectable_change(0.1, 200, 4, prompt_variance=0.02, correlation=0.8) == pytest.approx(0.046, abs=5e-4)


def test_a_change_of_that_size_is_found_four_times_in_five() -> None:
    rng = np.random.default_rng(1)
    prompts, repeats, rate = 200, 4, 0.3
    change = detectable_change(rate, prompts, repeats, prompt_variance=0.0, correlation=1.0)
    before = rng.binomial(prompts * repeats, rate, 20_000) / prompts / repeats
    after = rng.binomial(prompts * repeats, rate + change, 20_000) / prompts / repeats
    found = np.abs(after - before) > 1.96 * np.sqrt(2 * rate * (1 - rate) / prompts / repeats)
    assert found.mean() == pytest.approx(0.8, abs=0.02)


def test_more_prompts_more_repeats_and_steadier_prompts_see_more() -> None:
    def seen(prompts: int, repeats: int, correlation: float) -> float:
        return detectable_change(0.1, prompts, repeats, prompt_variance=0.02, correlation=correlation)

    assert seen(400, 4, 0.8) < seen(200, 8, 0.8) < seen(200, 4, 0.8) < seen(200, 4, 0.2)


@pytest.mark.parametrize(
    ("answer", "prompt", "cost", "times"),
    [(0.08, 0.02, 1, 4), (0.09, 0.001, 1, 10), (0.09, 0.001, 4, 20), (0, 1, 1, 4)],
)
def test_repeats_follow_the_optimum_of_two_stages_and_stay_even(
    answer: float, prompt: float, cost: float, times: int
) -> None:
    assert repeats_needed(answer, prompt, cost) == times


def test_what_is_no_plan_is_an_error() -> None:
    with pytest.raises(EstimateError, match="is no plan"):
        detectable_change(1.2, 10, 4, prompt_variance=0.01, correlation=0.5)
    with pytest.raises(EstimateError, match="variances"):
        repeats_needed(0.1, 0.0)


def test_prompts_are_told_from_the_sweeps_there_were() -> None:
    rng = np.random.default_rng(4)
    prompt, sweep = (axis.ravel() for axis in np.indices((4000, 6)))
    rate = np.clip(0.3 + rng.normal(0, 0.12, 4000)[prompt] + rng.normal(0, 0.06, prompt.size), 0, 1)
    cited = rng.binomial(4, rate)
    seen = prompts_seen(cited, np.full(prompt.size, 4), prompt, sweep)
    assert seen.seen
    assert seen.rate == pytest.approx(0.3, abs=0.02)
    assert seen.prompt_variance == pytest.approx(0.12**2 + 0.06**2, rel=0.15)
    assert seen.correlation == pytest.approx(0.8, abs=0.06)
    assert seen.answer_variance == pytest.approx(0.21 - 0.018, abs=0.01)


@pytest.mark.parametrize(
    ("prompts", "sweeps", "repeats", "cites"), [(9, 3, 4, 1), (20, 1, 4, 1), (20, 3, 1, 1), (20, 3, 4, 0)]
)
def test_too_little_to_tell_prompts_from_is_refused(prompts: int, sweeps: int, repeats: int, cites: int) -> None:
    prompt, sweep = (axis.ravel() for axis in np.indices((prompts, sweeps)))
    with pytest.raises(NotIdentified, match="10 prompts repeated in 2 sweeps"):
        prompts_seen(np.full(prompt.size, cites), np.full(prompt.size, repeats), prompt, sweep)
