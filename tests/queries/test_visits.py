"""What access logs tell of agents and of the people assistants send."""

from datetime import timedelta

import pytest

from tests.queries.markets import Ask, Market, Visit, pages, week

PAGES = pages("own.example/a", "own.example/b", "rival.example/")
DAY = week(1) + timedelta(days=2)


def bot(page: int, agent: str = "GPTBot", purpose: str = "training", proof: str = "verified", **more: object) -> Visit:
    return Visit(page, DAY, agent, purpose=purpose, verification=proof, **more)  # type: ignore[arg-type]


def person(page: int, assistant: str = "ChatGPT", attribution: str = "referrer", **more: object) -> Visit:
    return Visit(page, DAY, assistant=assistant, attribution=attribution, **more)  # type: ignore[arg-type]


def test_an_unchanged_page_was_crawled_and_a_refusal_is_an_opportunity_lost(ask: Ask) -> None:
    statuses = {200: "ok", 204: "ok", 304: "ok", 301: "redirect", 403: "refused", 429: "refused", 404: "missing",
                400: "client error", 503: "server error"}  # fmt: skip
    market = Market(PAGES, visits=tuple(bot(0, status=status) for status in statuses))
    rows = ask(market, "bot_visits")
    hits = {row["status_class"]: row["hits"] for row in rows}
    assert hits == {kind: list(statuses.values()).count(kind) for kind in statuses.values()}
    notes = {row["status_class"]: row["note"] for row in rows}
    assert notes["refused"] == "refused: an opportunity lost"
    assert notes["ok"] is None


def test_hits_are_told_apart_by_page_agent_purpose_and_proof(ask: Ask) -> None:
    market = Market(
        PAGES,
        visits=(
            bot(0, times=2), bot(0, proof="spoofed"), bot(1), bot(2, "OAI-SearchBot", "search_index", "unverifiable"),
            person(0),
        ),
    )  # fmt: skip
    rows = ask(market, "bot_visits")
    told = {(row["page"], row["agent"], row["purpose"], row["verification"]): row["hits"] for row in rows}
    own = "https://own.example"
    assert told == {
        (f"{own}/a", "GPTBot", "training", "verified"): 2,
        (f"{own}/a", "GPTBot", "training", "spoofed"): 1,
        (f"{own}/b", "GPTBot", "training", "verified"): 1,
        ("https://rival.example/", "OAI-SearchBot", "search_index", "unverifiable"): 1,
    }
    assert {row["period"] for row in rows} == {week(1)}
    assert len(ask(market, "bot_visits", only_site="rival.example")) == 1


def test_days_without_a_log_are_told_and_not_taken_for_days_without_visits(ask: Ask) -> None:
    market = Market(PAGES, visits=(bot(0), Visit(0, week(1), assistant="Claude", attribution="referrer"), bot(2)))
    days = {row["site"]: row["days_logged"] for row in ask(market, "bot_visits")}
    assert days == {"own.example": 2, "rival.example": 1}


def test_a_session_begins_with_a_page_that_was_shown(ask: Ask) -> None:
    market = Market(
        PAGES,
        visits=(
            person(0, times=3), person(0, status=304), person(0, status=301), person(0, status=404),
            person(0, method="POST"), person(0, attribution="utm"), bot(0),
        ),
    )  # fmt: skip
    rows = ask(market, "ai_referrals")
    assert {(row["assistant"], row["attribution"]): row["sessions"] for row in rows} == {
        ("ChatGPT", "referrer"): 4,
        ("ChatGPT", "utm"): 1,
    }


def test_crawls_per_session_leave_out_the_false_and_what_failed(ask: Ask) -> None:
    market = Market(
        PAGES,
        visits=(
            bot(0, times=4), bot(0, status=304, times=2), bot(0, status=403, times=7),
            bot(0, proof="spoofed", times=50),
            bot(1, "OAI-SearchBot", "search_index", "unverifiable", times=3),
            bot(1, "ChatGPT-User", "user_fetch", times=5),
            person(0, times=2), person(1), person(1, attribution="utm", times=9),
        ),
    )  # fmt: skip
    (row,) = ask(market, "crawl_to_referral")
    told = {name: row[name] for name in ("training", "search_index", "user_fetch", "verified", "refused")}
    assert told == {"training": 6, "search_index": 3, "user_fetch": 5, "verified": 11, "refused": 7}
    assert (row["sessions_by_referrer"], row["sessions_by_utm"]) == (3, 9)
    assert row["crawls_per_session"] == pytest.approx(9 / 3)


def test_without_a_session_there_is_no_ratio(ask: Ask) -> None:
    (row,) = ask(Market(PAGES, visits=(bot(0),)), "crawl_to_referral")
    assert row["crawls_per_session"] is None
    assert "no ratio" in row["note"]
