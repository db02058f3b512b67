"""The panel of a store, beside the same counted by hand."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from geo_flywheel.errors import NotIdentified
from geo_flywheel.records import Answer, Ask, Citation, Fact, Listing, Prompt, Status
from geo_flywheel.store.append import Reader, Source, append
from geo_flywheel.store.database import Store, open_store
from geo_flywheel.store.numbers import VisitKind, Who
from geo_flywheel.store.panel import panel_of
from tests.geo_flywheel.store.visiting import visit

MONDAY = datetime(2026, 3, 2)
TODAY = date(2026, 3, 30)
WEEKS = 3
PAGES = {"tents": ["https://www.a.example/1", "https://b.example/1"], "boots": ["https://www.a.example/2"]}
QUIET = "https://www.a.example/quiet"
STRANGER = "https://stranger.example/"


def _answer(week: int, engine: str, topic: str, number: int, sample: int, cited: list[str]) -> Answer:
    half = "AB"[number % 2]
    return Answer(
        provider=engine,
        engine=engine,
        surface="api",
        status=Status.GROUNDED,
        text="",
        citations=tuple(Citation(url, url, None, n) for n, url in enumerate(cited, 1)),
        asked_at=MONDAY + timedelta(weeks=week, hours=number),
        ask=Ask(Prompt(f"{topic} {number}", topic), None, sample, half, f"w{week}", "r1"),  # type: ignore[arg-type]
        id=f"{week} {engine} {topic} {number} {sample}",
    )


def answers() -> list[Answer]:
    """Two engines, two topics with two prompts, two samples; boots are cited by every second answer."""
    return [
        _answer(week, engine, topic, number, sample, PAGES[topic][: 1 + sample] if sample or topic == "tents" else [])
        for week in range(WEEKS)
        for engine in ("one", "other")
        for topic in PAGES
        for number in range(2)
        for sample in range(2)
    ]


def _keep(store: Store, facts: list[Fact]) -> None:
    append(store, Source("run", "import", MONDAY, f"{len(facts)}", "file", 1, Reader("toy", "1")), facts)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "s.duckdb") as opened:
        listed = [url for pages in PAGES.values() for url in pages]
        first_look: list[Fact] = [Listing("sitemap", url, MONDAY.date()) for url in (*listed, QUIET)]
        _keep(opened, [*answers(), *first_look])
        yield opened


def visited(store: Store, moments: list[datetime], until: datetime, *, agent: str | None) -> None:
    """Put visits to the first page of tents on record, and a log of its host until a moment."""
    reading = 1 if agent else 2
    run = store.connection.execute
    if not agent:
        _keep(store, [])
    run("INSERT INTO log_file VALUES (?, 'combined', 9, 9, 0, ?, ?)", [reading, MONDAY, until])
    sent = Who(assistant="chatgpt", attribution="utm")
    kind = VisitKind("GET", Who(agent, "openai", "training", "verified") if agent else sent)
    came = ((number + 1000 * reading, moment, kind) for number, moment in enumerate(moments))
    visit(store, reading, ("www.a.example", "/1"), came)


def rows(store: Store, **how: object) -> pd.DataFrame:
    return panel_of(store, today=TODAY, **how).frame.set_index(["page_id", "period"])  # type: ignore[arg-type]


def test_what_is_cited_of_what_was_asked_is_what_a_hand_counts_in_each_half(store: Store) -> None:
    cited: Counter[tuple[str, int, str]] = Counter()
    asked: Counter[tuple[str, int, str]] = Counter()
    for answer in answers():
        assert answer.ask
        assert answer.asked_at
        week, half = (answer.asked_at - MONDAY).days // 7, str(answer.ask.half)
        asked[answer.ask.prompt.topic, week, half] += 1
        cited.update((page.url, week, half) for page in answer.citations)
    found = rows(store)
    first = found.index.get_level_values("period").min()
    for topic, pages in PAGES.items():
        for url in pages:
            for week in range(WEEKS):
                row = found.loc[url, first + week]
                for half in "AB":
                    assert row[f"cited_{half.lower()}"] == cited[url, week, half]
                    assert row[f"asked_{half.lower()}"] == asked[topic, week, half]
    assert sum(cited.values()) == found[["cited_a", "cited_b"]].to_numpy().sum() > 0


def test_repeats_of_one_prompt_are_one_cell(store: Store) -> None:
    tents = rows(store).loc[PAGES["tents"][0]]
    assert set(tents["cells_cited"]) == set(tents["cells_asked"]) == {4}
    assert set(tents["cited_a"] + tents["cited_b"]) == {8}


def test_a_page_nobody_cites_was_asked_for_by_all_prompts(store: Store) -> None:
    quiet = rows(store).loc[QUIET]
    assert set(quiet["asked_a"] + quiet["asked_b"]) == {16}
    assert not quiet[["cited_a", "cited_b"]].to_numpy().any()


def test_a_page_known_from_answers_alone_is_left_out_and_counted(store: Store) -> None:
    _keep(store, [_answer(0, "one", "tents", 0, 9, [STRANGER])])
    panel = panel_of(store, today=TODAY)
    assert STRANGER not in set(panel.frame["page_id"])
    assert panel.origin == "risk set"
    assert panel.notes == ("1 cited pages are left out that no sitemap, crawl index or log names",)


def test_an_engine_that_was_asked_in_some_weeks_only_is_left_out_and_named(store: Store) -> None:
    _keep(store, [_answer(WEEKS, "one", "tents", number, 0, []) for number in range(2)])
    panel = panel_of(store, today=TODAY)
    assert panel.notes == ("left out, because asked in less than 90% of the weeks: other (api) (3 weeks)",)
    assert set(panel.frame["asked_a"]) <= {0, 1, 2, 4}  # half of what two engines were asked


def test_a_week_that_an_engine_missed_is_not_asked(store: Store) -> None:
    one = [_answer(week, "one", "tents", n, 0, []) for week in range(WEEKS, 20) for n in range(2)]
    other = [_answer(week, "other", "tents", n, 0, []) for week in range(WEEKS, 19) for n in range(2)]
    _keep(store, [*one, *other])
    panel = panel_of(store, today=date(2027, 1, 1))
    page = panel.frame.set_index(["page_id", "period"]).loc[PAGES["tents"][0]]
    assert list(page["asked_a"] > 0) == [True] * 19 + [False]
    assert not panel.notes


def test_the_running_week_is_not_in_it(store: Store) -> None:
    running = MONDAY.date() + timedelta(weeks=WEEKS - 1, days=3)
    periods = panel_of(store, today=running).frame["period"]
    assert periods.nunique() == WEEKS - 1


def test_visits_and_fetches_are_halved_by_weekday_and_missing_where_no_log_spans_the_week(store: Store) -> None:
    days = [MONDAY + timedelta(days=day, hours=1) for day in (0, 0, 1, 2, 7)]
    until = MONDAY + timedelta(weeks=2) - timedelta(minutes=1)
    visited(store, days, until, agent="GPTBot")
    visited(store, days[1:], until, agent=None)
    found = rows(store)
    page = found.loc[PAGES["tents"][0]]
    assert page["presence_a"].tolist()[:2] == [3, 1]
    assert page["presence_b"].tolist()[:2] == [1, 0]
    assert page["engagement_a"].tolist()[:2] == [2, 1]
    assert page["engagement_b"].tolist()[:2] == [1, 0]
    assert page[["presence_a", "engagement_a"]].iloc[2].isna().all()
    assert found.loc[QUIET]["presence_a"].tolist()[:2] == [0, 0]
    assert found.loc[PAGES["tents"][1]]["presence_a"].isna().all()  # of its host there is no log


def test_a_page_that_came_later_enters_when_it_came(store: Store) -> None:
    _keep(store, [Listing("sitemap", "https://www.a.example/new", MONDAY.date() + timedelta(days=10))])
    found = rows(store)
    periods = found.index.get_level_values("period")
    assert list(found.loc["https://www.a.example/new"].index) == sorted(set(periods))[1:]
    assert found.loc[QUIET]["first_seen"].isna().all()


def test_without_halves_or_without_a_list_of_pages_it_says_what_to_do(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.duckdb") as empty:
        with pytest.raises(NotIdentified, match="geo-flywheel crawl"):
            panel_of(empty, today=TODAY)
        _keep(empty, list(answers()))
        with pytest.raises(NotIdentified, match="pages from answers alone, which selects on the outcome"):
            panel_of(empty, today=TODAY)
