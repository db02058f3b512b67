"""The tools for web analytics of a market's sites, each in its own wire format and with its own manners.

    ga4             POST /v1beta/properties/<n>:runReport    n: number of the site from 1; 1000 more: with thresholds
                    POST /token                              an access token for a refresh token
    plausible       POST /api/v2/query
    matomo          POST /index.php                          site_id: number of the site from 1
    search_console  POST /webmasters/v3/sites/<site>/searchAnalytics/query

Their keys are any, but "wrong". What each one leaves out, sends as text or hides inside a 200, it does here as well.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

import orjson

from crawlers.sandbox.serving import Received, Sent, as_json, problem
from crawlers.sandbox.visits import Visit, Visits
from geo_flywheel.simulate.scenery import host

THRESHOLD = 3  # sessions below which a row of a property with thresholds is left out, and nobody says which
_SECONDS_A_SESSION = 40
_Row = dict[str, str]
_Cells = tuple[tuple[str, str], ...]


class Analytics:
    """What the owners of a market's sites are told."""

    def __init__(self, visits: Visits) -> None:
        self._visits = visits
        self._doors: Mapping[str, Callable[[Received], Sent]] = {
            "ga4": self._ga4,
            "plausible": self._plausible,
            "matomo": self._matomo,
            "search_console": self._search_console,
        }

    def __contains__(self, name: str) -> bool:
        return name in self._doors

    def get(self, name: str, received: Received) -> Sent:
        """Return what a tool replies."""
        try:
            return self._doors[name](received)
        except KeyError as error:
            return problem(HTTPStatus.BAD_REQUEST, f"There is no {error} in the request.")

    def _ga4(self, received: Received) -> Sent:
        if received.path == "/token":
            return _token(received)
        found = re.fullmatch(r"/v1beta/properties/(\d+):runReport", received.path)
        if not found or received.method != "POST":
            return problem(HTTPStatus.NOT_FOUND, "Not found.")
        if not _bearer(received):
            return _google_refusal(HTTPStatus.UNAUTHORIZED, "UNAUTHENTICATED", "Invalid authentication credentials.")
        thresholds, number = divmod(int(found[1]), 1000)
        if not 1 <= number <= len(self._visits.hosts):
            return _google_refusal(HTTPStatus.FORBIDDEN, "PERMISSION_DENIED", "No permission for this property.")
        asked = orjson.loads(received.body)
        return as_json(_report(asked, self._rows(asked, number - 1), thresholds=bool(thresholds)))

    def _rows(self, asked: Mapping[str, Any], site: int) -> Counter[_Cells]:
        """Sessions by the dimensions of GA4."""
        [span] = asked["dateRanges"]
        sessions: Counter[_Cells] = Counter()
        for visit in self._visits.to(site, _date(span["startDate"]), _date(span["endDate"])):
            row = {
                "date": f"{visit.day:%Y%m%d}",
                "landingPagePlusQueryString": visit.path + visit.sender.tag,
                "sessionSource": visit.sender.source,
                "sessionMedium": visit.sender.medium,
                "sessionDefaultChannelGroup": visit.sender.channel,
            }
            if _passes(asked.get("dimensionFilter"), row):
                sessions[tuple((each["name"], row[each["name"]]) for each in asked["dimensions"])] += visit.visits
        return sessions

    def _plausible(self, received: Received) -> Sent:
        if received.path != "/api/v2/query" or received.method != "POST":
            return as_json({"error": "Not found"}, HTTPStatus.NOT_FOUND)
        asked = orjson.loads(received.body)
        site = self._visits.site(asked.get("site_id", ""))
        if not _bearer(received) or site is None:
            said = "Invalid API key or site ID. Please make sure you're using a valid API key with access to the site."
            return as_json({"error": said}, HTTPStatus.UNAUTHORIZED)
        if asked["filters"] not in ([], [["is", "visit:channel", ["AI Assistants"]]]):
            return as_json({"error": f"Invalid filter {asked['filters']}"}, HTTPStatus.BAD_REQUEST)
        since, until = map(_date, asked["date_range"])
        visits: Counter[tuple[str, ...]] = Counter()
        for visit in self._visits.to(site, since, until, organic=not asked["filters"]):
            told = {"time:day": f"{visit.day}", "visit:entry_page": visit.path, "visit:source": visit.sender.display}
            visits[tuple(told[name] for name in asked["dimensions"])] += visit.visits
        page = asked["pagination"]
        metrics = {"visits": 1, "pageviews": 2}
        rows = [
            {"metrics": [metrics[name] * count for name in asked["metrics"]], "dimensions": key}
            for key, count in sorted(visits.items())[page["offset"] : page["offset"] + page["limit"]]
        ]
        return as_json({"results": rows, "meta": {"total_rows": len(visits)}, "query": asked})

    def _matomo(self, received: Received) -> Sent:
        if received.path != "/index.php":
            return problem(HTTPStatus.NOT_FOUND, "Not found.")
        form = {name: values[-1] for name, values in parse_qs(received.body.decode()).items()}
        site = int(form.get("idSite", 0)) - 1
        if form.get("token_auth", "wrong") == "wrong" or not 0 <= site < len(self._visits.hosts):
            said = "You can't access this resource as it requires 'view' access for the website id = " + form["idSite"]
            return as_json({"result": "error", "message": said})
        since, _, until = form["date"].partition(",")
        by_day: dict[str, list[dict[str, object]]] = {
            f"{day}": [] for day in self._visits.days(_date(since), _date(until or since))
        }
        if form["method"] == "VisitsSummary.getVisits":
            return as_json(self._per_day(site, since, until or since))
        entries: Counter[tuple[str, str]] = Counter()
        for visit in self._visits.to(site, _date(since), _date(until or since)):
            if _in_segment(visit, form.get("segment", "")):
                entries[f"{visit.day}", visit.path] += visit.visits
        for (day, where), count in sorted(entries.items()):
            by_day[day].append(_entry(host(site), where, count))
        most = int(form.get("filter_limit", 100))
        cut = {day: rows if most < 0 else rows[:most] for day, rows in by_day.items()}
        return as_json(cut if until else cut.get(since, []))

    def _per_day(self, site: int, since: str, until: str) -> dict[str, int]:
        """All visits of each day."""
        visits = dict.fromkeys(map(str, self._visits.days(_date(since), _date(until))), 0)
        for visit in self._visits.to(site, _date(since), _date(until)):
            visits[f"{visit.day}"] += visit.visits
        return visits

    def _search_console(self, received: Received) -> Sent:
        found = re.fullmatch(r"/webmasters/v3/sites/(.+)/searchAnalytics/query", received.path)
        named = found[1].removeprefix("sc-domain:").removeprefix("https://").rstrip("/") if found else ""
        site = self._visits.site(named)
        if not _bearer(received):
            return _google_refusal(HTTPStatus.UNAUTHORIZED, "UNAUTHENTICATED", "Invalid authentication credentials.")
        if site is None:
            said = f"User does not have sufficient permission for site '{named}'."
            return _google_refusal(HTTPStatus.FORBIDDEN, "PERMISSION_DENIED", said)
        asked = orjson.loads(received.body)
        first = asked.get("startRow", 0)
        searched = [
            visit
            for visit in self._visits.to(site, _date(asked["startDate"]), _date(asked["endDate"]))
            if visit.sender.source == "google"
        ]
        searched.sort(key=lambda visit: (-visit.visits, visit.day, visit.path))
        rows = [
            {
                "keys": [f"{visit.day}", f"https://{host(site)}{visit.path}"],
                "clicks": visit.visits,
                "impressions": 10 * visit.visits,
                "ctr": 0.1,
                "position": 4.2,
            }
            for visit in searched[first : first + asked.get("rowLimit", 1000)]
        ]
        return as_json(({"rows": rows} if rows else {}) | {"responseAggregationType": "byPage"})


def _report(asked: Mapping[str, Any], sessions: Mapping[_Cells, int], *, thresholds: bool) -> object:
    """A report as GA4 writes it: every value is text, and where there are no rows nothing is said of them."""
    kept = {key: count for key, count in sessions.items() if not thresholds or count >= THRESHOLD}
    metadata: dict[str, object] = {"currencyCode": "USD", "timeZone": "Etc/UTC"}
    if len(kept) < len(sessions):
        metadata["subjectToThresholding"] = True
    names = [metric["name"] for metric in asked["metrics"]]
    offset = int(asked.get("offset", 0))
    rows = [
        {
            "dimensionValues": [{"value": value} for _, value in key],
            "metricValues": [{"value": _metric(name, count)} for name in names],
        }
        for key, count in sorted(kept.items())[offset : offset + min(int(asked.get("limit", 10_000)), 250_000)]
    ]
    told: dict[str, object] = {
        "dimensionHeaders": asked["dimensions"],
        "metricHeaders": [{"name": name, "type": "TYPE_INTEGER"} for name in names],
        "metadata": metadata,
        "propertyQuota": {"tokensPerDay": {"consumed": 1, "remaining": 199_999}},
        "kind": "analyticsData#runReport",
    }
    return told | ({"rows": rows, "rowCount": len(kept)} if rows else {})


def _metric(name: str, sessions: int) -> str:
    return {
        "sessions": f"{sessions}",
        "engagedSessions": f"{sessions - sessions // 3}",
        "userEngagementDuration": f"{_SECONDS_A_SESSION * sessions}",
        "keyEvents": f"{sessions / 4}",
    }[name]


def _passes(node: Mapping[str, Any] | None, row: _Row) -> bool:
    """Whether a row passes a FilterExpression of GA4."""
    if not node:
        return True
    if "orGroup" in node:
        return any(_passes(each, row) for each in node["orGroup"]["expressions"])
    if "andGroup" in node:
        return all(_passes(each, row) for each in node["andGroup"]["expressions"])
    value, told = row[node["filter"]["fieldName"]], node["filter"]["stringFilter"]
    if told["matchType"] == "PARTIAL_REGEXP":
        return bool(re.search(told["value"], value, re.NOFLAG if told.get("caseSensitive") else re.IGNORECASE))
    return bool(value == told["value"])


def _in_segment(visit: Visit, segment: str) -> bool:
    """Whether a visit is in a segment of Matomo: alternatives, each the beginning of a referrer."""
    beginnings: Iterable[str] = (part.removeprefix("referrerUrl=^") for part in segment.split(","))
    return any(visit.sender.referrer.startswith(beginning) for beginning in beginnings)


def _entry(name: str, where: str, count: int) -> dict[str, object]:
    told = {"label": where, "nb_visits": count, "nb_hits": 2 * count, "entry_nb_visits": count}
    return {**told, "entry_nb_actions": 2 * count, "entry_bounce_count": 0, "url": f"https://{name}{where}"}


def _bearer(received: Received) -> bool:
    scheme, _, token = received.headers.get("authorization", "").partition(" ")
    return scheme == "Bearer" and token not in {"", "wrong"}


def _token(received: Received) -> Sent:
    """An access token for a refresh token, as Google's own server gives it."""
    form = parse_qs(received.body.decode())
    if form.get("grant_type") != ["refresh_token"] or form.get("refresh_token", ["wrong"]) == ["wrong"]:
        return as_json({"error": "invalid_grant", "error_description": "Bad Request"}, HTTPStatus.BAD_REQUEST)
    return as_json({"access_token": "ya29.of-the-market", "expires_in": 3599, "token_type": "Bearer"})


def _google_refusal(status: int, code: str, message: str) -> Sent:
    return as_json({"error": {"code": int(status), "message": message, "status": code}}, status)


def _date(told: str) -> date:
    return date.fromisoformat(told)
