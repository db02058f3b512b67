"""The way of a file that a person hands in: recognise, archive, read, commit; and again from the archive."""

import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from gzip import BadGzipFile, GzipFile
from pathlib import Path
from typing import Any, Literal

from crawlers.base import DroppedFile
from geo_flywheel import plugins
from geo_flywheel.errors import ConfigError, GeoFlywheelError, StoreError, Unreadable
from geo_flywheel.records import Fact
from geo_flywheel.store import archive
from geo_flywheel.store.append import Reader, Source, append, is_current, record_failure
from geo_flywheel.store.database import Store, open_store

_HEAD = 64 * 1024


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


def recognise(file: DroppedFile) -> str:
    """Return the name of the one format that takes the file.

    Raises:
        Unreadable: If none takes it (each says why) or several do.
    """
    refusals = {name: plugin.refuse(file) for name, plugin in plugins.imports().items()}
    takers = [name for name, reason in refusals.items() if reason is None]
    if len(takers) == 1:
        return takers[0]
    if takers:
        raise Unreadable(f"{file.name}: {' and '.join(takers)} would both take it; say which with --as {takers[0]}")
    tried = "; ".join(f"{name}: {reason}" for name, reason in refusals.items())
    raise Unreadable(f"{file.name}: no format takes it. {tried}")


def take_in(
    places: Places, paths: Iterable[Path], options: Mapping[str, str], plugin: str | None = None
) -> Iterator[Outcome]:
    """Take in files one by one, each committed before the next; a file that fails stops no other.

    What an earlier intake archived and, being killed, did not commit is committed first.

    Args:
        places: The store and the archive.
        paths: Files of any format known.
        options: What the person says about all of them ("set.engine", "map.prompt", …).
        plugin: Format to read them as, in place of recognising it.
    """
    for warc in archive.recover(places.archive):
        for entry in archive.run_entries(warc):
            if not _is_held(places, entry.note):
                yield _commit(places, entry)
    run: archive.Run | None = None
    try:
        for path in paths:
            note = _note(path, options, plugin)
            if _is_held(places, note):
                yield Outcome(str(path), "held", note["plugin"])
                continue
            run = run or archive.Run(places.archive, "import")
            yield _commit(places, _archive(run, path, note))
    finally:
        if run is not None:
            run.close()


def _note(path: Path, options: Mapping[str, str], plugin: str | None) -> dict[str, Any]:
    """What the archive shall say of a file: that it was kept, or why it was not."""
    try:
        file = dropped(path, str(path), options)
        taker = plugin or recognise(file)
        plugins.import_(taker)
        size, sha256 = path.stat().st_size, archive.digest(path)
    except ConfigError:
        raise
    except (GeoFlywheelError, OSError) as error:
        return {"kind": "failed", "name": str(path), "plugin": plugin or "", "problem": _says(path, error)}
    about = {"name": str(path), "bytes": size, "plugin": taker, "options": dict(options)}
    return {"kind": "file", "sha256": sha256, **about}


def _says(path: Path, error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{path}: cannot be read ({error.strerror or error}); check the path and its rights"
    return str(error)


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


def _is_held(places: Places, note: dict[str, Any]) -> bool:
    if note["kind"] != "file" or not places.store.exists():
        return False
    with open_store(places.store, read_only=True) as store:
        return is_current(store, note["sha256"], _reader(note))


def _archive(run: archive.Run, path: Path, note: dict[str, Any]) -> archive.Entry:
    """Put the file and what is said of it on the disk, for good."""
    if note["kind"] == "file":
        run.keep_file(path, note["sha256"])
    identity = run.note(note)
    run.sync()
    return archive.Entry(run.run_id, run.kind, run.started_at, note, note.get("sha256", identity))


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
    plugin = note["plugin"]
    return Reader(plugin, plugins.version(plugin) if plugin else "", note.get("options", {}))


def _commit(places: Places, entry: archive.Entry, pending: Iterable[str] = ()) -> Outcome:
    """Read an archived entry and store what it says, or why it could not be read."""
    name, plugin = entry.note["name"], entry.note["plugin"]
    with open_store(places.store) as store:
        source = _source(entry)
        try:
            return Outcome(name, "read", plugin, append(store, source, _facts(places, entry), pending))
        except (Unreadable, StoreError) as error:
            record_failure(store, source, str(error))
            return Outcome(name, "failed", plugin, problem=str(error))


def _facts(places: Places, entry: archive.Entry) -> Iterable[Fact]:
    note = entry.note
    if note["kind"] == "failed":
        raise Unreadable(note["problem"])
    kept = archive.kept_file(places.archive, note["sha256"])
    return plugins.import_(note["plugin"]).read(dropped(kept, note["name"], note["options"]))


def reread(places: Places, *, every: bool = False) -> Iterator[Outcome]:
    """Read archived captures again whose reader or URL rules have changed since; the new readings supersede the old.

    Args:
        places: The store and the archive.
        every: Read all of them, whether anything changed or not.
    """
    with open_store(places.store, read_only=True) as store:
        entries = [
            entry for entry in _captures(store) if every or not is_current(store, entry.identity, _reader(entry.note))
        ]
    waiting = dict.fromkeys(entry.identity for entry in entries)
    for entry in entries:
        yield _commit(places, entry, waiting)
        del waiting[entry.identity]


def _captures(store: Store) -> Iterator[archive.Entry]:
    """The files in the store in the order they came, each as it was read last."""
    rows = store.rows(
        "SELECT run_id, run.kind, run.started_at, c.identity, c.name, c.bytes, r.plugin, r.options FROM capture AS c"
        " JOIN run USING (run_id) JOIN reading AS r USING (capture_no) WHERE r.plugin <> ''"
        " QUALIFY row_number() OVER (PARTITION BY capture_no ORDER BY (r.problem IS NULL) DESC, reading_no DESC) = 1"
        " ORDER BY capture_no"
    )
    for run_id, kind, started_at, sha256, name, size, plugin, options in rows:
        about = {"name": name, "bytes": size, "plugin": plugin, "options": json.loads(options)}
        yield archive.Entry(run_id, kind, started_at, {"kind": "file", "sha256": sha256, **about}, sha256)


def rebuild(places: Places) -> Iterator[Outcome]:
    """Make the store anew from the archive alone, beside the old one, and put it in its place at the end.

    The old store stays as `<name>.before-rebuild`.
    """
    fresh = Places(places.store.with_name(f".{places.store.name}.rebuilding"), places.archive)
    fresh.store.unlink(missing_ok=True)
    archive.recover(places.archive)
    for entry in archive.entries(places.archive):
        yield _commit(fresh, entry)
    with open_store(fresh.store):
        pass
    if places.store.exists():
        places.store.replace(places.store.with_name(f"{places.store.name}.before-rebuild"))
    fresh.store.replace(places.store)
