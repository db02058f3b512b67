"""The way of a file that a person hands in: recognise, archive, read, commit; and again from the archive."""

import json
import math
import os
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from gzip import BadGzipFile, GzipFile
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from msgspec.structs import replace

from crawlers import replies
from crawlers.base import DroppedFile, Import
from geo_flywheel import plugins
from geo_flywheel.errors import ConfigError, GeoFlywheelError, StoreError, Unreadable
from geo_flywheel.records import Fact, Table
from geo_flywheel.store import archive, kept_files
from geo_flywheel.store.append import Reader, Source, append, is_current, is_recorded, record_failure
from geo_flywheel.store.database import Store, Turns
from geo_flywheel.store.overlap import out_of_date, with_leaning
from geo_flywheel.store.replies import append_replies

_Item = TypeVar("_Item")

KEEP = "keep"
_HEAD = 64 * 1024
_LARGE = 16 * 1024**2
_FILES = {"file", "failed"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one file.

    Attributes:
        state: "read" now, "held" already as it is, or "failed".
        added: Rows added per table.
        problem: Why it failed and what to do.
    """

    name: str
    state: Literal["read", "held", "failed"]
    plugin: str
    added: Mapping[str, int] = field(default_factory=Counter)
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Where an intake works: the store's file and the archive's folder."""

    store: Path
    archive: Path


class _Begun:
    """The facts of a file, the first of which is made from now on."""

    def __init__(self, facts: Generator[Fact]) -> None:
        self._facts = facts
        self._worker = ThreadPoolExecutor(1)
        self._first = self._worker.submit(next, facts, None)

    def __iter__(self) -> Iterator[Fact]:
        if (first := self._first.result()) is not None:
            yield first
            yield from self._facts

    def close(self) -> None:
        self._worker.shutdown()
        self._facts.close()


class _Handed(NamedTuple):
    """A file that was handed in just now.

    Attributes:
        path: Where it lies.
        note: What the archive shall say of it.
        facts: Those in it, where reading it was begun.
    """

    path: Path
    note: dict[str, Any]
    facts: Iterable[Fact] | None = None


def recognise(file: DroppedFile) -> str:
    """Return the name of the one format that takes the file.

    Raises:
        Unreadable: If none takes it (each says why) or several do.
    """
    refusals = {name: _refusal(plugin, file) for name, plugin in plugins.imports().items()}
    takers = [name for name, reason in refusals.items() if reason is None]
    if len(takers) == 1:
        return takers[0]
    if takers:
        raise Unreadable(f"{file.name}: {' and '.join(takers)} would both take it; say which with --as {takers[0]}")
    tried = "; ".join(f"{name}: {reason}" for name, reason in refusals.items())
    raise Unreadable(f"{file.name}: no format takes it ({tried}); if it is one of them after all, say which with --as")


def _refusal(plugin: Import, file: DroppedFile) -> str | None:
    try:
        return plugin.refuse(file)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one format, the others can still take the file
        return f"its reader failed ({_kind(error)})"


def take_in(
    places: Places, paths: Iterable[Path], options: Mapping[str, str], plugin: str | None = None
) -> Iterator[Outcome]:
    """Take in files one by one, each committed before the next; a file that fails stops no other.

    What an earlier intake archived and, being killed, did not commit is committed first.

    Args:
        places: The store and the archive.
        paths: Files of any format known.
        options: What the person says about all of them ("set.engine", "map.prompt", …); with `KEEP` the archive keeps
            also what it does not keep unasked.
        plugin: Format to read them as, in place of recognising it.

    Raises:
        ConfigError: If there is no such format.
        StoreError: If the store or the archive cannot be written.
    """
    if plugin is not None:
        plugins.import_(plugin)
    with Turns(places.store) as turns:
        yield from _left_by_the_dead(places, turns)
        yield from _again(places, turns, out_of_date(turns.take()))
        yield from _handed_in(places, turns, paths, partial(_note, turns, options, plugin))


def _left_by_the_dead(places: Places, turns: Turns) -> Iterator[Outcome]:
    """Commit what runs that died had archived and not committed."""
    with closing(archive.dead(places.archive)) as dead:
        for warc in dead:
            for entry in _handed_in_before(warc):
                if not is_recorded(turns.take(), entry.run_id, entry.identity):
                    yield from _committed(places, turns, entry)
            yield from _asked_before(turns, warc)


def _handed_in(
    places: Places, turns: Turns, paths: Iterable[Path], noted: Callable[[Path, ExitStack], _Handed]
) -> Iterator[Outcome]:
    run: archive.Run | None = None
    try:
        for path in paths:
            with ExitStack() as begun:
                handed = noted(path, begun)
                note = handed.note
                if note["kind"] == "file" and is_current(turns.take(), note["sha256"], _reader(note)):
                    begun.close()
                    yield Outcome(note["name"], "held", note["plugin"])
                else:
                    run = run or archive.Run(places.archive, "import")
                    yield from _committed(places, turns, _archived(run, path, note), handed)
    finally:
        if run is not None:
            run.close()


def _note(turns: Turns, options: Mapping[str, str], plugin: str | None, path: Path, begun: ExitStack) -> _Handed:
    """Look at a file, and find what the archive shall say of it: that it was kept, or why it was not."""
    name = os.fsencode(path).decode("utf-8", "backslashreplace")
    try:
        size = path.stat().st_size
        if size > _LARGE:
            turns.rest()
        file = dropped(path, name, options)
        taker = plugin or recognise(file)
        reader = plugins.import_(taker)
        facts = begun.enter_context(closing(_Begun(reader.begin(file)))) if reader.begin and size > _LARGE else None
        sha256 = kept_files.digest(path)
    except (GeoFlywheelError, OSError) as error:
        return _Handed(path, _failed(name, error))
    told = {key: value for key, value in options.items() if key != KEEP or not reader.keeps}
    about = {"name": name, "bytes": size, "plugin": taker, "options": told}
    return _Handed(path, {"kind": "file", "sha256": sha256, **about}, facts)


def _failed(name: str, error: Exception) -> dict[str, Any]:
    says = str(error)
    if isinstance(error, OSError):
        says = f"{name}: cannot be read ({error.strerror or error}); check the path and its rights"
    return {"kind": "failed", "name": name, "plugin": "", "problem": says}


def dropped(path: Path, name: str, options: Mapping[str, str]) -> DroppedFile:
    """Return a file with its head, decompressed when it is gzip.

    Raises:
        Unreadable: If it is empty, or damaged gzip.
    """
    with path.open("rb") as raw:
        head = raw.read(_HEAD)
        if head.startswith(b"\x1f\x8b"):
            raw.seek(0)
            try:
                head = GzipFile(fileobj=raw).read(_HEAD)
            except (BadGzipFile, EOFError, zlib.error) as error:
                raise Unreadable(
                    f"{name}: the gzip data is damaged or cut off ({error}); fetch the file again"
                ) from error
    if not head:
        raise Unreadable(f"{name}: the file is empty; fetch or export it again")
    return DroppedFile(path, name, head, dict(options))


def _archived(run: archive.Run, path: Path, note: dict[str, Any]) -> archive.Entry:
    """Put the file and what is said of it on the disk, for good."""
    if note["kind"] == "file" and _is_kept(note):
        try:
            kept_files.keep(run.root, path, note["sha256"], run.run_id)
        except Unreadable as error:
            note = _failed(note["name"], error)
    identity = run.note(note)
    run.sync()
    return archive.Entry(run.run_id, run.kind, run.started_at, note, note.get("sha256", identity))


def _is_kept(note: dict[str, Any]) -> bool:
    return KEEP in note["options"] or plugins.import_(note["plugin"]).keeps


def _source(entry: archive.Entry) -> Source:
    note = entry.note
    return Source(
        run_id=entry.run_id,
        run_kind=entry.run_kind,
        started_at=entry.started_at,
        identity=entry.identity,
        name=note["name"],
        bytes=note.get("bytes", 0),
        reader=_reader(note),
    )


def _reader(note: dict[str, Any]) -> Reader:
    """The reader as it is now; its version is empty when there is no such plugin."""
    plugin = note["plugin"]
    try:
        version = plugins.version(plugin) if plugin else ""
        rules = plugins.import_(plugin).rules if plugin in plugins.names("imports") else None
        version += f"/{rules()}" if rules else ""
    except ConfigError:
        version = ""
    return Reader(plugin, version, note.get("options", {}))


def _committed(places: Places, turns: Turns, entry: archive.Entry, handed: _Handed | None = None) -> Iterator[Outcome]:
    """Commit an entry, and read again what leaned on a reading that it superseded.

    Args:
        places: The store and the archive.
        turns: At the store.
        entry: What the archive says.
        handed: The file as it was handed in just now, None when that was before.
    """
    yield _commit(places, turns, entry, handed=handed)
    yield from _again(places, turns, out_of_date(turns.take()))


def _commit(
    places: Places, turns: Turns, entry: archive.Entry, pending: Iterable[str] = (), handed: _Handed | None = None
) -> Outcome:
    """Read an archived entry and store what it says, or why it could not be read."""
    name, plugin = entry.note["name"], entry.note["plugin"]
    if entry.run_kind == replies.GATHER:
        added, problem = replies.commit_gathered(turns.take(), entry, places.archive, pending)
        is_unread = problem is not None and entry.note["kind"] == "reply"  # a reply that never came is on record
        return Outcome(name, "failed" if is_unread else "read", plugin, added, problem)
    store, source = turns.take(), _source(entry)
    try:
        return Outcome(name, "read", plugin, append(store, source, _facts(places, entry, handed), pending))
    except GeoFlywheelError as error:
        record_failure(store, source, str(error))
        return Outcome(name, "failed", plugin, problem=str(error))


def _kind(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".split("\n", 1)[0]


def _facts(places: Places, entry: archive.Entry, handed: _Handed | None) -> Iterator[Fact]:
    note = entry.note
    if note["kind"] == "failed":
        raise Unreadable(note["problem"])
    begun = handed.facts if handed else None
    for fact in _guarded(note, lambda: begun or _read(places, note, handed.path if handed else None)):
        yield _guarded_table(note, fact) if isinstance(fact, Table) else fact


def _read(places: Places, note: dict[str, Any], path: Path | None) -> Iterable[Fact]:
    kept = kept_files.kept_file(places.archive, note["sha256"]) if _is_kept(note) else path or _at_hand(places, note)
    return plugins.import_(note["plugin"]).read(dropped(kept, note["name"], note["options"]))


def _at_hand(places: Places, note: dict[str, Any]) -> Path:
    """A file that the archive was not to keep, where it lay when it was handed in."""
    for path in (kept_files.place(places.archive, note["sha256"]), Path(note["name"])):
        if path.is_file() and kept_files.digest(path) == note["sha256"]:
            return path
    raise Unreadable(
        f"{note['name']}: is not kept, because it holds personal data, and no longer lies there as it was; hand in the "
        f"file with the sha256 {note['sha256']} again, with --keep to have it kept"
    )


def _guarded_table(note: dict[str, Any], table: Table) -> Table:
    return replace(table, batches=_guarded(note, lambda: table.batches))


def _guarded(note: dict[str, Any], made: Callable[[], Iterable[_Item]]) -> Iterator[_Item]:
    """What a reader yields; whatever goes wrong in it is told of its file, and stops no other."""
    try:
        yield from made()
    except GeoFlywheelError:
        raise
    except Exception as error:
        raise Unreadable(
            f"{note['name']}: the reader {note['plugin']} failed on it ({_kind(error)}); report it, with the file if "
            "you may"
        ) from error


def reread(places: Places, *, every: bool = False) -> Iterator[Outcome]:
    """Read archived captures again whose reader or URL rules have changed since, or that could not be read last.

    The new readings supersede the old ones. What a crawl that is under way asked is left to the next time.

    Args:
        places: The store and the archive.
        every: Read all of them, whether anything changed or not.

    Raises:
        StoreError: If there is no store, or it cannot be written.
    """
    if not places.store.is_file():
        raise StoreError(f"{places.store}: there is no store yet; import something first")
    with Turns(places.store) as turns:
        yield from _left_by_the_dead(places, turns)
        store = turns.take()
        captures = _captures(store)
        changed = {e.identity for e in captures if every or not is_current(store, e.identity, _reader(e.note))}
        yield from _again(places, turns, changed | out_of_date(store))
        for run_id, asks in replies.changed(turns.take(), every=every).items():
            if (warc := archive.closed_run(places.archive, run_id)).exists():
                yield _replied(turns, warc, asks)


def _handed_in_before(warc: Path) -> Iterator[archive.Entry]:
    """The files of an archived run, or the replies of sources; what was asked is read otherwise."""
    return (
        entry
        for entry in archive.run_entries(warc)
        if entry.run_kind == replies.GATHER or (entry.note["kind"] in _FILES and "ask" not in entry.note)
    )


def _asked_before(turns: Turns, warc: Path) -> Iterator[Outcome]:
    """Commit what an archived run asked, unless it asked nothing."""
    outcome = _replied(turns, warc)
    if outcome.added:
        yield outcome


def _replied(turns: Turns, warc: Path, again: Collection[str] | None = None) -> Outcome:
    """Store the asks of an archived run; or read those named again."""
    added: Counter[str] = Counter()
    read = replies.run_replies(warc)
    wanted = read if again is None else (reply for reply in read if reply.source.identity in again)
    for batch in replies.batches(wanted):
        added.update(append_replies(turns.take(), batch, again=again is not None))
    return Outcome(warc.name, "read", "crawl", added)


def _again(places: Places, turns: Turns, due: set[str]) -> Iterator[Outcome]:
    """Read captures again together with those that lean on them.

    One that fails keeps of its former reading what it alone held; what the others stored beside it meanwhile is then
    put right.
    """
    righted: set[str] = set()
    while due:
        named = with_leaning(turns.take(), due)
        entries = [entry for entry in _captures(turns.take()) if entry.identity in named]
        waiting = dict.fromkeys(entry.identity for entry in entries)
        for entry in entries:
            yield _commit(places, turns, entry, waiting)
            del waiting[entry.identity]
        due = out_of_date(turns.take()) - righted
        righted |= due


def _captures(store: Store) -> list[archive.Entry]:
    """The files and the replies of sources in the store in the order they came, each as it was read last."""
    rows = store.rows(
        "SELECT run_id, run.kind, run.started_at, c.identity, c.name, c.bytes, c.asked_at, c.http_status, r.plugin,"
        " r.options FROM capture AS c JOIN run USING (run_id) JOIN reading AS r USING (capture_no)"
        " WHERE r.plugin <> '' AND (run.kind = 'import' OR (run.kind = 'gather' AND c.http_status IS NOT NULL))"
        " QUALIFY row_number() OVER (PARTITION BY capture_no ORDER BY (r.problem IS NULL) DESC, reading_no DESC) = 1"
        " ORDER BY capture_no"
    )
    return [
        archive.Entry(run_id, kind, started_at, _about(identity, *about), identity)
        for run_id, kind, started_at, identity, *about in rows
    ]


def _about(
    identity: str, name: str, size: int, asked_at: datetime | None, status: int | None, plugin: str, options: str
) -> dict[str, Any]:
    """What the archive says of a file, or of the reply of a source."""
    about = {"name": name, "bytes": size, "plugin": plugin, "options": json.loads(options)}
    if asked_at is None:
        return {"kind": "file", "sha256": identity, **about}
    return {"kind": "reply", "asked_at": asked_at.isoformat(), "http_status": status, **about}


def rebuild(places: Places) -> Iterator[Outcome]:
    """Make the store anew from the archive alone, beside the old one, and put it in its place at the end.

    The old store stays as `<name>.before-rebuild`.

    Raises:
        StoreError: If a run is under way, or the archive is damaged; the old store then stays where it is.
    """
    fresh = Places(places.store.with_name(f".{places.store.name}.rebuilding"), places.archive)
    for file in (fresh.store, _log_of(fresh.store)):
        file.unlink(missing_ok=True)
    with archive.undisturbed(places.archive):
        archive.recover(places.archive)
        with Turns(fresh.store, math.inf) as turns:
            turns.take()
            for warc in archive.closed(places.archive):
                for entry in _handed_in_before(warc):
                    yield from _committed(fresh, turns, entry)
                yield from _asked_before(turns, warc)
        former = places.store.with_name(f"{places.store.name}.before-rebuild")
        for old, kept in ((_log_of(places.store), _log_of(former)), (places.store, former)):
            kept.unlink(missing_ok=True)
            if old.exists():
                old.replace(kept)
        fresh.store.replace(places.store)


def _log_of(store: Path) -> Path:
    """The log that a killed writer leaves beside a store; with another store it would be taken for that one's."""
    return store.with_name(f"{store.name}.wal")
