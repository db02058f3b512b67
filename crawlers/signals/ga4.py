"""Google Analytics 4: sessions out of AI assistants, per landing page and day (Data API v1beta).

A session counts when its source is a known assistant's host, or when Google itself puts it into its channel group for
assistants; which of the two, `attribution` tells. The channel exists since 2026-05-13, its list of hosts is not
published, and sessions without a referrer are in neither: what is counted is a lower bound. Days are those of the
property's time zone. A landing page comes as a path, so `host` says under which host the pages lie.

Source:
    https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/properties/runReport
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import date
from http import HTTPStatus

from crawlers.analytics.assistants import assistant, pattern
from crawlers.analytics.google import KEYS, TOKEN_URL, access_token, posted
from crawlers.analytics.joining import CUT, WHOLE, all_pages, pages
from crawlers.analytics.landing import Cut, landing, summed, totals
from crawlers.analytics.settings import switched_on, told
from crawlers.base import Gathered, Http, Request, Service, Source, Wanted
from crawlers.reading.lenient import amount, integer, mapping, mappings, text
from crawlers.reading.wire import Document
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Capture, Fact

CHANNEL = "AI Assistant"
ROWS = 25_000  # a page of the report; the API gives at most 250,000
MOST_PAGES = 20
_DIMENSIONS = ("date", "landingPagePlusQueryString", "sessionSource", "sessionMedium", "sessionDefaultChannelGroup")
_METRICS = {
    "sessions": "sessions",
    "engagedSessions": "engaged_sessions",
    "userEngagementDuration": "engagement_seconds",
    "keyEvents": "key_events",
}


async def gather(http: Http, wanted: Wanted, service: Service) -> AsyncIterator[Gathered]:
    """Yield the report over all days wanted, its pages joined, and all sessions of each day."""
    number = told(service, "property")
    host, sources = told(service, "host"), told(service, "sources", pattern())
    token = await access_token(http, service)
    url = f"{service.url}/v1beta/properties/{number}:runReport"
    report = _report(wanted, sources)

    def page(offset: int) -> Request:
        return posted(url, token, {**report, "offset": str(offset)})

    came = 0

    def following(document: Document) -> Request | None:
        nonlocal came
        came += len(mappings(document.get("rows")))
        return page(came) if 0 < came < (integer(document.get("rowCount")) or 0) else None

    reply, extent = await all_pages(http.send, page(0), following, MOST_PAGES)
    rule = f'sessionSource matches {sources} or channel group is "{CHANNEL}"; by landing page'
    yield Gathered(reply, {"of": "assistants", "host": host, "rule": rule, "extent": extent})
    if reply.status == HTTPStatus.OK and switched_on(service, "all_sessions"):
        every = await http.send(posted(url, token, _every_session(wanted)))
        yield Gathered(every, {"of": "all", "host": host, "extent": WHOLE})


def _report(wanted: Wanted, sources: str) -> Document:
    from_assistants = {"matchType": "PARTIAL_REGEXP", "value": sources, "caseSensitive": False}
    either = [
        {"filter": {"fieldName": "sessionSource", "stringFilter": from_assistants}},
        {
            "filter": {
                "fieldName": "sessionDefaultChannelGroup",
                "stringFilter": {"matchType": "EXACT", "value": CHANNEL},
            }
        },
    ]
    return {
        "dateRanges": _span(wanted),
        "dimensions": [{"name": name} for name in _DIMENSIONS],
        "metrics": [{"name": name} for name in _METRICS],
        "dimensionFilter": {"orGroup": {"expressions": either}},
        "orderBys": [{"dimension": {"dimensionName": name}} for name in _DIMENSIONS],
        "limit": str(ROWS),
        "returnPropertyQuota": True,
    }


def _every_session(wanted: Wanted) -> Document:
    only = {"dimensions": [{"name": "date"}], "metrics": [{"name": "sessions"}]}
    return {"dateRanges": _span(wanted), **only, "limit": str(ROWS), "returnPropertyQuota": True}


def _span(wanted: Wanted) -> list[Document]:
    return [{"startDate": f"{wanted.since}", "endDate": f"{wanted.until}"}]


def read(capture: Capture) -> Iterable[Fact]:
    """Yield sessions and what was done in them per landing page, day and assistant, or all sessions per day."""
    documents = pages(capture)
    if not all("metadata" in document or "dimensionHeaders" in document for document in documents):
        raise Unreadable("the reply of ga4 is no report of the Data API; see to the address")
    host, partial = capture.options["host"], _is_partial(documents, capture.options["extent"])
    if capture.options["of"] == "all":
        counted = [row for document in documents for row in _rows(document, ("date",))]
        days = ((_day(said), _number(values.get("sessions"))) for said, values in counted)
        return totals(days, "ga4", host, partial=partial)
    rule = capture.options["rule"]
    if zone := next((zone for d in documents if (zone := text(mapping(d.get("metadata")).get("timeZone")))), ""):
        rule = f"{rule}; days in {zone}"
    rows = (row for document in documents for row in _rows(document, _DIMENSIONS))
    return summed(((_cut(said, host), values) for said, values in rows), "ga4", rule, partial=partial)


def _is_partial(documents: list[Document], extent: str) -> bool | None:
    """Whether rows were left out: by thresholds, by samples, in a row for the rest, or because there were too many."""
    told_ = [mapping(document["metadata"]) for document in documents if "metadata" in document]
    flags = ("dataLossFromOtherRow", "subjectToThresholding", "samplingMetadatas")
    if extent == CUT or any(metadata.get(flag) for metadata in told_ for flag in flags):
        return True
    return False if len(told_) == len(documents) else None


def _rows(document: Document, dimensions: Sequence[str]) -> Iterator[tuple[dict[str, str], dict[str, float]]]:
    """What each row says by the name of the dimension, and its metrics; the row for the rest has no day."""
    named = [text(header.get("name")) for header in mappings(document.get("dimensionHeaders"))]
    metrics = [text(header.get("name")) for header in mappings(document.get("metricHeaders"))]
    for row in mappings(document.get("rows")):
        cells = [text(cell.get("value")) for cell in mappings(row.get("dimensionValues"))]
        values = [amount(cell.get("value")) for cell in mappings(row.get("metricValues"))]
        if named != [*dimensions] or len(cells) != len(named) or len(values) != len(metrics):
            raise Unreadable("a row of the report of ga4 does not fit what was asked for; report it")
        said = dict(zip(named, cells, strict=True))
        if said["date"] != "(other)":
            yield (
                said,
                {_METRICS[name]: _number(v) for name, v in zip(metrics, values, strict=True) if name in _METRICS},
            )


def _number(value: float | None) -> float:
    if value is None:
        raise Unreadable("a metric in the report of ga4 is no number; report it")
    return value


def _cut(said: dict[str, str], host: str) -> Cut:
    who = assistant(said["sessionSource"])
    by_channel = who is None and said["sessionDefaultChannelGroup"] == CHANNEL
    return Cut(
        landing(host, said["landingPagePlusQueryString"]), _day(said), who, "channel" if by_channel else "source"
    )


def _day(said: dict[str, str]) -> date:
    try:
        return date.fromisoformat(said["date"])
    except ValueError as error:
        raise Unreadable(f"ga4 names the day {said['date']!r}, which is none; report it") from error


SOURCE = Source(
    describe="Google Analytics 4: sessions out of AI assistants, per landing page and day.",
    gather=gather,
    read=read,
    url="https://analyticsdata.googleapis.com",
    keys=KEYS,
    options={"property": "", "host": "", "sources": "", "all_sessions": True, "token_url": TOKEN_URL},
)
