"""Bing Webmaster's AI Performance export."""

from datetime import date
from pathlib import Path

import pytest

from crawlers.imports import observations
from crawlers.imports.bing_ai_performance import IMPORT
from geo_flywheel.records import Engagement
from tests.crawlers.imports.handing import hand, problem, write

DAYS = '\ufeff"Date","Citations","Cited Pages"\r\n"9/5/2026 12:00:00 AM","1,204","37"\r\n'
PAGES = '\ufeff"Page","Citations"\r\n"https://www.a.example/x","12"\r\n'
QUERIES = '"Grounding Query","Intent","Topic","Citations","Citation Share"\r\n"tents","x","y","3","12.5%"\r\n'


def _facts(path: Path, **options: str) -> list[Engagement]:
    assert IMPORT.refuse(hand(path, **options)) is None
    found = [fact for fact in IMPORT.read(hand(path, **options)) if isinstance(fact, Engagement)]
    assert all(
        (fact.source, fact.assistant, fact.partial) == ("bing_ai_performance", "Copilot", True) for fact in found
    )
    return found


def test_days_are_counts_of_the_site_that_is_named(tmp_path: Path) -> None:
    facts = _facts(write(tmp_path / "days.csv", DAYS), set_site="www.a.example")
    assert [(f.unit, f.unit_kind, f.day, f.metric, f.value, f.kind) for f in facts] == [
        ("www.a.example", "host", date(2026, 9, 5), "citations", 1204.0, "flow"),
        ("www.a.example", "host", date(2026, 9, 5), "cited_pages", 37.0, "flow"),
    ]


def test_pages_are_sums_that_end_on_the_day_that_is_named(tmp_path: Path) -> None:
    [fact] = _facts(write(tmp_path / "pages.csv", PAGES), set_observed_at="2026-09-30")
    assert (fact.unit, fact.day, fact.value, fact.kind) == ("https://www.a.example/x", date(2026, 9, 30), 12.0, "level")
    assert fact.rule == "sum over the period shown, which ends that day"


def test_what_the_export_does_not_say_must_be_said(tmp_path: Path) -> None:
    assert "--set site=" in problem(IMPORT, hand(write(tmp_path / "days.csv", DAYS)))
    assert "--set observed_at=" in problem(IMPORT, hand(write(tmp_path / "pages.csv", PAGES)))


@pytest.mark.parametrize("cell", ["many", "-3", "1.5", ""])
def test_a_line_at_fault_is_named(tmp_path: Path, cell: str) -> None:
    path = write(tmp_path / "pages.csv", f"Page,Citations\nhttps://a.example/1,2\nhttps://a.example/2,{cell}\n")
    assert "line 3:" in problem(IMPORT, hand(path, set_observed_at="2026-09-30"))


def test_grounding_queries_and_other_tables_are_refused(tmp_path: Path) -> None:
    assert "name no page" in str(IMPORT.refuse(hand(write(tmp_path / "q.csv", QUERIES))))
    assert "neither" in str(IMPORT.refuse(hand(write(tmp_path / "x.csv", "url,date\n"))))
    for text in (DAYS, PAGES):
        assert observations.IMPORT.refuse(hand(write(tmp_path / "t.csv", text), set_observed_at="2026-09-30"))
