"""Write an access log: AI agents and the people assistants sent request by request, all else counted.

A line is one fact however many logs hold it, and two equal lines of one log are two. So each has a key over its bytes,
the second and later equal ones over their ordinal too; lines that the current reading of another log holds are passed
over, and the reading leans on that one. Equal lines bear equal times: where two stretches of time do not meet, nothing
is compared.

Addresses of clients are looked at while a block is in memory, and go no further.
"""

import re
from collections import Counter
from datetime import datetime
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from geo_flywheel.errors import Unreadable
from geo_flywheel.records import LogFile
from geo_flywheel.store.database import Store
from geo_flywheel.store.log_clients import Known
from geo_flywheel.store.log_layouts import parsed
from geo_flywheel.store.log_lines import Lines, lines
from geo_flywheel.store.numbers import number_links
from geo_flywheel.store.overlap import Overlap

SAMPLE = 20
_LONGEST_SAMPLE = 300
_ADDRESS = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,}")

# The second and later of equal lines, those of former blocks counted in.
_AGAIN = """
SELECT c.line, xor(c.line_key, CAST(md5_number('#' || (row_number() OVER (PARTITION BY c.line_key ORDER BY c.line)
    + coalesce(s.earlier, 0))) >> 64 AS UBIGINT)) AS key
FROM chunk AS c
LEFT JOIN (SELECT line_key, count(*) AS earlier FROM seen_line GROUP BY line_key) AS s ON s.line_key = c.line_key
WHERE c.line_key IN (SELECT line_key FROM chunk GROUP BY line_key HAVING count(*) > 1)
    OR c.line_key IN (SELECT line_key FROM seen_line)
QUALIFY row_number() OVER (PARTITION BY c.line_key ORDER BY c.line) + coalesce(s.earlier, 0) > 1
"""

_VISITS = """
INSERT INTO visit
SELECT v.line_key, $reading_no, v.happened_at, v.host, l.page_no, l.link_no, v.path, left(v.method, 20), v.status,
    v.bytes, v.agent, v.operator, v.purpose,
    CASE WHEN p.verification = 'spoofed' AND abs(date_diff('day', p.as_of, CAST(v.happened_at AS DATE))) > 183
        THEN 'unverifiable' ELSE p.verification END,
    v.assistant, v.attribution, left(v.utm_source, 200)
FROM visiting AS v
JOIN linked AS l ON l.raw_url = v.raw_url
LEFT JOIN proven AS p ON p.agent = v.agent AND p.address IS NOT DISTINCT FROM v.address
    AND p.forwarded IS NOT DISTINCT FROM v.forwarded
"""


class Writer:
    """Writes the logs of one reading."""

    def __init__(self, overlap: Overlap) -> None:
        """Start for the reading of `overlap`."""
        self._overlap = overlap
        self._store: Store = overlap.store
        self._reading_no = overlap.reading_no
        self._added: Counter[str] = Counter()

    def add(self, file: LogFile) -> None:
        """Take a log in, block by block.

        Raises:
            Unreadable: If it cannot be read, or no line of it says what a log says.
        """
        run = self._store.connection.execute
        run("CREATE OR REPLACE TEMP TABLE seen_line (line_key UBIGINT)")
        run("CREATE OR REPLACE TEMP TABLE incoming_traffic AS SELECT * FROM traffic LIMIT 0")
        tally = _Tally()
        known = Known(self._store, file.visitors)
        for some in lines(file.path, has_headers=file.layout == "w3c"):
            if file.layout != "w3c" or some.fields:
                self._block(_read(self._store, file, some), known, tally)
            else:
                tally.lines += some.table.num_rows // 2
                tally.bad += some.table.num_rows // 2
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
        chunk = self._told_apart(chunk.drop_columns("bad"), tally.meets(first, last))
        chunk = self._fresh(chunk, first, last)
        tally.spans(first, last)
        tally.new += chunk.num_rows
        with self._store.staged("chunk", chunk):
            known.learn()
            self._keep(known)

    def _told_apart(self, chunk: pa.Table, meets_former: bool) -> pa.Table:  # noqa: FBT001 - told by its one caller
        """Number the lines, and give those that are equal to an earlier one of this log a key of their own."""
        run = self._store.connection.execute
        chunk = chunk.append_column("line", pa.array(np.arange(chunk.num_rows, dtype=np.int32)))
        with self._store.staged("chunk", chunk):
            distinct = chunk.num_rows
            if not meets_former:
                [(distinct,)] = self._store.rows("SELECT count(DISTINCT line_key) FROM chunk")
            again = self._store.table(_AGAIN) if meets_former or distinct < chunk.num_rows else None
            run("INSERT INTO seen_line SELECT line_key FROM chunk")
        if again is None or not again.num_rows:
            return chunk
        keys = chunk["line_key"].to_numpy().copy()
        keys[again["line"].to_numpy()] = again["key"].to_numpy()
        return chunk.set_column(chunk.column_names.index("line_key"), "line_key", pa.array(keys))

    def _fresh(self, chunk: pa.Table, first: datetime, last: datetime) -> pa.Table:
        """The lines that no current reading of another log holds."""
        if not self._store.rows(
            "SELECT 1 FROM log_file WHERE reading_no <> ? AND first_at <= ? AND last_at >= ? LIMIT 1",
            [self._reading_no, last, first],
        ):
            return chunk
        with self._store.staged("coming", chunk.select(["line_key"]).rename_columns(["key"])):
            if not self._overlap.held("log_line", "coming"):
                return chunk
        with self._store.staged("chunk", chunk.select(["line_key", "line"])):
            fresh = self._store.table(
                "SELECT line FROM chunk WHERE line_key NOT IN (SELECT key FROM held) ORDER BY line"
            )
        return chunk.take(fresh["line"])

    def _keep(self, known: Known) -> None:
        """From chunk: its visits, its traffic and its lines."""
        run, number = self._store.connection.execute, {"reading_no": self._reading_no}
        run(f"CREATE OR REPLACE TEMP TABLE visiting AS {known.visiting}")
        linked = number_links(self._store, "(SELECT DISTINCT raw_url, CAST(NULL AS VARCHAR) AS domain FROM visiting)")
        with self._store.staged("linked", linked), self._store.staged("proven", known.proven()):
            run(_VISITS, number)
        [(visits,)] = self._store.rows("SELECT count(*) FROM visiting")
        self._added["visit"] += int(visits)
        run(
            "INSERT INTO incoming_traffic SELECT $reading_no, host, CAST(happened_at AS DATE) AS day, path, status,"
            f" count(*) FROM chunk{' WHERE line NOT IN (SELECT line FROM visiting)' if visits else ''}"
            " GROUP BY host, day, path, status",
            number,
        )
        run("INSERT INTO log_line SELECT line_key, $reading_no FROM chunk", number)

    def _finish(self, file: LogFile, tally: "_Tally") -> None:
        run = self._store.connection.execute
        run(
            "INSERT INTO traffic SELECT reading_no, host, day, path, status, sum(requests) FROM incoming_traffic"
            " GROUP BY reading_no, host, day, path, status"
        )
        told = (file.format, tally.lines, tally.new, tally.bad, tally.first, tally.last)
        run("INSERT INTO log_file VALUES (?, ?, ?, ?, ?, ?, ?)", [self._reading_no, *told])
        for ordinal, line in enumerate(tally.sample, 1):
            run("INSERT INTO log_problem VALUES (?, ?, ?)", [self._reading_no, ordinal, line])
        [(requests,)] = self._store.rows("SELECT coalesce(sum(requests), 0) FROM incoming_traffic")
        self._added["traffic"] += int(requests)
        self._added["unreadable line"] += tally.bad
        for table in ("incoming_traffic", "seen_line", "visiting"):
            run(f"DROP TABLE IF EXISTS {table}")
        run("DROP TABLE IF EXISTS held")


class _Tally:
    """What is counted of a log while it is read."""

    def __init__(self) -> None:
        self.lines = self.new = self.bad = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.sample: list[str] = []

    def meets(self, first: datetime, last: datetime) -> bool:
        """Whether a stretch of time meets the stretch read so far."""
        return self.first is not None and self.last is not None and first <= self.last and last >= self.first

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
    """Return the beginning of a line without its first word, where a client's address stands, and without any other."""
    return _ADDRESS.sub("…", "… " + line.partition(" ")[2][:_LONGEST_SAMPLE])


def _read(store: Store, file: LogFile, some: Lines) -> pa.Table:
    with store.staged("lines", some.table):
        return store.connection.execute(
            parsed(file, some.fields), {"host": file.host, "salt": _salt(file.host)}
        ).to_arrow_table()


def _salt(host: str) -> int:
    """What tells the lines of two hosts apart that do not name their host."""
    return int.from_bytes(sha256(host.encode()).digest()[:8], "big") if host else 0
