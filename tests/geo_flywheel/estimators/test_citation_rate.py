import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from geo_flywheel.errors import EstimateError
from geo_flywheel.estimate import Estimate, Interval, Verdict
from geo_flywheel.estimate.answers import Sweep
from geo_flywheel.estimate.sampling import clustered, degrees_of_freedom, two_way
from geo_flywheel.estimators import citation_rate
from geo_flywheel.estimators.citation_rate import best, change, over_time, this_basket, this_sweep, wilson
from geo_flywheel.simulate.sweeps import World, draw
from tests.validation.citation_rate import MOST_FALSE, STILL, STUDIES, Study, chance, cover, described, judge

Rate = Callable[[ArrayLike, ArrayLike], Estimate]
SLICE = 300


def limits(estimate: Estimate) -> Interval:
    assert estimate.interval is not None
    return estimate.interval


def name(study: Study) -> str:
    return f"{study.estimand}: {described(study.world)}"


@pytest.mark.parametrize("study", STUDIES, ids=name)
def test_each_interval_holds_its_own_estimand_as_often_as_promised(study: Study) -> None:
    coverage = cover(study, SLICE)
    assert coverage.replications == SLICE
    assert study.kept(coverage)


def test_pooled_wilson_misses_the_long_run_rate_every_other_time() -> None:
    study = next(s for s in STUDIES if s.world == World(rate=0.1, prompts=40, sweeps=12))
    assert cover(study, SLICE).wilson < 0.6


@pytest.mark.parametrize("world", STILL, ids=described)
def test_a_change_is_seldom_called_where_only_single_prompts_waver(world: World) -> None:
    assert judge(world, SLICE).moved <= MOST_FALSE + 3 * chance(MOST_FALSE, SLICE)


def test_a_large_change_is_called() -> None:
    world = World(rate=0.1, prompts=200, repeats=4, sweeps=2, sweep_sd=0.0, step=1.0)
    assert judge(world, 50).moved > 0.95


# Against other people's programs and numbers


@pytest.mark.parametrize(
    ("cited", "asked", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_pooled_wilson_gives_the_published_limits(cited: int, asked: int, low: float, high: float) -> None:
    """Newcombe (1998), Statistics in Medicine 17, table I, method 3."""
    interval = limits(wilson([cited], [asked]))
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)


def _cluster_robust(cited: NDArray[np.int64], asked: NDArray[np.int64], groups: NDArray[np.int64]) -> float:
    """Variance of the ratio as statsmodels has it: weighted regression on a constant, errors clustered."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        api = pytest.importorskip("statsmodels.api", reason="statsmodels is the oracle here")
        model = api.WLS(cited / asked, np.ones(len(cited)), weights=asked)
        return float(model.fit(cov_type="cluster", cov_kwds={"groups": groups}).cov_params()[0][0])


def test_the_clustered_variance_is_that_of_statsmodels() -> None:
    sample = draw(World(prompts=30, repeats=6, missing=0.2), 4)
    cited, asked = sample.cited[:, 0], sample.asked[:, 0]
    influence = (cited - cited.sum() / asked.sum() * asked) / asked.sum()
    assert clustered(influence) == pytest.approx(_cluster_robust(cited, asked, np.arange(30)), rel=1e-9)


def test_the_two_way_variance_is_that_of_statsmodels() -> None:
    sample = draw(World(prompts=30, sweeps=9, repeats=6, missing=0.2, sweep_sd=1.0), 4)
    asked = np.maximum(sample.asked, 1)
    influence = (sample.cited - sample.cited.sum() / asked.sum() * asked) / asked.sum()
    groups = np.indices(asked.shape).reshape(2, -1).T
    expected = _cluster_robust(sample.cited.ravel(), asked.ravel(), groups)
    assert two_way(influence) == pytest.approx(expected, rel=1e-9)


def test_the_basket_variance_is_the_textbook_one_but_for_two_pooled_answers() -> None:
    cited, asked = np.array([1, 3, 0, 2]), np.array([4, 4, 4, 6])
    share = cited / asked
    textbook = float((asked**2 * share * (1 - share) / (asked - 1)).sum()) / 18**2
    pooled = 6 / 18 * 12 / 18 / 18
    expected = (14 * textbook + 2 * pooled) / 16
    estimate = this_basket(cited, asked)
    assert estimate.diagnostics["independent_answers"] == pytest.approx(6 / 18 * 12 / 18 / expected)
    assert estimate.diagnostics["degrees_of_freedom"] == 14


def test_a_change_of_equally_asked_prompts_is_the_paired_t_interval() -> None:
    stats = pytest.importorskip("scipy.stats")
    sample = draw(World(rate=0.3, prompts=25, sweeps=2), 8)
    before, after = sample.cited.T / 4
    expected = stats.ttest_rel(after, before).confidence_interval()
    interval = limits(change(*_both(sample.cited, sample.asked)))
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))


# What the numbers stand on


def _both(cited: NDArray[np.int64], asked: NDArray[np.int64]) -> tuple[Sweep, Sweep]:
    return Sweep(cited[:, 0], asked[:, 0]), Sweep(cited[:, -1], asked[:, -1])


def test_every_rate_shows_numerator_denominator_and_the_name_of_its_estimand() -> None:
    sample = draw(World(sweeps=5), 1)
    for estimate, estimand in [
        (this_sweep(sample.cited[:, 0], sample.asked[:, 0]), citation_rate.THIS_SWEEP),
        (this_basket(sample.cited[:, 0], sample.asked[:, 0]), citation_rate.THIS_BASKET),
        (over_time(sample.cited, sample.asked), citation_rate.OVER_TIME),
        (wilson(sample.cited, sample.asked), citation_rate.POOLED_WILSON),
    ]:
        assert estimate.value == estimate.diagnostics["cited"] / estimate.diagnostics["asked"]
        assert limits(estimate).estimand == estimand
        assert limits(estimate).level == 0.95
        assert estimate.value in limits(estimate)


def test_the_order_of_prompts_and_sweeps_changes_nothing() -> None:
    sample = draw(World(sweeps=6, missing=0.3), 2)
    rng = np.random.default_rng(0)
    prompts, sweeps = rng.permutation(40), rng.permutation(6)
    cited, asked = sample.cited[prompts], sample.asked[prompts]
    for rate in (this_sweep, this_basket, best):
        _assert_same(rate(sample.cited[:, 0], sample.asked[:, 0]), rate(cited[:, 0], asked[:, 0]))
    _assert_same(over_time(sample.cited, sample.asked), over_time(cited[:, sweeps], asked[:, sweeps]))
    _assert_same(change(*_both(sample.cited, sample.asked)), change(*_both(cited, asked)))


def test_prompts_and_sweeps_never_asked_change_nothing() -> None:
    sample = draw(World(sweeps=6), 2)
    cited, asked = (np.pad(counts, ((0, 3), (0, 2))) for counts in (sample.cited, sample.asked))
    _assert_same(over_time(sample.cited, sample.asked), over_time(cited, asked))
    _assert_same(this_sweep(sample.cited[:, 0], sample.asked[:, 0]), this_sweep(cited[:, 0], asked[:, 0]))


def _assert_same(one: Estimate, other: Estimate) -> None:
    assert one.value == pytest.approx(other.value)
    assert (limits(one).low, limits(one).high) == pytest.approx((limits(other).low, limits(other).high))
    assert (one.verdict, one.reason) == (other.verdict, other.reason)


def test_citing_and_not_citing_are_mirror_images() -> None:
    sample = draw(World(sweeps=6), 2)
    for rate, columns in ((this_sweep, 0), (this_basket, 0), (over_time, slice(None))):
        cited, asked = sample.cited[:, columns], sample.asked[:, columns]
        interval, mirrored = limits(rate(cited, asked)), limits(rate(asked - cited, asked))
        assert (interval.low, interval.high) == pytest.approx((1 - mirrored.high, 1 - mirrored.low))


def test_the_digest_tells_other_counts_apart() -> None:
    assert wilson([1, 2], [4, 4]).input_digest == wilson([1, 2], [4, 4]).input_digest
    assert wilson([1, 2], [4, 4]).input_digest != wilson([2, 1], [4, 4]).input_digest


def test_a_few_prompts_that_carry_the_rate_are_worth_few_degrees_of_freedom() -> None:
    even, lone = np.tile([1.0, -1.0], 20), np.array([39.0] + [-1.0] * 39)
    assert degrees_of_freedom(even) == 39
    assert degrees_of_freedom(lone) == 3
    assert degrees_of_freedom(np.zeros(40)) == 39


# Too little, too much, nothing at all


@pytest.mark.parametrize(
    ("estimate", "reason"),
    [
        (this_sweep([1] * 19, [4] * 19), "needs 1 more prompt"),
        (this_sweep([1] * 12, [4] * 12), "needs 8 more prompts"),
        (this_basket([0, 1, 1], [1, 1, 2]), "needs 2 repeats of most prompts"),
        (over_time(np.ones((40, 1)), np.full((40, 1), 4)), "needs 3 more sweeps"),
        (over_time(np.ones((40, 3)), np.full((40, 3), 4)), "needs 1 more sweep"),
        (over_time(np.ones((2, 9)), np.full((2, 9), 4)), "needs 2 more prompts"),
        (best([1, 0, 0], [1, 1, 1]), "needs 17 more prompts, or 2 repeats of most prompts"),
    ],
)
def test_too_few_data_give_the_rate_and_say_what_the_interval_needs(estimate: Estimate, reason: str) -> None:
    assert estimate.value is not None
    assert estimate.interval is None
    assert estimate.verdict == Verdict.TOO_FEW
    assert estimate.reason == reason


def test_sweeps_in_which_nothing_was_asked_do_not_count_as_sweeps() -> None:
    asked = np.full((40, 6), 4)
    asked[:, 3:] = 0
    assert over_time(np.zeros((40, 6)), asked).reason == "needs 1 more sweep"


@pytest.mark.parametrize("rate", [this_sweep, this_basket, over_time, wilson, best])
@pytest.mark.parametrize("prompts", [0, 3, 30])
def test_where_nothing_was_asked_there_is_no_rate(rate: Rate, prompts: int) -> None:
    estimate = rate(np.zeros(prompts), np.zeros(prompts))
    assert estimate.value is None
    assert estimate.interval is None
    assert estimate.diagnostics["asked"] == 0


def test_nothing_asked_is_said_rather_than_too_few_prompts() -> None:
    assert this_sweep([0, 0], [0, 0]).reason == "nothing was asked"


@pytest.mark.parametrize(("prompts", "estimand"), [(20, "population"), (19, "basket")])
def test_best_answers_for_the_population_from_twenty_prompts_on(prompts: int, estimand: str) -> None:
    assert estimand in limits(best([1] * prompts, [4] * prompts)).estimand


@pytest.mark.parametrize("share", [0, 1])
def test_an_interval_at_none_or_all_keeps_a_width_and_ends_there(share: int) -> None:
    asked = np.full((40, 6), 4)
    for estimate in (
        this_sweep(asked[:, 0] * share, asked[:, 0]),
        this_basket(asked[:, 0] * share, asked[:, 0]),
        over_time(asked * share, asked),
        wilson(asked * share, asked),
    ):
        interval = limits(estimate)
        assert share in (interval.low, interval.high)
        assert 0.001 < 2 * interval.half_width < 0.2


def test_without_any_citation_the_prompts_alone_bound_the_rate() -> None:
    few, many = (limits(this_sweep(np.zeros(40), np.full(40, repeats))) for repeats in (2, 200))
    assert few.high == many.high


def test_prompts_that_always_answer_alike_keep_an_interval() -> None:
    interval = limits(this_basket([4] * 5 + [0] * 5, [4] * 10))
    assert 0.02 < interval.half_width < 0.1


def test_prompts_with_equal_rates_are_not_taken_for_certain() -> None:
    equal = limits(this_sweep([1] * 30, [4] * 30))
    pooled = limits(wilson([1] * 30, [4] * 30))
    assert equal.half_width >= pooled.half_width


def test_one_prompt_asked_often_is_a_basket() -> None:
    assert limits(this_basket([3], [8])).estimand == citation_rate.THIS_BASKET


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=60))
def test_every_interval_lies_within_zero_and_one_and_holds_the_rate(counts: list[tuple[int, int]]) -> None:
    cited, asked = np.array([(min(pair), max(pair)) for pair in counts]).T
    for rate in (this_sweep, this_basket, best, wilson):
        estimate = rate(cited, asked)
        if estimate.interval is not None and estimate.value is not None:
            assert 0 <= estimate.interval.low <= estimate.value + 1e-12
            assert estimate.value - 1e-12 <= estimate.interval.high <= 1


@given(st.integers(4, 9), st.integers(4, 9), st.integers(0, 2**32), st.floats(0, 1), st.floats(0, 1))
def test_every_interval_over_time_lies_within_zero_and_one(
    prompts: int, sweeps: int, seed: int, share: float, asking: float
) -> None:
    rng = np.random.default_rng(seed)
    asked = rng.binomial(4, asking, (prompts, sweeps))
    estimate = over_time(rng.binomial(asked, share), asked)
    if estimate.interval is not None and estimate.value is not None:
        assert 0 <= estimate.interval.low <= estimate.value + 1e-12
        assert estimate.value - 1e-12 <= estimate.interval.high <= 1


@pytest.mark.parametrize(
    ("cited", "asked", "message"),
    [
        ([3], [2], "prompt 0 of sweep 0 is cited in 3 of 2 answers"),
        ([[0, 0], [0, 5]], [[1, 1], [1, 4]], "prompt 1 of sweep 1 is cited in 5 of 4 answers"),
        ([float("nan")], [2], "cited holds what is no count"),
        ([1], [float("inf")], "asked holds what is no count"),
        ([-1], [2], "cited holds what is no count"),
        ([0.5], [2], "cited holds what is no count"),
        ([1, 1], [2], "give both for the same prompts and sweeps"),
        (["many"], [2], "cited is no array of numbers"),
        ([[1], [1, 2]], [2], "cited is no array of numbers"),
        (1, 2, "cited has 0 dimensions"),
        ([[[1]]], [[[2]]], "cited has 3 dimensions"),
    ],
)
@pytest.mark.parametrize("rate", [this_sweep, this_basket, over_time, wilson, best])
def test_impossible_counts_are_refused_with_their_place(
    rate: Rate, cited: ArrayLike, asked: ArrayLike, message: str
) -> None:
    with pytest.raises(EstimateError, match=message):
        rate(cited, asked)


def test_several_sweeps_are_not_taken_for_one() -> None:
    with pytest.raises(EstimateError, match="2 sweeps where one is expected"):
        this_sweep(np.zeros((30, 2)), np.ones((30, 2)))


# Changes


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [(0, 3, Verdict.MOVED_UP), (3, 0, Verdict.MOVED_DOWN), (1, 1, Verdict.WITHIN_NOISE)],
)
def test_the_verdict_follows_the_interval(before: int, after: int, verdict: Verdict) -> None:
    prompts = np.arange(12) % 2
    estimate = change(Sweep(before + prompts, [4] * 12), Sweep(after + prompts, [4] * 12))
    assert estimate.verdict == verdict
    assert estimate.value == pytest.approx((after - before) / 4)


def test_a_change_smaller_than_its_noise_floor_is_noise() -> None:
    sample = draw(World(rate=0.1, sweeps=2, sweep_sd=0.0), 3)
    estimate = change(*_both(sample.cited, sample.asked))
    assert estimate.value is not None
    assert abs(estimate.value) < estimate.diagnostics["noise_floor"]
    assert estimate.verdict == Verdict.WITHIN_NOISE


def test_a_change_shows_both_numerators_and_denominators() -> None:
    estimate = change(Sweep([1] * 6, [4] * 6), Sweep([2] * 6, [5] * 6))
    shown = {key: estimate.diagnostics[key] for key in ("prompts", "cited_before", "asked_before", "cited_after")}
    assert shown == {"prompts": 6, "cited_before": 6, "asked_before": 24, "cited_after": 12}
    assert estimate.diagnostics["asked_after"] == 30


def test_where_no_prompt_moved_the_noise_floor_is_not_zero() -> None:
    estimate = change(Sweep([0] * 40, [4] * 40), Sweep([0] * 40, [4] * 40))
    assert estimate.verdict == Verdict.WITHIN_NOISE
    assert 0.05 < estimate.diagnostics["noise_floor"] < 0.15


def test_asks_that_failed_in_one_sweep_do_not_move_the_rate() -> None:
    """Each prompt answers as before; a pooled rate would fall from .5 to .29 because asks of one half failed."""
    before = Sweep([8] * 10 + [0] * 10, [8] * 20)
    after = Sweep([3] * 8 + [4] * 2 + [0] * 10, [3] * 8 + [4] * 2 + [8] * 10)
    estimate = change(before, after)
    assert estimate.value == pytest.approx(0.0)
    assert estimate.verdict == Verdict.WITHIN_NOISE


def test_only_prompts_asked_in_both_sweeps_are_compared() -> None:
    extra = change(Sweep([1] * 6 + [4, 0], [4] * 7 + [0]), Sweep([1] * 6 + [0, 4], [4] * 6 + [0, 4]))
    _assert_same(extra, change(Sweep([1] * 6, [4] * 6), Sweep([1] * 6, [4] * 6)))


def test_a_broken_comparison_gives_the_reason_and_no_number() -> None:
    sweep = Sweep([1] * 30, [4] * 30)
    estimate = change(sweep, sweep, broken="the served model changed from a to b")
    assert (estimate.verdict, estimate.reason) == (Verdict.NOT_COMPARABLE, "the served model changed from a to b")
    assert (estimate.value, estimate.interval) == (None, None)


@pytest.mark.parametrize("asked", [[0] * 30, [0] * 15 + [4] * 15])
def test_sweeps_without_a_shared_prompt_are_not_comparable(asked: list[int]) -> None:
    before = Sweep([0] * 30, [4] * 15 + [0] * 15)
    estimate = change(before, Sweep([0] * 30, asked))
    assert estimate.verdict == Verdict.NOT_COMPARABLE
    assert "what was asked" in estimate.reason


def test_few_shared_prompts_carry_no_verdict() -> None:
    estimate = change(Sweep([0] * 4, [4] * 4), Sweep([4] * 4, [4] * 4))
    assert (estimate.verdict, estimate.reason) == (Verdict.TOO_FEW, "needs 1 more prompt asked in both sweeps")


def test_sweeps_of_different_baskets_are_refused() -> None:
    with pytest.raises(EstimateError, match="3 prompts before, 2 after"):
        change(Sweep([0] * 3, [4] * 3), Sweep([0] * 2, [4] * 2))
