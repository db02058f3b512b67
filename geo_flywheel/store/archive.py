"""The evidence: one WARC file per run, and the files people handed in; written first, never changed after.

    archive/20261122T120000.000000Z-import-1f3a9c.warc.gz       a closed run
    archive/20261122T120000.000000Z-import-1f3a9c.warc.gz       a closed run
    archive/imports/<sha256>                                    a file, byte for byte

A run's file is created by that run alone, under a lock it holds until it ends, and is never appended to afterwards:
what follows a record that a kill cut off would be unreadable.
"""

import fcntl
import json
import os
import secrets
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import file_digest
from io import BytesIO
from pathlib import Path
from typing import Any

from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from geo_flywheel.errors import StoreError

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


def digest(path: Path) -> str:
    """Return the sha256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


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
        try:
            root.mkdir(parents=True, exist_ok=True)
            self._file = (root / f"{self.run_id}.warc.gz{_OPEN}").open("xb")
        except OSError as error:
            raise StoreError(
                f"{root}: the archive cannot be written ({error.strerror}); free some space or mend its rights"
            ) from error
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._warc = WARCWriter(self._file, gzip=True)
        about = {"run_id": self.run_id, "kind": kind, "started_at": self.started_at.isoformat()}
        self._record("warcinfo", self.run_id, json.dumps(about).encode(), "application/json")

    def keep_file(self, path: Path, sha256: str) -> Path:
        """Keep a copy of a file under its digest and return where; a copy that is there already is used."""
        kept = import_path(self.root, sha256)
        if not kept.exists():
            kept.parent.mkdir(exist_ok=True)
            part = kept.with_name(f".{sha256}.{self.run_id}.part")
            _copy(path, part)
            part.replace(kept)
            _sync_folder(kept.parent)
        return kept

    def note(self, about: dict[str, Any]) -> str:
        """Write a metadata record and return its id: a file kept, an ask that failed, a slot that was missed."""
        return self._record("metadata", self.run_id, json.dumps(about, ensure_ascii=False).encode(), "application/json")

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
        record = self._warc.create_warc_record(uri, "response", payload=BytesIO(body), http_headers=http)
        self._warc.write_record(record)
        identity = str(record.rec_headers.get_header("WARC-Record-ID"))
        self.note({**about, "kind": "reply", "reply": identity})
        return identity

    def _record(self, kind: str, uri: str, payload: bytes, content_type: str) -> str:
        record = self._warc.create_warc_record(
            f"urn:run:{uri}", kind, payload=BytesIO(payload), warc_content_type=content_type
        )
        self._warc.write_record(record)
        return str(record.rec_headers.get_header("WARC-Record-ID"))

    def sync(self) -> None:
        """Put everything written so far on the disk; the store commits only after this."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise StoreError(
                f"{self._file.name}: the archive cannot be written ({error.strerror}); free some space"
            ) from error

    def close(self) -> None:
        """End the run: its file gets its final name."""
        self.sync()
        path = Path(self._file.name)
        path.rename(path.with_name(path.name.removesuffix(_OPEN)))
        _sync_folder(self.root)
        self._file.close()


def import_path(root: Path, sha256: str) -> Path:
    """Return where the archive keeps the file of a digest."""
    return root / "imports" / sha256


def kept_file(root: Path, sha256: str) -> Path:
    """Return a kept file after checking it.

    Raises:
        StoreError: If it is missing or its bytes have changed.
    """
    path = import_path(root, sha256)
    if not path.is_file():
        raise StoreError(f"{path}: the archive lacks this file; hand it in again with `geo-flywheel import`")
    if digest(path) != sha256:
        raise StoreError(f"{path}: its bytes no longer have the digest of its name; restore it from a backup")
    return path


def recover(root: Path) -> list[Path]:
    """Close the files of runs that died: whole records stay, a cut-off tail goes. Returns the closed files.

    A run that is still alive holds the lock on its file and is left alone.
    """
    closed = []
    for path in sorted(root.glob(f"*.warc.gz{_OPEN}")):
        with path.open("r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            file.truncate(sum(length for length, _ in _members(path, tolerant=True)))
            os.fsync(file.fileno())
            target = path.with_name(path.name.removesuffix(_OPEN))
            path.rename(target)
            closed.append(target)
        run_id = target.name.removesuffix(".warc.gz")
        for part in root.glob(f"imports/.*.{run_id}.part"):
            part.unlink()
    return closed


def entries(root: Path) -> Iterator[Entry]:
    """Yield everything in the closed files, run by run in the order of their start.

    Raises:
        StoreError: If a record is cut off or its bytes do not have their digest.
    """
    for path in sorted(root.glob("*.warc.gz")):
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
                raise StoreError(f"{path}: a record is cut off; restore the file from a backup, or delete its tail")
            yield length, content.getvalue()


def _parse(path: Path, number: int, member: bytes) -> tuple[str, str, bytes]:
    """Type, id and payload of the record in a member, its length and digest checked."""
    records = ArchiveIterator(BytesIO(member), check_digests=True)
    record = next(records)
    payload = record.content_stream().read()
    expected = record.rec_headers.get_header("Content-Length")
    if record.digest_checker.passed is not True or (not record.http_headers and len(payload) != int(expected)):
        raise StoreError(f"{path}: record {number} does not have its digest; restore the file from a backup")
    return record.rec_type, str(record.rec_headers.get_header("WARC-Record-ID")), payload


def _copy(source: Path, target: Path) -> None:
    try:
        with source.open("rb") as reading, target.open("xb") as writing:
            while chunk := reading.read(_CHUNK):
                writing.write(chunk)
            writing.flush()
            os.fsync(writing.fileno())
    except OSError as error:
        target.unlink(missing_ok=True)
        raise StoreError(f"{source}: cannot be copied into the archive ({error.strerror}); free some space") from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
