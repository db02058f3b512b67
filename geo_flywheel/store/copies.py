"""Closed copies of the store: a backup that is kept, and the published one for people with a SQL shell open all day."""

import os
import shutil
from pathlib import Path

from geo_flywheel.errors import StoreError
from geo_flywheel.store.database import open_store


def backup(store: Path, target: Path) -> None:
    """Write a closed copy of the store and see it safely on the disk.

    Raises:
        StoreError: If there is no store, the target exists, or the disk does not take it.
    """
    if target.exists():
        raise StoreError(f"{target}: exists already; name a file that does not")
    _copy(store, target, durable=True)


def publish(store: Path, target: Path) -> None:
    """Replace `target` by a closed copy of the store; a reader of the old copy keeps it undisturbed.

    A copy that is newer than the store is left as it is.

    Raises:
        StoreError: If there is no store, or the disk does not take it.
    """
    if not (target.is_file() and store.is_file() and target.stat().st_mtime_ns > store.stat().st_mtime_ns):
        _copy(store, target, durable=False)


def _copy(store: Path, target: Path, *, durable: bool) -> None:
    if not store.is_file():
        raise StoreError(f"{store}: there is no store yet; import or crawl something first")
    part = target.with_name(f".{target.name}.part")
    with open_store(store) as opened, opened.closed_file() as source:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
                if durable:
                    copy.flush()
                    os.fsync(copy.fileno())
            part.replace(target)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StoreError(
                f"{target}: cannot be written ({error.strerror}); free some space or name another place"
            ) from error
