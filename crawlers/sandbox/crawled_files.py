"""Files of a crawl as Common Crawl publishes them: the columnar index, the host index and the ranks of domains.

Row groups are small, so that even a small market has several, each with the least and greatest of its values.
"""

import gzip
import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from typing import Any, Protocol

from crawlers.sandbox.serving import Received, Sent
from geo_flywheel.urls import site

_ROW_GROUP = 32
_PARTS = 2
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Captured(Protocol):
    """What a file needs of a capture."""

    @property
    def url(self) -> str: ...  # noqa: D102 - said by its name
    @property
    def at(self) -> datetime: ...  # noqa: D102 - said by its name
    @property
    def status(self) -> int: ...  # noqa: D102 - said by its name
    @property
    def subset(self) -> str: ...  # noqa: D102 - said by its name
    @property
    def key(self) -> str: ...  # noqa: D102 - said by its name
    @property
    def mime(self) -> str: ...  # noqa: D102 - said by its name


@lru_cache(maxsize=16)
def url_index(crawl: str, captures: tuple[Captured, ...]) -> dict[str, bytes]:
    """Return the Parquet files of a crawl's columnar index by their path; captures stand in the index's order."""
    files = {}
    for subset in ("warc", "crawldiagnostics", "robotstxt"):
        rows = [capture for capture in captures if capture.subset == subset]
        each = -(-len(rows) // _PARTS)
        for part in range(_PARTS):
            name = f"cc-index/table/cc-main/warc/crawl={crawl}/subset={subset}/part-{part:05d}.c000.gz.parquet"
            files[name] = _parquet([_row(crawl, row) for row in rows[part * each : (part + 1) * each]], _url_schema())
    return files


@lru_cache(maxsize=16)
def host_index(captures: tuple[Captured, ...]) -> bytes:
    """Return the host index of a crawl."""
    counts: dict[str, Counter[str]] = {}
    for capture in captures:
        name = capture.url.partition("://")[2].partition("/")[0]
        fetched = "fetch_200" if capture.status == HTTPStatus.OK else "fetch_redirPerm"
        kind = "robots_200" if capture.subset == "robotstxt" else fetched
        counts.setdefault(name, Counter())[kind] += 1
    rows = [
        {
            "surt_host_name": ",".join(reversed(name.removeprefix("www.").split("."))),
            "url_host_registered_domain": site(name),
            "url_host_tld": name.rpartition(".")[2],
            "hcrank": 1e7 + place,
            "hcrank10": 5.0,
            "prank": 1e-9,
            "prank10": 2.0,
            "fetch_200": seen["fetch_200"],
            "fetch_redirPerm": seen["fetch_redirPerm"],
            "robots_200": seen["robots_200"],
            "nutch_numRecords": 2 * seen["fetch_200"] + 1,
            "nutch_unfetched_pct": 50,
        }
        for place, (name, seen) in enumerate(sorted(counts.items(), key=lambda item: site(item[0])))
    ]
    return _parquet(rows, None)


def ranks(weights: Mapping[str, float]) -> bytes:
    """Return the ranks of domains, the heaviest first, as a gzip file of two members."""
    ordered = sorted(weights.items(), key=lambda item: -item[1])
    lines = [
        f"{place}\t{1e7 * weight:.7E}\t{place}\t{weight / 1e4:.10f}\t{'.'.join(reversed(name.split('.')))}\t2\n"
        for place, (name, weight) in enumerate(ordered, 1)
    ]
    head = "#harmonicc_pos\t#harmonicc_val\t#pr_pos\t#pr_val\t#host_rev\t#n_hosts\n"
    half = len(lines) // 2
    return gzipped(head + "".join(lines[:half])) + gzipped("".join(lines[half:]))


def gzipped(text: str) -> bytes:
    """Return a text packed, the same bytes every time."""
    return gzip.compress(text.encode(), mtime=0)


def ranged(whole: bytes, received: Received) -> Sent:
    """Return a file, or the range of it that is asked for."""
    headers = (("accept-ranges", "bytes"), ("etag", f'"{len(whole):x}"'))
    asked = _RANGE.fullmatch(received.headers.get("range", ""))
    if asked is None:
        return Sent(HTTPStatus.OK, whole, "application/octet-stream", headers)
    first = int(asked[1]) if asked[1] else max(0, len(whole) - int(asked[2]))
    last = min(int(asked[2]) if asked[1] and asked[2] else len(whole) - 1, len(whole) - 1)
    if first > last:
        about = (("content-range", f"bytes */{len(whole)}"),)
        return Sent(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, b"", headers=about)
    told = (*headers, ("content-range", f"bytes {first}-{last}/{len(whole)}"))
    return Sent(HTTPStatus.PARTIAL_CONTENT, whole[first : last + 1], "application/octet-stream", told)


def _row(crawl: str, capture: Captured) -> dict[str, object]:
    name = capture.url.partition("://")[2].partition("/")[0]
    return {
        "url_surtkey": capture.key,
        "url": capture.url,
        "url_host_name": name,
        "url_host_tld": name.rpartition(".")[2],
        "url_host_registered_domain": site(name),
        "fetch_time": capture.at,
        "fetch_status": capture.status,
        "content_mime_type": capture.mime,
        "content_mime_detected": capture.mime,
        "warc_filename": f"crawl-data/{crawl}/segments/1754151279781.29/{capture.subset}/{crawl}-00340.warc.gz",
    }


def _url_schema() -> Any:
    import pyarrow as pa

    texts = ("url_surtkey", "url", "url_host_name", "url_host_tld", "url_host_registered_domain")
    more = ("content_mime_type", "content_mime_detected", "warc_filename")
    fields = [
        *((name, pa.string()) for name in texts),
        ("fetch_time", pa.timestamp("ms")),
        ("fetch_status", pa.int16()),
    ]
    return pa.schema([*fields, *((name, pa.string()) for name in more)])


def _parquet(rows: list[dict[str, object]], schema: Any) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    packed = BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), packed, row_group_size=_ROW_GROUP, compression="gzip")
    return packed.getvalue()
