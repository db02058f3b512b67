"""Replies to us: what the archive says beside each, and how it is read, the first time and every time.

An ask of an engine brings answers; a source that is gathered from brings facts of any kind, one reply after the other.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime
from functools import cache, lru_cache
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import structs, to_builtins

from crawlers.base import Gathered, Reply
from crawlers.budget import cost
from crawlers.plan import Job
from crawlers.reading.usage import usage
from crawlers.redirects import followed
from geo_flywheel import plugins
from geo_flywheel.errors import ConfigError, GeoFlywheelError, Unreadable
from geo_flywheel.records import Answer, Ask, Capture, Fact, Prompt, Resolution, Status
from geo_flywheel.registry import Price, prices
from geo_flywheel.store import archive
from geo_flywheel.store.append import Reader, Source, append, is_recorded, record_failure
from geo_flywheel.store.database import Store, open_store
from geo_flywheel.store.replies import ReadReply, append_replies

GATHER = "gather"  # kind of the runs that ask sources
PATIENCE = 600.0  # seconds a commit waits for whoever holds the store

_SURFACES = {"google_ai_overview": "serp_provider", "google_ai_mode": "serp_provider"}


def reply_note(job: Job, reply: Reply, price_table: str) -> dict[str, Any]:
    """Return what the archive says beside a reply.

    Args:
        job: What was asked of whom.
        reply: As it came, free of secrets.
        price_table: Digest of the prices its cost is estimated by.
    """
    about = {"name": reply.url, "bytes": len(reply.body), "http_status": reply.status, "prices": price_table}
    sent = {"asked_at": reply.sent_at.isoformat(), "attempts": reply.attempts, "unanswered": reply.unanswered}
    return {**_ask_note(job), **about, **sent, "kind": "reply"}


def failure_note(job: Job, problem: str, asked_at: datetime, unanswered: int) -> dict[str, Any]:
    """Return what the archive says of an ask that brought no reply.

    Args:
        job: What was asked of whom.
        problem: Why none came, free of secrets.
        asked_at: Naive UTC.
        unanswered: Attempts that may have been billed all the same.
    """
    about = {"name": job.provider, "problem": problem, "asked_at": asked_at.isoformat(), "unanswered": unanswered}
    return {**_ask_note(job), **about, "kind": "failed"}


def redirects_note(identity: str, resolutions: Sequence[Resolution]) -> dict[str, Any]:
    """Return what the archive says of the redirects of a reply that were followed."""
    led = [{**structs.asdict(to), "resolved_at": to.resolved_at.isoformat()} for to in resolutions]
    return {"kind": "redirects", "of": identity, "redirects": led}


def _ask_note(job: Job) -> dict[str, Any]:
    return {"plugin": job.provider, "engine": job.engine, "ask": to_builtins(job.ask), "ask_id": job.id}


def run_replies(path: Path) -> Iterator[ReadReply]:
    """Yield every ask of an archived run as it is read now.

    Raises:
        StoreError: If the run's file is damaged.
    """
    led: dict[str, list[Resolution]] = {}
    for entry in archive.run_entries(path):
        if entry.note["kind"] == "redirects":
            led[entry.note["of"]] = [_resolution(to) for to in entry.note["redirects"]]
    for entry in archive.run_entries(path):
        if "ask" in entry.note:
            yield led_on(read_reply(entry), led.get(entry.identity, ()))


def changed(store: Store, *, every: bool = False) -> dict[str, set[str]]:
    """Return the identities of the asks, by run, whose reader or URL rules have changed, or of `every` one."""
    rows = store.rows(
        "SELECT c.run_id, c.identity, r.plugin, r.reader_version, r.url_rules, r.options FROM capture AS c"
        " JOIN run USING (run_id) JOIN reading AS r USING (capture_no) WHERE run.kind = 'crawl'"
        " QUALIFY row_number() OVER (PARTITION BY capture_no ORDER BY reading_no DESC) = 1"
    )
    due: dict[str, set[str]] = {}
    for run_id, identity, plugin, *read_by in rows:
        if every or (plugin, *read_by) != _reader(plugin).identity():
            due.setdefault(run_id, set()).add(identity)
    return due


def _resolution(told: Mapping[str, Any]) -> Resolution:
    return Resolution(**{**told, "resolved_at": datetime.fromisoformat(told["resolved_at"])})


def _reader(plugin: str, options: Mapping[str, str] | None = None) -> Reader:
    """The reader as it is now; its version is empty when there is no such plugin."""
    try:
        return Reader(plugin, plugins.version(plugin), options or {})
    except ConfigError:
        return Reader(plugin, "", options or {})


def read_reply(entry: archive.Entry) -> ReadReply:
    """Return what an archived ask says, its cost estimated where the reply tells none.

    A refusal that is no reply of the provider's (a proxy's page of HTML) says what its status says: the ask failed.
    """
    source = _source(entry)
    if entry.note["kind"] == "failed":
        return ReadReply(source, (_unanswered(entry),))
    try:
        return ReadReply(source, read_answers(entry))
    except GeoFlywheelError as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001 - one reply that a reader cannot take never stops the others
        problem = f"{source.name}: the reader failed ({type(error).__name__}: {error}); report it"
    return ReadReply(source, (_unanswered(entry),)) if was_refused(entry.note) else ReadReply(source, problem=problem)


def was_refused(note: Mapping[str, Any]) -> bool:
    """Return whether the status of a reply says that there is no answer in it."""
    return (note.get("http_status") or 0) >= HTTPStatus.BAD_REQUEST


def led_on(reply: ReadReply, redirects: Sequence[Resolution]) -> ReadReply:
    """Return a reply with the pages its redirects led to."""
    if not redirects:
        return reply
    answers = tuple(followed(answer, redirects) for answer in reply.answers)
    return replace(reply, answers=answers, redirects=tuple(redirects))


def read_answers(entry: archive.Entry) -> tuple[Answer, ...]:
    """Return the answers of an archived reply, as the engine's own reader gives them.

    Raises:
        Unreadable: If the reply is none of this provider's.
    """
    note = entry.note
    if entry.body is None:
        raise Unreadable(f"{note['name']}: the archive lacks the reply; restore its run's file from a backup")
    ask, asked_at = _ask(note), datetime.fromisoformat(note["asked_at"])
    capture = Capture(note["plugin"], entry.body, note["name"], asked_at, note["http_status"], {}, ask)
    read = plugins.engine(note["plugin"]).read(capture)
    answers = tuple(structs.replace(answer, asked_at=asked_at, ask=ask) for answer in read)
    return answers if was_refused(note) else tuple(_costed(answer, entry.body, asked_at) for answer in answers)


def _costed(answer: Answer, body: bytes, asked_at: datetime) -> Answer:
    """The answer with an estimate of its cost where the reply tells none."""
    if answer.cost_usd is not None:
        return answer
    model = (answer.ask and answer.ask.model_requested) or ""
    price = _price(asked_at.date(), answer.provider, answer.engine, model)
    estimate = cost(None, price, usage(body)).usd
    return answer if estimate is None else structs.replace(answer, cost_usd=float(estimate), cost_estimated=True)


@cache
def _price(day: date, provider: str, engine: str, model: str) -> Price | None:
    """What an ask of a day pays; the table is read once."""
    return prices().on(day).price(provider, engine, model)


def _unanswered(entry: archive.Entry) -> Answer:
    """What stands for an ask that brought no reply: an answer that failed, so that it counts on neither side."""
    note = entry.note
    return Answer(
        provider=note["plugin"],
        engine=note["engine"],
        surface=_SURFACES.get(note["engine"], "api"),
        status=Status.ERROR,
        text="",
        asked_at=datetime.fromisoformat(note["asked_at"]),
        ask=_ask(note),
    )


def _ask(note: Mapping[str, Any]) -> Ask:
    return Ask(**{**note["ask"], "prompt": Prompt(**note["ask"]["prompt"])})


def _source(entry: archive.Entry) -> Source:
    note = entry.note
    return Source(
        run_id=entry.run_id,
        run_kind=entry.run_kind,
        started_at=entry.started_at,
        identity=entry.identity,
        name=note.get("problem") or note["name"],
        bytes=note.get("bytes", 0),
        reader=_reader(note["plugin"], note.get("options")),
        asked_at=datetime.fromisoformat(note["asked_at"]),
        http_status=note.get("http_status"),
        asked_for=True,
    )


def batches(replies: Iterable[ReadReply], size: int = 400) -> Iterator[list[ReadReply]]:
    """Yield replies as many at a time as one transaction takes."""
    rest = iter(replies)
    while batch := list(islice(rest, size)):
        yield batch


def gathered_note(source: str, gathered: Gathered) -> dict[str, Any]:
    """Return what the archive says beside a reply of a source.

    Args:
        source: Its plugin.
        gathered: The reply and what it does not say itself, free of secrets.
    """
    reply = gathered.reply
    about = {"plugin": source, "name": reply.url, "bytes": len(reply.body), "http_status": reply.status}
    sent = {"asked_at": reply.sent_at.isoformat(), "attempts": reply.attempts}
    return {**about, **sent, "options": dict(gathered.options), "kind": "reply"}


def ungathered_note(source: str, problem: str, asked_at: datetime) -> dict[str, Any]:
    """Return what the archive says of a source that gave no reply, or no further one.

    Args:
        source: Its plugin.
        problem: Why, free of secrets.
        asked_at: Naive UTC.
    """
    return {"plugin": source, "name": source, "problem": problem, "asked_at": asked_at.isoformat(), "kind": "failed"}


def gathered_facts(entry: archive.Entry, root: Path) -> Iterator[Fact]:
    """Yield the facts in an archived reply of a source, as the source's own reader gives them.

    Args:
        entry: Of a run that gathered; its body is taken from the archive where it is not at hand.
        root: The archive's folder.

    Raises:
        Unreadable: If there was no reply, or the reader cannot take it.
    """
    note = entry.note
    if note["kind"] == "failed":
        raise Unreadable(note["problem"])
    body = entry.body if entry.body is not None else _bodies(archive.closed_run(root, entry.run_id)).get(entry.identity)
    if body is None:
        raise Unreadable(f"{note['name']}: the archive lacks the reply; restore its run's file from a backup")
    asked_at = datetime.fromisoformat(note["asked_at"])
    capture = Capture(note["plugin"], body, note["name"], asked_at, note["http_status"], options=note["options"])
    try:
        yield from plugins.source(note["plugin"]).read(capture)
    except GeoFlywheelError:
        raise
    except Exception as error:
        raise Unreadable(
            f"{note['name']}: the reader {note['plugin']} failed on it ({type(error).__name__}: {error}); report it"
        ) from error


@lru_cache(maxsize=1)
def _bodies(run: Path) -> dict[str, bytes]:
    """The replies of an archived run, by their identity; captures are read again run by run."""
    return {entry.identity: entry.body for entry in archive.run_entries(run) if entry.body is not None}


def commit_gathered(
    store: Store, entry: archive.Entry, root: Path, pending: Iterable[str] = ()
) -> tuple[Counter[str], str | None]:
    """Store what an archived reply of a source says, or why it could not be read.

    What a source said before does not count as held: a value that comes again after another one is the newest again.

    Args:
        store: Open for writing.
        entry: Of a run that gathered.
        root: The archive's folder.
        pending: Identities of captures that are about to be read again.

    Returns:
        Rows added per table, and what went wrong.
    """
    source = replace(_source(entry), asked_for=False)
    said_before = store.rows(
        "SELECT DISTINCT c.identity FROM capture AS c JOIN run ON run.run_id = c.run_id"
        " JOIN reading AS r USING (capture_no) WHERE run.kind = ? AND r.plugin = ?",
        [GATHER, source.reader.plugin],
    )
    others = {*pending, *(identity for (identity,) in said_before)}
    try:
        return append(store, source, gathered_facts(entry, root), others), None
    except GeoFlywheelError as error:
        record_failure(store, source, str(error))
        return Counter(), str(error)


def finish_dead_runs(store_path: Path, root: Path) -> int:
    """Commit what crawls and gatherings that died had archived and not committed; returns the asks found there.

    Files handed in by a run that died are left to the next import, which can read them.

    Raises:
        StoreError: If the store cannot be written; the next run finds them again.
    """
    with closing(archive.dead(root, ("crawl", GATHER))) as dead:
        return sum(_committed(store_path, warc, root) for warc in dead)


def _committed(store_path: Path, warc: Path, root: Path) -> int:
    """Commit the replies of an archived run that the store lacks; returns its asks."""
    asks = 0
    for batch in batches(run_replies(warc)):
        with open_store(store_path, patience=PATIENCE) as store:
            append_replies(store, batch)
        asks += len(batch)
    for entry in archive.run_entries(warc):
        if entry.run_kind == GATHER:
            with open_store(store_path, patience=PATIENCE) as store:
                if not is_recorded(store, entry.run_id, entry.identity):
                    commit_gathered(store, entry, root)
    return asks
