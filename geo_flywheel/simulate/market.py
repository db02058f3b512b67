"""A market of answers on counts, whose loop gain is known.

Every page has three states in units of its own mean: presence p, citation c, engagement e. A week makes the next:

    mu[t] = (b + A x[t-1]) * common[t] * site[t]                 both Gamma with mean 1, one draw per state
    x[t]  ~ Gamma(shape mu[t] / phi, scale phi)                  then c is scaled so that its fitness-weighted mean
                                                                 over the pages of each topic is 1 (zero sum)

A has .6, .3, .2 on its diagonal and b = 1 - A1, so that every mean is 1; a hidden quality, which multiplies, lifts the
means of p and e somewhat above it. What is seen of it are counts:

    cited pages of an answer   distinct, drawn by systematic sampling with probabilities proportional to
                               relevance[prompt, engine, page] * fitness[page] * c * shock[week, prompt, engine, page]
    AI fetches of a page-day   ~ Poisson(fetches[page] * p / 7)
    AI sessions of a page-day  ~ Poisson(sessions[page] * e / 7)

Sampling with exact inclusion probabilities is what keeps the stated gain true; taking the best pages, or one after the
other, would bend the arrow from presence to citation. The shock is shared by the repeats of a prompt in a week.

Every draw has a seed of its own made of what it is about (week, prompt, engine, sample), never of the order in which
it is asked for. An engine's answers do not depend on how many engines the world has.

What is dated (entries, exits, releases, robots.txt, crawls) stands in `geo_flywheel.simulate.history`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo_flywheel.simulate.history import NOTHING, History, Plan

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Numbers = NDArray[np.intp]

PRESENCE, CITATION, ENGAGEMENT = range(3)
PERSISTENCE = (0.6, 0.3, 0.2)
HIDDEN_PERSISTENCE = 0.85
DAYS = 7
_LEAST = 1e-6
_PAGES, _RELEVANCE, _STATES, _SHOCKS, _ANSWERS, _FETCHES, _SESSIONS, _HISTORY = range(8)


@dataclass(frozen=True, slots=True)
class World:
    """A market by its sizes and its truth.

    Attributes:
        gain: Factor by which presence returns from one turn of its loop, dimensionless, in [0, 1]; 0 leaves fitness
            alone to tell pages apart. Above .97 the states wander: use a `burn_in` of 12.
        arrows: What drives what. "loop": presence -> citation -> engagement -> presence; "open": the same without the
            return; "reversed": the loop run backwards.
        hidden_sd: Weekly innovation of a quality nobody sees that lifts all three states of a page, AR(.85), relative
            to the page's mean; 0 for none.
        pages: Pages, spread evenly over sites and topics.
        prompts_per_topic: Prompts of each topic; prompt n belongs to topic n // prompts_per_topic.
        engines: Engines that answer.
        citations: Distinct pages an answer cites.
        weeks: Weeks that can be seen, after `burn_in` weeks that cannot.
        fetches: Mean fetches by AI crawlers, per page and week.
        sessions: Mean visits out of AI answers, per page and week.
        spread: Standard deviation of the log over pages of fitness, fetches and sessions.
        relevance_sd: Standard deviation of the log of what prompt and engine make of a page, for good.
        shock_sd: Standard deviation of what they make of it in one week, relative.
        innovation: Scale phi of the Gamma innovations; their variance at the mean.
        common_sd: Standard deviation of what a week does to all pages, relative, for each state.
        site_sd: Standard deviation of what a week does to the pages of one site, relative, for each state.
        plan: What happens to pages on given days; nothing, where it is left as it is.
    """

    gain: float = 0.5
    arrows: Literal["loop", "open", "reversed"] = "loop"
    hidden_sd: float = 0.0
    pages: int = 240
    sites: int = 80
    topics: int = 4
    prompts_per_topic: int = 10
    engines: int = 4
    citations: int = 5
    weeks: int = 52
    burn_in: int = 60
    fetches: float = 20.0
    sessions: float = 30.0
    spread: float = 0.7
    relevance_sd: float = 0.5
    shock_sd: float = 0.3
    innovation: float = 0.04
    common_sd: float = 0.05
    site_sd: float = 0.10
    plan: Plan = NOTHING

    @property
    def prompts(self) -> int:
        """Prompts of all topics."""
        return self.topics * self.prompts_per_topic

    @property
    def transition(self) -> Floats:
        """The matrix A, shape (to, from), in the order presence, citation, engagement."""
        kept = np.diag(PERSISTENCE)
        to_presence, to_citation, to_engagement = (1 - np.array(PERSISTENCE)) * np.cbrt(self.gain)
        match self.arrows:
            case "reversed":
                kept[PRESENCE, CITATION] = to_presence
                kept[CITATION, ENGAGEMENT] = to_citation
                kept[ENGAGEMENT, PRESENCE] = to_engagement
            case _:
                kept[PRESENCE, ENGAGEMENT] = to_presence if self.arrows == "loop" else 0.0
                kept[CITATION, PRESENCE] = to_citation
                kept[ENGAGEMENT, CITATION] = to_engagement
        return kept

    @property
    def true_gain(self) -> float:
        """Gain of the loop presence -> citation -> engagement -> presence: `gain` where that loop is, else 0."""
        return self.gain if self.arrows == "loop" else 0.0


WORLDS = {
    "loop": World(),
    "fitness": World(gain=0.0),
    "open": World(arrows="open"),
    "reversed": World(arrows="reversed"),
    "hidden": World(gain=0.0, hidden_sd=0.1),
    "hidden_some": World(gain=0.0, hidden_sd=0.05),
    "hidden_little": World(gain=0.0, hidden_sd=0.03),
    "hidden_loop": World(hidden_sd=0.1),
    "turnover": World(plan=Plan(entering=0.25, leaving=0.1)),
    "robots": World(plan=Plan(closing=0.15)),
    "releases": World(plan=Plan(releases=(16, 34), lift=0.3)),
    "releases_without_effect": World(plan=Plan(releases=(16, 34))),
}
"""Those of the design; in all but the last four nothing is dated."""


class Chances(NamedTuple):
    """How the engines draw pages of one topic in one week.

    Attributes:
        order: The topic's pages in the order they are gone through.
        upto: Cumulated inclusion probabilities in that order, shape (engine, prompt of the topic, page); ends at
            `citations`.
    """

    order: Numbers
    upto: Floats


class Market:
    """One seeded market. Weeks, prompts, engines, samples and pages are numbered from 0.

    Attributes:
        site: Site of each page, shape (page,).
        topic: Topic of each page, same shape.
        fitness: Lasting weight of each page, dimensionless.
        fetches: Mean fetches of each page per week.
        sessions: Mean sessions of each page per week.
        history: What happens on which day.
        chances: How the engines draw the pages of a topic in a week: a function of (week, topic).
    """

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.seed = seed
        rng = self._rng(_PAGES)
        pages, scale = world.pages, -(world.spread**2) / 2
        self.site: Numbers = rng.permutation(pages) % world.sites
        self.topic: Numbers = rng.permutation(pages) % world.topics
        self.fitness: Floats = rng.lognormal(0.0, world.spread, pages)
        self.fetches: Floats = world.fetches * rng.lognormal(scale, world.spread, pages)
        self.sessions: Floats = world.sessions * rng.lognormal(scale, world.spread, pages)
        self._members = [np.flatnonzero(self.topic == topic) for topic in range(world.topics)]
        self.history = History(world.plan, world.weeks, self.site, self.fitness, self._rng(_HISTORY))
        self.chances = lru_cache(maxsize=8 * world.topics)(self._drawn_week)

    @cached_property
    def states(self) -> Floats:
        """States of every page, shape (week, page, state), in units of the page's own mean."""
        world, rng = self.world, self._rng(_STATES)
        shares = world.transition
        base = np.maximum(1 - shares.sum(axis=1), 0.0)
        now = np.ones((world.pages, 3))
        hidden = np.zeros(world.pages)
        seen = []
        for week in range(-world.burn_in, world.weeks):
            common = _around_one(rng, world.common_sd, (3,))
            mean = (base + now @ shares.T) * common * _around_one(rng, world.site_sd, (world.sites, 3))[self.site]
            if world.hidden_sd:
                hidden = HIDDEN_PERSISTENCE * hidden + rng.normal(0.0, world.hidden_sd, world.pages)
                mean *= np.maximum(1 + hidden, 0.05)[:, None]
            mean *= self.history.pushes(week)
            now = rng.gamma(np.maximum(mean, _LEAST) / world.innovation, world.innovation) + 1e-9
            self._share_out(now, self.history.there(week))
            seen.append(now)
        return np.array(seen[world.burn_in :])

    def cited(self, week: int, prompt: int, engine: int, sample: int) -> list[int]:
        """Return the pages that one answer cites, in the order in which it does."""
        topic, number = divmod(prompt, self.world.prompts_per_topic)
        drawn = self.chances(week, topic)
        rng = self._rng(_ANSWERS, week, prompt, engine, sample)
        points = np.arange(1, self.world.citations + 1) - rng.random()
        cited = drawn.order[np.searchsorted(drawn.upto[engine, number], points)]
        return [int(page) for page in rng.permutation(cited)]

    def inclusion(self, week: int, prompt: int, engine: int) -> Floats:
        """Return the probability of every page to be cited in an answer, shape (page,); it sums to `citations`."""
        topic, number = divmod(prompt, self.world.prompts_per_topic)
        drawn = self.chances(week, topic)
        chances = np.zeros(self.world.pages)
        chances[drawn.order] = np.diff(drawn.upto[engine, number], prepend=0.0)
        return chances

    def fetched(self, week: int) -> Counts:
        """Return the fetches by AI crawlers in a week, shape (page, day)."""
        return self._events(_FETCHES, week, self.fetches * self.states[week, :, PRESENCE])

    def visited(self, week: int) -> Counts:
        """Return the visits out of AI answers in a week, shape (page, day)."""
        return self._events(_SESSIONS, week, self.sessions * self.states[week, :, ENGAGEMENT])

    def pages_of(self, topic: int) -> Sequence[int]:
        """Return the pages of a topic, ascending."""
        return [int(page) for page in self._members[topic]]

    def _events(self, kind: int, week: int, means: Floats) -> Counts:
        means = means * self.history.there(week)
        return self._rng(kind, week).poisson(means[:, None] / DAYS, (self.world.pages, DAYS))

    def _share_out(self, states: Floats, there: NDArray[np.bool_]) -> None:
        """Scale the citation states so that a topic's attention stays what it is; who is not there waits at 1."""
        states[~there] = 1.0
        for members in self._members:
            pages = members[there[members]]
            fitness = self.fitness[pages]
            states[pages, CITATION] *= fitness.sum() / (fitness @ states[pages, CITATION])

    @cached_property
    def _relevance(self) -> list[Floats]:
        """By topic: what each engine's prompts make of the pages, shape (engine, prompt of the topic, page)."""
        return [
            self._rng(_RELEVANCE, topic).lognormal(0.0, self.world.relevance_sd, self._shape(pages))
            for topic, pages in enumerate(self._members)
        ]

    def _drawn_week(self, week: int, topic: int) -> Chances:
        pages, rng = self._members[topic], self._rng(_SHOCKS, week, topic)
        order = rng.permutation(len(pages))
        strength = (self.fitness * self.states[week, :, CITATION] * self.history.there(week))[pages]
        weights = self._relevance[topic] * strength * _around_one(rng, self.world.shock_sd, self._shape(pages))
        upto = np.cumsum(_inclusion(weights[..., order], self.world.citations), axis=-1)
        upto[upto == upto[..., -1:]] = self.world.citations
        return Chances(pages[order], upto)

    def _shape(self, pages: Numbers) -> tuple[int, int, int]:
        return self.world.engines, self.world.prompts_per_topic, len(pages)

    def _rng(self, *about: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, *about))


def _around_one(rng: np.random.Generator, sd: float, shape: tuple[int, ...]) -> Floats:
    """Gamma variables with mean 1 and the given standard deviation."""
    return rng.gamma(1 / sd**2, sd**2, shape) if sd else np.ones(shape)


def _inclusion(weights: Floats, chosen: int) -> Floats:
    """Probabilities proportional to the weights along the last axis that sum to `chosen`.

    A page whose share would be more than certain is certain, and the others divide what is left.
    """
    chances: Floats = chosen * weights / weights.sum(axis=-1, keepdims=True)
    while (chances > 1).any():
        certain = chances >= 1
        free = np.where(certain, 0.0, weights)
        left = chosen - certain.sum(axis=-1, keepdims=True)
        chances = np.where(certain, 1.0, left * free / free.sum(axis=-1, keepdims=True))
    return chances
