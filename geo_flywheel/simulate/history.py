"""What happens on a market on a given day, with the truth of it: entries, exits, robots.txt, crawls and releases.

    entry, exit     a page is neither cited, fetched nor visited before the one and from the other on
    robots.txt      from a week on a site shuts AI crawlers out, for good; the presence of its pages ends
    crawl           every `CRAWL_EVERY` weeks; a lottery: page i is in it with probability chances[i], which is stated
    release         a model whose training data end `CUT_OFF` weeks earlier with the last crawl until then

A release multiplies what the engines give a page (the mean of its citation state) by exp(lift) if that crawl holds the
page, until the next release. Since the lottery decides that, the lift is what an event study of releases and an
instrument have to find.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]
Bools = NDArray[np.bool_]

CRAWL_EVERY = 4
CUT_OFF = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of it happens.

    Attributes:
        entering: Share of the pages that enter after the first week, at any of the weeks alike.
        leaving: Share of the pages that leave before the last week; who enters does not leave.
        closing: Share of the sites whose robots.txt shuts AI crawlers out at some week.
        releases: Weeks in which a model is released, ascending.
        lift: What being in its training data adds to the log of a page's mean citation state.
        lottery: Chance of a page of middling fitness to be in a crawl.
    """

    entering: float = 0.0
    leaving: float = 0.0
    closing: float = 0.0
    releases: tuple[int, ...] = ()
    lift: float = 0.0
    lottery: float = 0.5


NOTHING = Plan()
"""No dates at all."""


class History:
    """The dates of one market.

    Attributes:
        entered: Week in which each page enters, shape (page,); 0 for those that were there before.
        left: Week from which it is no more, same shape; the number of weeks for those that stay.
        closed: Week from which robots.txt shuts crawlers out of it, same shape; the number of weeks if never.
        chances: Probability of each page to be in a crawl, same shape: odds proportional to its fitness.
        crawls: Weeks of the crawls, shape (crawl,), the first before anything is seen.
        crawled: Which pages are in which crawl, shape (crawl, page).
        trained: Whether the model that answers in a week has the page in its training data, shape (week, page);
            nothing is known of the model before the first release, and nobody is in it.
    """

    def __init__(self, plan: Plan, weeks: int, site: Numbers, fitness: Floats, rng: np.random.Generator) -> None:
        pages, sites = len(site), int(site.max()) + 1
        self._plan = plan
        order = rng.permutation(pages)
        enters, leaves = np.split(order, [round(plan.entering * pages)])
        self.entered = np.zeros(pages, np.intp)
        self.entered[enters] = rng.integers(1, weeks, len(enters))
        self.left = np.full(pages, weeks, np.intp)
        leaves = leaves[: round(plan.leaving * pages)]
        self.left[leaves] = rng.integers(1, weeks, len(leaves))
        closing = np.full(sites, weeks, np.intp)
        closes = rng.permutation(sites)[: round(plan.closing * sites)]
        closing[closes] = rng.integers(1, weeks, len(closes))
        self.closed = closing[site]
        odds = plan.lottery / (1 - plan.lottery) * fitness
        self.chances: Floats = odds / (1 + odds)
        self.crawls = np.arange(-CRAWL_EVERY * (CUT_OFF // CRAWL_EVERY + 1), weeks, CRAWL_EVERY)
        self.crawled: Bools = rng.random((len(self.crawls), pages)) < self.chances
        self.trained: Bools = np.zeros((weeks, pages), bool)
        for week in plan.releases:
            self.trained[week:] = self.crawled[self.crawl_of(week)]

    def crawl_of(self, release: int) -> int:
        """Return the number of the crawl that a model released in this week was trained on."""
        return int(np.searchsorted(self.crawls, release - CUT_OFF, side="right")) - 1

    def there(self, week: int) -> Bools:
        """Return which pages are on the market in a week, shape (page,); weeks before the first count from -1 down."""
        return (self.entered <= max(week, 0)) & (week < self.left)

    def allowed(self, week: int) -> Bools:
        """Return which pages robots.txt opens to AI crawlers in a week, shape (page,)."""
        return week < self.closed

    def pushes(self, week: int) -> Floats:
        """Return what multiplies the means of the three states in a week, shape (page, state)."""
        pushes = np.ones((len(self.entered), 3))
        pushes[:, 0] = self.allowed(week)
        if week >= 0 and self._plan.lift:
            pushes[:, 1] = np.exp(self._plan.lift * self.trained[week])
        return pushes
