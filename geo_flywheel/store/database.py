"""Open the store: one handle per process, patience with other processes, migrations and views kept current."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import duckdb
import pyarrow as pa

from geo_flywheel.errors import MigrationError, StoreError
from geo_flywheel.store import upgrade

PATIENCE = 60.0
_POLL = 0.04
_GAP = 0.06
_Setting = str | bool | int | float | list[str]
_SPILL = "8GB"  # what one statement of a user may put on the disk besides
_HARDENED: dict[str, _Setting] = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "lock_configuration": "true",
}
_open: dict[Path, "_Handle"] = {}
_guard = threading.Lock()


@dataclass(slots=True)
class _Handle:
    """What all users of a store in this process share.

    Attributes:
        writing: Held by the one thread that is inside a transaction.
        copied: The store's own file, opened to be copied. The system drops the lock on a file as soon as a process
            closes any handle of it, so these stay open for as long as the connection.
    """

    connection: duckdb.DuckDBPyConnection
    read_only: bool
    users: int = 0
    writing: threading.Lock = field(default_factory=threading.Lock)
    copied: list[BinaryIO] = field(default_factory=list)

    def close(self) -> None:
        self.connection.close()
        for file in self.copied:
            file.close()


@dataclass(frozen=True, slots=True)
class Store:
    """An open store; hand it on, do not keep it longer than the work takes."""

    connection: duckdb.DuckDBPyConnection
    path: Path
    _handle: _Handle

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of one SELECT."""
        return self.connection.execute(sql, parameters).fetchall()

    def keep_within(self, memory: str) -> None:
        """Bound what the store keeps in memory, for as long as this process has it open; more of it is read again.

        Args:
            memory: As DuckDB writes it. Too little for a step is a `StoreError` there.
        """
        with suppress(duckdb.Error):  # it holds more already, for somebody else in this process
            self.connection.execute("SET memory_limit = ?", [memory])

    def table(self, sql: str, parameters: Sequence[object] = ()) -> pa.Table:
        """Return the result of one SELECT as an Arrow table."""
        return self.connection.execute(sql, parameters).to_arrow_table()

    @contextmanager
    def staged(self, name: str, rows: pa.Table) -> Iterator[None]:
        """Make an Arrow table visible to SQL under a name while the block runs."""
        self.connection.register(name, rows)
        try:
            yield
        finally:
            self.connection.unregister(name)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything inside, or nothing; other threads of this process wait for their turn.

        Raises:
            StoreError: If the disk or the memory does not take it.
        """
        with self._handle.writing:
            try:
                self.connection.execute("BEGIN")
                yield
                self.connection.execute("COMMIT")
            except duckdb.OperationalError as error:
                self._roll_back()
                raise StoreError(
                    f"{self.path}: cannot be written ({_first_line(error)}); nothing of this step was stored: "
                    "free some space or memory and run it again"
                ) from error
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        with suppress(duckdb.Error):  # a connection that failed for good has rolled back already
            self.connection.execute("ROLLBACK")

    @contextmanager
    def closed_file(self) -> Iterator[BinaryIO]:
        """Yield the bytes of the store as a closed copy has them; nobody writes while the block runs."""
        with self._handle.writing:
            self.connection.execute("CHECKPOINT")
            file = self.path.open("rb")
            self._handle.copied.append(file)
            yield file


@contextmanager
def open_store(path: Path, *, read_only: bool = False, patience: float = PATIENCE) -> Iterator[Store]:
    """Open the store for as long as the block runs.

    Args:
        path: The DuckDB file; made when it is not there, unless `read_only`.
        read_only: Share it with other readers; a writer of another process waits meanwhile.
        patience: Seconds to wait for another process that holds the file.

    Raises:
        StoreError: If the file is missing, damaged, or held for longer than that.
        MigrationError: If it was written by a newer program, or an applied migration was changed since.
    """
    path = path.resolve()
    handle = _enter(path, read_only=read_only, patience=patience)
    try:
        with handle.connection.cursor() as connection:
            yield Store(connection, path, handle)
    finally:
        _leave(path, handle)


class Turns:
    """A store held open over many short steps, and given up about once a second, so that others get their turn."""

    def __init__(self, path: Path, seconds: float = 1.0) -> None:
        """Hold the store at `path` for `seconds` at a time, from the first `take` on."""
        self.path = path
        self._seconds = seconds
        self._stack = ExitStack()
        self._store: Store | None = None
        self._until = 0.0

    def take(self) -> Store:
        """Return the store, open for writing, for one step.

        Raises:
            StoreError: As `open_store`.
        """
        if self._store is not None and time.monotonic() > self._until:
            self.rest()
            time.sleep(_GAP)  # longer than the pause between two tries of whoever waits
        if self._store is None:
            self._store = self._stack.enter_context(open_store(self.path))
            self._until = time.monotonic() + self._seconds
        return self._store

    def rest(self) -> None:
        """Give the store up until the next `take`."""
        self._store = None
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.rest()


def _enter(path: Path, *, read_only: bool, patience: float) -> _Handle:
    with _guard:
        handle = _open.get(path)
        if handle is None:
            handle = _open[path] = _Handle(_ready(path, patience, read_only=read_only), read_only)
        elif handle.read_only and not read_only:
            raise StoreError(
                f"{path}: this process reads the store already and cannot write to it; close the reader first"
            )
        handle.users += 1
        return handle


def _leave(path: Path, handle: _Handle) -> None:
    with _guard:
        handle.users -= 1
        if handle.users == 0:
            del _open[path]
            handle.close()


def _ready(path: Path, patience: float, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """A connection to the store with its schema up to date; most often it is."""
    connection = _connect(path, {}, patience, read_only=read_only)
    try:
        if upgrade.is_current(connection):
            return connection
        if not read_only:
            upgrade.bring_up_to_date(connection)
            return connection
    except MigrationError as error:
        connection.close()
        raise MigrationError(f"{path}: {error}") from error
    except BaseException:
        connection.close()
        raise
    connection.close()
    _ready(path, patience, read_only=False).close()
    return _connect(path, {}, patience, read_only=True)


@contextmanager
def open_hardened(path: Path, *, memory: str = "3GB", seconds: float = 300.0) -> Iterator[Store]:
    """Open the store for statements of the user's own: it can neither write nor read any file, nor change a setting.

    Args:
        path: The DuckDB file.
        memory: Limit of the query's memory, as DuckDB writes it.
        seconds: After this long the statement is interrupted.

    Raises:
        StoreError: As `open_store`.
    """
    path = path.resolve()
    with open_store(path, read_only=True):
        pass
    limits: dict[str, _Setting] = {"memory_limit": memory, "max_temp_directory_size": _SPILL}
    connection = _connect(path, {**_HARDENED, **limits}, PATIENCE, read_only=True)
    cursor = connection.cursor()  # unlike the connection, it draws no progress bar among the data
    alarm = threading.Timer(seconds, cursor.interrupt)
    alarm.daemon = True
    alarm.start()
    try:
        yield Store(cursor, path, _Handle(connection, read_only=True))
    finally:
        alarm.cancel()
        connection.close()


def _connect(
    path: Path, config: dict[str, _Setting], patience: float, *, read_only: bool = False
) -> duckdb.DuckDBPyConnection:
    if read_only and not path.is_file():
        raise StoreError(f"{path}: there is no store yet; import or crawl something first")
    path.parent.mkdir(parents=True, exist_ok=True)
    config = {**config, "python_enable_replacements": "false"}  # no variable of ours is a table
    if int(duckdb.__version__.split(".")[0]) >= 2:  # noqa: PLR2004 — files that 1.5 opens too
        config = {**config, "storage_compatibility_version": "v1.5.0"}
    deadline = time.monotonic() + patience
    pause = 0.01
    while True:
        try:
            return duckdb.connect(str(path), read_only=read_only, config=config)
        except duckdb.ConnectionException as error:
            raise StoreError(
                f"{path}: this process has the store open in another way ({_first_line(error)}); close that first"
            ) from error
        except duckdb.Error as error:
            if "Could not set lock" not in str(error):
                raise StoreError(
                    f"{path}: cannot be opened as a store ({_first_line(error)}); restore a backup, or move it away "
                    "and run `geo-flywheel rebuild`"
                ) from error
            if time.monotonic() > deadline:
                raise StoreError(
                    f"{path}: another process has held the store for {patience:.0f} s ({_first_line(error)}); "
                    "close it, or read the published copy beside it"
                ) from error
            time.sleep(pause)
            pause = min(pause * 2, _POLL)


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]
