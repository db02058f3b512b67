"""Open the store: one handle per process, patience with other processes, migrations and views kept current."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from geo_flywheel.errors import MigrationError, StoreError

PATIENCE = 60.0
_Setting = str | bool | int | float | list[str]
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
    connection: duckdb.DuckDBPyConnection
    users: int
    read_only: bool


@dataclass(frozen=True, slots=True)
class Store:
    """An open store; hand it on, do not keep it longer than the work takes."""

    connection: duckdb.DuckDBPyConnection
    path: Path

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of one SELECT."""
        return self.connection.execute(sql, parameters).fetchall()

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
        """Commit everything inside, or nothing."""
        self.connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")


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
        yield Store(handle.connection.cursor(), path)
    finally:
        _leave(path, handle)


def _enter(path: Path, *, read_only: bool, patience: float) -> _Handle:
    with _guard:
        handle = _open.get(path)
        if handle is None:
            if read_only:
                _refresh(path, patience)
            handle = _Handle(_connect(path, {}, patience, read_only=read_only), 0, read_only)
            if not read_only:
                _bring_up_to_date(handle.connection)
            _open[path] = handle
        elif handle.read_only and not read_only:
            raise StoreError(
                f"{path}: this process reads the store already and cannot write to it; close the reader first"
            )
        handle.users += 1
        return handle


def _refresh(path: Path, patience: float) -> None:
    """Bring a file up to date before readers share it; most often it is."""
    if not _is_current(path, patience):
        connection = _connect(path, {}, patience)
        _bring_up_to_date(connection)
        connection.close()


def _leave(path: Path, handle: _Handle) -> None:
    with _guard:
        handle.users -= 1
        if handle.users == 0:
            del _open[path]
            handle.connection.close()


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
    connection = _connect(path, {**_HARDENED, "memory_limit": memory}, PATIENCE, read_only=True)
    alarm = threading.Timer(seconds, connection.interrupt)
    alarm.daemon = True
    alarm.start()
    try:
        yield Store(connection, path)
    finally:
        alarm.cancel()
        connection.close()


def backup(store: Path, target: Path) -> None:
    """Write a closed copy of the store beside its readers, by atomic rename.

    Raises:
        StoreError: If the target exists, or the disk does not take it.
    """
    if target.exists():
        raise StoreError(f"{target}: exists already; name a file that does not")
    publish(store, target)


def publish(store: Path, target: Path) -> None:
    """Replace `target` by a closed copy of the store; a reader of the old copy keeps it undisturbed."""
    import shutil

    with open_store(store) as opened:
        opened.connection.execute("CHECKPOINT")
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(store, part)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StoreError(
            f"{target}: cannot be written ({error.strerror}); free some space or name another place"
        ) from error


def _connect(
    path: Path, config: dict[str, _Setting], patience: float, *, read_only: bool = False
) -> duckdb.DuckDBPyConnection:
    if read_only and not path.is_file():
        raise StoreError(f"{path}: there is no store yet; import or crawl something first")
    path.parent.mkdir(parents=True, exist_ok=True)
    if int(duckdb.__version__.split(".")[0]) >= 2:  # noqa: PLR2004 — files that 1.5 opens too
        config = {**config, "storage_compatibility_version": "v1.5.0"}
    deadline = time.monotonic() + patience
    pause = 0.01
    while True:
        try:
            return duckdb.connect(str(path), read_only=read_only, config=config)
        except duckdb.IOException as error:
            if "lock" not in str(error).lower():
                raise StoreError(
                    f"{path}: cannot be opened as a store ({_first_line(error)}); restore a backup, or move it "
                    "away and run `geo-flywheel rebuild`"
                ) from error
            if time.monotonic() > deadline:
                raise StoreError(
                    f"{path}: another process has held the store for {patience:.0f} s ({_first_line(error)}); "
                    "close it, or read the published copy beside it"
                ) from error
            time.sleep(pause)
            pause = min(pause * 2, 0.5)
        except duckdb.Error as error:
            raise StoreError(
                f"{path}: cannot be opened as a store ({_first_line(error)}); restore a backup, or move it away "
                "and run `geo-flywheel rebuild`"
            ) from error


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]


def _statements(folder: str) -> list[tuple[str, str, str]]:
    """(name, SQL, sha256) of each numbered file of a folder beside this module."""
    files = sorted(
        (file for file in resources.files(__package__).joinpath(folder).iterdir() if file.name.endswith(".sql")),
        key=lambda file: file.name,
    )
    return [(f.name, text := f.read_text("utf-8"), sha256(text.encode()).hexdigest()) for f in files]


def _views_digest() -> str:
    return sha256("".join(digest for _, _, digest in _statements("views")).encode()).hexdigest()


def _is_current(path: Path, patience: float) -> bool:
    """Whether a reader may open the file as it is: all migrations in it, and the views of this program."""
    connection = _connect(path, {}, patience, read_only=True)
    try:
        applied = connection.execute("SELECT max(version), max(views) FROM schema_migration").fetchone()
    except duckdb.CatalogException:
        return False
    finally:
        connection.close()
    return applied == (len(_statements("migrations")), _views_digest())


def _bring_up_to_date(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migration (version INTEGER, name VARCHAR, sha256 VARCHAR, views VARCHAR)"
    )
    applied = dict(connection.execute("SELECT name, sha256 FROM schema_migration").fetchall())
    migrations = _statements("migrations")
    unknown = sorted(applied.keys() - {name for name, _, _ in migrations})
    if unknown:
        raise MigrationError(
            f"the store holds migration {unknown[-1]}, which this program does not know; update the program"
        )
    for version, (name, sql, digest) in enumerate(migrations, 1):
        if name not in applied:
            _migrate(connection, version, name, sql, digest)
        elif applied[name] != digest:
            raise MigrationError(
                f"migration {name} was changed after the store applied it; reinstall the program as released"
            )
    _replace_views(connection)


def _migrate(connection: duckdb.DuckDBPyConnection, version: int, name: str, sql: str, digest: str) -> None:
    connection.execute("BEGIN")
    try:
        connection.execute(sql)
        connection.execute("INSERT INTO schema_migration VALUES (?, ?, ?, '')", (version, name, digest))
    except duckdb.Error as error:
        connection.execute("ROLLBACK")
        raise MigrationError(
            f"migration {name} failed ({_first_line(error)}); nothing was changed: restore a backup"
        ) from error
    connection.execute("COMMIT")


def _replace_views(connection: duckdb.DuckDBPyConnection) -> None:
    digest = _views_digest()
    if connection.execute("SELECT count(*) FROM schema_migration WHERE views <> ?", (digest,)).fetchone() == (0,):
        return
    connection.execute("BEGIN")
    for _, sql, _ in _statements("views"):
        connection.execute(sql)
    connection.execute("UPDATE schema_migration SET views = ?", (digest,))
    connection.execute("COMMIT")
