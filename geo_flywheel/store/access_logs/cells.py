"""The requests of a log that are only counted: per page, day and status."""

from collections.abc import Iterator
from operator import itemgetter

import duckdb
import numpy as np
import pyarrow as pa

from geo_flywheel.store.access_logs.numbered import Ints, Pages

_ROWS = 500_000
_MOST_CELLS = 2_000_000
_LOW = 0xFFFFFFFF
_KINDS = 1 << 24  # pairs of day and status there can be at one time
_MERGED = (
    "SELECT host, day, path, status, CAST(sum(requests) AS BIGINT) AS requests FROM cell"
    " GROUP BY host, day, path, status"
)


class Cells:
    """Requests counted so far: as numbers while there is room for them, then on a desk beside the store."""

    def __init__(self, desk: duckdb.DuckDBPyConnection) -> None:
        """Start with none."""
        self._desk = desk
        self._is_laid_down = False  # then a cell may stand there in two parts
        self._pages = Pages()
        desk.execute("CREATE TABLE cell (host VARCHAR, day DATE, path VARCHAR, status INTEGER, requests BIGINT)")
        self._clear()

    def count(self, pages: Pages, page: Ints, day: Ints, status: Ints) -> None:
        """Count lines.

        Args:
            pages: What the numbers of pages stand for; others than the time before, and all begins anew.
            page: Number of the page of each line, as the next two of shape (line,).
            day: Days from 1970, UTC.
            status: As 32 bits hold it.
        """
        both = pa.array((day << 32) | (status & _LOW)).dictionary_encode()
        if pages is not self._pages or len(self._kinds) + len(both.dictionary) > _KINDS:
            if self._kinds:
                self._lay_down()
            self._pages = pages
        named = both.dictionary.to_pylist()
        kinds = np.array([self._kinds.setdefault(kind, len(self._kinds)) for kind in named], np.int64)
        self._lines.append(page * _KINDS + kinds[both.indices.to_numpy()])
        self._rows += page.size
        if self._rows > _MOST_CELLS and self._merge()[0].size > _MOST_CELLS:
            self._lay_down()

    def told(self) -> Iterator[pa.Table]:
        """Yield what was counted: `host`, `day`, `path`, `status`, `requests`."""
        if not self._is_laid_down:
            yield self._named()
            return
        self._lay_down()
        for rows in self._desk.execute(_MERGED).to_arrow_reader(_ROWS):
            yield pa.Table.from_batches([rows])

    def _clear(self) -> None:
        self._kinds: dict[int, int] = {}
        self._lines: list[Ints] = []
        self._rows = 0
        self._cells: tuple[Ints, Ints] = (np.empty(0, np.int64), np.empty(0, np.int64))

    def _merge(self) -> tuple[Ints, Ints]:
        """Add the lines to the cells."""
        lines = np.sort(np.concatenate(self._lines)) if self._lines else np.empty(0, np.int64)
        first = np.flatnonzero(np.diff(lines, prepend=-1))
        keys = np.concatenate([self._cells[0], lines[first]])
        counts = np.concatenate([self._cells[1], np.diff(first, append=lines.size)])
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        first = np.flatnonzero(np.diff(keys, prepend=-1))
        self._cells = keys[first], np.add.reduceat(counts[order], first) if first.size else counts
        self._lines, self._rows = [], 0
        return self._cells

    def _named(self) -> pa.Table:
        """The cells, by name."""
        keys, counts = self._merge()
        page, kind = np.divmod(keys, _KINDS)
        kinds = np.array(list(self._kinds), np.int64)[kind]
        hosts, paths = (self._pages.texts(page, itemgetter(part)) for part in (0, 1))
        return pa.table({
            "host": hosts,
            "day": pa.array((kinds >> 32).astype("datetime64[D]")),
            "path": paths,
            "status": pa.array((kinds & _LOW).astype(np.int32)),
            "requests": pa.array(counts),
        })  # fmt: skip

    def _lay_down(self) -> None:
        """Move all to the desk."""
        self._desk.from_arrow(self._named()).insert_into("cell")
        self._is_laid_down = True
        self._clear()
