from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.crawled.captures import Line, Query, belongs, facts, unit_kind, unknown
from geo_flywheel.records import Engagement, Presence
from geo_flywheel.urls import canonical

ADDRESSES = st.sampled_from(
    [f"{scheme}://{host}/{path}" for scheme in ("http", "https") for host in ("a.example", "www.a.example", "b.example")
     for path in ("", "x", "X", "x/", "x?b=1&a=2", "x?a=2&b=1")]
)  # fmt: skip
LINES = st.lists(
    st.builds(
        Line,
        ADDRESSES,
        st.sampled_from(["200", "301", "404", ""]),
        st.sampled_from(["text/html", "application/xhtml+xml", "application/pdf", ""]),
        st.sampled_from(["a/warc/x", "a/crawldiagnostics/x", "a/robotstxt/x"]),
    )
)


def query(*pages: str, whole: bool = True) -> Query:
    return Query("a.example", pages, "CC-MAIN-2026-05", date(2026, 2, 1), "index query", "x", whole)


def told(lines: list[Line], *pages: str, whole: bool = True) -> list[Presence]:
    return [fact for fact in facts(query(*pages, whole=whole), lines) if isinstance(fact, Presence)]


@given(LINES, st.lists(ADDRESSES, unique=True))
def test_each_unit_is_told_once_and_absent_only_where_all_lines_came(lines: list[Line], pages: list[str]) -> None:
    own = [page for page in pages if belongs(page, "a.example")]
    for whole in (True, False):
        found = told(lines, *own, whole=whole)
        assert len({(p.unit, p.unit_kind) for p in found}) == len(found)
        assert {p.unit for p in found} >= {canonical(page).url for page in own}
        assert whole or all(p.state != "absent" and p.captures is None for p in found)


@given(LINES)
def test_captures_of_the_pages_are_those_of_the_site(lines: list[Line]) -> None:
    whole, *pages = told(lines)
    assert whole.captures == sum(page.captures or 0 for page in pages)
    assert whole.documents == len(pages)
    assert (whole.state == "present") == bool(pages)


@given(LINES)
def test_every_capture_of_the_site_is_of_one_kind(lines: list[Line]) -> None:
    counts = [fact.value for fact in facts(query(), lines) if isinstance(fact, Engagement)]
    assert sum(counts) == sum(belongs(line.url, "a.example") for line in lines)


def test_the_pages_asked_about_are_counted_apart_from_those_found() -> None:
    lines = [Line(f"https://a.example/{n}", "200", "text/html", "x/warc/y") for n in range(5)]
    counted = {
        fact.metric: fact.value
        for fact in facts(query("https://a.example/1", "https://a.example/9"), lines)
        if isinstance(fact, Engagement)
    }
    assert [counted[f"asked_pages{more}"] for more in ("", "_present", "_absent")] == [2, 1, 1]


def test_nothing_known_is_said_of_the_unit_and_each_page_and_counts_nothing() -> None:
    found = list(unknown(query("https://a.example/x")))
    assert all(isinstance(fact, Presence) and fact.state == "unknown" for fact in found)
    assert len(found) == 2


@pytest.mark.parametrize(
    ("url", "unit", "inside"),
    [
        ("https://a.example/", "a.example", True),
        ("https://www.a.example:8080/x", "a.example", True),
        ("https://nota.example/", "a.example", False),
        ("https://a.example.evil.example/", "a.example", False),
        ("https://x.www.a.example/", "www.a.example", False),
        ("https://www.a.example/", "www.a.example", True),
        ("nothing", "a.example", False),
    ],
)
def test_a_page_belongs_to_a_site_with_all_its_hosts_and_to_a_host_alone(url: str, unit: str, inside: bool) -> None:  # noqa: FBT001 - a table's cell
    assert belongs(url, unit) is inside


def test_a_registrable_domain_is_a_site_and_anything_below_a_host() -> None:
    assert [unit_kind(name) for name in ("a.example", "www.a.example", "x.blogspot.com")] == ["site", "host", "site"]
