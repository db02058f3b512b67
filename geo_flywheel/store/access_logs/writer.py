"""Write an access log: AI agents and the people assistants sent request by request, all else counted.

A line is one fact however many logs hold it, and two equal lines of one log are two. So each has a key over its bytes,
the second and later equal ones over their ordinal too; lines that the current reading of another log holds are passed
over, and the reading leans on that one. Equal lines bear equal times: where two stretches of time do not meet, nothing
is compared.

Addresses of clients are looked at while a block is in memory, and go no further.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from geo_flywheel.errors import Unreadable
from geo_flywheel.records import LogFile
from geo_flywheel.store.access_logs.cells import Cells
from geo_flywheel.store.access_logs.chunks import begun
from geo_flywheel.store.access_logs.clients import Mask
from geo_flywheel.store.access_logs.groups import Groups
from geo_flywheel.store.access_logs.queried import Chunk, Keys
from geo_flywheel.store.access_logs.seen import Seen
from geo_flywheel.store.access_logs.visits import Visits
from geo_flywheel.store.database import Store
from geo_flywheel.store.overlap import Overlap

_QUERY = re.compile(r"""\?[^\s"']*""")
SAMPLE = 20
_LONGEST_SAMPLE = 300
_ADDRESS = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,}")

_DAY = 86_400_000_000  # microseconds
_START = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC, as all moments of the store


class Writer:
    """Writes the logs of one reading."""

    def __init__(self, overlap: Overlap) -> None:
        """Start for the reading of `overlap`."""
        self._overlap = overlap
        self._store: Store = overlap.store
        self._reading_no = overlap.reading_no
        self._added: Counter[str] = Counter()
        self._visits = Visits(overlap.store, overlap.reading_no)
        self._keys = Groups(4, self._store_keys)

    def add(self, file: LogFile) -> None:
        """Take a log in, block by block.

        Raises:
            Unreadable: If it cannot be read, or no line of it says what a log says.
        """
        tally = _Tally()
        with begun(file) as chunks, _desk(self._store) as desk:
            self._seen, self._cells = Seen(desk), Cells(desk)
            for chunk in chunks:
                self._take(chunk, tally)
            if tally.lines == tally.bad:
                raise Unreadable(f"{file.path}: none of its {tally.lines:,} lines could be read as {file.format}")
            self._finish(file, tally)

    def finish(self) -> Counter[str]:
        """Return how many rows were stored, per table."""
        return self._added + Counter(visit=self._visits.stored)

    def _take(self, chunk: Chunk, tally: "_Tally") -> None:
        """Store what lines say that no other log says already."""
        lines = chunk.lines
        tally.lines += lines.keys.size + len(chunk.bad)
        tally.found_bad(chunk.bad)
        if not lines.keys.size:
            return
        first, last = (_START + timedelta(microseconds=int(end(lines.moments))) for end in (np.min, np.max))
        keys = self._seen.told_apart(lines.keys, lines.moments)
        is_new = self._are_new(keys, first, last)
        tally.spans(first, last)
        tally.new += int(is_new.sum())
        self._keep(chunk, keys, is_new)

    def _are_new(self, keys: Keys, first: datetime, last: datetime) -> Mask:
        """Which lines no current reading of another log holds."""
        if not self._store.rows(
            "SELECT 1 FROM log_file WHERE reading_no <> ? AND first_at <= ? AND last_at >= ? LIMIT 1",
            [self._reading_no, last, first],
        ):
            return np.ones(keys.size, np.bool_)
        with self._store.staged("coming", pa.table({"key": keys.copy()})):  # held in memory until the end
            if not self._overlap.held("log_line", "coming"):
                return np.ones(keys.size, np.bool_)
        held = self._store.table("SELECT DISTINCT key FROM held")["key"].to_numpy()
        return ~np.isin(keys, held)

    def _keep(self, chunk: Chunk, keys: Keys, is_new: Mask) -> None:
        """Store visits and lines, and count the rest."""
        self._visits.add(chunk, keys, is_new)
        lines = chunk.lines
        is_other = is_new & ~lines.is_visit
        page, moments, status = (column[is_other] for column in (lines.page, lines.moments, lines.status))
        self._cells.count(chunk.pages, page, moments // _DAY, status)
        self._keys.add(pa.table({"line_key": keys[is_new]}))

    def _store_keys(self, keys: pa.Table) -> None:
        _insert(self._store.connection, "log_line", self._numbered(keys))

    def _numbered(self, rows: pa.Table) -> pa.Table:
        number = pa.array(np.full(rows.num_rows, self._reading_no, np.int32))
        return rows.append_column("reading_no", number)

    def _finish(self, file: LogFile, tally: "_Tally") -> None:
        run = self._store.connection.execute
        self._visits.finish()
        self._keys.finish()
        for cells in self._cells.told():
            rows = self._numbered(cells)
            _insert(self._store.connection, "traffic", rows.select(["reading_no", *cells.column_names]))
            self._added["traffic"] += pc.sum(cells["requests"]).as_py() or 0
        told = (file.format, tally.lines, tally.new, tally.bad, tally.first, tally.last)
        run("INSERT INTO log_file VALUES (?, ?, ?, ?, ?, ?, ?)", [self._reading_no, *told])
        for ordinal, line in enumerate(tally.sample, 1):
            run("INSERT INTO log_problem VALUES (?, ?, ?)", [self._reading_no, ordinal, line])
        self._added["unreadable line"] += tally.bad


class _Tally:
    """What is counted of a log while it is read."""

    def __init__(self) -> None:
        self.lines = self.new = self.bad = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.sample: list[str] = []

    def spans(self, first: datetime, last: datetime) -> None:
        """Stretch the time read so far."""
        self.first = first if self.first is None else min(first, self.first)
        self.last = last if self.last is None else max(last, self.last)

    def found_bad(self, found: Sequence[str]) -> None:
        """Count lines that say nothing, and keep the first of them."""
        self.bad += len(found)
        self.sample += [without_addresses(line) for line in found[: SAMPLE - len(self.sample)]]


def without_addresses(line: str) -> str:
    """Return the beginning of a line without its first word, where a client's address stands, others, and queries."""
    told = _ADDRESS.sub("…", "… " + line.partition(" ")[2][:_LONGEST_SAMPLE])
    return _QUERY.sub("?…", told)


@contextmanager
def _desk(store: Store) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of its own to count on: what is laid before the store stays in memory until its transaction ends."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "temp_directory": f"{store.path}.tmp",
        "python_enable_replacements": "false",
    }
    with duckdb.connect(config=config) as desk, desk.cursor() as cursor:
        yield cursor


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Insert rows, in the order of the table's columns, without making them known by a name."""
    connection.from_arrow(rows).insert_into(table)
