"""How store and archive are, told without changing either: nothing is made, brought up to date or waited for long."""

import fcntl
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from geo_flywheel.errors import StoreError
from geo_flywheel.store import archive, upgrade

PATIENCE = 2.0  # seconds: a run at work holds the store for less, while it commits
_POLL = 0.05  # seconds


@dataclass(frozen=True, slots=True)
class StoreCondition:
    """What a store holds.

    Attributes:
        current: Whether its schema and views are those of this program; whoever opens it next brings it up to date.
        last_run: When the newest run began, naive UTC.
        unread: Captures that no reading of succeeded.
    """

    current: bool
    last_run: datetime | None
    captures: int
    unread: int


@dataclass(frozen=True, slots=True)
class ArchiveCondition:
    """What an archive holds.

    Attributes:
        size: Of everything in it, in bytes.
        runs: That ended.
        running: Runs that go on.
        broken_off: Runs that died; the next one closes their files.
        files: That were handed in.
    """

    size: int
    runs: int
    running: int
    broken_off: int
    files: int


def store_condition(path: Path, patience: float = PATIENCE) -> StoreCondition:
    """Return what the store holds.

    Args:
        path: The DuckDB file.
        patience: Seconds to wait for another process that holds the file.

    Raises:
        StoreError: If it is not there, held by another process, or no store.
    """
    if not path.is_file():
        raise StoreError(f"{path}: there is no store yet; import or crawl something first")
    try:
        with _opened(path, patience) as connection:
            return _counted(connection)
    except duckdb.Error as error:
        says = str(error).split("\n", 1)[0]
        if "Could not set lock" in says:
            raise StoreError(
                f"{path}: another process holds the store ({says}); close it, or read the published copy beside it"
            ) from error
        raise StoreError(
            f"{path}: cannot be opened as a store ({says}); restore a backup, or move it away and run "
            "`geo-flywheel rebuild`"
        ) from error


def archive_condition(root: Path) -> ArchiveCondition:
    """Return what the archive holds; nothing, when it is not there.

    Raises:
        StoreError: If its files cannot be looked at.
    """
    try:
        alive = [alive for path in root.glob("*.warc.gz.open") if (alive := _is_locked(path)) is not None]
        return ArchiveCondition(
            size=sum(map(_size, root.rglob("*"))),
            runs=len(archive.closed(root)),
            running=alive.count(True),
            broken_off=alive.count(False),
            files=sum(1 for _ in root.glob("imports/[!.]*")),
        )
    except OSError as error:
        raise StoreError(
            f"{error.filename or root}: cannot be looked at ({error.strerror}); see to its permissions"
        ) from error


def _opened(path: Path, patience: float) -> duckdb.DuckDBPyConnection:
    """A connection that reads only, and brings nothing up to date."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return duckdb.connect(str(path), read_only=True)
        except duckdb.IOException as error:
            if "Could not set lock" not in str(error) or time.monotonic() >= deadline:
                raise
            time.sleep(_POLL)


def _counted(connection: duckdb.DuckDBPyConnection) -> StoreCondition:
    """By the tables that every store has had; the views may be those of another program."""
    row = connection.execute(
        "SELECT (SELECT max(started_at) FROM run), (SELECT count(*) FROM capture), (SELECT count(*) FROM ("
        "SELECT capture_no FROM reading GROUP BY capture_no HAVING count(*) = count(problem)))"
    ).fetchone()
    last_run, captures, unread = row or (None, 0, 0)
    return StoreCondition(upgrade.is_current(connection), last_run, captures, unread)


def _size(path: Path) -> int:
    """Bytes of a file; nothing for a folder, or for a file that got another name meanwhile."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0


def _is_locked(path: Path) -> bool | None:
    """Whether a run still writes its file; None when it closed it meanwhile."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return True
    return False
