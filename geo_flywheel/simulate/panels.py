"""A market as a panel sees it: weekly counts per page in two halves, all answers of a week drawn at once.

The states, the chances of the pages in each answer and what is fetched and visited are those of the market, number by
number; the answers have draws of their own with the same chances, so that they agree with `Market.cited` in
distribution. Half a and half b share no noise: citations are halved by the rank parity of the prompt in its topic,
fetches and visits by the parity of the day in the week. (By the parity of the date, a half would have three days in
one week and four in the next, and a gain of .5 comes back as .57.)
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_flywheel.simulate.market import PRESENCE, Counts, Floats, Market

Columns = dict[str, NDArray[Any]]

_SEED_OF_PANELS = 201
_ANSWERS, _MISSED, _CRAWLERS = range(3)
_COMES = 0.25


def observed(market: Market, repeats: int = 4, *, missing: float = 0.0, crawlers: int = 0) -> Columns:
    """Return the panel of a market, one row per page and week in which it is there, by page and week.

    Args:
        market: What is seen.
        repeats: Times each engine is asked each prompt in a week.
        missing: Chance of an engine's weekly sweep to be missed. A week that one of them missed is not asked, since
            engines cite at different rates: asked and cited are 0 in it.
        crawlers: Even number of crawlers of which only is known whether they came in a week; halves are then by
            crawler. 0 counts fetches.

    Returns:
        Columns of equal length, named as those of a panel: whole numbers, but `robots_allowed` is true or false.
    """
    world, history = market.world, market.history
    asked = np.where(_swept(market, missing), _asked(market, repeats)[:, None], 0)
    cited = np.array([_cited(market, week, repeats) for week in range(world.weeks)])
    fetched = np.array([_came(market, week, crawlers) if crawlers else _by_day(market.fetched(week))
                        for week in range(world.weeks)])  # fmt: skip
    visited = np.array([_by_day(market.visited(week)) for week in range(world.weeks)])
    weeks, pages = np.arange(world.weeks)[:, None], np.arange(world.pages)
    there = np.array([history.there(week) for week in range(world.weeks)])
    cells = {"page_id": pages, "site_id": market.site, "topic": market.topic, "period": weeks}
    for half, name in enumerate("ab"):
        cells[f"asked_{name}"] = asked[half][:, None]
        cells[f"cited_{name}"] = np.where(asked[half][:, None] > 0, cited[:, half], 0)
        cells[f"engagement_{name}"] = visited[:, half]
        cells[f"presence_{name}"] = fetched[:, half]
    cells["presence_train"] = history.trained.astype(np.int64)
    cells["bot_hits"] = fetched.sum(axis=1)
    cells["first_seen"] = np.where(history.entered > 0, history.entered, -world.burn_in)
    cells["robots_allowed"] = np.array([history.allowed(week) for week in range(world.weeks)])
    return {name: np.broadcast_to(cell, there.shape).T[there.T] for name, cell in cells.items()}


def _asked(market: Market, repeats: int) -> Counts:
    """Answers in a week to the prompts of one topic, by half, shape (half,)."""
    each = market.world.prompts_per_topic
    return np.array([(each + 1) // 2, each // 2]) * market.world.engines * repeats


def _swept(market: Market, missing: float) -> NDArray[np.bool_]:
    """Weeks in which no engine was missed, shape (week,)."""
    world = market.world
    swept = _rng(market, _MISSED).random((world.weeks, world.engines)) >= missing
    whole: NDArray[np.bool_] = np.logical_and.reduce(swept, axis=1)
    return whole


def _cited(market: Market, week: int, repeats: int) -> Counts:
    """Answers of a week that cite each page, shape (half, page)."""
    world, rng = market.world, _rng(market, _ANSWERS, week)
    counts = np.zeros((2, world.pages), np.int64)
    for topic in range(world.topics):
        order, upto = market.chances(week, topic)
        starts = rng.random((repeats, world.engines, world.prompts_per_topic))
        hits = _hits(upto, starts)
        counts[0, order] = hits[:, ::2].sum(axis=(0, 1))
        counts[1, order] = hits[:, 1::2].sum(axis=(0, 1))
    return counts


def _hits(upto: Floats, starts: Floats) -> Counts:
    """How many of the answers cite a page, by systematic sampling.

    Args:
        upto: Cumulated chances, shape (engine, prompt, page), ending at the number of pages an answer cites.
        starts: Where each answer's comb starts, shape (repeat, engine, prompt), in [0, 1).

    Returns:
        Counts, shape (engine, prompt, page).
    """
    passed: Counts = np.floor(upto + starts[..., None]).sum(axis=0).astype(np.int64)
    return np.diff(passed, axis=-1, prepend=0)


def _by_day(counts: Counts) -> Counts:
    """Events of a week by the parity of the day, shape (half, page); given by (page, day)."""
    return np.array([counts[:, ::2].sum(axis=1), counts[:, 1::2].sum(axis=1)])


def _came(market: Market, week: int, crawlers: int) -> Counts:
    """Crawlers that came in a week, shape (half, page): each to a page of average standing with probability 1/4."""
    standing = market.fetches / market.world.fetches * market.states[week, :, PRESENCE]
    chances = np.minimum(_COMES * standing, 1.0) * market.history.there(week)
    return _rng(market, _CRAWLERS, week).binomial(crawlers // 2, chances, (2, market.world.pages))


def _rng(market: Market, *about: int) -> np.random.Generator:
    return np.random.default_rng((market.seed, _SEED_OF_PANELS, *about))
