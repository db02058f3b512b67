"""Append the facts of one reading: idempotent, keyed by identity, in one transaction."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from geo_flywheel import urls
from geo_flywheel.records import Answer, Fact, Feedback, Presence, Table
from geo_flywheel.store import bulk, objects
from geo_flywheel.store.database import Store

_BATCH = 20_000


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a capture: the plugin, the state of its code, and what the person said about the file."""

    plugin: str
    version: str
    options: Mapping[str, str] = field(default_factory=dict)

    def identity(self) -> tuple[str, str, str, str]:
        """What two readings have in common when they say the same: plugin, version, URL rules and options."""
        return self.plugin, self.version, urls.version(), json.dumps(dict(self.options), sort_keys=True)


@dataclass(frozen=True, slots=True)
class Source:
    """A capture, and the reader that reads it.

    Attributes:
        run_id: Run that captured the bytes; run_kind is "import" or "crawl", started_at naive UTC.
        identity: sha256 of a file, or the record id of a crawled reply.
        asked_for: Whether it is the reply to an ask of ours, so that equal answers of two captures are two facts.
    """

    run_id: str
    run_kind: str
    started_at: datetime
    identity: str
    name: str
    bytes: int
    reader: Reader
    asked_at: datetime | None = None
    http_status: int | None = None
    asked_for: bool = False


def is_current(store: Store, identity: str, reader: Reader) -> bool:
    """Whether the capture was read successfully by the same reader, URL rules and options last."""
    newest = store.rows(
        "SELECT r.plugin, r.reader_version, r.url_rules, r.options FROM reading AS r"
        " JOIN current_reading USING (reading_no) JOIN capture AS c ON c.capture_no = r.capture_no"
        " WHERE c.identity = ?",
        [identity],
    )
    return newest == [reader.identity()]


def append(store: Store, source: Source, facts: Iterable[Fact], pending: Iterable[str] = ()) -> Counter[str]:
    """Store the facts of one reading; what another current reading holds already is not stored again.

    Args:
        store: Open for writing.
        source: The capture and its reader.
        facts: Consumed once; an error it raises undoes everything.
        pending: Identities of captures that are about to be read again, whose present rows therefore do not count.

    Returns:
        Rows added per table.
    """
    with store.transaction():
        reading_no = _begin_reading(store, source, None)
        _settle(store, source.identity, pending)
        return _append_facts(store, source, reading_no, facts)


def record_failure(store: Store, source: Source, problem: str) -> None:
    """Record that a capture could not be read, and why; a former reading of it stays in force."""
    latest = store.rows(
        "SELECT r.problem FROM reading AS r JOIN capture AS c USING (capture_no) WHERE c.identity = ?"
        " ORDER BY r.reading_no DESC LIMIT 1",
        [source.identity],
    )
    if latest != [(problem,)]:
        with store.transaction():
            _begin_reading(store, source, problem)


def _begin_reading(store: Store, source: Source, problem: str | None) -> int:
    now = datetime.now(UTC).replace(tzinfo=None)
    run = store.connection.execute
    run(
        "INSERT INTO run SELECT ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM run WHERE run_id = ?)",
        [source.run_id, source.run_kind, source.started_at, now, source.run_id],
    )
    run(
        "INSERT INTO capture SELECT (SELECT coalesce(max(capture_no), 0) + 1 FROM capture), ?, ?, ?, ?, ?, ?, ?"
        " WHERE NOT EXISTS (SELECT 1 FROM capture WHERE identity = ?)",
        [
            source.run_id,
            source.identity,
            source.name,
            source.bytes,
            source.asked_at,
            source.http_status,
            now,
            source.identity,
        ],
    )
    numbers = run(
        "INSERT INTO reading SELECT (SELECT coalesce(max(reading_no), 0) + 1 FROM reading), capture_no,"
        " ?, ?, ?, ?, ?, ?, ? FROM capture WHERE identity = ? RETURNING reading_no",
        [
            source.run_id,
            *source.reader.identity(),
            problem,
            now,
            source.identity,
        ],
    ).fetchall()
    return int(numbers[0][0])


def _settle(store: Store, identity: str, pending: Iterable[str]) -> None:
    """Name the readings whose rows count as held: the current ones of other captures, but for the pending ones."""
    with store.staged("waiting", pa.table({"identity": pa.array([identity, *pending], pa.string())})):
        store.connection.execute(
            "CREATE OR REPLACE TEMP TABLE settled AS SELECT r.reading_no FROM current_reading AS r"
            " JOIN capture AS c USING (capture_no) WHERE c.identity NOT IN (SELECT identity FROM waiting)"
        )


def _append_facts(store: Store, source: Source, reading_no: int, facts: Iterable[Fact]) -> Counter[str]:
    """Take bulk tables as they come and objects in batches."""
    added: Counter[str] = Counter()
    writer = objects.Writer(store, reading_no, source.identity if source.asked_for else None)
    batch: list[Answer | Feedback | Presence] = []
    for fact in facts:
        if isinstance(fact, Table):
            added.update(bulk.append(store, reading_no, fact.kind, fact.batches))
            continue
        batch.append(fact)
        if len(batch) >= _BATCH:
            added.update(writer.write(batch))
            batch = []
    added.update(writer.write(batch))
    return added
