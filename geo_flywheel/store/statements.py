"""Statements a person wrote: one SELECT that reads tables of the store and nothing else of the machine.

A hardened connection opens no file, but some functions of a SELECT do other things: they log to a file or to stdout,
read memory at an address, run text as a statement. So functions that return tables are those listed here, and a few
that return a value are refused.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from geo_flywheel.errors import ReportError
from geo_flywheel.store.database import Store

_TABLE_FUNCTIONS = frozenset(
    {
        "duckdb_columns",
        "duckdb_constraints",
        "duckdb_functions",
        "duckdb_keywords",
        "duckdb_schemas",
        "duckdb_tables",
        "duckdb_types",
        "duckdb_views",
        "generate_series",
        "histogram",
        "histogram_values",
        "json_each",
        "json_tree",
        "pragma_table_info",
        "pragma_version",
        "range",
        "repeat",
        "unnest",
    }
)
_REFUSED_FUNCTIONS = frozenset({"json_execute_serialized_sql", "nextval", "setseed", "sleep_ms", "write_log"})
_ONE_SELECT = "write one SELECT; to keep its rows use --format or --output"
_BATCH = 10_000
_ZONED = "WITH TIME ZONE"


@dataclass(frozen=True, slots=True)
class Script:
    """A report's statements.

    Attributes:
        settings: Its SET VARIABLE statements, in order.
        select: The SELECT at its end.
    """

    settings: tuple[str, ...]
    select: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a SELECT returns, row by row; read it while the store is open."""

    columns: list[str]
    rows: Iterator[tuple[Any, ...]]


def script(store: Store, sql: str) -> Script:
    """Return the statements of a report.

    Raises:
        ReportError: If there is anything but SET VARIABLE statements and one harmless SELECT behind them.
    """
    statements = [text for text in _statements(store, sql) if text]
    if not statements:
        raise ReportError(f"there is no statement; {_ONE_SELECT}")
    *settings, last = statements
    for text in settings:
        if not re.match(r"SET\s+VARIABLE\s", _bare(text), re.IGNORECASE):
            raise ReportError(f"{_opening(text)}: only SET VARIABLE may stand before the SELECT; take it out")
    return Script(tuple(settings), selection(store, last))


def selection(store: Store, sql: str) -> str:
    """Return the one SELECT of a text without a semicolon.

    Raises:
        ReportError: If it is not exactly one SELECT, or calls a function that does more than compute.
    """
    tree = _tree(store, sql)
    statements = tree.get("statements", [])
    if tree["error"] or len(statements) != 1:
        _statements(store, sql)
        what = tree.get("error_message") or f"there are {len(statements)} statements"
        raise ReportError(f"{_opening(sql)}: {what.rstrip('!')}; {_ONE_SELECT}")
    for name, returns_table in _functions(statements[0]):
        if name in _REFUSED_FUNCTIONS or (returns_table and name not in _TABLE_FUNCTIONS):
            raise ReportError(f"the function {name} is not allowed here: it reaches beyond the tables; leave it out")
    return _statements(store, sql)[0]


def run(store: Store, select: str) -> Result:
    """Run a SELECT that `selection` returned; moments with a time zone come as text.

    Raises:
        ReportError: If the database refuses it, or it takes too long or too much memory.
    """
    try:
        cursor = store.connection.execute(select)
        names, types = zip(*((column[0], str(column[1])) for column in cursor.description or ()), strict=True)
        if any(_ZONED in type_ for type_ in types):
            cursor = store.connection.execute(_zones_as_text(select, types))
        first = cursor.fetchmany(_BATCH)
    except duckdb.Error as error:
        raise ReportError(explained(error)) from error
    return Result(list(names), _rows(cursor, first))


def table(store: Store, report: Script, values: Mapping[str, object]) -> pa.Table:
    """Run a report with variables of its own.

    Args:
        store: Open, best by `open_hardened`.
        report: As `script` returned it.
        values: Value of each variable set before the report's own statements.

    Raises:
        ReportError: If the database refuses it, or it takes too long or too much memory.
    """
    cursor = store.connection.cursor()
    try:
        for name, value in values.items():
            cursor.execute(f'SET VARIABLE "{name}" = ?', [value])
        for setting in report.settings:
            cursor.execute(setting)
        return cursor.execute(report.select).to_arrow_table()
    except duckdb.Error as error:
        raise ReportError(explained(error)) from error


def explained(error: duckdb.Error) -> str:
    """Return what the database has to say in one line, with what to do where it does not say it."""
    if isinstance(error, duckdb.InterruptException):
        return "the statement took too long and was stopped; ask for less, or narrow the weeks"
    if isinstance(error, duckdb.OutOfMemoryException):
        return "the statement needs more memory than it may take; ask for less, or narrow the weeks"
    told = re.split(r"\n\s*LINE \d+:", str(error), maxsplit=1)[0]
    return " ".join(told.split()) + "; see the tables with: geo-flywheel sql 'SHOW TABLES'"


def _rows(cursor: duckdb.DuckDBPyConnection, first: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    batch = first
    while batch:
        yield from batch
        try:
            batch = cursor.fetchmany(_BATCH)
        except duckdb.Error as error:
            raise ReportError(explained(error)) from error


def _zones_as_text(select: str, types: tuple[str, ...]) -> str:
    """The SELECT with text for moments that Python could only hold with a library of time zones."""
    names = [f"c{number}" for number in range(len(types))]
    shown = (f"CAST({name} AS VARCHAR)" if _ZONED in type_ else name for name, type_ in zip(names, types, strict=True))
    return f"SELECT {', '.join(shown)} FROM (\n{select}\n) AS given({', '.join(names)})"


def _statements(store: Store, sql: str) -> list[str]:
    try:
        return [found.query.strip().rstrip(";").rstrip() for found in store.connection.extract_statements(sql)]
    except duckdb.Error as error:
        raise ReportError(explained(error)) from error


def _tree(store: Store, sql: str) -> dict[str, Any]:
    try:
        tree: dict[str, Any] = json.loads(store.rows("SELECT json_serialize_sql(CAST(? AS VARCHAR))", [sql])[0][0])
    except duckdb.Error as error:
        raise ReportError(explained(error)) from error
    except RecursionError as error:
        raise ReportError("the statement is nested too deeply; write it flatter") from error
    return tree


def _functions(root: object) -> Iterator[tuple[str, bool]]:
    """Lower-case name of each function called anywhere in a syntax tree, and whether it stands for a table."""
    waiting = [(root, False)]
    while waiting:
        node, is_source = waiting.pop()
        if isinstance(node, list):
            waiting += [(child, False) for child in node]
        elif isinstance(node, dict):
            if "function_name" in node:
                yield str(node["function_name"]).lower(), is_source
            source = node.get("function") if node.get("type") == "TABLE_FUNCTION" else None
            waiting += [(child, child is source) for child in node.values()]


def _bare(sql: str) -> str:
    """A statement without the comments and blanks before it."""
    return re.sub(r"\A(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)+", "", sql, flags=re.DOTALL)


def _opening(sql: str) -> str:
    text = " ".join(_bare(sql).split())
    return text if len(text) <= 40 else f"{text[:39]}…"  # noqa: PLR2004 - enough to recognise it
