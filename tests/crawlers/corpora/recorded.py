"""The index replies recorded in the wild, and what is read of them: `python -m tests.crawlers.corpora.recorded`."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from crawlers.crawled.crawls import read_crawls
from geo_flywheel import plugins
from geo_flywheel.records import Capture, Fact, Presence
from geo_flywheel.urls import site
from tests.real_data import folder


@dataclass(frozen=True)
class Recorded:
    """One recorded reply.

    Attributes:
        kind: "index", "wayback", "crawls" (the list), "pages" (how many), or "other".
    """

    file: str
    kind: str
    asked: dict[str, Any]
    status: int
    body: str

    @property
    def unit(self) -> str:
        return site(str(self.asked.get("url", "")).partition("/")[0])


def recorded() -> Iterator[Recorded]:
    for path in sorted((folder("formats") / "common_crawl_cdx_recorded").glob("*.jsonl")):
        for told in map(orjson.loads, path.read_text("utf-8").splitlines()):
            asked, at = told["request_params"] or {}, urlsplit(told["url"])
            kind = {"web.archive.org": "wayback", "index.commoncrawl.org": "index"}.get(at.hostname or "", "other")
            kind = "crawls" if at.path.endswith("collinfo.json") else "pages" if "showNumPages" in asked else kind
            yield Recorded(path.name, kind, asked, told["response_status_code"], told["response_text"])


def read(reply: Recorded) -> list[Fact]:
    """The facts in a reply of an index."""
    name = {"index": "common_crawl_index", "wayback": "wayback"}[reply.kind]
    unit = reply.unit if reply.status == 200 else str(reply.asked["url"])
    options = {
        "unit": unit,
        "crawl": "CC-MAIN-2025-33",
        "observed_on": "2025-08-15",
        "since": "2025-09-01",
        "until": "2025-09-15",
    }
    capture = Capture(name, reply.body.encode(), reply.file, None, reply.status, {}, None, options)
    return list(plugins.source(name).read(capture))


def counted(reply: Recorded) -> str:
    if reply.kind == "crawls":
        return f"{len(read_crawls(reply.body.encode(), reply.file))} crawls"
    if reply.kind == "pages":
        return f"{orjson.loads(reply.body)['pages']} page of the index"
    if reply.kind == "other":
        return "no reply of an index: left aside"
    presences = [fact for fact in read(reply) if isinstance(fact, Presence)]
    months = sum(presence.unit_kind == "site" and presence.state == "present" for presence in presences)
    if reply.kind == "wayback":
        return f"{presences[0].state} in {months} months, pages {len({each.unit for each in presences}) - 1}"
    pages = sum(presence.unit_kind == "page" and presence.state == "present" for presence in presences)
    return f"{presences[0].state}, captures {presences[0].captures}, pages {pages}"


if __name__ == "__main__":
    for reply in recorded():
        where = str(reply.asked.get("url", ""))
        sys.stdout.write(f"{reply.file:34}{reply.kind:9}{reply.status}  {where:40}{counted(reply)}\n")
