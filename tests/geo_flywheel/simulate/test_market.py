import importlib.util
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from geo_flywheel.simulate.market import CITATION, WORLDS, Market, World

_PROTOTYPE = Path(__file__).resolve().parents[4] / "shared" / "design" / "prototypes" / "market.py"
_SMALL = World(pages=48, sites=12, topics=2, prompts_per_topic=4, engines=2, citations=3, weeks=16)
_WIDE = replace(_SMALL, pages=120, sites=30)  # few pages are near certain, which the prototype caps at .95


def _gain(transition: NDArray[np.float64]) -> float:
    """F (I - T)^-1 e_p, F being the row of presence without its own persistence."""
    again = np.zeros((3, 3))
    again[0, 1:] = transition[0, 1:]
    first_presence = np.array([1.0, 0.0, 0.0])
    return float((again @ np.linalg.solve(np.eye(3) - (transition - again), first_presence))[0])


@pytest.mark.parametrize("gain", [0.0, 0.2, 0.5, 0.8, 1.0])
def test_the_stated_gain_is_that_of_the_transition(gain: float) -> None:
    world = World(gain=gain)
    assert _gain(world.transition) == pytest.approx(world.true_gain)


@pytest.mark.parametrize("name", ["fitness", "open", "hidden"])
def test_worlds_without_a_loop_return_nothing_to_presence(name: str) -> None:
    world = WORLDS[name]
    assert _gain(world.transition) == 0
    assert world.true_gain == 0


@pytest.mark.parametrize("name", ["loop", "fitness", "open", "reversed"])
def test_means_of_all_states_stay_one_where_nothing_is_hidden(name: str) -> None:
    transition = WORLDS[name].transition
    assert (transition.sum(axis=1) <= 1 + 1e-12).all()
    states = np.array([Market(WORLDS[name], seed).states.mean(axis=(0, 1)) for seed in range(12)])
    assert states.mean(axis=0) == pytest.approx([1, 1, 1], abs=0.05)


def test_attention_inside_a_topic_is_a_sum_of_zero() -> None:
    market = Market(_SMALL, 3)
    for topic in range(_SMALL.topics):
        pages = market.pages_of(topic)
        fitness = market.fitness[pages]
        attention = market.states[:, pages, CITATION] @ fitness
        assert attention == pytest.approx(np.full(_SMALL.weeks, fitness.sum()))


def test_a_page_is_cited_exactly_as_often_as_its_probability_says() -> None:
    market, samples = Market(_SMALL, 5), 4000
    chances = market.inclusion(7, 6, 1)
    counts = np.zeros(_SMALL.pages)
    for sample in range(samples):
        counts[market.cited(7, 6, 1, sample)] += 1
    free = (chances > 0) & (chances < 1)
    scores = (counts - samples * chances)[free] / np.sqrt(samples * chances * (1 - chances))[free]
    assert chances.sum() == pytest.approx(_SMALL.citations)
    assert np.abs(scores).max() < 4
    assert stats.kstest(scores, "norm").pvalue > 0.001
    assert (counts[chances == 0] == 0).all()


def test_inclusion_is_proportional_to_the_citation_state_and_the_fitness() -> None:
    world = World(relevance_sd=0.0, shock_sd=0.0)
    market = Market(world, 2)
    chances = market.inclusion(30, 11, 3)
    weights = np.where(market.topic == 1, market.fitness * market.states[30, :, CITATION], 0.0)
    assert chances == pytest.approx(world.citations * weights / weights.sum())


def test_a_week_shifts_what_engines_make_of_a_page_by_the_stated_shock_and_repeats_share_it() -> None:
    market = Market(World(relevance_sd=0.0, shock_sd=0.3, citations=1), 2)
    ratios = []
    for week, engine in product(range(20), range(4)):
        chances = market.inclusion(week, 11, engine)[market.topic == 1]
        plain = (market.fitness * market.states[week, :, CITATION])[market.topic == 1]
        ratios.append(chances / plain * plain.sum())
    shocks = np.array(ratios)
    assert (shocks / shocks.mean(axis=1, keepdims=True)).std() == pytest.approx(0.3, abs=0.01)


def test_a_page_that_would_be_more_than_certain_is_certain_and_the_rest_is_shared() -> None:
    world = World(pages=12, sites=3, topics=1, prompts_per_topic=3, engines=1, spread=3.0, weeks=2)
    market = Market(world, 1)
    chances = np.array([market.inclusion(week, prompt, 0) for week, prompt in product(range(2), range(3))])
    assert chances.max() == pytest.approx(1)
    assert chances.sum(axis=1) == pytest.approx(np.full(6, world.citations))


def test_an_answer_cites_that_many_distinct_pages_of_its_topic() -> None:
    market = Market(_SMALL, 9)
    for week, prompt, engine, sample in product(range(3), range(8), range(2), range(3)):
        pages = market.cited(week, prompt, engine, sample)
        assert len(set(pages)) == len(pages) == _SMALL.citations
        assert {int(market.topic[page]) for page in pages} == {prompt // _SMALL.prompts_per_topic}


def test_what_is_drawn_depends_on_the_seed_and_not_on_the_order_of_asking() -> None:
    places = list(product(range(4), range(8), range(2), range(3)))
    forwards, backwards, other = Market(_SMALL, 4), Market(_SMALL, 4), Market(_SMALL, 5)
    assert (backwards.visited(3) == forwards.visited(3)).all()
    seen = {place: forwards.cited(*place) for place in places}
    assert {place: backwards.cited(*place) for place in reversed(places)} == seen
    assert {place: other.cited(*place) for place in places} != seen


def test_repeats_of_a_prompt_differ_while_they_share_their_probabilities() -> None:
    market = Market(_SMALL, 4)
    assert len({tuple(sorted(market.cited(2, 1, 0, sample))) for sample in range(20)}) > 5


def test_an_engine_answers_alike_however_many_others_there_are() -> None:
    few, many = Market(_SMALL, 4), Market(replace(_SMALL, engines=7), 4)
    for week, prompt in product(range(3), range(8)):
        assert few.cited(week, prompt, 1, 0) == many.cited(week, prompt, 1, 0)


def test_fetches_and_sessions_follow_their_states() -> None:
    market = Market(World(innovation=0.2), 6)
    expected = np.array([market.sessions * market.states[week, :, 2] for week in range(52)])
    seen = np.array([market.visited(week).sum(axis=1) for week in range(52)])
    scores = (seen - expected) / np.sqrt(expected)
    assert abs(scores.mean()) < 4 / np.sqrt(scores.size)
    assert scores.std() == pytest.approx(1, abs=0.03)
    fetched = np.array([market.fetched(week).sum(axis=1) for week in range(52)])
    assert fetched.mean() == pytest.approx((market.fetches * market.states[:, :, 0]).mean(), rel=0.01)


def test_hidden_quality_lifts_all_states_of_a_page_together() -> None:
    def together(world: World) -> float:
        states = Market(world, 8).states
        return float(np.corrcoef(states[:, :, 0].ravel(), states[:, :, 2].ravel())[0, 1])

    assert together(WORLDS["hidden"]) > together(WORLDS["fitness"]) + 0.3


@pytest.mark.parametrize(
    ("world", "named"),
    [
        (_WIDE, {"G": 0.5}),
        (replace(_WIDE, gain=0.0, hidden_sd=0.1), {"G": 0.0, "world": "hiddenq"}),
        (replace(_WIDE, arrows="reversed"), {"G": 0.5, "world": "reverse"}),
    ],
)
def test_counts_are_distributed_as_those_of_the_prototype(world: World, named: dict[str, object]) -> None:
    prototype = _prototype()
    ours = np.array([_moments(_counts(Market(world, seed))) for seed in range(30)])
    sizes = {"N": 120, "S": 30, "K": 8, "J": 2, "E": 2, "m": 2, "T": 16, "ncit": 3, "common": 0.05, "site_sd": 0.1}
    theirs = []
    for seed in range(30):
        rng = np.random.default_rng(1000 + seed)
        first, second, *_ = prototype.market(rng, **{**sizes, "pws": 0.3, "psplit": True, **named})
        theirs.append(_moments(first + second))
    for ours_of_one, theirs_of_one in zip(ours.T, np.array(theirs).T, strict=True):
        assert stats.ks_2samp(ours_of_one, theirs_of_one).pvalue > 0.001
        assert stats.ttest_ind(ours_of_one, theirs_of_one, equal_var=False).pvalue > 0.001


def _prototype() -> ModuleType:
    if not _PROTOTYPE.is_file():
        pytest.skip(f"no prototype at {_PROTOTYPE} to compare with")
    spec = importlib.util.spec_from_file_location("prototype_of_the_market", _PROTOTYPE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _counts(market: Market) -> NDArray[np.float64]:
    """Fetches, citations and sessions, shape (page, week, 3), two answers to each prompt and engine."""
    world = market.world
    counts = np.zeros((world.pages, world.weeks, 3))
    for week in range(world.weeks):
        counts[:, week, 0] = market.fetched(week).sum(axis=1)
        counts[:, week, 2] = market.visited(week).sum(axis=1)
        for prompt, engine, sample in product(range(world.prompts), range(world.engines), range(2)):
            counts[market.cited(week, prompt, engine, sample), week, 1] += 1
    return counts


def _moments(counts: NDArray[np.float64]) -> list[float]:
    """Means but for that of citations, which is given; spread over pages; covariances of what is relative to them."""
    means = counts.mean(axis=1)
    relative = counts / np.maximum(means, 0.1)[:, None] - 1
    lagged = np.einsum("ntj,ntk->jk", relative[:, :-1], relative[:, 1:]) / counts[:, 1:, 0].size
    same = np.einsum("ntj,ntk->jk", relative, relative) / counts[..., 0].size
    return [*means.mean(axis=0)[[0, 2]], *means.std(axis=0), *lagged.ravel(), *same.ravel()]
