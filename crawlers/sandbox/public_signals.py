"""What public services say of a market's sites, each in its own wire format and with its own manners.

| name | where | manners |
|---|---|---|
| wikimedia | GET /api/rest_v1/metrics/pageviews/per-article/… | articles named like the market's topics; else 404 |
| hackernews | GET /api/v1/search_by_date | finds words, so other hosts too; at most 1,000 hits |
| wikipedia_links | GET /w/api.php?list=exturlusage | a few links a page, one page without any |
| tranco | GET /api/ranks/domain/<domain> | only the better half of the sites has ranks |
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus

import numpy as np

from crawlers.sandbox.serving import Received, Sent, as_json, problem
from crawlers.sandbox.visits import Visits
from geo_flywheel.simulate.market import Market
from geo_flywheel.simulate.scenery import title, topic_name, url

MOST_HITS = 1000
LINKS = 3  # links of a page that wikipedia_links gives, however many are asked for
_SEED_OF_VIEWS, _SEED_OF_STORIES, _SEED_OF_LINKS = 109, 113, 127
_DAYS_OF_STORIES = 400  # how long ago the oldest story is
_NOT_FOUND = {
    "type": "https://mediawiki.org/wiki/HyperSwitch/errors/not_found",
    "title": "Not found.",
    "method": "get",
    "detail": "The date(s) you used are valid, but we either do not have data for those date(s), or the project you "
    "asked for is not loaded yet.",
}


class PublicSignals:
    """What anybody can learn of a market's sites."""

    def __init__(self, market: Market, visits: Visits, now: Callable[[], datetime]) -> None:
        self._market, self._visits, self._now = market, visits, now
        self._doors: Mapping[str, Callable[[Received], Sent]] = {
            "wikimedia": self._views,
            "hackernews": self._stories,
            "wikipedia_links": self._links,
            "tranco": self._ranks,
        }

    def __contains__(self, name: str) -> bool:
        return name in self._doors

    def get(self, name: str, received: Received) -> Sent:
        """Return what a service replies."""
        return self._doors[name](received)

    def _views(self, received: Received) -> Sent:
        found = re.fullmatch(r"/api/rest_v1/metrics/pageviews/per-article/(.+)/daily/(\d{8})/(\d{8})", received.path)
        if not found:
            return problem(HTTPStatus.NOT_FOUND, "Not found.")
        if not received.headers.get("user-agent"):
            return problem(HTTPStatus.FORBIDDEN, "Please set a user-agent and respect our robot policy.")
        project, access, agent, name = found[1].split("/", 3)
        articles = [topic_name(topic).replace(" ", "_").capitalize() for topic in range(self._market.world.topics)]
        if name not in articles:
            return as_json({**_NOT_FOUND, "uri": received.path}, HTTPStatus.NOT_FOUND)
        rng = np.random.default_rng((self._market.seed, _SEED_OF_VIEWS, articles.index(name)))
        views = rng.poisson(500, 7 * self._market.world.weeks)
        items = [
            {
                "project": project,
                "article": name,
                "granularity": "daily",
                "timestamp": f"{day:%Y%m%d}00",
                "access": access,
                "agent": agent,
                "views": int(views[number]),
            }
            for number, day in self._numbered(date.fromisoformat(found[2]), date.fromisoformat(found[3]))
        ]
        return as_json({"items": items}) if items else as_json({**_NOT_FOUND, "uri": received.path}, 404)

    def _numbered(self, since: date, until: date) -> list[tuple[int, date]]:
        """The days of a span that the market has had, numbered from its first."""
        first = self._visits.first
        return [((day - first).days, day) for day in self._visits.days(since, until)]

    def _stories(self, received: Received) -> Sent:
        asked = received.query
        newest = re.search(r"created_at_i<=(\d+)", asked.get("numericFilters", ""))
        upto = int(newest[1]) if newest else int(self._now().replace(tzinfo=UTC).timestamp())
        hits = [story for story in self.stories(asked.get("query", "")) if int(str(story["created_at_i"])) <= upto][
            :MOST_HITS
        ]
        size = min(int(asked.get("hitsPerPage", 20)), MOST_HITS)
        first = size * int(asked.get("page", 0))
        told = {"hits": hits[first : first + size], "nbHits": len(hits), "page": int(asked.get("page", 0))}
        return as_json(told | {"nbPages": -(-len(hits) // size), "hitsPerPage": size})

    def stories(self, word: str) -> list[dict[str, object]]:
        """Return the stories whose address holds the word, the newest first; one of them is on another site."""
        site = self._visits.site(word)
        if site is None:
            return []
        rng = np.random.default_rng((self._market.seed, _SEED_OF_STORIES, site))
        pages = np.flatnonzero(self._market.site == site)
        told = [(int(page), url(self._market, int(page))) for page in pages for _ in range(int(rng.integers(0, 4)))]
        told.append((int(pages[0]), f"https://not-{word}/{int(pages[0])}"))
        now = self._now().replace(tzinfo=UTC)
        ages = rng.uniform(0, _DAYS_OF_STORIES, len(told))
        stories = [
            self._story(number, page, where, now - timedelta(days=float(age)), int(rng.integers(1, 300)))
            for number, ((page, where), age) in enumerate(zip(told, ages, strict=True))
        ]
        return sorted(stories, key=lambda story: -int(str(story["created_at_i"])))

    def _story(self, number: int, page: int, where: str, at: datetime, points: int) -> dict[str, object]:
        return {
            "objectID": f"{1000 * page + number}",
            "title": title(self._market, page),
            "url": where,
            "author": "somebody",
            "points": points,
            "num_comments": points // 3,
            "created_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "created_at_i": int(at.timestamp()),
            "_tags": ["story"],
        }

    def _links(self, received: Received) -> Sent:
        links = self.links(received.query.get("euquery", "").removeprefix("*."))
        number = int(received.query.get("eucontinue", "0"))
        shown = [links[first : first + LINKS] for first in range(0, len(links), LINKS)]
        shown.insert(1, [])  # a page that holds nothing and goes on all the same
        told: dict[str, object] = {"query": {"exturlusage": shown[number]}}
        if number + 1 < len(shown):
            told["continue"] = {"eucontinue": f"{number + 1}", "continue": "-||"}
        return as_json(told)

    def links(self, name: str) -> list[dict[str, object]]:
        """Return which articles link to the pages of a site."""
        site = self._visits.site(name)
        if site is None:
            return []
        rng = np.random.default_rng((self._market.seed, _SEED_OF_LINKS, site))
        pages = [int(page) for page in np.flatnonzero(self._market.site == site)]
        found = [(page, int(article)) for page in pages for article in rng.integers(1, 6, int(rng.integers(0, 4)))]
        return [
            {"pageid": article, "ns": 0, "title": f"Article {article}", "url": url(self._market, page)}
            for page, article in dict.fromkeys(found)
        ]

    def _ranks(self, received: Received) -> Sent:
        found = re.fullmatch(r"/api/ranks/domain/([^/]+)", received.path)
        site = self._visits.site(found[1]) if found else None
        ranked = sorted(range(self._market.world.sites), key=lambda each: -self._popularity(each))
        place = ranked.index(site) if site is not None else len(ranked)
        if place >= len(ranked) // 2:
            return as_json({"ranks": []})
        until = self._now().date()
        days = self._visits.days(until - timedelta(days=30), until)
        return as_json({"ranks": [{"date": f"{day}", "rank": 1000 * (place + 1)} for day in days][::-1]})

    def _popularity(self, site: int) -> float:
        return float(self._market.sessions[self._market.site == site].sum())
