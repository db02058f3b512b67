"""Small markets written out as plain objects, and the store that holds them."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from geo_flywheel.store.database import Store, open_store
from geo_flywheel.urls import site, site_key

MONDAY = date(2026, 1, 5)
TODAY = MONDAY + timedelta(weeks=6, days=3)
DELIVERED = ("grounded", "ungrounded", "not_shown", "refused", "blocked")
NOW = datetime(2026, 3, 1, 12)
Rows = list[dict[str, Any]]
Ask = Callable[..., Rows]


@dataclass(frozen=True)
class Page:
    url: str
    site: str
    resolved: bool = True


@dataclass(frozen=True)
class Answer:
    engine: str
    week: date | None
    prompt: int | None
    cited: tuple[int, ...] = ()
    status: str = "grounded"
    surface: str = "api"
    provider: str = ""
    retrieved: tuple[int, ...] = ()
    queries: tuple[str, ...] = ()
    skipped_blocks: int = 0

    @property
    def delivered(self) -> bool:
        return self.status in DELIVERED


@dataclass(frozen=True)
class Sighting:
    engine: str
    week: date
    page: int | None
    cited: int
    asked: int | None
    prompt: int | None = None
    surface: str = "tracker"
    hour: int = 0
    position: int | None = None


@dataclass(frozen=True)
class Presence:
    corpus: str
    unit: str
    unit_kind: str
    site: str
    state: str
    tokens: int | None = None
    observed_on: date | None = None


@dataclass(frozen=True)
class Permission:
    signal: str
    unit: str
    purpose: str
    state: str
    agent: str | None = None
    value: str | None = None
    week: int = 0
    unit_kind: str = "host"


@dataclass(frozen=True)
class Fetched:
    page: int
    words: int
    rules: tuple[tuple[str, str, bool | None, float | None, float | None, float | None], ...] = ()
    status: int = 200
    week: int = 0


@dataclass(frozen=True)
class Engagement:
    source: str
    unit: str
    site: str
    day: date
    metric: str
    value: float
    kind: str = "flow"
    assistant: str | None = None
    attribution: str | None = None
    unit_kind: str = "page"
    partial: bool | None = None
    rule: str | None = None


@dataclass(frozen=True)
class Judgement:
    answer: int
    kind: str
    rating: int


@dataclass(frozen=True)
class Visit:
    """A request of an agent, or of a person an assistant sent; several of them when `times` says so."""

    page: int
    day: date
    agent: str | None = None
    operator: str = "OpenAI"
    purpose: str | None = None
    verification: str | None = None
    assistant: str | None = None
    attribution: str | None = None
    status: int = 200
    method: str = "GET"
    times: int = 1


@dataclass(frozen=True)
class Market:
    pages: tuple[Page, ...] = ()
    answers: tuple[Answer, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    presences: tuple[Presence, ...] = ()
    permissions: tuple[Permission, ...] = ()
    fetched: tuple[Fetched, ...] = ()
    engagements: tuple[Engagement, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    visits: tuple[Visit, ...] = ()
    failed: tuple[str, ...] = field(default=())


def pages(*urls: str) -> tuple[Page, ...]:
    """A page for each "site/path"."""
    return tuple(Page(f"https://{url}", url.partition("/")[0]) for url in urls)


def week(number: int) -> date:
    return MONDAY + timedelta(weeks=number)


def fill(path: Path, market: Market) -> Path:
    """Write a market into a store with plain INSERTs."""
    with open_store(path) as store:
        prompts = {answer.prompt for answer in market.answers} | {sighting.prompt for sighting in market.sightings}
        numbers = sorted(prompt for prompt in prompts if prompt is not None)
        _insert(store, "run", "run_id kind started_at ingested_at", [("r", "import", NOW, NOW)])
        _insert(
            store,
            "capture",
            "capture_no run_id identity name bytes asked_at http_status ingested_at",
            [(n, "r", str(n), str(n), 1, None, None, NOW) for n in range(1 + len(market.failed))],
        )
        _insert(
            store,
            "reading",
            "reading_no capture_no run_id plugin reader_version url_rules options problem ingested_at",
            [
                (n, n, "r", plugin, "1", "1", "{}", "broken" if n else None, NOW)
                for n, plugin in enumerate(("test", *market.failed))
            ],
        )
        _insert(
            store,
            "prompt",
            "prompt_no prompt_id text locale persona location",
            [(n, f"p{n}", f"question {n}", "", "", "") for n in numbers],
        )
        _insert(
            store,
            "page",
            "page_no url site site_key resolved",
            [(n, page.url, page.site, page.site, page.resolved) for n, page in enumerate(market.pages)],
        )
        _fill_answers(store, market.answers)
        _fill_others(store, market)
        _fill_pages(store, market)
        _fill_visits(store, market)
    return path


def _fill_answers(store: Store, answers: Sequence[Answer]) -> None:
    asked_at = [_moment(a.week, n % 24) if a.week else None for n, a in enumerate(answers)]
    _insert(
        store,
        "answer",
        "answer_no key reading_no provider engine surface prompt_no status asked_at text skipped_blocks source_id",
        [
            (
                n,
                n,
                0,
                a.provider or a.engine,
                a.engine,
                a.surface,
                a.prompt,
                a.status,
                asked_at[n],
                "",
                a.skipped_blocks,
                f"a{n}",
            )
            for n, a in enumerate(answers)
        ],
    )
    _insert(
        store,
        "citation",
        "answer_no page_no link_no position occurrences",
        [(n, page, 0, place, 1) for n, a in enumerate(answers) for place, page in enumerate(a.cited, 1)],
    )
    _insert(
        store,
        "retrieval",
        "answer_no page_no link_no rank",
        [(n, page, 0, place) for n, a in enumerate(answers) for place, page in enumerate(a.retrieved, 1)],
    )
    _insert(
        store,
        "fan_out",
        "answer_no ordinal query",
        [(n, place, query) for n, a in enumerate(answers) for place, query in enumerate(a.queries, 1)],
    )


def _fill_others(store: Store, market: Market) -> None:
    _insert(
        store,
        "observation",
        "key reading_no observed_at provider engine surface prompt_no page_no link_no position cited asked",
        [
            (
                n,
                0,
                _moment(s.week, s.hour),
                s.engine,
                s.engine,
                s.surface,
                s.prompt,
                s.page,
                0,
                s.position,
                s.cited,
                s.asked,
            )
            for n, s in enumerate(market.sightings)
        ],
    )
    _insert(
        store,
        "presence",
        "key reading_no corpus unit unit_kind site site_key state method tokens observed_on",
        [
            (n, 0, p.corpus, p.unit, p.unit_kind, p.site, p.unit, p.state, "table", p.tokens, p.observed_on)
            for n, p in enumerate(market.presences)
        ],
    )
    _insert(
        store,
        "engagement",
        "key reading_no source unit unit_kind site site_key day metric value kind assistant attribution partial rule",
        [
            (n, 0, e.source, e.unit, e.unit_kind, e.site, e.site, e.day, e.metric, e.value, e.kind, *_told(e))
            for n, e in enumerate(market.engagements)
        ],
    )

    _insert(
        store,
        "feedback",
        "key reading_no source_id kind rating",
        [(n, 0, f"a{j.answer}", j.kind, j.rating) for n, j in enumerate(market.judgements)],
    )


def _fill_visits(store: Store, market: Market) -> None:
    hosts = [page.url.split("/")[2] for page in market.pages]
    _insert(
        store,
        "log_page",
        "log_page_no host path page_no link_no",
        [(number, host, "/", number, 0) for number, host in enumerate(hosts)],
    )
    every = [visit for visit in market.visits for _ in range(visit.times)]
    kinds = list(dict.fromkeys(map(_kind, every)))
    columns = "kind_no method agent operator purpose verification assistant attribution"
    _insert(store, "visit_kind", columns, [(number, *kind) for number, kind in enumerate(kinds)])
    _insert(
        store,
        "visit",
        "key reading_no happened_at log_page_no kind_no status",
        [(n, 0, _moment(v.day, n), v.page, kinds.index(_kind(v)), v.status) for n, v in enumerate(every)],
    )


def _kind(visit: Visit) -> tuple[str | None, ...]:
    return (
        visit.method, visit.agent, visit.operator, visit.purpose, visit.verification, visit.assistant,
        visit.attribution,
    )  # fmt: skip


def _fill_pages(store: Store, market: Market) -> None:
    _insert(
        store,
        "permission",
        "key reading_no signal unit unit_kind agent purpose state value observed_at site site_key",
        [
            (
                n,
                0,
                p.signal,
                p.unit,
                p.unit_kind,
                p.agent,
                p.purpose,
                p.state,
                p.value,
                _moment(week(p.week), 0),
                site(p.unit),
                site_key(p.unit),
            )
            for n, p in enumerate(market.permissions)
        ],
    )
    units = [market.pages[f.page] for f in market.fetched]
    _insert(
        store,
        "page_text",
        "key reading_no unit unit_kind status title language words text_sha256 signature observed_at page_no site"
        " site_key",
        [
            (
                n,
                0,
                at.url,
                "page",
                f.status,
                None,
                "en",
                f.words,
                "0",
                None,
                _moment(week(f.week), 0),
                f.page,
                at.site,
                at.site,
            )
            for n, (f, at) in enumerate(zip(market.fetched, units, strict=True))
        ],
    )
    _insert(
        store,
        "page_rule",
        "key reading_no unit unit_kind rule_set rule passed value low high observed_at page_no site site_key",
        [
            (n * 100 + m, 0, at.url, "page", *rule, _moment(week(f.week), 0), f.page, at.site, at.site)
            for n, (f, at) in enumerate(zip(market.fetched, units, strict=True))
            for m, rule in enumerate(f.rules)
        ],
    )


def _told(seen: Engagement) -> tuple[object, ...]:
    return seen.assistant, seen.attribution, seen.partial, seen.rule


def _moment(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour % 24))


def _insert(store: Store, table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        values = [list(column) for column in zip(*rows, strict=True)]
        store.connection.register("rows", pa.table(dict(zip(columns.split(), values, strict=True))))
        store.connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows")  # noqa: S608 - tables written here
        store.connection.unregister("rows")


def random_market(seed: int, answers: int = 400) -> Market:
    """Answers of three engines over six weeks, with failures, undated ones, unknown prompts and opaque redirects."""
    draw = random.Random(seed)  # noqa: S311 - a test draws, nobody is kept out
    sites = [f"site{n}.example" for n in range(8)]
    shown = [Page(f"https://{site}/{n}", site) for n, site in enumerate(draw.choices(sites, range(8, 0, -1), k=25))]
    shown += [Page("https://redirect.example/a", "site0.example", resolved=False)]
    shown += [Page("https://redirect.example/b", "", resolved=False)]
    told = [_random_answer(draw, len(shown)) for _ in range(answers)]
    return Market(tuple(shown), tuple(told))


def _random_answer(draw: random.Random, shown: int) -> Answer:
    status = draw.choices(["grounded", "ungrounded", "error", "incomplete"], [80, 8, 8, 4])[0]
    cited = draw.sample(range(shown), k=draw.randrange(7)) if status != "ungrounded" else []
    return Answer(
        engine=draw.choice(["alpha", "beta", "gamma"]),
        week=None if draw.random() < 0.05 else week(draw.randrange(6)),
        prompt=None if draw.random() < 0.02 else draw.randrange(6),
        cited=tuple(cited),
        status=status,
        surface=draw.choice(["api", "api", "ui_export"]),
        retrieved=tuple(draw.sample(range(shown), k=draw.randrange(9))),
        queries=tuple(draw.choices(["best tool", "good tool", "tool"], k=draw.randrange(3))),
        skipped_blocks=draw.randrange(2),
    )


EVERYTHING = Market(
    pages=(
        *pages("own.example/a", "own.example/b", "rival.example/", "third.example/x"),
        Page("https://redirect.example/1", "own.example", resolved=False),
        Page("https://redirect.example/2", "", resolved=False),
    ),
    answers=(
        *(Answer("alpha", week(w), p, (0, 1, 2), queries=("q",), retrieved=(3,)) for w in range(3) for p in range(3)),
        *(Answer("beta", week(w), p, (2, 4), surface="ui_export") for w in (0, 2) for p in range(2)),
        Answer("alpha", None, 1, (3, 5)),
        Answer("alpha", week(1), 1, (3,), status="error"),
        Answer("alpha", week(6), None, (0,)),
    ),
    sightings=(
        Sighting("gamma", week(0), 0, 1, None),
        Sighting("gamma", week(1), 2, 2, 4, prompt=1),
        Sighting("gamma", week(1), None, 0, 4, prompt=2),
    ),
    presences=(
        Presence("crawl", "own.example", "site", "own.example", "present", 12, date(2026, 1, 1)),
        Presence("tokens", "rival.example", "host", "rival.example", "absent"),
    ),
    permissions=(
        Permission("robots", "own.example", "training", "disallowed", "GPTBot", "User-agent: GPTBot; Disallow: /"),
        Permission("content_signal", "own.example", "training", "not_stated"),
    ),
    fetched=(Fetched(0, 12, (("gopher_quality", "words", False, 12.0, 50.0, 1e5),)),),
    engagements=(
        Engagement("ga4", "https://own.example/a", "own.example", week(1), "sessions", 3.0, assistant="ChatGPT"),
        Engagement("tranco", "own.example", "own.example", week(1), "rank", 900.0, "level", unit_kind="site"),
    ),
    judgements=(Judgement(0, "rating", 1), Judgement(1, "rating", -1), Judgement(2, "regenerated", -1)),
    visits=(
        Visit(0, week(1), "GPTBot", purpose="training", verification="verified", times=3),
        Visit(1, week(1), "GPTBot", purpose="training", verification="spoofed", status=403),
        Visit(0, week(1), assistant="ChatGPT", attribution="referrer"),
        Visit(0, week(2), assistant="Perplexity", operator="Perplexity", attribution="utm"),
    ),
    failed=("openai",),
)
