"""Write an access log: AI agents and the people assistants sent request by request, all else counted.

A line is one fact however many logs hold it, and two equal lines of one log are two. So each has a key over its bytes,
the second and later equal ones over their ordinal too; lines that the current reading of another log holds are passed
over, and the reading leans on that one. Equal lines bear equal times: where two stretches of time do not meet, nothing
is compared.

Addresses of clients are looked at while a block is in memory, and go no further.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from geo_flywheel.errors import Unreadable
from geo_flywheel.records import LogFile
from geo_flywheel.store.database import Store
from geo_flywheel.store.log_cells import Cells, distinct_pages
from geo_flywheel.store.log_chunks import CODED, ahead, chunks
from geo_flywheel.store.log_clients import Known
from geo_flywheel.store.numbers import number_links
from geo_flywheel.store.overlap import Overlap

_QUERY = re.compile(r"""\?[^\s"']*""")
SAMPLE = 20
_LONGEST_SAMPLE = 300
_ADDRESS = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,}")

_VISIT = (
    "line_key", "reading_no", "happened_at", "host", "page_no", "link_no", "path", "method", "status", "bytes", "agent",
    "operator", "purpose", "verification", "assistant", "attribution", "utm_source",
)  # fmt: skip
_TOGETHER = 100_000  # visits
_MOST_LINKS = 1_000_000


class Writer:
    """Writes the logs of one reading."""

    def __init__(self, overlap: Overlap) -> None:
        """Start for the reading of `overlap`."""
        self._overlap = overlap
        self._store: Store = overlap.store
        self._reading_no = overlap.reading_no
        self._added: Counter[str] = Counter()
        self._links: dict[str, tuple[int, int]] = {}
        self._visits: list[pa.Table] = []

    def add(self, file: LogFile) -> None:
        """Take a log in, block by block.

        Raises:
            Unreadable: If it cannot be read, or no line of it says what a log says.
        """
        tally = _Tally()
        known = Known(file.visitors)
        with _desk(self._store) as self._desk:
            self._desk.execute("CREATE TABLE seen_line (line_key UBIGINT)")
            self._cells = Cells(self._desk)
            for chunk in ahead(chunks(file)):
                self._block(chunk, known, tally)
            if tally.lines == tally.bad:
                raise Unreadable(f"{file.path}: none of its {tally.lines:,} lines could be read as {file.format}")
            self._finish(file, tally)

    def finish(self) -> Counter[str]:
        """Return how many rows were stored, per table."""
        return self._added

    def _block(self, chunk: pa.Table, known: Known, tally: "_Tally") -> None:
        """Store what the lines of one block say that no other log says already."""
        tally.lines += chunk.num_rows
        is_bad = pc.is_valid(chunk["bad"])
        if pc.any(is_bad).as_py():
            tally.found_bad(chunk.filter(is_bad)["bad"])
            chunk = chunk.filter(pc.invert(is_bad))
        if not chunk.num_rows:
            return
        first, last = (moment.as_py() for moment in pc.min_max(chunk["happened_at"]).values())
        chunk = self._told_apart(chunk.drop_columns("bad"), tally)
        chunk = self._fresh(chunk, first, last)
        tally.spans(first, last)
        tally.new += chunk.num_rows
        self._keep(chunk, known)

    def _told_apart(self, chunk: pa.Table, tally: "_Tally") -> pa.Table:
        """Give the lines that are equal to an earlier one of this log a key of their own."""
        earlier = self._seen_earlier(chunk, tally)
        _insert(self._desk, "seen_line", chunk.select(["line_key"]))
        keys = chunk["line_key"].to_numpy().copy()
        ordered = np.sort(keys)
        doubled = ordered[1:][ordered[1:] == ordered[:-1]]
        if not doubled.size and not earlier:
            return chunk
        for line in np.flatnonzero(np.isin(keys, np.concatenate([doubled, np.array(list(earlier), np.uint64)]))):
            key = int(keys[line])
            if ordinal := earlier.get(key, 0):
                keys[line] = _again(key, ordinal + 1)
            earlier[key] = ordinal + 1
        return chunk.set_column(chunk.column_names.index("line_key"), "line_key", pa.array(keys))

    def _seen_earlier(self, chunk: pa.Table, tally: "_Tally") -> dict[int, int]:
        """How often each key of a chunk came in the blocks before; only where their times meet is there any."""
        if tally.first is None or tally.last is None:
            return {}
        meets = pc.and_(
            pc.less_equal(chunk["happened_at"], tally.last), pc.greater_equal(chunk["happened_at"], tally.first)
        )
        self._desk.register("meeting", chunk.select(["line_key"]).filter(meets))
        found = self._desk.execute(
            "SELECT line_key, count(*) FROM seen_line SEMI JOIN meeting USING (line_key) GROUP BY line_key"
        )
        return dict(found.fetchall())

    def _fresh(self, chunk: pa.Table, first: datetime, last: datetime) -> pa.Table:
        """The lines that no current reading of another log holds."""
        if not self._store.rows(
            "SELECT 1 FROM log_file WHERE reading_no <> ? AND first_at <= ? AND last_at >= ? LIMIT 1",
            [self._reading_no, last, first],
        ):
            return chunk
        keys = pa.table({"key": chunk["line_key"].to_numpy().copy()})  # held in memory until the end: no more than this
        with self._store.staged("coming", keys):
            if not self._overlap.held("log_line", "coming"):
                return chunk
        held = self._store.table("SELECT DISTINCT key FROM held")["key"].to_numpy()
        return chunk.filter(pa.array(~np.isin(chunk["line_key"].to_numpy(), held)))

    def _keep(self, chunk: pa.Table, known: Known) -> None:
        """Store visits and lines, and count the rest."""
        visits, is_visit = known.visits(chunk)
        if visits.num_rows:
            self._visits.append(self._placed(visits).select(_VISIT))
            if sum(some.num_rows for some in self._visits) > _TOGETHER:
                self._store_visits()
        others = chunk.select(["host", "happened_at", "path", "status"])
        self._cells.count(others.filter(pa.array(~is_visit)) if visits.num_rows else others)
        _insert(self._store.connection, "log_line", self._numbered(chunk.select(["line_key"])))

    def _store_visits(self) -> None:
        if self._visits:
            visits = pa.concat_tables(self._visits)
            _insert(self._store.connection, "visit", visits)
            self._added["visit"] += visits.num_rows
            self._visits = []

    def _numbered(self, rows: pa.Table) -> pa.Table:
        number = pa.array(np.full(rows.num_rows, self._reading_no, np.int32))
        return rows.append_column("reading_no", number)

    def _placed(self, visits: pa.Table) -> pa.Table:
        """The visits with the page each is of."""
        pages, codes = distinct_pages(visits)
        names = [f"https://{host}{path}" for host, path in pages]
        new = sorted(set(names) - self._links.keys())
        if len(self._links) + len(new) > _MOST_LINKS:
            self._links, new = {}, sorted(set(names))
        if new:
            rows = pa.table({"raw_url": pa.array(new, pa.string()), "domain": pa.nulls(len(new), pa.string())})
            with self._store.staged("coming", rows):
                linked = number_links(self._store, "coming")
            columns = (linked.column(name).to_pylist() for name in ("raw_url", "page_no", "link_no"))
            self._links |= {name: (page, link) for name, page, link in zip(*columns, strict=True)}
        numbers = np.array([self._links[name] for name in names], np.int32)[codes]
        for name in CODED:
            visits = visits.set_column(visits.column_names.index(name), name, visits[name].cast(pa.string()))
        placed = self._numbered(visits).append_column("page_no", pa.array(numbers[:, 0]))
        return placed.append_column("link_no", pa.array(numbers[:, 1]))

    def _finish(self, file: LogFile, tally: "_Tally") -> None:
        run = self._store.connection.execute
        self._store_visits()
        for cells in self._cells.told():
            rows = self._numbered(pa.Table.from_batches([cells]))
            _insert(self._store.connection, "traffic", rows.select(["reading_no", *cells.schema.names]))
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

    def found_bad(self, found: pa.ChunkedArray) -> None:
        """Count lines that say nothing, and keep the first of them."""
        self.bad += len(found)
        room = SAMPLE - len(self.sample)
        self.sample += [without_addresses(line) for line in found.slice(0, room).to_pylist()]


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


def _again(key: int, ordinal: int) -> int:
    """The key of the second or a later one of equal lines."""
    return key ^ int.from_bytes(sha256(f"#{ordinal}".encode()).digest()[:8], "big")
