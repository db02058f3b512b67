import numpy as np
import pytest

from geo_flywheel.graph.neighbours import Baskets, neighbours
from geo_flywheel.graph.network import NOBODY, Engine, Floats


def baskets(total: Floats, site: Floats, other: Floats, both: Floats, *, named: bool = True) -> Baskets:
    numbers = np.arange(len(total), dtype=np.int32) if named else np.full(len(total), NOBODY, np.int32)
    return Baskets(Engine("alpha", "api"), "answers", numbers, total, site, ["other.example"], other[None], both[None])


def drawn(rng: np.random.Generator, prompts: int, answers: int, together: float = 1.0) -> Baskets:
    """Prompts on and off the topic of two sites, which meet `together` times as often as by chance inside a prompt."""
    on_topic = rng.random(prompts) < 0.5
    first, second = (np.where(on_topic, rng.beta(4, 6, prompts), rng.beta(1, 12, prompts)) for _ in range(2))
    joint = np.minimum(together * first * second, np.minimum(first, second))
    shares = np.column_stack([joint, first - joint, second - joint, np.maximum(1 - first - second + joint, 0)])
    counts = rng.multinomial(answers, shares / shares.sum(axis=1, keepdims=True)).astype(np.float64)
    both, only, others, _ = counts.T
    return baskets(np.full(prompts, float(answers)), both + only, both + others, both)


def test_lift_is_the_ratio_of_the_shares() -> None:
    (one,) = neighbours(baskets(*(np.full(10, n) for n in (10.0, 4.0, 5.0, 3.0))))
    assert one.lift == pytest.approx((30 / 100) / (40 / 100 * 50 / 100))
    assert (one.together, one.with_site, one.with_other, one.baskets, one.prompts) == (30, 40, 50, 100, 10)


def test_sites_that_only_share_a_topic_are_lifted_across_prompts_and_not_inside_them() -> None:
    rng = np.random.default_rng(1)
    (one,) = neighbours(drawn(rng, 400, 20))
    assert one.low is not None
    assert one.same_prompt_low is not None
    assert one.same_prompt_high is not None
    assert one.low > 1.2
    assert one.same_prompt_low <= 1 <= one.same_prompt_high


def test_sites_that_come_together_are_lifted_inside_prompts() -> None:
    (one,) = neighbours(drawn(np.random.default_rng(2), 200, 20, together=1.6))
    assert one.same_prompt_low is not None
    assert one.same_prompt_low > 1.2


@pytest.mark.parametrize(("prompts", "answers"), [(30, 8), (80, 4)])
def test_the_intervals_hold_the_lift_of_the_population_of_prompts(prompts: int, answers: int) -> None:
    rng = np.random.default_rng(prompts)
    (truth,) = neighbours(drawn(rng, 200_000, 20))
    runs = [one for _ in range(200) for one in neighbours(drawn(rng, prompts, answers)) if one.low is not None]
    held = np.mean([(one.low or 0) <= truth.lift <= (one.high or 0) for one in runs])
    held_inside = np.mean([(one.same_prompt_low or 0) <= 1 <= (one.same_prompt_high or 0) for one in runs])
    assert len(runs) > 160
    assert held > 0.9
    assert held_inside > 0.9


def test_more_answers_to_the_same_prompts_do_not_feign_certainty() -> None:
    rng = np.random.default_rng(3)
    (few,), (many,) = neighbours(drawn(rng, 40, 20)), neighbours(drawn(rng, 40, 2_000))
    widths = [np.log((one.high or 0) / (one.low or 1)) for one in (few, many)]
    assert widths[1] > 0.5 * widths[0]


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (baskets(*(np.full(4, n) for n in (10.0, 4.0, 5.0, 3.0))), "4 prompts; an interval needs 5"),
        (baskets(np.full(9, 9.0), np.full(9, 3.0), np.full(9, 3.0), np.eye(9)[0] * 6), "together in 1 prompts"),
        (baskets(np.full(9, 9.0), np.full(9, 3.0), np.full(9, 3.0), np.eye(9)[:3].sum(axis=0)), "together 3 times"),
        (baskets(*(np.full(9, n) for n in (10.0, 4.0, 5.0, 3.0)), named=False), "which prompt each answer is for"),
    ],
)
def test_without_enough_prompts_there_is_a_reason_and_no_interval(found: Baskets, reason: str) -> None:
    (one,) = neighbours(found)
    assert (one.low, one.high, one.same_prompt_low) == (None, None, None)
    assert reason in one.reason


def test_what_never_stood_together_is_no_neighbour() -> None:
    assert neighbours(baskets(np.full(9, 9.0), np.full(9, 3.0), np.full(9, 3.0), np.zeros(9))) == []
