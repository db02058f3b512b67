"""Rows of a remote Parquet file that are about some domains, reading no more of it than its statistics ask for.

A row group is read when, by the least and greatest values of its columns, it can hold both the top-level domain and the
registered domain of one of the domains; one without statistics is read.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crawlers.base import Http
from crawlers.crawled.ranges import RemoteFile, opened
from geo_flywheel.errors import Unreadable

if TYPE_CHECKING:
    import pyarrow as pa

TLD, DOMAIN = "url_host_tld", "url_host_registered_domain"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """What a file holds of the domains.

    Attributes:
        rows: Columns asked for, of the rows whose registered domain is wanted.
        note: The file, what was read of it, and which of its row groups.
    """

    rows: list[Row]
    note: Mapping[str, object]


def keys(units: Iterable[str]) -> dict[str, str]:
    """Return every registered domain that rows about some sites or hosts can have, each with its top-level domain.

    An index knows no private suffixes, so that a site below one (x.blogspot.com) stands there under its suffix; and
    what is a public suffix to it depends on its list. So every parent of a unit is a key, and rows are looked at again.
    """
    found = {}
    for unit in units:
        labels = unit.split(".")
        for start in range(max(len(labels) - 1, 1)):
            found[".".join(labels[start:])] = labels[-1]
    return found


async def matching(http: Http, url: str, wanted: Mapping[str, str], columns: Sequence[str], most: int) -> Found:
    """Return the rows of a file about the wanted domains.

    Args:
        http: The way out.
        url: The file.
        wanted: As `keys` gives them.
        columns: What is read of the rows, where the file has it.
        most: Bytes that may be read of it.

    Raises:
        RoomSpentError: If more would have to be read.
        Throttled: If the other side asks for patience.
        Unreadable: If it is no Parquet file, or lacks the columns of domains.
    """
    file, read = await opened(http, url, most)
    rows, groups, of = await asyncio.to_thread(_read, file, url, wanted, columns)
    return Found(rows, {**read.told(), "row_groups": of, "row_groups_read": groups})


def _read(
    file: RemoteFile, url: str, wanted: Mapping[str, str], columns: Sequence[str]
) -> tuple[list[Row], list[int], int]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        parquet = pq.ParquetFile(pa.PythonFile(file, "r"), pre_buffer=False)
        names = parquet.schema_arrow.names
        if TLD not in names or DOMAIN not in names:
            raise Unreadable(f"{url}: has no columns {TLD} and {DOMAIN}; give the files of an index of Common Crawl")
        groups = [number for number in range(parquet.num_row_groups) if _may_hold(parquet.metadata, number, wanted)]
        shown = [DOMAIN, *(column for column in columns if column in names and column != DOMAIN)]
        rows: list[Row] = []
        for number in groups:
            rows += _kept(parquet.read_row_group(number, columns=shown, use_threads=False), wanted)
    except pa.ArrowInvalid as error:
        raise Unreadable(f"{url}: no Parquet file ({error}); check the list of files") from error
    return rows, groups, parquet.num_row_groups


def _may_hold(metadata: Any, number: int, wanted: Mapping[str, str]) -> bool:
    """Whether a row group can hold rows of a wanted domain."""
    group = metadata.row_group(number)
    limits = {
        column.path_in_schema: column.statistics
        for column in (group.column(place) for place in range(group.num_columns))
        if column.path_in_schema in {TLD, DOMAIN}
    }
    return any(_within(limits.get(DOMAIN), domain) and _within(limits.get(TLD), tld) for domain, tld in wanted.items())


def _within(limits: Any, value: str) -> bool:
    if limits is None or not limits.has_min_max:
        return True
    least, most = (each.decode() if isinstance(each, bytes) else each for each in (limits.min, limits.max))
    return bool(least <= value <= most)


def _kept(table: "pa.Table", wanted: Mapping[str, str]) -> list[Row]:
    import pyarrow as pa
    import pyarrow.compute as pc

    domains = table.column(DOMAIN).cast(pa.string())
    rows: list[Row] = table.filter(pc.is_in(domains, value_set=pa.array(list(wanted), pa.string()))).to_pylist()
    return rows
