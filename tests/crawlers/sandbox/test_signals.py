"""The manners of the services that the sandbox stands in for, which sources have to know."""

import json
from datetime import timedelta
from typing import Any

import pytest

from crawlers.sandbox.addresses import Sandbox
from crawlers.sandbox.serving import Received, Sent
from tests.crawlers.crawling import START, WORLD

SITE = "ambertrail.example"
BEARER = {"authorization": "Bearer t", "user-agent": "geo-flywheel"}


@pytest.fixture
def sandbox() -> Sandbox:
    sandbox = Sandbox(WORLD, 3, START)
    sandbox.clock.move(START + timedelta(days=9))
    return sandbox


def told(sent: Sent) -> Any:
    return json.loads(sent.body)


def report(sandbox: Sandbox, first: str, last: str, number: int = 1, **more: Any) -> dict[str, Any]:
    asked = {
        "dateRanges": [{"startDate": first, "endDate": last}],
        "dimensions": [{"name": "date"}, {"name": "sessionSource"}],
        "metrics": [{"name": "sessions"}],
        **more,
    }
    path = f"/ga4/v1beta/properties/{number}:runReport"
    found: dict[str, Any] = told(
        sandbox.respond(Received("POST", "x", path, headers=BEARER, body=json.dumps(asked).encode()))
    )
    return found


def test_ga4_says_nothing_of_rows_where_there_are_none_and_numbers_are_text(sandbox: Sandbox) -> None:
    empty = report(sandbox, "2025-01-01", "2025-01-31")
    assert "rows" not in empty
    assert "rowCount" not in empty
    full = report(sandbox, "2025-11-24", "2025-12-31", limit="1")
    assert full["rowCount"] > len(full["rows"]) == 1
    assert isinstance(full["rows"][0]["metricValues"][0]["value"], str)


def test_days_that_are_not_over_are_not_served(sandbox: Sandbox) -> None:
    rows = report(sandbox, "2025-11-24", "2026-01-31")["rows"]
    assert max(row["dimensionValues"][0]["value"] for row in rows) == "20251202"


def test_ga4_filters_by_the_whole_expression(sandbox: Sandbox) -> None:
    def sources(expression: dict[str, Any] | None) -> set[str]:
        more: dict[str, Any] = {"dimensionFilter": expression} if expression else {}
        rows = report(sandbox, "2025-11-24", "2025-12-02", **more)["rows"]
        return {row["dimensionValues"][1]["value"] for row in rows}

    def of(match: str, value: str) -> dict[str, Any]:
        return {"filter": {"fieldName": "sessionSource", "stringFilter": {"matchType": match, "value": value}}}

    assert "google" in sources(None)
    assert sources(of("PARTIAL_REGEXP", "CHATGPT|perplexity")) == {"chatgpt.com", "perplexity.ai"}
    either = {"orGroup": {"expressions": [of("EXACT", "google"), of("EXACT", "chatgpt.com")]}}
    assert sources(either) == {"google", "chatgpt.com"}
    assert sources({"andGroup": {"expressions": [either, of("EXACT", "google")]}}) == {"google"}


def test_a_property_with_thresholds_says_that_rows_are_missing_and_not_which(sandbox: Sandbox) -> None:
    span = ("2025-11-24", "2025-12-02")
    names = ("date", "landingPagePlusQueryString", "sessionSource")
    more: dict[str, Any] = {"dimensions": [{"name": name} for name in names]}
    whole, cut = report(sandbox, *span, **more), report(sandbox, *span, number=1001, **more)
    assert "subjectToThresholding" not in whole["metadata"]
    assert cut["metadata"]["subjectToThresholding"] is True
    assert 0 < cut["rowCount"] < whole["rowCount"]


def test_the_list_of_links_goes_on_after_a_page_without_any(sandbox: Sandbox) -> None:
    sites = sandbox.visits.hosts
    name = max(sites, key=lambda each: len(sandbox.public_signals.links(each))).removeprefix("www.")
    sizes, onward = [], "0"
    while onward:
        query = {"euquery": f"*.{name}", "eucontinue": onward}
        page = told(sandbox.respond(Received("GET", "x", "/wikipedia_links/w/api.php", query)))
        sizes.append(len(page["query"]["exturlusage"]))
        onward = page.get("continue", {}).get("eucontinue", "")
    assert sizes[1] == 0
    assert len(sizes) > 2
    assert sum(sizes) == len(sandbox.public_signals.links(name))


def test_the_search_for_stories_finds_words_and_so_another_host(sandbox: Sandbox) -> None:
    query = {"query": SITE, "hitsPerPage": "1000"}
    found = told(sandbox.respond(Received("GET", "x", "/hackernews/api/v1/search_by_date", query)))
    assert any(f"//not-{SITE}" in hit["url"] for hit in found["hits"])
    times = [hit["created_at_i"] for hit in found["hits"]]
    assert times == sorted(times, reverse=True)
    query["numericFilters"] = f"created_at_i<={times[1]}"
    older = told(sandbox.respond(Received("GET", "x", "/hackernews/api/v1/search_by_date", query)))
    assert [hit["created_at_i"] for hit in older["hits"]] == times[1:]


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/ga4/v1beta/properties/999:runReport", "POST", 403),
        ("/ga4/elsewhere", "POST", 404),
        ("/plausible/elsewhere", "POST", 404),
        ("/plausible/api/v2/query", "POST", 401),
        ("/matomo/", "GET", 404),
        ("/matomo/index.php", "POST", 400),
        ("/wikimedia/elsewhere", "GET", 404),
        ("/search_console/webmasters/v3/sites/sc-domain:nobody.example/searchAnalytics/query", "POST", 403),
    ],
)
def test_what_nobody_may_see_or_nobody_knows_is_refused(sandbox: Sandbox, path: str, method: str, status: int) -> None:
    assert sandbox.respond(Received(method, "x", path, headers=BEARER, body=b"{}")).status == status
