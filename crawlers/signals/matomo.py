"""Matomo: visits out of AI assistants, per entry page and day (Reporting API).

The report of entry pages does not name where visits came from, so it is asked for once per assistant, with a segment of
those whose referrer begins with one of its hosts (with www. or without, no other host below it). Days are those of the
site's time zone. Entry pages come with their addresses, or as paths under `host`.

Source:
    https://developer.matomo.org/api-reference/reporting-api
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import date
from http import HTTPStatus
from urllib.parse import urlencode

import orjson

from crawlers.analytics.assistants import beginnings
from crawlers.analytics.days import day_of
from crawlers.analytics.joining import accepted, pages
from crawlers.analytics.landing import Cut, landing, summed, totals
from crawlers.analytics.settings import key, switched_on, told
from crawlers.base import Gathered, Http, Request, Service, Source, Wanted
from crawlers.reading.lenient import amount, mappings, text
from crawlers.reading.wire import Document
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Capture, Fact

METHOD = "Actions.getEntryPageUrls"
ALL = "VisitsSummary.getVisits"
_METRICS = {"entry_nb_visits": "sessions", "entry_nb_actions": "actions"}


async def gather(http: Http, wanted: Wanted, service: Service) -> AsyncIterator[Gathered]:
    """Yield the entry pages of all days wanted, once per assistant, and all visits of each day."""
    token, base = key(service, "MATOMO_TOKEN"), service.url or told(service, "url")
    site, host = told(service, "site_id", "1"), told(service, "host")
    about = {"host": host, "day": f"{wanted.since}"}

    def asked(method: str, more: Mapping[str, str]) -> Request:
        form = {"module": "API", "method": method, "idSite": site, "period": "day", "format": "JSON"}
        form |= {"date": f"{wanted.since},{wanted.until}", **more, "token_auth": token}
        headers = {"content-type": "application/x-www-form-urlencoded"}  # in no address, so in no log of the server
        return Request("POST", f"{base}/index.php", headers, urlencode(form).encode(), secrets=(token,))

    for name, referrers in beginnings().items():
        segment = ",".join(f"referrerUrl=^{referrer}" for referrer in referrers)
        reply = await http.send(asked(METHOD, {"flat": "1", "filter_limit": "-1", "segment": segment}))
        rule = f"{METHOD} with segment {segment}; days of the site's time zone"
        yield Gathered(reply, {**about, "of": "assistants", "assistant": name, "rule": rule})
        if reply.status != HTTPStatus.OK or _failure(reply.body):
            return  # the next ones would fail alike
    if switched_on(service, "all_sessions"):
        yield Gathered(await http.send(asked(ALL, {})), {**about, "of": "all"})


def read(capture: Capture) -> Iterable[Fact]:
    """Yield the visits that began at each page, and the actions in them, per day; or all visits per day."""
    accepted(capture)
    if problem := _failure(capture.body):
        raise Unreadable(f"matomo says: {problem}; see to site_id, the token and its rights")
    if capture.options["of"] == "all":
        return totals(_totals(capture), "matomo", capture.options["host"], partial=None)
    return summed(_rows(capture), "matomo", capture.options["rule"], partial=None)


def _totals(capture: Capture) -> Iterator[tuple[date, float]]:
    """All visits of each day: of several days by day, of one day as a value; a day with none may be one not counted."""
    for document in pages(capture) if capture.body.strip() != b"[]" else []:
        for day, value in document.items():
            visits = amount(value)
            if visits:
                yield day_of("matomo", capture.options["day"] if day == "value" else day), visits


def _rows(capture: Capture) -> Iterator[tuple[Cut, dict[str, float]]]:
    for day, row in _dated(capture):
        metrics = {ours: amount(row.get(theirs)) for theirs, ours in _METRICS.items()}
        place = landing(capture.options["host"], text(row.get("url")) or text(row.get("label")))
        counted = {name: value for name, value in metrics.items() if value is not None}
        yield Cut(place, day, capture.options["assistant"], "referrer"), counted


def _dated(capture: Capture) -> Iterator[tuple[date, Document]]:
    """Each row with its day: of several days an object by day, of one day its rows alone."""
    documents = pages(capture) if capture.body.strip() != b"[]" else []
    by_day = documents[0] if len(documents) == 1 and "label" not in documents[0] else None
    if by_day is None:
        yield from ((day_of("matomo", capture.options["day"]), row) for row in documents)
        return
    for day, rows in by_day.items():
        yield from ((day_of("matomo", day), row) for row in mappings(rows))


def _failure(body: bytes) -> str:
    """What went wrong, which Matomo tells inside a 200."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    failed = isinstance(said, dict) and said.get("result") == "error"
    return " ".join(text(said.get("message")).split())[:300] or "an error" if failed else ""


SOURCE = Source(
    describe="Matomo: visits out of AI assistants, per entry page and day.",
    gather=gather,
    read=read,
    url="",
    keys=("MATOMO_TOKEN",),
    options={"site_id": 1, "host": "", "all_sessions": True},
)
