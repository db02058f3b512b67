from dataclasses import replace

import numpy as np
import pytest

from geo_flywheel.simulate.history import CUT_OFF, Plan
from geo_flywheel.simulate.market import CITATION, PRESENCE, WORLDS, Market, World

_SMALL = World(pages=120, sites=30, topics=2, prompts_per_topic=4, engines=2, weeks=24)


def _with(plan: Plan, seed: int = 5) -> Market:
    return Market(replace(_SMALL, plan=plan), seed)


def test_a_world_without_dates_draws_what_it_drew_before_there_were_any() -> None:
    market = Market(WORLDS["loop"], 7)
    assert market.states[0, 0] == pytest.approx([0.95068739, 1.32323989, 0.95796717])
    assert market.states[51, 239] == pytest.approx([0.90274786, 0.94648333, 1.09057463])
    assert market.cited(3, 5, 1, 0) == [232, 200, 99, 88, 89]


def test_pages_enter_and_leave_in_the_shares_stated_and_are_neither_cited_nor_fetched_nor_visited_outside() -> None:
    market = _with(Plan(entering=0.25, leaving=0.1))
    history = market.history
    assert (history.entered > 0).sum() == 30
    assert (history.left < 24).sum() == 12
    assert not ((history.entered > 0) & (history.left < 24)).any()
    for week in (0, 11, 23):
        away = ~history.there(week)
        assert away.any()
        assert market.fetched(week)[away].sum() == market.visited(week)[away].sum() == 0
        assert all(market.inclusion(week, prompt, 0)[away].sum() == 0 for prompt in range(8))
        assert market.inclusion(week, 2, 1).sum() == pytest.approx(5)


def test_a_page_enters_at_its_own_mean() -> None:
    market = _with(Plan(entering=0.25))
    page = int(market.history.entered.argmax())
    before = market.states[: market.history.entered[page], page]
    assert (before == 1).all()


def test_presence_ends_where_robots_txt_shuts_crawlers_out_and_citations_follow() -> None:
    market, open_ = _with(Plan(closing=0.3)), _with(Plan())
    closed = market.history.closed < 12
    assert 0 < closed.sum() < 60
    assert (market.states[12:, closed, PRESENCE] < 0.01).all()
    assert all(market.fetched(week)[closed].sum() < 3 for week in range(12, 24))
    assert market.states[14:, closed, CITATION].mean() < 0.8 * open_.states[14:, closed, CITATION].mean()
    assert len({(int(site), int(week)) for site, week in zip(market.site, market.history.closed, strict=True)}) == 30


def test_the_lottery_takes_pages_with_the_probability_it_states() -> None:
    drawn = [(history.chances, history.crawled) for history in (_with(Plan(), seed).history for seed in range(40))]
    chances = np.concatenate([np.broadcast_to(chance, crawled.shape).ravel() for chance, crawled in drawn])
    crawled = np.concatenate([crawled.ravel() for _, crawled in drawn])
    for low, high in ((0.1, 0.4), (0.4, 0.6), (0.6, 0.9)):
        among = (low < chances) & (chances < high)
        expected = chances[among].mean()
        assert crawled[among].mean() == pytest.approx(expected, abs=4 * np.sqrt(0.25 / among.sum()))


def test_a_model_knows_the_crawl_before_its_cut_off_until_the_next_release() -> None:
    history = _with(Plan(releases=(9, 17))).history
    assert not history.trained[:9].any()
    for release, until in ((9, 17), (17, 24)):
        crawl = history.crawl_of(release)
        assert history.crawls[crawl] <= release - CUT_OFF < history.crawls[crawl] + 4
        assert (history.trained[release:until] == history.crawled[crawl]).all()


def test_a_release_lifts_the_pages_it_was_trained_on_by_what_is_stated() -> None:
    lift, ratios = 0.4, []
    for seed in range(30):
        plan = Plan(releases=(12,), lift=lift)
        market, same_without = _with(plan, seed), _with(replace(plan, lift=0.0), seed)
        trained = market.history.trained[12]
        after, before = market.states[12, :, CITATION], same_without.states[12, :, CITATION]
        ratios.append(np.log(after[trained].mean() / after[~trained].mean()))
        ratios[-1] -= np.log(before[trained].mean() / before[~trained].mean())
        assert (market.states[:12] == same_without.states[:12]).all()
    assert np.mean(ratios) == pytest.approx(lift, abs=0.05)


def test_a_release_without_effect_leaves_the_market_as_it_was() -> None:
    assert (_with(Plan(releases=(12,))).states == _with(Plan()).states).all()
