"""CSV exports of web analytics."""

from datetime import date
from pathlib import Path
from zipfile import ZipFile

import pytest

from crawlers.imports import observations
from crawlers.imports.analytics_csv import IMPORT
from geo_flywheel.records import Engagement
from tests.crawlers.imports.handing import hand, problem, write

GA4 = (
    "# ----------------------------------------\n# Landing page\n# Start date: 20260301\n# End date: 20260331\n"
    "# ----------------------------------------\n\n"
    "Landing page + query string,Session source / medium,Sessions,Engaged sessions\n"
    "/tents?utm_source=chatgpt.com,chatgpt.com / ai-assistant,7,5\n/tents,google / organic,90,40\n"
    "(not set),(direct),3,0\n"
)
SEARCH_CONSOLE = 'Top pages,Clicks,Impressions,CTR,Position\nhttps://www.a.example/tents,12,"1,900",0.63%,4.2\n'
PLAUSIBLE = "name,visitors,visits,visit_duration\n/tents,31,40,12\n"
PLAUSIBLE_SOURCES = "name,visitors,bounce_rate,visit_duration\nChatGPT,31,40,12\nGoogle,9,4,3\n"
MATOMO = "Date,Label,Unique visitors,Visits,Actions\n2026-03-02,perplexity.ai,3,4,9\n2026-03-02,example.org,1,1,1\n"

Told = tuple[str, str, str, float, str | None]


def _facts(path: Path, **options: str) -> list[Engagement]:
    said = {"set_site": "www.a.example", **options}
    assert IMPORT.refuse(hand(path, **said)) is None
    return [fact for fact in IMPORT.read(hand(path, **said)) if isinstance(fact, Engagement)]


def _told(facts: list[Engagement]) -> set[Told]:
    return {(f.source, f.unit, f.metric, f.value, f.assistant) for f in facts}


def _zipped(path: Path, **members: str) -> Path:
    with ZipFile(path, "w") as export:
        for name, told in members.items():
            export.writestr(f"{name.replace('_', ' ')}.csv", told)
    return path


def test_ga4_tells_assistants_from_others_and_pages_by_their_path(tmp_path: Path) -> None:
    facts = _facts(write(tmp_path / "ga4.csv", GA4))
    page = "https://www.a.example/tents"
    assert _told(facts) == {
        ("ga4", page, "sessions", 7.0, "ChatGPT"),
        ("ga4", page, "engaged_sessions", 5.0, "ChatGPT"),
        ("ga4", page, "sessions", 90.0, None),
        ("ga4", page, "engaged_sessions", 40.0, None),
        ("ga4", "www.a.example", "sessions", 3.0, None),
        ("ga4", "www.a.example", "engaged_sessions", 0.0, None),
    }
    assert {fact.day for fact in facts} == {date(2026, 3, 31)}  # as the file itself says
    assert {fact.kind for fact in facts} == {"level"}  # no count of that one day
    assert {fact.rule for fact in facts} == {"ga4 export, sum over the period shown, which ends that day"}


def test_search_console_counts_clicks_and_impressions_of_nobody_in_particular(tmp_path: Path) -> None:
    facts = _facts(write(tmp_path / "Pages.csv", SEARCH_CONSOLE), set_observed_at="2026-03-31")
    page = "https://www.a.example/tents"
    assert _told(facts) == {
        ("search_console", page, "clicks", 12.0, None),
        ("search_console", page, "impressions", 1900.0, None),
    }


def test_plausible_names_pages_or_sources(tmp_path: Path) -> None:
    pages = _facts(write(tmp_path / "entry_pages.csv", PLAUSIBLE), set_observed_at="2026-03-31")
    assert ("plausible", "https://www.a.example/tents", "sessions", 40.0, None) in _told(pages)
    sources = _facts(write(tmp_path / "sources.csv", PLAUSIBLE_SOURCES), set_observed_at="2026-03-31")
    assert _told(sources) == {
        ("plausible", "www.a.example", "visitors", 31.0, "ChatGPT"),
        ("plausible", "www.a.example", "visitors", 9.0, None),
    }


def test_the_zip_of_plausible_is_read_as_it_comes_and_no_visit_twice(tmp_path: Path) -> None:
    days = "date,visitors,pageviews,visits\n2026-03-30,20,50,30\n2026-03-31,20,61,14\n"
    countries = "name,visitors\nDenmark,40\n"
    export = _zipped(
        tmp_path / "plausible.zip", pages=PLAUSIBLE, sources=PLAUSIBLE_SOURCES, visitors=days, countries=countries
    )
    facts = _facts(export, set_observed_at="2026-03-31")
    page, host = "https://www.a.example/tents", "www.a.example"
    assert {(f.unit, f.metric, f.value, f.assistant, f.kind, f.day.day) for f in facts} == {
        *((page, metric, value, None, "level", 31) for metric, value in (("visitors", 31.0), ("sessions", 40.0))),
        *((host, "visitors", value, who, "level", 31) for who, value in (("ChatGPT", 31.0), (None, 9.0))),
        *((host, "visitors", 20.0, None, "flow", day) for day in (30, 31)),
        *((host, "pageviews", value, None, "flow", day) for day, value in ((30, 50.0), (31, 61.0))),
        *((host, "sessions", value, None, "flow", day) for day, value in ((30, 30.0), (31, 14.0))),
    }


def test_the_zip_of_search_console_is_read_as_it_comes(tmp_path: Path) -> None:
    export = _zipped(
        tmp_path / "search.zip",
        Pages=SEARCH_CONSOLE,
        Dates="Date,Clicks,Impressions,CTR,Position\n2026-03-31,5,900,0.5%,4\n",
        Queries="Top queries,Clicks,Impressions,CTR,Position\ntents,12,1900,0.6%,4\n",
        Search_appearance="Search Appearance,Clicks,Impressions,CTR,Position\n",
        Filters="Filter,Value\nDate,Last 3 months\n",
    )
    told = [(f.unit_kind, f.metric, f.value, f.kind) for f in _facts(export, set_observed_at="2026-03-31")]
    assert told == [
        *(("host", "clicks", 5.0, "flow"), ("host", "impressions", 900.0, "flow")),
        *(("page", "clicks", 12.0, "level"), ("page", "impressions", 1900.0, "level")),
    ]


def test_a_zip_names_the_member_at_fault_and_one_of_something_else_is_refused(tmp_path: Path) -> None:
    broken = _zipped(tmp_path / "broken.zip", pages=PLAUSIBLE.replace("31", "many"))
    said = problem(IMPORT, hand(broken, set_site="a.example", set_observed_at="2026-03-31"))
    assert said == "broken.zip: pages.csv: row 1: 'many' is no number; mend or remove that row"
    other = IMPORT.refuse(hand(_zipped(tmp_path / "other.zip", countries="name,visitors\nDenmark,40\n")))
    assert other == "a zip without pages.csv, sources.csv, visitors.csv or Dates.csv"


def test_a_zip_with_the_exports_of_two_sites_is_refused_whole(tmp_path: Path) -> None:
    two = _zipped(tmp_path / "two.zip", **{"a/pages": PLAUSIBLE, "b/pages": PLAUSIBLE})
    said = "holds a/pages.csv and b/pages.csv; hand in one export at a time"
    assert IMPORT.refuse(hand(two)) == said
    assert problem(IMPORT, hand(two, set_site="a.example")) == f"two.zip: {said}"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_matomo_is_counted_by_day_in_either_of_its_encodings(tmp_path: Path, encoding: str) -> None:
    facts = _facts(write(tmp_path / "matomo.csv", MATOMO.encode(encoding)))
    assert {(f.day, f.value, f.assistant) for f in facts if f.metric == "sessions"} == {
        (date(2026, 3, 2), 4.0, "Perplexity"),
        (date(2026, 3, 2), 1.0, None),
    }
    assert {(fact.rule, fact.kind) for fact in facts} == {("matomo export", "flow")}


def test_what_a_file_does_not_say_must_be_said(tmp_path: Path) -> None:
    assert "--set observed_at=" in problem(IMPORT, hand(write(tmp_path / "p.csv", PLAUSIBLE), set_site="a.example"))
    assert "--set site=" in problem(IMPORT, hand(write(tmp_path / "p.csv", PLAUSIBLE), set_observed_at="2026-03-31"))


@pytest.mark.parametrize("cell", ["many", "-1", "inf"])
def test_a_row_at_fault_is_named(tmp_path: Path, cell: str) -> None:
    path = write(tmp_path / "p.csv", f"name,visitors\n/a,1\n/b,{cell}\n")
    assert "row 2:" in problem(IMPORT, hand(path, set_site="a.example", set_observed_at="2026-03-31"))


def test_tables_of_citations_are_not_taken_for_visits_nor_visits_for_citations(tmp_path: Path) -> None:
    assert IMPORT.refuse(hand(write(tmp_path / "c.csv", "url,observed_at,engine\nhttps://a.example/,2026-03-02,x\n")))
    for text in (GA4, SEARCH_CONSOLE, PLAUSIBLE, MATOMO):
        assert observations.IMPORT.refuse(hand(write(tmp_path / "t.csv", text), set_observed_at="2026-03-31"))
