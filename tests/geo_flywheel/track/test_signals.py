"""What the logs of a site tell, week by week."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from geo_flywheel.records import Engagement, Fact, Listing
from geo_flywheel.store.append import Reader, Source, append
from geo_flywheel.store.database import Store, open_store
from geo_flywheel.store.numbers import VisitKind, Who
from geo_flywheel.track import track
from geo_flywheel.track.signals import LoggedWeek, logged_weeks, told_weeks
from tests.geo_flywheel.store.visiting import visit

MONDAY = datetime(2026, 3, 2)
RUNNING = date(2026, 3, 16)
PAGE = "https://www.a.example/1"


def _keep(store: Store, *facts: Fact) -> None:
    append(store, Source("run", "import", MONDAY, f"{facts}", "file", 1, Reader("toy", "1")), facts)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A log of ten days from Monday on: visits out of assistants, fetches real and claimed."""
    with open_store(tmp_path / "s.duckdb") as opened:
        _keep(opened, Listing("sitemap", PAGE, MONDAY.date()))
        run = opened.connection.execute
        run(
            "INSERT INTO log_file VALUES (1, 'combined', 9, 9, 0, ?, ?)", [MONDAY, MONDAY + timedelta(days=9, hours=23)]
        )
        sent = ("ChatGPT", "referrer"), ("ChatGPT", "utm"), ("Claude", "referrer")
        fetched = (("GPTBot", "training", "verified"), ("OAI-SearchBot", "search_index", "verified"),
                   ("GPTBot", "training", "spoofed"))  # fmt: skip
        whos = [Who(operator="x", assistant=name, attribution=how) for name, how in sent]
        whos += [Who(agent, "x", why, proof) for agent, why, proof in fetched]
        days = [MONDAY + timedelta(days=day) for day in (0, 0, 8, 1, 2, 3)]
        visit(
            opened,
            1,
            ("www.a.example", "/1"),
            zip(range(6), days, (VisitKind("GET", who) for who in whos), strict=True),
        )
        yield opened


def test_visits_by_referrer_and_by_utm_and_fetches_by_purpose_stand_apart(store: Store) -> None:
    assert logged_weeks(store, "a.example", RUNNING) == (
        LoggedWeek(date(2026, 3, 2), running=False, days=7, by_referrer=1, by_utm=1, training=1, search=1),
        LoggedWeek(date(2026, 3, 9), running=False, days=3, by_referrer=1, by_utm=0, training=0, search=0),
    )


def test_a_crawler_that_is_not_who_it_says_is_no_presence(store: Store) -> None:
    store.connection.execute("UPDATE visit_kind SET verification = 'unverifiable' WHERE agent IS NOT NULL")
    assert [(w.training, w.search) for w in logged_weeks(store, "a.example", RUNNING)] == [(0, 0), (0, 0)]


def test_a_week_no_log_spans_is_not_known_and_of_another_site_nothing_is(store: Store) -> None:
    later = MONDAY + timedelta(weeks=3)
    _keep(store)
    store.connection.execute("INSERT INTO log_file VALUES (2, 'combined', 1, 1, 0, ?, ?)", [later, later])
    store.connection.execute("INSERT INTO traffic VALUES (2, 'a.example', ?, '/', 200, 1)", [later.date()])
    weeks = logged_weeks(store, "a.example", RUNNING)
    assert [(w.days, w.by_referrer, w.running) for w in weeks] == [
        (7, 1, False), (3, 1, False), (0, None, True), (1, 0, True),
    ]  # fmt: skip
    assert logged_weeks(store, "b.example", RUNNING) == ()


def test_what_tools_tell_of_assistants_is_never_summed_over_tools(store: Store) -> None:
    day = MONDAY.date()
    _keep(
        store,
        Engagement("ga4", PAGE, "page", day, "sessions", 3.0, assistant="ChatGPT", attribution="source", partial=True),
        Engagement(
            "ga4", PAGE, "page", day + timedelta(days=1), "sessions", 2.0, assistant="ChatGPT", attribution="source"
        ),
        Engagement("plausible", PAGE, "page", day, "visitors", 4.0, assistant="ChatGPT", attribution="channel"),
        Engagement("ga4", PAGE, "page", day, "sessions", 90.0),
    )
    told = told_weeks(store, "a.example")
    assert [(t.source, t.metric, t.value, t.partial) for t in told] == [
        ("ga4", "sessions", 5.0, True),
        ("plausible", "visitors", 4.0, None),
    ]


def test_a_trajectory_holds_all_three_states(store: Store) -> None:
    found = track(store, "a.example", RUNNING)
    assert len(found.logged) == 2
    assert found.pooled is None
