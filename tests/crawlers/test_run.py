"""The one loop, over real HTTP: what it records, what it survives, what it asks again."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from crawlers import replies
from crawlers import run as loop
from crawlers.base import Http, Reply, Request
from crawlers.budget import Budget
from crawlers.plan import Sweep
from crawlers.run import Asked, Places
from geo_flywheel.crawl_config import Provider
from geo_flywheel.errors import ConfigError, NoReply, StoreError
from geo_flywheel.records import Prompt
from geo_flywheel.store import archive
from geo_flywheel.store.replies import ReadReply, append_replies
from tests.crawlers.crawling import START, Scene

OPENAI, PERPLEXITY = Provider("openai"), Provider("perplexity")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def outcomes(scene: Scene, **changes: Any) -> dict[tuple[str, str], int]:
    tally = scene.crawl(**changes)
    return {(target.provider, outcome): count for (target, outcome), count in tally.outcomes.items()}


def answers_given(scene: Scene) -> int:
    return sum(scene.sandbox._answered.values())


def notes(places: Places) -> list[dict[str, Any]]:
    return [entry.note for entry in archive.entries(places.archive)]


# What is on record


def test_what_was_asked_of_whom_stands_beside_every_answer(scene: Scene) -> None:
    scene.providers, scene.locales = (Provider("openai", model="gpt-6.1-luna"),), ("de-DE",)
    scene.crawl("week 1")
    rows = scene.rows(
        "SELECT DISTINCT provider, engine, surface, model_requested, model_served, locale, persona, snapshot,"
        " asked_at, basket_revision FROM answers"
    )
    model = "gpt-6.1-luna"
    assert rows == [("openai", "openai", "api", model, model, "de-DE", "", "week 1", START, scene.questions.id)]


def test_a_persona_is_on_record(scene: Scene) -> None:
    asker = Prompt("Which tents?", persona="a scout", location="Kiel, DE")
    targets = (*scene.asked(""),)[:1]
    scene.crawl(sweep=Sweep((asker,), targets, "one", 2))
    assert scene.rows("SELECT DISTINCT persona, location FROM answers JOIN prompt USING (prompt_no, persona)") == [
        ("a scout", "Kiel, DE")
    ]


def test_each_question_is_asked_an_even_number_of_times_in_halves_that_stay(scene: Scene) -> None:
    for snapshot in ("one", "two"):
        scene.crawl(snapshot)
    asked = scene.rows(
        "SELECT engine, prompt, snapshot, count(*), list(sample_no ORDER BY sample_no) FROM answers"
        " GROUP BY engine, prompt, snapshot"
    )
    assert len(asked) == 2 * 2 * 2
    assert {(count, tuple(samples)) for *_, count, samples in asked} == {(2, (1, 2))}
    assert scene.rows("SELECT max(n) FROM (SELECT count(DISTINCT half) AS n FROM answers GROUP BY prompt)") == [(1,)]


def test_questions_beside_the_basket_have_no_half_and_no_revision(scene: Scene) -> None:
    prompts = (Prompt("Is it?"),)
    scene.crawl(sweep=Sweep(prompts, (*scene.asked(""),), "beside", 2))
    assert scene.rows("SELECT DISTINCT half, basket_revision, snapshot FROM answers") == [(None, None, "beside")]


def test_a_reply_is_in_the_archive_before_it_is_committed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bool] = []

    def watched(store: Any, batch: list[ReadReply]) -> Any:
        (path,) = scene.places.archive.glob("*.open")
        there = {entry.identity for entry in archive.run_entries(path)}
        kept.extend(reply.source.identity in there for reply in batch)
        return append_replies(store, batch)

    monkeypatch.setattr(loop, "append_replies", watched)
    scene.crawl()
    assert kept == [True] * 8


# Cost


def test_a_cost_that_the_reply_tells_is_exact(scene: Scene) -> None:
    scene.providers = (PERPLEXITY,)
    tally = scene.crawl()
    assert scene.rows("SELECT DISTINCT cost_usd, cost_estimated FROM answer") == [(0.006, False)]
    assert tally.spent == Decimal("0.024")


def test_a_cost_that_nothing_tells_is_null_and_charged_at_its_worst(scene: Scene) -> None:
    scene.providers = (OPENAI,)
    tally = scene.crawl(worst=dict.fromkeys(scene.asked(""), Decimal("0.5")))
    assert scene.rows("SELECT DISTINCT cost_usd FROM answer") == [(None,)]
    assert tally.spent == 2


class _Counting:
    """A way out whose replies of OpenAI say what they took."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def send(self, request: Request) -> Reply:
        reply = await self._http.send(request)
        usage = b'"usage":{"input_tokens":1000000,"output_tokens":0},'
        return Reply(reply.status, reply.headers, b"{" + usage + reply.body[1:], reply.url, reply.sent_at, 0.1)


def test_a_cost_that_the_price_table_tells_is_marked_as_an_estimate(scene: Scene) -> None:
    scene.providers = (OPENAI,)
    tally = scene.crawl(by=_Counting)
    [(cost, estimated)] = scene.rows("SELECT DISTINCT cost_usd, cost_estimated FROM answer")
    assert estimated
    assert cost > 0.1
    assert float(tally.spent) == pytest.approx(4 * cost)


def test_a_spent_budget_stops_asking_and_not_storing(scene: Scene) -> None:
    scene.providers = (PERPLEXITY,)
    worst = dict.fromkeys(scene.asked(""), Decimal("0.006"))
    tally = scene.crawl(worst=worst, budget=Budget(Decimal("0.018"), None, date.today))
    assert tally.left.startswith("the budget is spent: this run cost $0.02 of $0.02")
    assert tally.spent == Decimal("0.018")
    assert scene.statuses() == {"grounded": 3}
    scene.crawl(worst=worst)
    assert scene.statuses() == {"grounded": 4}
    assert answers_given(scene) == 4


def test_a_spent_budget_stops_this_crawl_and_no_other(scene: Scene) -> None:
    stop = asyncio.Event()
    poor = Budget(Decimal(0), None, date.today)
    tally = scene.crawl(worst=dict.fromkeys(scene.asked(""), Decimal(1)), budget=poor, stop=stop)
    assert tally.left
    assert not tally.outcomes
    assert not stop.is_set()


# Faults over real HTTP

ALWAYS = {"rate": 1.0}
ONCE = {"next": 1}
FAULTS = [
    *(({"kind": "throttle", "form": form, **ONCE}, "grounded") for form in
      ("seconds", "date", "milliseconds", "retry_info", "none")),
    ({"kind": "throttle", **ALWAYS}, "error"),
    ({"kind": "status", "status": 503, **ONCE}, "grounded"),
    ({"kind": "status", "status": 500, **ALWAYS}, "error"),
    ({"kind": "status", "status": 401, **ALWAYS}, "error"),
    ({"kind": "slow", "seconds": 0.01, **ALWAYS}, "grounded"),
    ({"kind": "cut", **ONCE}, "grounded"),
    ({"kind": "cut", **ALWAYS}, "no reply"),
    ({"kind": "drop", **ALWAYS}, "no reply"),
    ({"kind": "failure", **ALWAYS}, "error"),
    ({"kind": "retired", **ALWAYS}, "retired"),
    ({"kind": "garbage", **ALWAYS}, "unreadable"),
]  # fmt: skip


@pytest.mark.parametrize(("order", "outcome"), FAULTS)
def test_a_fault_of_one_provider_leaves_its_status_and_stops_no_other(
    order: dict[str, Any], outcome: str, scene: Scene
) -> None:
    scene.prompts = 1
    scene.fault(provider="openai", **order)
    assert outcomes(scene) == {("openai", outcome): 2, ("perplexity", "grounded"): 2}
    rows = dict(scene.rows("SELECT provider || ' ' || status, count(*) FROM answers GROUP BY ALL"))
    stored = {"no reply": "error", "unreadable": None}.get(outcome, outcome)
    assert rows == {"perplexity grounded": 2} | ({f"openai {stored}": 2} if stored else {})
    captures = scene.rows("SELECT count(*) FROM capture")
    assert captures == [(4,)]


def test_garbage_is_kept_with_the_reason_why_it_says_nothing(scene: Scene) -> None:
    scene.providers, scene.prompts = (OPENAI,), 1
    scene.fault(kind="garbage", rate=1.0)
    scene.crawl()
    problems = scene.rows("SELECT problem FROM reading")
    assert len(problems) == 2
    assert all(problem for (problem,) in problems)


class _Proxy:
    """A way out where something that is no provider answers with a page."""

    def __init__(self, http: Http) -> None:
        pass

    async def send(self, request: Request) -> Reply:
        return Reply(502, (), b"<html>Bad gateway</html>", request.url, START, 0.1)


def test_a_refusal_in_words_of_nobodys_is_an_ask_that_failed_and_costs_nothing(scene: Scene) -> None:
    tally = scene.crawl(by=_Proxy)
    assert scene.rows("SELECT status, cost_usd, count(*) FROM answers GROUP BY ALL") == [("error", None, 8)]
    assert tally.failed == 8
    assert tally.spent == 0


def test_attempts_that_may_have_been_billed_are_on_record_and_charged(scene: Scene) -> None:
    scene.providers, scene.prompts = (PERPLEXITY,), 1
    scene.fault(kind="drop", next=1)
    tally = scene.crawl()
    assert sorted((note["attempts"], note["unanswered"]) for note in notes(scene.places)) == [(1, 0), (2, 1)]
    assert tally.spent == Decimal("0.018")


def test_an_ask_that_failed_is_asked_again_and_what_brought_an_answer_is_not(scene: Scene) -> None:
    scene.fault(provider="openai", kind="failure", rate=1.0)
    assert scene.crawl().failed == 4
    scene.sandbox.faults.clear()
    assert outcomes(scene) == {("openai", "grounded"): 4}
    assert scene.statuses() == {"error": 4, "grounded": 8}
    assert outcomes(scene) == {}
    assert answers_given(scene) == 8


class _Broken:
    """A way out that fails as no other does, on OpenAI's address alone."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def send(self, request: Request) -> Reply:
        if "/openai/" in request.url:
            raise KeyError(request.headers["authorization"])
        return await self._http.send(request)


def test_an_error_nobody_expected_fails_one_ask_and_tells_no_secret(scene: Scene) -> None:
    assert outcomes(scene, by=_Broken) == {("openai", "no reply"): 4, ("perplexity", "grounded"): 4}
    (problem,) = {note["problem"] for note in notes(scene.places) if note["kind"] == "failed"}
    assert problem == "asking failed (KeyError); report it"


def test_a_provider_that_cannot_be_asked_as_configured_ends_the_crawl_and_loses_nothing(scene: Scene) -> None:
    with pytest.raises(ConfigError, match="no key"):
        scene.crawl(by=_Keyless)
    assert sum(scene.statuses().values()) == answers_given(scene)
    scene.crawl()
    assert scene.statuses() == {"grounded": 8}
    assert answers_given(scene) == 8


class _Keyless:
    """A way out by which OpenAI turns out to be configured wrongly, at its second ask."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._asked = 0

    async def send(self, request: Request) -> Reply:
        self._asked += "/openai/" in request.url
        if self._asked > 1:
            raise ConfigError("no key")
        return await self._http.send(request)


class _Overview:
    """SerpApi that shows an Overview by a token alone, and is gone when the token is used."""

    def __init__(self, http: Http) -> None:
        pass

    async def send(self, request: Request) -> Reply:
        if "page_token" in request.url:
            raise NoReply("gone", 1)
        body = b'{"search_metadata":{"status":"Success"},"ai_overview":{"page_token":"t"}}'
        return Reply(200, (), body, "https://serpapi.com/search.json", START, 0.1)


def test_what_came_on_the_way_to_an_answer_that_failed_is_kept_and_charged(scene: Scene) -> None:
    scene.providers, scene.prompts = (Provider("serpapi", ("google_ai_overview",)),), 1
    tally = scene.crawl(by=_Overview, worst=dict.fromkeys(Scene(scene.root, providers=scene.providers).asked(""), 3))
    kept = [entry for entry in archive.entries(scene.places.archive) if "step_of" in entry.note]
    assert [entry.body and b"page_token" in entry.body for entry in kept] == [True, True]
    assert scene.rows("SELECT engine, surface, status, count(*) FROM answers GROUP BY ALL") == [
        ("google_ai_overview", "serp_provider", "error", 2)
    ]
    assert tally.spent == 6


# Redirects


class _Redirecting:
    """A way out where every redirect ends alike."""

    def __init__(self, http: Http, status: int, location: str) -> None:
        self._http, self._status, self._location = http, status, location

    async def send(self, request: Request) -> Reply:
        if not request.public:
            return await self._http.send(request)
        return Reply(self._status, (("location", self._location),), b"", request.url, START, 0.1)


def redirecting(status: int, location: str) -> Callable[[Http], Http]:
    return lambda http: _Redirecting(http, status, location)


def test_redirects_are_followed_and_the_pages_they_led_to_are_cited(scene: Scene) -> None:
    scene.providers = (Provider("gemini"),)
    scene.crawl()
    assert scene.rows("SELECT DISTINCT resolved, site LIKE '%.example' FROM citations") == [(True, True)]
    assert scene.rows("SELECT DISTINCT status, resolved_at IS NOT NULL, target LIKE 'https://%' FROM redirect") == [
        (302, True, True)
    ]


def test_two_redirects_to_one_page_are_one_citation(scene: Scene) -> None:
    scene.providers, scene.prompts = (Provider("gemini"),), 1
    scene.crawl(by=redirecting(302, "https://one.example/page"))
    cited = scene.rows("SELECT url, position, occurrences, count(*) FROM citations GROUP BY ALL")
    assert cited == [("https://one.example/page", 1, 5, 2)]


def test_a_redirect_that_leads_nowhere_is_kept_as_such(scene: Scene) -> None:
    scene.providers, scene.prompts = (Provider("gemini"),), 1
    scene.crawl(by=redirecting(404, ""))
    assert scene.rows("SELECT DISTINCT target, status, resolved_at FROM redirect") == [(None, 404, START)]
    assert scene.rows("SELECT DISTINCT resolved FROM citations") == [(False,)]


def test_a_redirect_is_followed_once_in_a_crawl(scene: Scene) -> None:
    scene.providers, scene.repeats, scene.changes = (Provider("gemini"),), 4, {"connections": 1}
    followed: list[str] = []

    class Watching(_Redirecting):
        async def send(self, request: Request) -> Reply:
            followed.extend([request.url] if request.public else [])
            return await super().send(request)

    scene.crawl(by=lambda http: Watching(http, 302, "https://one.example/page"))
    assert len(followed) == len(set(followed)) > 5


# Who stops, blocks or breaks it


def test_a_stopped_crawl_finishes_what_is_in_flight_and_goes_on_later(scene: Scene) -> None:
    stop = asyncio.Event()
    tally = scene.crawl(stop=stop, told=lambda _: stop.set())
    assert tally.left == "stopped"
    assert 1 <= sum(tally.outcomes.values()) <= 4
    assert sum(scene.statuses().values()) == answers_given(scene) == sum(tally.outcomes.values())
    assert scene.crawl().left == ""
    assert scene.statuses() == {"grounded": 8}
    assert answers_given(scene) == 8


READER = (
    "import duckdb, sys\n"
    "held = duckdb.connect(sys.argv[1], read_only=True)\n"
    "print('held', flush=True)\n"
    "sys.stdin.read()\n"
)


@pytest.mark.parametrize("seconds", [0, pytest.param(60, marks=pytest.mark.endure)])
def test_a_reader_that_blocks_the_store_costs_nothing_but_delay(
    seconds: int, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.crawl("before")
    monkeypatch.setattr(loop, "LINGER", 0.01)
    asked: list[Asked] = []
    command = [sys.executable, "-c", READER, str(scene.places.store)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout
        assert reader.stdin
        assert reader.stdout.readline() == "held\n"

        def told(one: Asked) -> None:
            asked.append(one)
            if len(asked) == 8:
                assert reader.stdin
                Timer(seconds, reader.stdin.close).start()  # all is asked; only now may anybody commit

        scene.crawl("meanwhile", told=told)
    assert scene.rows("SELECT snapshot, count(*) FROM answers GROUP BY snapshot ORDER BY ALL") == [
        ("before", 8), ("meanwhile", 8)
    ]  # fmt: skip


def test_asking_waits_when_too_much_waits_for_a_blocked_store(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "BATCH", 1)
    monkeypatch.setattr(loop, "MOST_WAITING", 1)
    tally = scene.crawl()
    assert sum(tally.outcomes.values()) == 8
    assert scene.statuses() == {"grounded": 8}


def test_what_the_store_did_not_take_is_committed_by_the_next_run_and_not_asked_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(loop, "append_replies", full)
        with pytest.raises(StoreError, match="no space"):
            scene.crawl()
    archived = answers_given(scene)
    assert archived >= 4  # what was in flight was waited for
    assert len(list(scene.places.archive.glob("*.open"))) == 1
    assert loop.finish_dead_runs(scene.places) == archived
    assert sum(scene.statuses().values()) == archived
    scene.crawl()
    assert scene.statuses() == {"grounded": 8}
    assert answers_given(scene) == 8


def test_a_run_that_died_is_found_again_when_the_one_that_commits_it_dies_too(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(loop, "append_replies", full)
        patch.setattr(replies, "append_replies", full)
        for _ in range(2):
            with pytest.raises(StoreError, match="no space"):
                scene.crawl()
    scene.crawl()
    assert scene.statuses() == {"grounded": 8}
    assert answers_given(scene) == 8


def test_an_archive_that_cannot_be_written_ends_the_crawl_with_words(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = archive.Run.keep_reply

    def keep_reply(run: archive.Run, *what: Any) -> str:
        if answers_given(scene) > 5:
            raise StoreError("the archive cannot be written")
        return kept(run, *what)

    with monkeypatch.context() as patch:
        patch.setattr(archive.Run, "keep_reply", keep_reply)
        with pytest.raises(StoreError, match="the archive cannot be written"):
            scene.crawl()
    scene.crawl()
    assert scene.statuses() == {"grounded": 8}
