"""Who came to a market's pages out of which assistant, as tools for web analytics count it."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from geo_flywheel.simulate.market import DAYS, Counts, Market
from geo_flywheel.simulate.scenery import host, path

_SEED_OF_VISITS, _SEED_OF_SEARCHES = 105, 107


class Sender(NamedTuple):
    """Where visits come from.

    Attributes:
        source: As GA4 names it; display: as Plausible does.
        channel: GA4's channel group for it.
        referrer: Begins with the host; "" when nothing is told.
        tag: What is added to the address of the page.
    """

    source: str
    display: str
    medium: str
    channel: str
    referrer: str
    tag: str = ""


SENDERS = (
    Sender("chatgpt.com", "ChatGPT", "ai-assistant", "AI Assistant", "https://chatgpt.com/"),
    Sender("chatgpt.com", "ChatGPT", "(not set)", "AI Assistant", "https://chatgpt.com/", "?utm_source=chatgpt.com"),
    Sender("perplexity.ai", "Perplexity", "referral", "Referral", "https://www.perplexity.ai/"),
    Sender("gemini.google.com", "Gemini", "ai-assistant", "AI Assistant", "https://gemini.google.com/"),
    Sender("helper.example", "helper.example", "ai-assistant", "AI Assistant", "https://helper.example/"),
)
"""The last one nobody has heard of but Google's channel group."""
ORGANIC = Sender("google", "Google", "organic", "Organic Search", "https://www.google.com/")


class Visit(NamedTuple):
    """Visits of one day to one page from one sender, at least one."""

    day: date
    page: int
    path: str
    sender: Sender
    visits: int


class Visits:
    """All visits to a market's sites up to now, of days that are over.

    Attributes:
        first: The market's first day.
        hosts: Number of each site by its host.
    """

    def __init__(self, market: Market, start: datetime, now: Callable[[], datetime]) -> None:
        self._market, self.first, self._now = market, start.date(), now
        self.hosts = {host(site): site for site in range(market.world.sites)}
        self._week = lru_cache(maxsize=64)(self._drawn)

    def site(self, name: str) -> int | None:
        """Return the number of a site, by its host or domain."""
        return self.hosts.get(name, self.hosts.get(f"www.{name}"))

    def to(self, site: int, since: date, until: date, *, organic: bool = True) -> Iterator[Visit]:
        """Yield the visits to a site, day by day, both ends included.

        Args:
            site: Its number.
            since: First day.
            until: Last day.
            organic: Whether those from a search engine are among them.
        """
        pages = np.flatnonzero(self._market.site == site)
        for day in self.days(since, until):
            week, weekday = divmod((day - self.first).days, DAYS)
            by_sender, searched = self._week(week)
            for page in map(int, pages):
                where = path(self._market, page)
                came = [*zip(SENDERS, by_sender[page, weekday], strict=True), (ORGANIC, searched[page, weekday])]
                for sender, count in came if organic else came[:-1]:
                    if count:
                        yield Visit(day, page, where, sender, int(count))

    def days(self, since: date, until: date) -> Iterator[date]:
        """Yield the days of a span that the market has had."""
        day, over = max(since, self.first), min(until, self._now().date() - timedelta(days=1))
        while day <= over:
            yield day
            day += timedelta(days=1)

    def _drawn(self, week: int) -> tuple[Counts, Counts]:
        """Visits of a week: out of assistants, shape (page, day, sender), and out of searches, shape (page, day)."""
        market = self._market
        visited = market.visited(week)
        rng = np.random.default_rng((market.seed, _SEED_OF_VISITS, week))
        shares = np.full(len(SENDERS), 1 / len(SENDERS))
        searching = np.random.default_rng((market.seed, _SEED_OF_SEARCHES, week))
        searches = searching.poisson(2 * market.sessions[:, None] / DAYS, visited.shape)
        return rng.multinomial(visited, shares), searches
