"""The requests of a log that are only counted: per page, day and status."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import duckdb
import numpy as np
import pyarrow as pa

_ROWS = 100_000
_MOST_CELLS = 2_000_000
_MOST_PAGES = 1_000_000
_LOW = 0xFFFFFFFF
_KINDS = 1 << 24  # pairs of day and status there can be at one time
_MERGED = (
    "SELECT host, day, path, status, CAST(sum(requests) AS BIGINT) AS requests FROM cell"
    " GROUP BY host, day, path, status"
)

_Named = TypeVar("_Named")
Ints = np.ndarray[Any, np.dtype[np.int64]]


class Cells:
    """Requests counted so far: as numbers while there is room for the pages, then on a desk beside the store."""

    def __init__(self, desk: duckdb.DuckDBPyConnection) -> None:
        """Start with none."""
        self._desk = desk
        self._times = 0  # something was laid down: more than once, and a cell may stand there in two parts
        desk.execute("CREATE TABLE cell (host VARCHAR, day DATE, path VARCHAR, status INTEGER, requests BIGINT)")
        self._clear()

    def count(self, lines: pa.Table) -> None:
        """Count lines by their `host`, `path`, `happened_at` and `status`."""
        if not lines.num_rows:
            return
        pages, page = distinct_pages(lines)
        days = lines["happened_at"].cast(pa.timestamp("us")).to_numpy().astype("datetime64[D]").astype(np.int64)
        both = pa.array((days << 32) | (lines["status"].to_numpy().astype(np.int64) & _LOW)).dictionary_encode()
        if len(self._pages) + len(pages) > _MOST_PAGES or len(self._kinds) + len(both.dictionary) > _KINDS:
            self._lay_down()
        numbers, kinds = _numbers(self._pages, pages), _numbers(self._kinds, both.dictionary.to_pylist())
        keys = np.sort(numbers[page] * _KINDS + kinds[both.indices.to_numpy()])
        first = np.flatnonzero(np.diff(keys, prepend=-1))
        self._parts.append((keys[first], np.diff(first, append=keys.size)))
        self._rows += first.size
        if self._rows > _MOST_CELLS and self._merge()[0].size > _MOST_CELLS:
            self._lay_down()

    def told(self) -> Iterator[pa.RecordBatch]:
        """Yield what was counted: `host`, `day`, `path`, `status`, `requests`."""
        self._lay_down()
        yield from self._desk.execute(_MERGED if self._times > 1 else "FROM cell").to_arrow_reader(_ROWS)

    def _clear(self) -> None:
        self._pages: dict[tuple[str, str], int] = {}
        self._kinds: dict[int, int] = {}
        self._parts: list[tuple[Ints, Ints]] = []
        self._rows = 0

    def _merge(self) -> tuple[Ints, Ints]:
        """Make one part of all."""
        keys, counts = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        order = np.argsort(keys)
        keys = keys[order]
        first = np.flatnonzero(np.diff(keys, prepend=-1))
        self._parts = [(keys[first], np.add.reduceat(counts[order], first))]
        self._rows = 0
        return self._parts[0]

    def _lay_down(self) -> None:
        """Move all to the desk."""
        if not self._parts:
            return
        self._times += 1
        keys, counts = self._merge()
        page, kind = np.divmod(keys, _KINDS)
        kinds = np.array(list(self._kinds), np.int64)[kind]
        hosts, paths = (pa.array(names, pa.string()) for names in zip(*self._pages, strict=True))
        rows = {
            "host": hosts.take(pa.array(page)),
            "day": pa.array((kinds >> 32).astype("datetime64[D]")),
            "path": paths.take(pa.array(page)),
            "status": pa.array((kinds & _LOW).astype(np.int32)),
            "requests": pa.array(counts),
        }
        self._desk.from_arrow(pa.table(rows)).insert_into("cell")
        self._clear()


def _numbers(known: dict[_Named, int], named: Sequence[_Named]) -> Ints:
    """The number of each, a new one for what is not known."""
    return np.array([known.setdefault(name, len(known)) for name in named], np.int64)


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
