"""Bring the schema of a store up to date: numbered migrations, each applied once, and views that hold no state."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import NamedTuple

import duckdb

from geo_flywheel.errors import MigrationError


class _Script(NamedTuple):
    """A numbered SQL file beside this module."""

    name: str
    sql: str
    sha256: str


def is_current(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the store has exactly the migrations and the views of this program."""
    applied = _applied(connection)
    return [row[:2] for row in applied] == _named(_scripts("migrations")) and {row[2] for row in applied} == {_views()}


def bring_up_to_date(connection: duckdb.DuckDBPyConnection) -> None:
    """Apply the migrations that are missing, and put the views of this program in place.

    Raises:
        MigrationError: If the store knows one this program does not, if one was changed since, or if one fails.
    """
    applied = {name: digest for name, digest, _ in _applied(connection)}
    migrations = _scripts("migrations")
    unknown = sorted(applied.keys() - {script.name for script in migrations})
    if unknown:
        raise MigrationError(
            f"the store holds migration {unknown[-1]}, which this program does not know; update the program"
        )
    for version, script in enumerate(migrations, 1):
        if script.name not in applied:
            _migrate(connection, version, script)
        elif applied[script.name] != script.sha256:
            raise MigrationError(
                f"migration {script.name} was changed after the store applied it; reinstall the program as released"
            )
    if not is_current(connection):
        _replace_views(connection)


def _applied(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Name, digest and digest of the views of each migration in the store; none in a new one."""
    try:
        return connection.execute("SELECT name, sha256, views FROM schema_migration ORDER BY version").fetchall()
    except duckdb.CatalogException:
        return []


@cache
def _scripts(folder: str) -> tuple[_Script, ...]:
    files = (file for file in resources.files(__package__).joinpath(folder).iterdir() if file.name.endswith(".sql"))
    texts = {file.name: file.read_text("utf-8") for file in files}
    return tuple(_Script(name, texts[name], sha256(texts[name].encode()).hexdigest()) for name in sorted(texts))


def _named(scripts: tuple[_Script, ...]) -> list[tuple[str, str]]:
    return [(script.name, script.sha256) for script in scripts]


def _views() -> str:
    """One digest of all views."""
    return sha256(repr(_named(_scripts("views"))).encode()).hexdigest()


def _migrate(connection: duckdb.DuckDBPyConnection, version: int, script: _Script) -> None:
    with _all_or_nothing(connection, f"migration {script.name}"):
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration (version INTEGER, name VARCHAR, sha256 VARCHAR, views VARCHAR)"
        )
        connection.execute(script.sql)
        connection.execute("INSERT INTO schema_migration VALUES (?, ?, ?, '')", (version, script.name, script.sha256))


def _replace_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop every view, those of a former program among them, and create this program's."""
    with _all_or_nothing(connection, "replacing the views"):
        for (name,) in connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall():
            connection.execute(f'DROP VIEW "{name}"')
        for script in _scripts("views"):
            connection.execute(script.sql)
        connection.execute("UPDATE schema_migration SET views = ?", (_views(),))


@contextmanager
def _all_or_nothing(connection: duckdb.DuckDBPyConnection, step: str) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except duckdb.Error as error:
        connection.execute("ROLLBACK")
        says = str(error).split("\n", 1)[0]
        raise MigrationError(
            f"{step} failed ({says}); nothing was changed: reinstall the program as released, or restore a backup"
        ) from error
