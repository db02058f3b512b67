"""The files people handed in, byte for byte, each under its digest in the archive's folder `imports`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from geo_flywheel.errors import StoreError, Unreadable

_CHUNK = 1 << 20
_PART = 1 << 25  # bytes: at the end of each, a thread that only counts waits for one that runs Python


def digest(path: Path) -> str:
    """Return the sha256 of a file, hexadecimal; other threads work meanwhile."""
    found, part = sha256(), memoryview(bytearray(min(path.stat().st_size, _PART) + 1))
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(part):
            found.update(part[:size])
    return found.hexdigest()


def place(root: Path, digest_: str) -> Path:
    """Return where the archive keeps the file of a digest."""
    return root / "imports" / digest_


def keep(root: Path, path: Path, digest_: str, run_id: str) -> None:
    """Keep a copy of a file under its digest; a sound copy that is there already is used.

    Args:
        root: The archive's folder.
        path: The file handed in.
        digest_: Its sha256.
        run_id: Run that keeps it; names the copy until it is whole.

    Raises:
        Unreadable: If the file cannot be read, or no longer has that digest.
        StoreError: If the archive cannot be written.
    """
    kept = place(root, digest_)
    if kept.is_file() and digest(kept) == digest_:
        return
    part = kept.with_name(f".{digest_}.{run_id}.part")
    with writing(part):
        kept.parent.mkdir(exist_ok=True)
        try:
            copied = _copy(path, part)
            if copied == digest_:
                part.replace(kept)
                sync_folder(kept.parent)
        finally:
            part.unlink(missing_ok=True)
    if copied != digest_:
        raise Unreadable(f"{path}: it changed while it was read; hand it in when nothing writes to it")


def remove_parts(root: Path, run_id: str) -> None:
    """Remove the copies that a dead run did not finish."""
    for part in root.glob(f"imports/.*.{run_id}.part"):
        part.unlink()


def kept_file(root: Path, digest_: str) -> Path:
    """Return a kept file after checking it.

    Raises:
        StoreError: If it is missing or its bytes have changed.
    """
    path = place(root, digest_)
    if not path.is_file():
        raise StoreError(f"{path}: the archive lacks this file; hand it in again with `geo-flywheel import`")
    if digest(path) != digest_:
        raise StoreError(f"{path}: its bytes no longer have the digest of its name; hand the file in again")
    return path


@contextmanager
def writing(what: Path) -> Iterator[None]:
    """Say it in our words when the archive cannot be written."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{what}: the archive cannot be written ({error.strerror}); free some space or mend its rights"
        ) from error


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _copy(source: Path, target: Path) -> str:
    """Copy a file to the disk for good and return the digest of what was copied."""
    found = sha256()
    with target.open("xb") as copy:
        for chunk in _chunks(source):
            found.update(chunk)
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    return found.hexdigest()


def _chunks(source: Path) -> Iterator[bytes]:
    try:
        with source.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise Unreadable(f"{source}: cannot be read ({error.strerror}); check the path and its rights") from error
