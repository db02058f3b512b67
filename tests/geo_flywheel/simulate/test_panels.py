import time
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from geo_flywheel import panel
from geo_flywheel.simulate.history import Plan
from geo_flywheel.simulate.market import WORLDS, Market, World
from geo_flywheel.simulate.panels import Columns, observed

_SMALL = World(pages=48, sites=12, topics=2, prompts_per_topic=4, engines=2, citations=3, weeks=8)


def _by_week(columns: Columns, name: str, weeks: int) -> NDArray[np.float64]:
    """A column of a market without turnover, shape (page, week)."""
    return columns[name].reshape(-1, weeks).astype(float)


def _answers(market: Market, repeats: int, prompts: list[int]) -> NDArray[np.float64]:
    """Citations counted from answers one by one, shape (page, week)."""
    world = market.world
    counts = np.zeros((world.pages, world.weeks))
    for week, prompt, engine, sample in product(range(world.weeks), prompts, range(world.engines), range(repeats)):
        counts[market.cited(week, prompt, engine, sample), week] += 1
    return counts


def _expected(market: Market, repeats: int, prompts: list[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of citations, shape (page, week)."""
    places = list(product(prompts, range(market.world.engines)))
    chances = np.array(
        [[market.inclusion(week, *place) for place in places] for week in range(market.world.weeks)]
    )  # week, place, page
    return repeats * chances.sum(axis=1).T, repeats * (chances * (1 - chances)).sum(axis=1).T


@pytest.mark.parametrize(("half", "rank"), [("a", 0), ("b", 1)])
def test_citations_of_a_half_have_the_mean_and_variance_of_answers_drawn_one_by_one(half: str, rank: int) -> None:
    market, repeats = Market(_SMALL, 5), 6
    prompts = [prompt for prompt in range(_SMALL.prompts) if prompt % _SMALL.prompts_per_topic % 2 == rank]
    mean, variance = _expected(market, repeats, prompts)
    free = variance > 0.2
    at_once = _by_week(observed(market, repeats), f"cited_{half}", _SMALL.weeks)
    one_by_one = _answers(market, repeats, prompts)
    for counts in (at_once, one_by_one):
        scores = ((counts - mean) / np.sqrt(np.maximum(variance, 0.01)))[free]
        assert abs(scores.mean()) < 4 / np.sqrt(scores.size)
        assert scores.std() == pytest.approx(1, abs=0.15)
    assert stats.ks_2samp(at_once.ravel(), one_by_one.ravel()).pvalue > 0.001


def test_every_answer_cites_as_many_pages_as_the_market_says() -> None:
    columns = observed(Market(_SMALL, 5), repeats=2)
    cited = (_by_week(columns, "cited_a", 8) + _by_week(columns, "cited_b", 8)).sum(axis=0)
    assert (cited == _SMALL.prompts * _SMALL.engines * 2 * _SMALL.citations).all()


def test_fetches_and_visits_are_those_of_the_market_day_by_day() -> None:
    market = Market(_SMALL, 5)
    columns = observed(market)
    for week in range(_SMALL.weeks):
        for name, events in (("presence", market.fetched(week)), ("engagement", market.visited(week))):
            assert (_by_week(columns, f"{name}_a", 8)[:, week] == events[:, [0, 2, 4, 6]].sum(axis=1)).all()
            assert (_by_week(columns, f"{name}_b", 8)[:, week] == events[:, [1, 3, 5]].sum(axis=1)).all()


def test_the_noise_of_the_halves_is_their_own() -> None:
    shared = [_correlation_of_errors(Market(_SMALL, seed)) for seed in range(12)]
    assert abs(np.mean(shared)) < 4 * np.std(shared) / np.sqrt(len(shared))
    assert abs(np.mean(shared)) < 0.08


def _correlation_of_errors(market: Market) -> float:
    columns = observed(market, repeats=4)
    errors = [
        (_by_week(columns, f"cited_{half}", 8) - _expected(market, 4, list(range(rank, 8, 2)))[0]).ravel()
        for half, rank in (("a", 0), ("b", 1))
    ]
    return float(stats.pearsonr(*errors).statistic)


def test_a_panel_takes_the_columns_as_they_are() -> None:
    pd = pytest.importorskip("pandas")
    taken = panel.checked(pd.DataFrame(observed(Market(_SMALL, 5))), "risk set")
    assert set(panel.HALVES) <= set(taken.frame.columns)
    assert len(taken.frame) == _SMALL.pages * _SMALL.weeks


def test_the_same_seed_gives_the_same_panel_and_another_one_another() -> None:
    one, again, other = (observed(Market(_SMALL, seed)) for seed in (5, 5, 6))
    assert all((one[name] == again[name]).all() for name in one)
    assert (one["cited_a"] != other["cited_a"]).any()


def test_a_missed_sweep_is_not_asked_instead_of_asked_in_vain() -> None:
    columns = observed(Market(replace(_SMALL, weeks=40), 5), missing=0.2)
    asked = _by_week(columns, "asked_a", 40)
    missed = (asked == 0).all(axis=0)
    assert (asked[:, ~missed] > 0).all()
    assert missed.mean() == pytest.approx(1 - 0.8**2, abs=0.25)
    assert (_by_week(columns, "cited_a", 40)[:, missed] == 0).all()
    assert (_by_week(columns, "engagement_a", 40)[:, missed].sum(axis=0) > 0).all()


def test_crawlers_that_come_or_do_not_are_halved_by_crawler() -> None:
    market = Market(replace(_SMALL, pages=240), 5)
    columns = observed(market, crawlers=6)
    came = np.stack([columns["presence_a"], columns["presence_b"]])
    chances = np.minimum(0.25 * market.fetches / 20 * market.states[:, :, 0], 1)
    assert came.max() == 3
    assert came.mean() == pytest.approx(3 * chances.mean(), rel=0.05)


def test_pages_have_rows_only_while_they_are_there() -> None:
    world = replace(_SMALL, weeks=20, plan=Plan(entering=0.25, leaving=0.25))
    market = Market(world, 5)
    columns = observed(market)
    history = market.history
    assert (columns["period"] >= history.entered[columns["page_id"].astype(int)]).all()
    assert (columns["period"] < history.left[columns["page_id"].astype(int)]).all()
    assert len(columns["period"]) == (history.left - history.entered).sum() < world.pages * world.weeks
    late = columns["first_seen"] > 0
    assert 0 < late.mean() < 0.25
    assert (columns["first_seen"][~late] == -world.burn_in).all()


def test_a_year_of_the_demo_is_seen_in_a_moment() -> None:
    begun = time.perf_counter()
    columns = observed(Market(WORLDS["loop"], 1))
    assert time.perf_counter() - begun < 1.0
    assert int(columns["asked_a"].reshape(240, 52)[0].sum()) * 2 * 4 == 33_280
