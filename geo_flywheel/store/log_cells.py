"""The requests of a log that are only counted: per page, day and status, on a desk beside the store."""

from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

_ROWS = 100_000
_MOST_CELLS = 2_000_000
_MOST_PAGES = 1_000_000
_CELLS = (
    "SELECT page, day, status, CAST(sum(requests) AS BIGINT) AS requests FROM cell GROUP BY page, day, status"
)
_TOLD = (
    "SELECT host, day, path, status, CAST(sum(requests) AS BIGINT) AS requests FROM cell JOIN page USING (page)"
    " GROUP BY host, day, path, status"
)

Ints = np.ndarray[Any, np.dtype[np.int64]]


class Cells:
    """Requests counted so far. Pages have numbers: one that is forgotten meanwhile has a second one."""

    def __init__(self, desk: duckdb.DuckDBPyConnection) -> None:
        """Start with none."""
        self._desk = desk
        self._numbers: dict[tuple[str, str], int] = {}
        self._pages = self._rows = 0
        desk.execute("CREATE TABLE cell (page INTEGER, day DATE, status INTEGER, requests BIGINT)")
        desk.execute("CREATE TABLE page (page INTEGER, host VARCHAR, path VARCHAR)")

    def count(self, lines: pa.Table) -> None:
        """Count lines by their `host`, `path`, `happened_at` and `status`."""
        pages, codes = distinct_pages(lines)
        numbers = pa.array(self._numbered(pages)[codes])
        self._desk.register("other", lines.select(["happened_at", "status"]).append_column("page", numbers))
        self._desk.execute(
            "INSERT INTO cell SELECT page, CAST(happened_at AS DATE) AS day, status, count(*) FROM other"
            " GROUP BY page, day, status"
        )
        self._desk.unregister("other")
        self._rows += lines.num_rows
        if self._rows > _MOST_CELLS:
            self._desk.execute(f"CREATE OR REPLACE TABLE cell AS {_CELLS}")
            self._rows = 0

    def told(self) -> pa.RecordBatchReader:
        """Return what was counted: `host`, `day`, `path`, `status`, `requests`."""
        return self._desk.execute(_TOLD).to_arrow_reader(_ROWS)

    def _numbered(self, pages: list[tuple[str, str]]) -> np.ndarray[Any, np.dtype[np.int32]]:
        new = [page for page in pages if page not in self._numbers]
        if len(self._numbers) + len(new) > _MOST_PAGES:
            self._numbers, new = {}, pages
        if new:
            numbers = range(self._pages, self._pages + len(new))
            self._numbers.update(zip(new, numbers, strict=True))
            self._pages += len(new)
            hosts, paths = zip(*new, strict=True)
            rows = {"page": pa.array(numbers, pa.int32()), "host": pa.array(hosts), "path": pa.array(paths)}
            self._desk.from_arrow(pa.table(rows)).insert_into("page")
        return np.array([self._numbers[page] for page in pages], np.int32)


def distinct_pages(lines: pa.Table) -> tuple[list[tuple[str, str]], Ints]:
    """Return the distinct pairs of host and path of lines, and for each line the number of its pair, from 0.

    Args:
        lines: With the columns `host` and `path`, each a dictionary.
    """
    hosts, paths = lines["host"].combine_chunks(), lines["path"].combine_chunks()
    both = hosts.indices.to_numpy().astype(np.int64) * len(paths.dictionary) + paths.indices.to_numpy()
    pairs = pa.array(both).dictionary_encode()
    host, path = np.divmod(pairs.dictionary.to_numpy(), max(1, len(paths.dictionary)))
    names = (values.dictionary.take(pa.array(of)).to_pylist() for values, of in ((hosts, host), (paths, path)))
    return list(zip(*names, strict=True)), pairs.indices.to_numpy()
