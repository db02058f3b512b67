"""The evidence: one WARC file per run, beside the files people handed in; written first, never changed after.

    archive/20261122T120000.000000Z-import-1f3a9c.warc.gz       a closed run
    archive/20261122T130000.000000Z-import-77b0e2.warc.gz.open  a run that goes on, or one that died
    archive/imports/<sha256>                                    a file, byte for byte

A run's file is created by that run alone, under a lock it holds until it ends, and is never appended to afterwards:
what follows a record that a kill cut off would be unreadable. Whoever needs all of the archive locks its folder, which
every run shares while it lives.
"""

import fcntl
import json
import os
import secrets
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from geo_flywheel.errors import StoreError
from geo_flywheel.store.kept_files import remove_parts, sync_folder, writing

_OPEN = ".open"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing the archive knows of: a file handed in, a reply to an ask, or an ask that failed.

    Attributes:
        run_id: Its run; run_kind is "import" or "crawl", started_at naive UTC.
        note: What stands in its metadata record; note["kind"] is "file", "reply" or "failed".
        identity: sha256 of a file, record id of a reply or a failure.
        body: Raw bytes of a reply; None for a file, which lies under imports/.
    """

    run_id: str
    run_kind: str
    started_at: datetime
    note: dict[str, Any]
    identity: str
    body: bytes | None = field(default=None, repr=False)


class Run:
    """The archive of one run, from its first record to its close."""

    def __init__(self, root: Path, kind: str) -> None:
        """Create the run's file, exclusively.

        Raises:
            StoreError: If the folder cannot be written.
        """
        self.root = root
        self.kind = kind
        self.started_at = datetime.now(UTC).replace(tzinfo=None)
        self.run_id = f"{self.started_at:%Y%m%dT%H%M%S.%fZ}-{kind}-{secrets.token_hex(3)}"
        with writing(root):
            root.mkdir(parents=True, exist_ok=True)
            self._folder = _folder(root, fcntl.LOCK_SH, "the store is being rebuilt from it; wait until that is done")
            self._path = root / f"{self.run_id}.warc.gz{_OPEN}"
            self._file = _created(self._path)
        self._warc = WARCWriter(self._file, gzip=True)
        about = {"run_id": self.run_id, "kind": kind, "started_at": self.started_at.isoformat()}
        self._record("warcinfo", self.run_id, json.dumps(about).encode(), "application/json")

    def note(self, about: dict[str, Any]) -> str:
        """Write a metadata record and return its id: a file kept, an ask that failed, a slot that was missed."""
        return self._record("metadata", self.run_id, json.dumps(about).encode(), "application/json")

    def keep_reply(
        self, uri: str, status: str, headers: list[tuple[str, str]], body: bytes, about: dict[str, Any]
    ) -> str:
        """Keep a reply and the ask it answers; returns the id of the response record.

        Args:
            uri: Address asked, free of secrets.
            status: HTTP status line without the protocol, as "200 OK".
            headers: Of the reply, free of secrets.
            body: Raw bytes, decompressed.
            about: The ask: prompt, basket revision, provider, engine, locale, persona, snapshot, sample and half.
        """
        http = StatusAndHeaders(status, headers, protocol="HTTP/1.1")
        identity = self._write(
            self._warc.create_warc_record(uri, "response", BytesIO(body), length=len(body), http_headers=http)
        )
        self.note({**about, "kind": "reply", "reply": identity})
        return identity

    def _record(self, kind: str, uri: str, payload: bytes, content_type: str) -> str:
        return self._write(
            self._warc.create_warc_record(
                f"urn:run:{uri}", kind, BytesIO(payload), length=len(payload), warc_content_type=content_type
            )
        )

    def _write(self, record: Any) -> str:
        with writing(self._path):
            self._warc.write_record(record)
            self._file.flush()  # from here on a kill costs nothing
        return str(record.rec_headers.get_header("WARC-Record-ID"))

    def sync(self) -> None:
        """Put everything written so far on the disk; the store commits only after this."""
        with writing(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """End the run: its file gets its final name."""
        try:
            self.sync()
            self._path.rename(_closed_name(self._path))
            sync_folder(self.root)
        finally:
            self.leave()

    def leave(self) -> None:
        """End the run as one that died: whoever looks for `dead` runs commits what the store lacks of it."""
        with suppress(OSError):  # what the disk did not take is cut off when the file is closed
            self._file.close()
        os.close(self._folder)


@contextmanager
def undisturbed(root: Path) -> Iterator[None]:
    """Keep every run away from the archive while the block reads all of it.

    Raises:
        StoreError: If a run is under way.
    """
    root.mkdir(parents=True, exist_ok=True)
    held = _folder(root, fcntl.LOCK_EX, "a run is under way; wait until it is done")
    try:
        yield
    finally:
        os.close(held)


def recover(root: Path) -> list[Path]:
    """Close the files of runs that died, whatever the store lacks of them, and return the closed files."""
    return [_closed_name(path) for path in dead(root)]


def dead(root: Path, kinds: Sequence[str] = ()) -> Generator[Path, None, None]:
    """Yield the file of each run that died: whole records stay, a cut-off tail goes.

    A file is closed when the next one is asked for, so that it is found again when whoever commits what is in it dies
    as well. A run that is still alive holds the lock on its file and is left alone.

    Args:
        root: The archive's folder.
        kinds: Kinds of the runs that the caller can commit, those of other kinds being left to others; none means all.
    """
    patterns = [f"*-{kind}-*.warc.gz{_OPEN}" for kind in kinds] or [f"*.warc.gz{_OPEN}"]
    for path in sorted(path for pattern in patterns for path in root.glob(pattern)):
        with suppress(FileNotFoundError, BlockingIOError), path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # It may have been closed between the listing and the lock.
            if path.exists() and _is_any_left(root, path, file):
                yield path
                path.rename(_closed_name(path))
                sync_folder(root)


def _is_any_left(root: Path, path: Path, file: BinaryIO) -> bool:
    """Cut the file of a dead run to its whole records; without any it goes."""
    remove_parts(root, _closed_name(path).name.removesuffix(".warc.gz"))
    whole = sum(length for length, _ in _members(path, tolerant=True))
    if whole == 0:
        path.unlink()
        return False
    file.truncate(whole)
    os.fsync(file.fileno())
    return True


def closed(root: Path) -> list[Path]:
    """Return the files of the runs that ended, in the order of their start."""
    return sorted(root.glob("*.warc.gz"))


def closed_run(root: Path, run_id: str) -> Path:
    """Return the file of a run that ended."""
    return root / f"{run_id}.warc.gz"


def entries(root: Path) -> Iterator[Entry]:
    """Yield everything in the closed files, run by run in the order of their start.

    Raises:
        StoreError: If a record is cut off or its bytes do not have their digest.
    """
    for path in closed(root):
        yield from run_entries(path)


def run_entries(path: Path) -> Iterator[Entry]:
    """Yield what one run's file knows, in order.

    Raises:
        StoreError: As `entries`.
    """
    about: dict[str, Any] = {}
    bodies: dict[str, bytes] = {}
    for number, (_, member) in enumerate(_members(path), 1):
        kind, identity, payload = _parse(path, number, member)
        if kind == "warcinfo":
            about = json.loads(payload)
        elif kind == "response":
            bodies[identity] = payload
        elif kind == "metadata":
            note = json.loads(payload)
            known = note.get("reply") or note.get("sha256") or identity
            started_at = datetime.fromisoformat(about["started_at"])
            yield Entry(about["run_id"], about["kind"], started_at, note, known, bodies.pop(known, None))
    if not about:
        raise StoreError(f"{path}: it is empty; restore the file from a backup")


def _members(path: Path, *, tolerant: bool = False) -> Iterator[tuple[int, bytes]]:
    """Length on disk and content of each gzip member; a cut-off one is an error, or the end when `tolerant`."""
    with path.open("rb") as file:
        data = file.read(_CHUNK)
        while data:
            inflate, content, length = zlib.decompressobj(wbits=31), BytesIO(), 0
            with suppress(zlib.error):
                while data:
                    content.write(inflate.decompress(data))
                    length += len(data) - len(inflate.unused_data)
                    data = inflate.unused_data or file.read(_CHUNK)
                    if inflate.eof:
                        break
            if not inflate.eof:
                if tolerant:
                    return
                raise StoreError(
                    f"{path}: a record is damaged or cut off, or something else follows it; restore the file from a "
                    "backup"
                )
            yield length, content.getvalue()


def _parse(path: Path, number: int, member: bytes) -> tuple[str, str, bytes]:
    """Type, id and payload of the record in a member, its length and digest checked."""
    try:
        record = next(ArchiveIterator(BytesIO(member), check_digests=True))
        payload = record.content_stream().read()
    except (ArchiveLoadFailed, StopIteration) as error:
        raise StoreError(f"{path}: record {number} is none of a WARC file; restore the file from a backup") from error
    expected = record.rec_headers.get_header("Content-Length")
    if record.digest_checker.passed is not True or (not record.http_headers and len(payload) != int(expected)):
        raise StoreError(f"{path}: record {number} does not have its digest; restore the file from a backup")
    return record.rec_type, str(record.rec_headers.get_header("WARC-Record-ID")), payload


def _closed_name(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(_OPEN))


def _created(path: Path) -> BinaryIO:
    """A new file under a lock; another process that finds it before the lock is ours may take it away again."""
    while True:
        file = path.open("xb")
        fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists():
            return file
        file.close()


def _folder(root: Path, lock: int, busy: str) -> int:
    """Descriptor of the archive's folder, locked until it is closed."""
    handle = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(handle, lock | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise StoreError(f"{root}: {busy}") from error
    return handle
