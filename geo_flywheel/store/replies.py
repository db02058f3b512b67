"""Append what replies to asks of ours say: many at a time, each reply once, whatever is repeated."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from geo_flywheel.records import Answer, Resolution
from geo_flywheel.store.append import Source
from geo_flywheel.store.database import Store
from geo_flywheel.store.numbers import texts
from geo_flywheel.store.objects import insert_answers, insert_redirects, reply_key


@dataclass(frozen=True, slots=True)
class ReadReply:
    """One reply to an ask, as it was read.

    Attributes:
        problem: Why it could not be read; it then says nothing.
    """

    source: Source
    answers: tuple[Answer, ...] = ()
    redirects: tuple[Resolution, ...] = ()
    problem: str | None = None


def append_replies(store: Store, replies: Sequence[ReadReply], *, again: bool = False) -> Counter[str]:
    """Store replies in one transaction and return the rows added per table; a reply that is held already adds nothing.

    Args:
        store: Open for writing.
        replies: Of any number of runs, in the order they came.
        again: They are held and were read anew: their readings supersede the former ones.
    """
    with store.transaction():
        known = _known(store, replies)
        due = [reply for reply in _once(replies) if (reply.source.identity in known) == again]
        if not due:
            return Counter()
        numbered = list(zip(_insert_readings(store, due, known), due, strict=True))
        added = insert_redirects(store, [(no, to) for no, reply in numbered for to in reply.redirects])
        return added + insert_answers(
            store,
            {
                reply_key(answer, reply.source.identity, ordinal): (no, answer)
                for no, reply in numbered
                for ordinal, answer in enumerate(reply.answers, 1)
            },
        )


def _once(replies: Sequence[ReadReply]) -> list[ReadReply]:
    return list({reply.source.identity: reply for reply in replies}.values())


def _known(store: Store, replies: Sequence[ReadReply]) -> dict[str, int]:
    """Number of the capture of each reply that is in the store."""
    with store.staged("came", pa.table({"identity": texts(reply.source.identity for reply in replies)})):
        return dict(store.rows("SELECT DISTINCT identity, capture_no FROM capture JOIN came USING (identity)"))


def _insert_readings(store: Store, replies: Sequence[ReadReply], known: Mapping[str, int]) -> range:
    """Insert runs, captures that are not known, and readings; returns the numbers of the readings."""
    now = datetime.now(UTC).replace(tzinfo=None)
    [(capture_no, reading_no)] = store.rows(
        "SELECT (SELECT coalesce(max(capture_no), 0) + 1 FROM capture),"
        " (SELECT coalesce(max(reading_no), 0) + 1 FROM reading)"
    )
    sources = [reply.source for reply in replies]
    for source in {source.run_id: source for source in sources}.values():
        store.connection.execute(
            "INSERT INTO run SELECT ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM run WHERE run_id = ?)",
            [source.run_id, source.run_kind, source.started_at, now, source.run_id],
        )
    readings = range(reading_no, reading_no + len(replies))
    new = [source for source in sources if source.identity not in known]
    with store.staged("came", _capture_rows(new, range(capture_no, capture_no + len(new)), now)):
        store.connection.execute("INSERT INTO capture SELECT * FROM came")
    numbers = {**known, **{source.identity: number for number, source in enumerate(new, capture_no)}}
    captures = [numbers[source.identity] for source in sources]
    with store.staged("came", _reading_rows(replies, captures, readings, now)):
        store.connection.execute("INSERT INTO reading SELECT * FROM came")
    return readings


def _capture_rows(sources: Sequence[Source], captures: range, now: datetime) -> pa.Table:
    return pa.table(
        {
            "capture_no": pa.array(captures, pa.int32()),
            "run_id": texts(source.run_id for source in sources),
            "identity": texts(source.identity for source in sources),
            "name": texts(source.name for source in sources),
            "bytes": pa.array([source.bytes for source in sources], pa.int64()),
            "asked_at": pa.array([source.asked_at for source in sources], pa.timestamp("us")),
            "http_status": pa.array([source.http_status for source in sources], pa.int32()),
            "ingested_at": pa.array([now] * len(sources), pa.timestamp("us")),
        }
    )


def _reading_rows(replies: Sequence[ReadReply], captures: Sequence[int], readings: range, now: datetime) -> pa.Table:
    plugin, version, url_rules, options = zip(*(r.source.reader.identity() for r in replies), strict=True)
    return pa.table(
        {
            "reading_no": pa.array(readings, pa.int32()),
            "capture_no": pa.array(captures, pa.int32()),
            "run_id": texts(reply.source.run_id for reply in replies),
            "plugin": texts(plugin),
            "reader_version": texts(version),
            "url_rules": texts(url_rules),
            "options": texts(options),
            "problem": texts(reply.problem for reply in replies),
            "ingested_at": pa.array([now] * len(replies), pa.timestamp("us")),
        }
    )
