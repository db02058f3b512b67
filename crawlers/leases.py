"""Who deals with which slot: claims in an SQLite file beside the store, so that no slot is run twice.

A claim is a lease: its owner renews it while at work, and one that ran out unfinished may be taken over. One statement
claims, so that of any number of processes one gets it. WAL needs shared memory: the file must not lie on a network
drive that several machines write to.
"""

import fcntl
import os
import secrets
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from geo_flywheel.errors import StoreError

LEASE = timedelta(minutes=10)  # three renewals fit in, so that one slow disk or a short sleep loses nothing
_PATIENCE = 30.0  # seconds another process may hold the file; a claim takes milliseconds
_SCHEMA = """
CREATE TABLE IF NOT EXISTS job (
    name    TEXT PRIMARY KEY,
    timing  TEXT NOT NULL,
    since   TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS lease (
    job         TEXT NOT NULL,
    slot        TEXT NOT NULL,
    owner       TEXT NOT NULL,
    claimed_at  TEXT NOT NULL,
    expires_at  TEXT NOT NULL,
    finished_at TEXT,
    outcome     TEXT,
    PRIMARY KEY (job, slot)
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Lease:
    """A row of the file; times are naive UTC.

    Attributes:
        owner: Machine, process and a random part.
        outcome: "missed", or what the run said of itself; None while it goes on.
    """

    job: str
    slot: datetime
    owner: str
    claimed_at: datetime
    expires_at: datetime
    finished_at: datetime | None
    outcome: str | None


class Leases:
    """The open file; use it in a `with` block."""

    def __init__(
        self, path: Path, clock: Callable[[], datetime], length: timedelta = LEASE, patience: float = _PATIENCE
    ) -> None:
        """Open the file, making it where it is missing.

        Args:
            path: The sidecar `schedule.sqlite` of a workspace.
            clock: Now, naive UTC.
            length: How long a claim holds without being renewed.
            patience: Seconds to wait for a process that holds the file.

        Raises:
            StoreError: If it cannot be opened, is held too long, or is no such file.
        """
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.length = length
        self._path = path
        self._clock = clock
        with self._told():
            self._db = sqlite3.connect(path, timeout=patience, isolation_level=None)
        try:
            with self._told(), _alone(path.parent):
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.executescript(_SCHEMA)
        except StoreError:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def since(self, job: str, timing: str, lookback: timedelta) -> datetime:
        """Return since when a job has stood as it stands: since it was first seen with this timing.

        Args:
            job: Its name.
            timing: Whatever makes it another job when it changes: expression and zone.
            lookback: How far before now it begins when it is new, so that whoever sees it first can run its slot.
        """
        self._run(
            "INSERT INTO job VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET timing = excluded.timing, "
            "since = excluded.since WHERE timing <> excluded.timing",
            (job, timing, _text(self._clock() - lookback)),
        )
        ((since,),) = self._run("SELECT since FROM job WHERE name = ?", (job,))
        return _time(since)

    def claim(self, job: str, slot: datetime) -> bool:
        """Take on a slot that nobody has, or whose owner's lease ran out; whether it is ours now."""
        now = self._clock()
        return bool(
            self._run(
                "INSERT INTO lease VALUES (?, ?, ?, ?, ?, NULL, NULL) ON CONFLICT (job, slot) DO UPDATE SET "
                "owner = excluded.owner, claimed_at = excluded.claimed_at, expires_at = excluded.expires_at "
                "WHERE finished_at IS NULL AND expires_at <= excluded.claimed_at RETURNING 1",
                (job, _text(slot), self.owner, _text(now), _text(now + self.length)),
            )
        )

    def renew(self, job: str, slot: datetime) -> bool:
        """Hold a slot for another lease from now; False when it is no longer ours."""
        return self._change(job, slot, expires_at=_text(self._clock() + self.length))

    def release(self, job: str, slot: datetime) -> bool:
        """Give an unfinished slot back for anyone to take up; False when it is no longer ours."""
        return self._change(job, slot, expires_at=_text(self._clock()))

    def finish(self, job: str, slot: datetime, outcome: str) -> bool:
        """Close a slot for good; False when it is no longer ours."""
        return self._change(job, slot, finished_at=_text(self._clock()), outcome=outcome)

    def latest(self, job: str) -> Lease | None:
        """Return the newest slot of a job that anybody took on."""
        found = self._run("SELECT * FROM lease WHERE job = ? ORDER BY slot DESC LIMIT 1", (job,))
        return _lease(found[0]) if found else None

    def broken_off(self, job: str) -> list[datetime]:
        """Return the slots whose leases ran out unfinished, oldest first."""
        found = self._run(
            "SELECT slot FROM lease WHERE job = ? AND finished_at IS NULL AND expires_at <= ? ORDER BY slot",
            (job, _text(self._clock())),
        )
        return [_time(slot) for (slot,) in found]

    def all(self) -> list[Lease]:
        """Return every lease, by job and slot."""
        return [_lease(row) for row in self._run("SELECT * FROM lease ORDER BY job, slot", ())]

    def _change(
        self,
        job: str,
        slot: datetime,
        *,
        expires_at: str | None = None,
        finished_at: str | None = None,
        outcome: str | None = None,
    ) -> bool:
        return bool(
            self._run(
                "UPDATE lease SET expires_at = coalesce(?, expires_at), finished_at = ?, outcome = ? "
                "WHERE job = ? AND slot = ? AND owner = ? AND finished_at IS NULL RETURNING 1",
                (expires_at, finished_at, outcome, job, _text(slot), self.owner),
            )
        )

    def _run(self, statement: str, values: tuple[str | None, ...]) -> list[tuple[Any, ...]]:
        with self._told():
            return self._db.execute(statement, values).fetchall()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of SQLite in this program's words."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"{self._path}: {_reason(error)}") from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time: SQLite fails at once, however patient, where two change the journal mode together."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _reason(error: sqlite3.Error) -> str:
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return "another process holds it; nothing was claimed: end that process or try again later"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return "cannot be written; see to the permissions of the file and its folder"
        case sqlite3.SQLITE_FULL:
            return "the disk is full; nothing was claimed: free some space and try again"
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return "is no schedule of this program, or it is damaged; restore it from a backup, or move it away"
    return f"SQLite failed ({error}); nothing was claimed: see to the disk and try again"


def _lease(row: tuple[Any, ...]) -> Lease:
    job, slot, owner, claimed_at, expires_at, finished_at, outcome = row
    finished = _time(finished_at) if finished_at else None
    return Lease(job, _time(slot), owner, _time(claimed_at), _time(expires_at), finished, outcome)


def _text(at: datetime) -> str:
    """UTC as ISO text of one length, so that the order of texts is the order of times."""
    return f"{at.isoformat(timespec='microseconds')}Z"


def _time(said: str) -> datetime:
    return datetime.fromisoformat(said).replace(tzinfo=None)
