"""Tranco: the daily rank of a site among the million most visited ones.

A site that is not in the list has no rank: all that is known is that it would be below the last one. It has no row
then, never a rank of 0.

Source:
    https://tranco-list.eu/api_documentation (ranks of a domain in the daily lists of the last 30 days).
"""

from collections.abc import AsyncIterator, Iterable
from http import HTTPStatus
from urllib.parse import quote

from crawlers.analytics.days import day_of
from crawlers.analytics.joining import pages
from crawlers.base import Gathered, Http, Request, Service, Source, Wanted
from crawlers.reading.lenient import integer, mappings, text
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Capture, Engagement, Fact
from geo_flywheel.urls import site

RULE = "daily list of 1,000,000 domains, without subdomains; 1 is the most visited"


async def gather(http: Http, wanted: Wanted, service: Service) -> AsyncIterator[Gathered]:
    """Yield the ranks of each registrable domain."""
    for domain in dict.fromkeys(map(site, wanted.sites)):
        reply = await http.send(Request("GET", f"{service.url}/api/ranks/domain/{quote(domain)}"))
        yield Gathered(reply, {"site": domain, "since": f"{wanted.since}", "until": f"{wanted.until}"})
        if reply.status != HTTPStatus.OK:
            return  # the next ones would fail alike


def read(capture: Capture) -> Iterable[Fact]:
    """Yield the rank on each day wanted on which the site was in the list."""
    for document in pages(capture):
        if "ranks" not in document:
            raise Unreadable("the reply of tranco holds no ranks; see to the address")
        for item in mappings(document["ranks"]):
            day, rank = day_of("tranco", text(item.get("date"))), integer(item.get("rank"))
            in_time = capture.options["since"] <= f"{day}" <= capture.options["until"]
            if rank is not None and rank > 0 and in_time:
                yield Engagement("tranco", capture.options["site"], "site", day, "rank", rank, "level", rule=RULE)


SOURCE = Source(
    describe="Tranco: the daily rank of a site among the million most visited.",
    gather=gather,
    read=read,
    url="https://tranco-list.eu",
)
