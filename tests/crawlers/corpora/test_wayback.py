from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from geo_flywheel.errors import Unreadable
from geo_flywheel.simulate.scenery import url
from tests.crawlers.corpora.gathering import by_hand, gathered, listings, presences, read, sandbox, wanted

NAME = "wayback"
HEAD = ["timestamp", "original", "statuscode", "mimetype"]
YEAR: dict[str, Any] = {"since": date(2026, 1, 1), "until": date(2026, 4, 30)}


def row(day: str, page: str, status: str = "200", mime: str = "text/html") -> list[str]:
    return [f"{day}120000", page, status, mime]


def states(
    *replies: tuple[int, object], pages: tuple[str, ...] = (), **options: object
) -> dict[str, tuple[str, int | None]]:
    left = list(replies)
    came, _, error = by_hand(NAME, lambda _: left.pop(0), wanted("a.example", pages=pages, **YEAR), options)
    assert error is None
    return {
        f"{p.unit} {p.observed_on:%m}" if p.unit_kind == "site" else p.unit: (p.state, p.documents)
        for p in presences(read(NAME, came))
    }


def test_each_month_is_present_with_its_pages_or_absent() -> None:
    table = [
        HEAD,
        row("20260115", "https://a.example/x"),
        row("20260116", "https://www.a.example/y"),
        row("20260301", "https://a.example/x"),
    ]
    assert states((200, table)) == {
        "a.example 01": ("present", 2),
        "a.example 02": ("absent", 0),
        "a.example 03": ("present", 1),
        "a.example 04": ("absent", 0),
        "https://a.example/x": ("present", None),
        "https://www.a.example/y": ("present", None),
    }


def test_nothing_found_is_an_empty_list_and_absent() -> None:
    found = states((200, []), pages=("https://a.example/x",))
    assert {state for state, _ in found.values()} == {"absent"}


@pytest.mark.parametrize("status", [400, 404, 500, 504])
def test_a_failure_is_unknown(status: int) -> None:
    found = states((status, "<html>"), pages=("https://a.example/x",))
    assert {state for state, _ in found.values()} == {"unknown"}


def test_a_site_that_had_itself_taken_out_is_unknown_and_the_next_is_asked() -> None:
    left: list[tuple[int, object]] = [(403, "AdministrativeAccessControlException: Blocked Site Error"), (200, [])]
    came, sent, error = by_hand(NAME, lambda _: left.pop(0), wanted("a.example", "b.example", **YEAR))
    assert (len(sent), error) == (2, None)
    told = {(p.unit, p.state) for p in presences(read(NAME, came))}
    assert told == {("a.example", "unknown"), ("b.example", "absent")}


def test_pages_are_asked_for_until_no_key_comes() -> None:
    first = [HEAD, row("20260115", "https://a.example/x"), [], ["com,a)/y 2026"]]
    second = [HEAD, row("20260215", "https://a.example/y")]
    left: list[object] = [first, second]
    came, sent, _ = by_hand(NAME, lambda _: (200, left.pop(0)), wanted("a.example", **YEAR))
    assert [parse_qs(urlsplit(request.url).query).get("resumeKey") for request in sent] == [None, ["com,a)/y 2026"]]
    assert {page.unit for page in listings(read(NAME, came))} == {"https://a.example/x", "https://a.example/y"}


def test_what_was_cut_leaves_the_other_months_unknown_and_uncounted() -> None:
    first = [HEAD, row("20260115", "https://a.example/x"), [], ["key"]]
    found = states((200, first), pages=("https://a.example/z",), most_pages=1)
    assert found["a.example 01"] == ("present", None)
    assert {found[f"a.example 0{month}"] for month in (2, 3, 4)} == {("unknown", None)}
    assert found["https://a.example/z"] == ("unknown", None)


def test_redirects_images_and_other_sites_are_no_pages() -> None:
    table = [
        HEAD,
        row("20260115", "https://a.example/x", "301"),
        row("20260115", "https://a.example/y", "200", "image/png"),
        row("20260115", "https://other.example/z"),
        row("2026", "https://a.example/w"),
    ]
    assert {state for state, _ in states((200, table)).values()} == {"absent"}


def test_another_spelling_of_a_page_is_unknown() -> None:
    table = [HEAD, row("20260115", "http://www.a.example/X/")]
    assert states((200, table), pages=("https://a.example/x",))["https://a.example/x"] == ("unknown", None)


@pytest.mark.parametrize("body", ["{", '[["a"], ["b"]]', "<html>"])
def test_what_is_no_table_is_refused(body: str) -> None:
    with pytest.raises(Unreadable, match="table"):
        states((200, body))


def test_it_says_in_every_row_that_this_is_not_training() -> None:
    came, _, _ = by_hand(
        NAME, lambda _: (200, [HEAD, row("20260115", "https://a.example/x")]), wanted("a.example", **YEAR)
    )
    assert {p.method for p in presences(read(NAME, came))} == {"public capture, not training"}


def test_at_the_sandbox_all_pages_are_public() -> None:
    market = sandbox()
    came = gathered(market, NAME, wanted("ambertrail.example"), page_size=3, most_pages=50)
    pages = {p.unit for p in presences(read(NAME, came)) if p.unit_kind == "page"}
    assert pages == {url(market.market, page) for page in range(60) if "ambertrail" in url(market.market, page)}
