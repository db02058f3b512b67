import numpy as np
import pytest

from geo_flywheel.estimate.shares import (
    Halves,
    entropy_as_seen,
    gini_as_seen,
    hhi,
    hhi_as_seen,
    largest,
    mobility,
    overlaps,
    rank_correlations,
    top,
    transitions,
)

TRUE = np.array([8.0, 4, 2, 1, 1])


def exact(*columns: np.ndarray, period: list[int] | None = None) -> Halves:
    counts = np.column_stack(columns)
    numbers = np.arange(counts.shape[1]) if period is None else np.array(period)
    return Halves(counts, counts.copy(), np.ones(counts.shape, bool), numbers)


def test_without_noise_the_measures_are_the_textbook_ones() -> None:
    halves = exact(TRUE)
    share = TRUE / 16
    assert hhi(halves) == hhi_as_seen(halves) == pytest.approx([(share**2).sum()])
    assert entropy_as_seen(halves) == pytest.approx([-(share * np.log(share)).sum()])
    apart = np.abs(TRUE[:, None] - TRUE).sum() / (2 * 5**2 * TRUE.mean())
    assert gini_as_seen(halves) == pytest.approx([apart])
    assert [top(halves, k)[0] for k in (1, 2, 5)] == pytest.approx([0.5, 0.75, 1.0])


def test_units_that_are_not_at_risk_are_no_losers() -> None:
    there = np.array([[True]] * 5 + [[False]] * 3)
    counts = np.append(TRUE, [0.0, 0, 0])[:, None]
    assert gini_as_seen(Halves(counts, counts, there, np.array([0]))) == pytest.approx(gini_as_seen(exact(TRUE)))


def test_equal_units_look_concentrated_and_are_found_equal() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.multinomial(60, np.full(30, 1 / 30), 3000).T.astype(float) for _ in range(2))
    halves = Halves(a, b, np.ones(a.shape, bool), np.arange(3000))
    assert hhi(halves).mean() == pytest.approx(1 / 30, rel=0.01)
    assert hhi_as_seen(halves).mean() == pytest.approx(1 / 30 + 1 / 120, rel=0.03)
    assert top(halves, 1).mean() == pytest.approx(1 / 30, rel=0.03)


def test_units_level_for_the_last_place_share_it() -> None:
    assert largest(np.array([5.0, 3, 3, 1]), 2).tolist() == [1, 0.5, 0.5, 0]
    assert largest(np.array([1.0, 2]), 5).tolist() == [1, 1]


def test_ranks_that_stay_correlate_fully_and_ranks_turned_over_not() -> None:
    stays, turns = rank_correlations(exact(TRUE, TRUE), 1), rank_correlations(exact(TRUE, -TRUE + 9), 1)
    assert (stays.later.item(), stays.same.item()) == pytest.approx((1, 1))
    assert turns.later.item() == pytest.approx(-1)


def test_only_periods_exactly_so_far_apart_are_compared() -> None:
    halves = exact(TRUE, TRUE, -TRUE + 9, TRUE, period=[0, 1, 3, 7])
    assert rank_correlations(halves, 1).later == pytest.approx([1])
    assert rank_correlations(halves, 2).later == pytest.approx([-1])
    assert rank_correlations(halves, 5).later.size == 0


def test_the_top_that_stays_overlaps_fully() -> None:
    assert overlaps(exact(TRUE, TRUE), 1, 2).later == pytest.approx([1])
    assert overlaps(exact(TRUE, -TRUE + 9), 1, 2).later == pytest.approx([0])


def test_mobility_is_0_where_nobody_moves_and_1_where_the_past_means_nothing() -> None:
    values = np.arange(100.0)
    assert mobility(transitions(exact(values, values), 1, 10).later) == pytest.approx([0])
    mixed = np.random.default_rng(0).permuted(np.tile(values[:, None], 400), axis=0)
    assert mobility(transitions(exact(*mixed.T), 1, 10).later.mean(axis=0)) == pytest.approx(1, abs=0.02)
