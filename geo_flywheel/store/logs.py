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

_VISITS = """
INSERT INTO visit
SELECT v.line_key, $reading_no, v.happened_at, v.host, l.page_no, l.link_no, v.path, left(v.method, 20), v.status,
    v.bytes, v.agent, v.operator, v.purpose,
    CASE WHEN v.verification = 'spoofed' AND abs(date_diff('day', v.as_of, CAST(v.happened_at AS DATE))) > 183
        THEN 'unverifiable' ELSE v.verification END,
    v.assistant, v.attribution, left(v.utm_source, 200)
FROM visiting AS v
JOIN linked AS l ON l.raw_url = 'https://' || v.host || v.path
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
        known = Known(file.visitors)
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
        chunk = self._told_apart(chunk.drop_columns("bad"), tally)
        chunk = self._fresh(chunk, first, last)
        tally.spans(first, last)
        tally.new += chunk.num_rows
        self._keep(chunk, known)

    def _told_apart(self, chunk: pa.Table, tally: "_Tally") -> pa.Table:
        """Give the lines that are equal to an earlier one of this log a key of their own."""
        keys = chunk["line_key"].to_numpy().copy()
        earlier = self._seen_earlier(chunk, tally)
        ordered = np.sort(keys)
        doubled = ordered[1:][ordered[1:] == ordered[:-1]]
        again = np.flatnonzero(np.isin(keys, np.concatenate([doubled, np.array(list(earlier), np.uint64)])))
        for line in again if doubled.size or earlier else ():
            key = int(keys[line])
            if ordinal := earlier.get(key, 0):
                keys[line] = _again(key, ordinal + 1)
            earlier[key] = ordinal + 1
        with self._store.staged("coming", chunk.select(["line_key"])):
            self._store.connection.execute("INSERT INTO seen_line SELECT line_key FROM coming")
        return chunk.set_column(chunk.column_names.index("line_key"), "line_key", pa.array(keys))

    def _seen_earlier(self, chunk: pa.Table, tally: "_Tally") -> dict[int, int]:
        """How often each key of a chunk came in the blocks before; only where their times meet is there any."""
        if tally.first is None or tally.last is None:
            return {}
        meets = pc.and_(
            pc.less_equal(chunk["happened_at"], tally.last), pc.greater_equal(chunk["happened_at"], tally.first)
        )
        with self._store.staged("meeting", chunk.filter(meets).select(["line_key"])):
            found = self._store.rows(
                "SELECT line_key, count(*) FROM seen_line SEMI JOIN meeting USING (line_key) GROUP BY line_key"
            )
        return dict(found)

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
        held = self._store.table("SELECT DISTINCT key FROM held")["key"].to_numpy()
        return chunk.filter(pa.array(~np.isin(chunk["line_key"].to_numpy(), held)))

    def _keep(self, chunk: pa.Table, known: Known) -> None:
        """Store visits, traffic and lines."""
        run, number = self._store.connection.execute, {"reading_no": self._reading_no}
        visits, is_visit = known.visits(chunk)
        with self._store.staged("visiting", visits):
            linked = number_links(
                self._store,
                "(SELECT DISTINCT 'https://' || host || path AS raw_url, CAST(NULL AS VARCHAR) AS domain"
                " FROM visiting)",
            )
            with self._store.staged("linked", linked):
                run(_VISITS, number)
        self._added["visit"] += visits.num_rows
        others = chunk.select(["host", "happened_at", "path", "status"])
        with self._store.staged("others", others.filter(pa.array(~is_visit)) if visits.num_rows else others):
            run(
                "INSERT INTO incoming_traffic SELECT $reading_no, host, CAST(happened_at AS DATE) AS day, path, status,"
                " count(*) FROM others GROUP BY host, day, path, status",
                number,
            )
        with self._store.staged("chunk", chunk.select(["line_key"])):
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
        run("DROP TABLE incoming_traffic; DROP TABLE seen_line; DROP TABLE IF EXISTS held")


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


def _again(key: int, ordinal: int) -> int:
    """The key of the second or a later one of equal lines."""
    return key ^ int.from_bytes(sha256(f"#{ordinal}".encode()).digest()[:8], "big")
