"""What lies at which address of the sandbox.

    /<provider>/…                   its API, each below an address of its own: /openai/v1/responses
    /clock                          GET tells the time of the market, POST {"now": ISO 8601} moves it
    /faults                         GET lists the orders that stand, POST adds one, DELETE takes all back
    /market                         GET tells sizes, prompts, sites and the true gain
    /asked                          GET counts the answers given and the faults met
    /sites/<host>/<path>            the sites: pages, /robots.txt, /sitemap.xml; also by the header Host
    /logs/<host>/<monday>.log       what the server of a site wrote in the week of that Monday
    /logs/all/<monday>.log          the same of all sites, as one server of many hosts writes it
    /ranges.json                    addresses of the crawlers in these logs: import them with --set ranges=FILE
    /redirect/<token>               302 to a page; also by the header Host of the redirects Gemini gives
    /<signal>/…                     what tools and public services count, as `crawlers.sandbox.analytics` and
                                    `crawlers.sandbox.public_signals` say: /ga4/v1beta/properties/1:runReport
    /<corpus>/…                     what a corpus holds of the pages, as `crawlers.sandbox.corpora` says

**Which answer is given.** The n-th answer of an engine to a prompt in a week is the market's sample n-1, whatever
else is asked in between. So two crawls of the same plan get the same answers per prompt and week, in whatever order
they ask. An ask that is repeated after it was answered (a reply that got lost behind the sandbox) gets the next sample
and makes one more; one that met a fault does not. The count is kept in memory.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import orjson

from crawlers.sandbox.access_log import RANGES, access_log, market_log
from crawlers.sandbox.analytics import Analytics
from crawlers.sandbox.answers import REDIRECTS, answer, redirect, unasked
from crawlers.sandbox.corpora import Corpora
from crawlers.sandbox.faults import Faults, parse, spoiled
from crawlers.sandbox.public_signals import PublicSignals
from crawlers.sandbox.questions import ENGINES, Prompts, Question, has_credentials, understood
from crawlers.sandbox.serving import Received, Sent, as_json, problem
from crawlers.sandbox.sites import Sites
from crawlers.sandbox.visits import Visits
from geo_flywheel import plugins
from geo_flywheel.errors import ConfigError
from geo_flywheel.simulate.market import Market, World
from geo_flywheel.simulate.scenery import host, prompts, url

_REDIRECTS = urlsplit(REDIRECTS)


@dataclass(slots=True)
class Clock:
    """The time of the market; it stands still until it is moved.

    Attributes:
        start: First moment of the first week, naive UTC.
        weeks: Weeks the market has.
        now: Naive UTC.
    """

    start: datetime
    weeks: int
    now: datetime

    @property
    def week(self) -> int:
        """Number of the week, from 0."""
        return (self.now - self.start) // timedelta(weeks=1)

    def move(self, now: datetime) -> None:
        """Set the time.

        Raises:
            ConfigError: If the market knows no such week.
        """
        end = self.start + timedelta(weeks=self.weeks)
        if not self.start <= now < end:
            raise ConfigError(f"{now} lies outside this market, which goes from {self.start} until before {end}")
        self.now = now


class Sandbox:
    """One market and its doors."""

    def __init__(self, world: World, seed: int, start: datetime) -> None:
        self.market = Market(replace(world, engines=len(ENGINES)), seed)
        self.clock = Clock(start, world.weeks, start)
        self.faults = Faults(seed)
        self.prompts = prompts(world)
        self.sites = Sites(self.market, lambda: self.clock.week)
        self.corpora = Corpora(self.market, self.sites, start, lambda: self.clock.now)
        self.visits = Visits(self.market, start, lambda: self.clock.now)
        self.public_signals = PublicSignals(self.market, self.visits, lambda: self.clock.now)
        self._sources = (self.corpora, Analytics(self.visits), self.public_signals)
        self._finder = Prompts(self.prompts)
        self._asked: Counter[tuple[str, int, int]] = Counter()
        self._answered: Counter[str] = Counter()
        self._redirects = {redirect(seed, page).rpartition("/")[2]: page for page in range(world.pages)}
        self._doors: dict[str, Callable[[Received], Sent]] = {
            "asked": self._counts,
            "clock": self._clock,
            "faults": self._faults,
            "logs": self._logs,
            "market": self._market,
            "ranges.json": lambda _: as_json(RANGES),
            "redirect": self._redirect,
            "sites": self._sites,
        }

    def respond(self, received: Received) -> Sent:
        """Return the reply to any request."""
        if received.host in self.sites:
            return self.sites.get(received.host, received.path)
        if received.host == _REDIRECTS.hostname:
            return self._redirect(received)
        first, _, rest = received.path.removeprefix("/").partition("/")
        try:
            if first in self._doors:
                return self._doors[first](replace(received, path=rest))
            for sources in self._sources:
                if first in sources:
                    return self._spoiled(first, sources.get(first, replace(received, path=f"/{rest}")))
            if first in plugins.names("engines"):
                return self._ask(first, replace(received, path=f"/{rest}"))
        except (ConfigError, ValueError) as error:
            return problem(HTTPStatus.BAD_REQUEST, str(error))
        return problem(HTTPStatus.NOT_FOUND, f"Nothing lies at {received.path}.")

    def _spoiled(self, source: str, whole: Sent) -> Sent:
        fault = self.faults.due(source)
        return spoiled(fault, source, whole) if fault else whole

    def _ask(self, provider: str, received: Received) -> Sent:
        question = understood(provider, received, self._finder)
        if question is None:
            return problem(HTTPStatus.NOT_FOUND, f"Unknown request URL: {received.method} {received.path}")
        if not has_credentials(received):
            return problem(HTTPStatus.UNAUTHORIZED, "No API key provided.")
        fault = self.faults.due(provider)
        whole = self._answer(provider, question)
        if fault:
            whole = spoiled(fault, provider, whole)
        if fault is None or fault.kind == "slow":
            self._asked[self._place(question)] += 1
            self._answered[question.engine] += 1
        return whole

    def _place(self, question: Question) -> tuple[str, int, int]:
        return question.engine, self.clock.week, -1 if question.prompt is None else question.prompt

    def _answer(self, provider: str, question: Question) -> Sent:
        engine, prompt, now = question.engine, question.prompt, self.clock.now
        model = question.model or f"{engine}-1"
        if prompt is None:
            said = unasked(provider, engine, model=model, now=now)
        else:
            sample = self._asked[self._place(question)]
            cited = self.market.cited(self.clock.week, prompt, ENGINES.index(engine), sample)
            said = answer(self.market, provider, engine, self.prompts[prompt], cited, model=model, now=now)
        body = plugins.engine(provider).render(said)
        streamed = body.startswith((b"data:", b"event:"))
        return Sent(HTTPStatus.OK, body, "text/event-stream" if streamed else "application/json")

    def _clock(self, received: Received) -> Sent:
        if received.method == "POST":
            now = datetime.fromisoformat(str(_object(received).get("now")))
            self.clock.move(now.astimezone(UTC).replace(tzinfo=None) if now.tzinfo else now)
        return as_json({"now": self.clock.now, "week": self.clock.week})

    def _faults(self, received: Received) -> Sent:
        if received.method == "POST":
            self.faults.order(parse(_object(received)))
        if received.method == "DELETE":
            self.faults.clear()
        return as_json(self.faults.standing())

    def _market(self, _: Received) -> Sent:
        told = {
            "seed": self.market.seed,
            "world": asdict(self.market.world),
            "true_gain": self.market.world.true_gain,
            "start": self.clock.start,
            "engines": ENGINES,
            "prompts": [{"text": prompt.text, "topic": prompt.topic} for prompt in self.prompts],
            "sites": self.sites.told(),
        }
        return as_json(told)

    def _counts(self, _: Received) -> Sent:
        return as_json({"answers": self._answered, "faults": self.faults.given})

    def _sites(self, received: Received) -> Sent:
        name, _, where = received.path.partition("/")
        return self.sites.get(name, f"/{where}")

    def _logs(self, received: Received) -> Sent:
        name, _, file = received.path.partition("/")
        monday = datetime.fromisoformat(file.removesuffix(".log"))
        week, rest = divmod(monday - self.clock.start, timedelta(weeks=1))
        site = next((number for number in range(self.market.world.sites) if host(number) == name), None)
        if (site is None and name != "all") or rest or not 0 <= week <= self.clock.week:
            return problem(HTTPStatus.NOT_FOUND, f"There is no log of {name} for the week of {file[:10]}.")
        market = self.market
        log = market_log(market, week, monday) if site is None else access_log(market, site, week, monday)
        return Sent(HTTPStatus.OK, log, "text/plain")

    def _redirect(self, received: Received) -> Sent:
        page = self._redirects.get(received.path.rpartition("/")[2])
        if page is None:
            return problem(HTTPStatus.NOT_FOUND, "This redirect has expired.")
        return Sent(HTTPStatus.FOUND, headers=(("location", url(self.market, page)),))


def _object(received: Received) -> dict[str, Any]:
    told = orjson.loads(received.body)
    if not isinstance(told, dict):
        raise ConfigError("the body must be a JSON object; see the module crawlers.sandbox.addresses")
    return told
