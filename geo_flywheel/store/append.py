"""Append the facts of one reading: idempotent, keyed by identity, in one transaction."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from geo_flywheel import urls
from geo_flywheel.records import (
    Answer,
    Engagement,
    Fact,
    Feedback,
    Listing,
    LogFile,
    PageLink,
    PageRule,
    PageText,
    Permission,
    Placed,
    Presence,
    Resolution,
    Table,
    TableKind,
)
from geo_flywheel.store import bulk, objects
from geo_flywheel.store.access_logs import writer as logs
from geo_flywheel.store.database import Store
from geo_flywheel.store.numbers import storable
from geo_flywheel.store.overlap import Overlap, mark_doubles
from geo_flywheel.store.schema import SCHEMAS

_BATCH = 20_000
_PLACED: dict[type[Placed], TableKind] = {
    Presence: "presence",
    Engagement: "engagement",
    Permission: "permission",
    Listing: "listing",
    PageText: "page_text",
    PageRule: "page_rule",
    PageLink: "page_link",
}


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
    """Whether the capture was read last by the same reader, URL rules and options, and successfully."""
    newest = store.rows(
        "SELECT plugin, reader_version, url_rules, options, problem FROM reading JOIN capture USING (capture_no)"
        " WHERE identity = ? ORDER BY reading_no DESC LIMIT 1",
        [identity],
    )
    return newest == [(*reader.identity(), None)]


def is_recorded(store: Store, run_id: str, identity: str) -> bool:
    """Whether the run has a reading of the capture, successful or not."""
    return bool(
        store.rows(
            "SELECT 1 FROM reading AS r JOIN capture AS c USING (capture_no) WHERE r.run_id = ? AND c.identity = ?",
            [run_id, identity],
        )
    )


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
        overlap = Overlap(store, reading_no, (source.identity, *pending))
        return _append_facts(overlap, source.identity if source.asked_for else None, facts)


def record_failure(store: Store, source: Source, problem: str) -> None:
    """Record that a capture could not be read, and why; a former reading of it stays in force."""
    told = storable(problem)
    with store.transaction():
        latest = store.rows(
            "SELECT r.problem FROM reading AS r JOIN capture AS c USING (capture_no) WHERE c.identity = ?"
            " ORDER BY r.reading_no DESC LIMIT 1",
            [source.identity],
        )
        if latest != [(told,)]:
            _begin_reading(store, source, told)
        if latest:
            mark_doubles(store, source.identity)


def _begin_reading(store: Store, source: Source, problem: str | None) -> int:
    now = datetime.now(UTC).replace(tzinfo=None)
    [(known_run, capture_no, last_capture, last_reading)] = store.rows(
        "SELECT (SELECT count(*) FROM run WHERE run_id = ?), (SELECT capture_no FROM capture WHERE identity = ?),"
        " (SELECT coalesce(max(capture_no), 0) FROM capture), (SELECT coalesce(max(reading_no), 0) FROM reading)",
        [source.run_id, source.identity],
    )
    run = store.connection.execute
    if not known_run:
        run("INSERT INTO run VALUES (?, ?, ?, ?)", [source.run_id, source.run_kind, source.started_at, now])
    if capture_no is None:
        capture_no = last_capture + 1
        came = (source.run_id, source.identity, source.name, source.bytes, source.asked_at, source.http_status, now)
        run("INSERT INTO capture VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [capture_no, *came])
    made = (source.run_id, *source.reader.identity(), problem, now)
    run("INSERT INTO reading VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [last_reading + 1, capture_no, *made])
    return int(last_reading) + 1


def _append_facts(overlap: Overlap, asked_for: str | None, facts: Iterable[Fact]) -> Counter[str]:
    """Take bulk tables and logs as they come and objects in batches."""
    added: Counter[str] = Counter()
    writer, rows, lines = objects.Writer(overlap, asked_for), bulk.Writer(overlap), logs.Writer(overlap)
    batch: list[Answer | Feedback | Resolution] = []
    placed: defaultdict[TableKind, list[Placed]] = defaultdict(list)
    for fact in facts:
        if isinstance(fact, Table):
            rows.add(fact.kind, fact.batches)
        elif isinstance(fact, LogFile):
            lines.add(fact)
        elif isinstance(fact, Answer | Feedback | Resolution):
            batch.append(fact)
        else:
            kind = _PLACED[type(fact)]
            placed[kind].append(fact)
            if len(placed[kind]) >= _BATCH:
                rows.add(kind, [_placed_batch(kind, placed.pop(kind))])
        if len(batch) >= _BATCH:
            added.update(writer.write(batch))
            batch = []
    added.update(writer.write(batch))
    for kind, facts_left in placed.items():
        rows.add(kind, [_placed_batch(kind, facts_left)])
    added.update(rows.finish())
    added.update(lines.finish())
    return added


def _placed_batch(kind: TableKind, facts: list[Placed]) -> pa.RecordBatch:
    schema = SCHEMAS[kind]
    return pa.RecordBatch.from_pylist(
        [{name: _storable(fact, name) for name in schema.names} for fact in facts], schema
    )


def _storable(fact: Placed, name: str) -> object:
    value = getattr(fact, name)
    return storable(value) if isinstance(value, str) else value
