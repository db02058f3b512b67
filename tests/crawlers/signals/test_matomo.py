"""Replies as Matomo's reporting API gives them: rows by day, and errors inside a 200."""

from datetime import date
from typing import Any

import pytest

from crawlers.analytics.assistants import beginnings
from geo_flywheel.errors import Unreadable
from tests.crawlers.signals.asking import TOKEN, facts, gathered, read

ROW = {"label": "/a", "nb_visits": 4, "nb_hits": 9, "entry_nb_visits": "3", "entry_nb_actions": 5}


def test_it_asks_once_per_assistant_with_its_token_in_the_body_alone() -> None:
    found, http = gathered("matomo", (200, {"2026-10-01": []}), site_id=7, host="www.example.com", all_sessions=False)
    assert len(http.sent) == len(found) == len(beginnings())
    for (name, referrers), form, request, each in zip(beginnings().items(), http.forms, http.sent, found, strict=True):
        assert request.url == "https://stats.example/index.php"
        assert request.secrets == (TOKEN,)
        assert form["segment"] == ",".join(f"referrerUrl=^{referrer}" for referrer in referrers)
        assert each.options["assistant"] == name
        assert TOKEN not in str(each.options)
    assert {
        k: http.forms[0][k] for k in ("method", "idSite", "period", "date", "flat", "filter_limit", "token_auth")
    } == {
        "method": "Actions.getEntryPageUrls",
        "idSite": "7",
        "period": "day",
        "date": "2026-10-01,2026-10-31",
        "flat": "1",
        "filter_limit": "-1",
        "token_auth": TOKEN,
    }


def test_visits_belong_to_the_page_they_began_at_with_or_without_an_address() -> None:
    other = {**ROW, "url": "https://www.example.com/a?x=1", "entry_nb_visits": 1}
    [first, *_], _ = gathered(
        "matomo", (200, {"2026-10-01": [ROW, other], "2026-10-02": []}), host="www.example.com", all_sessions=False
    )
    sessions, actions = read("matomo", first)
    assert (sessions.unit, sessions.metric, sessions.value) == ("https://www.example.com/a", "sessions", 4)
    assert (sessions.day, sessions.attribution, actions.metric) == (date(2026, 10, 1), "referrer", "actions")
    assert sessions.assistant == next(iter(beginnings()))


@pytest.mark.parametrize("rows", [[ROW], [ROW, ROW]])
def test_one_day_alone_comes_as_its_rows(rows: list[Any]) -> None:
    [first, *_], _ = gathered("matomo", (200, rows), host="www.example.com", all_sessions=False)
    assert next((f.day, f.value) for f in read("matomo", first)) == (date(2026, 10, 1), 3 * len(rows))


@pytest.mark.parametrize("nothing", [[], {}, {"2026-10-01": []}])
def test_nothing_is_no_fact(nothing: Any) -> None:
    assert facts("matomo", (200, nothing), host="x.example") == []


def test_an_error_inside_a_200_ends_the_asking_and_is_told() -> None:
    said = {"result": "error", "message": "You can't access this resource."}
    [only], http = gathered("matomo", (200, said), host="x.example")
    assert len(http.sent) == 1
    with pytest.raises(Unreadable, match="matomo says: You can't access this resource"):
        read("matomo", only)


@pytest.mark.parametrize("reply", [(500, {}), (200, b"<html>"), (200, {"soon": [ROW]}), (403, [])])
def test_what_is_no_reply_of_the_api_is_unreadable(reply: tuple[int, Any]) -> None:
    with pytest.raises(Unreadable):
        facts("matomo", reply, host="x.example", all_sessions=False)


@pytest.mark.parametrize(
    ("told", "days"), [({"2026-10-01": 950, "2026-10-02": 0}, {1: 950}), ({"value": 7}, {1: 7}), ([], {}), ({}, {})]
)
def test_all_visits_of_each_day_are_asked_for_too(told: Any, days: dict[int, int]) -> None:
    found, http = gathered("matomo", *[(200, [])] * len(beginnings()), (200, told), host="www.example.com")
    assert (http.forms[-1]["method"], http.forms[-1].get("segment")) == ("VisitsSummary.getVisits", None)
    facts_of_all = read("matomo", found[-1])
    assert {fact.day.day: fact.value for fact in facts_of_all} == days
    assert {(fact.unit, fact.metric) for fact in facts_of_all} <= {("www.example.com", "all_sessions")}
