"""Reports: SQL files that the DuckDB command line runs as they are, found, checked, bound and run.

A file names its parameters in comments and gives each a value that a caller may have set before:

    -- description: Weekly citation rate of one site.
    -- param site VARCHAR: site to follow
    SET VARIABLE site = coalesce(getvariable('site')::VARCHAR, 'example.com');
    SELECT … WHERE site = getvariable('site') ORDER BY ALL;

Shipped files lie in `queries/`; a workspace may hold more in its own `queries/`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from geo_flywheel.errors import ReportError
from geo_flywheel.shipped import folder

if TYPE_CHECKING:
    import pyarrow as pa

    from geo_flywheel.store.database import Store

_HEADER = re.compile(r"^--\s*description:\s*(.+)$", re.MULTILINE)
_PARAMETER = re.compile(r"^--\s*param\s+(\w+)\s+(\w+):\s*(.+)$", re.MULTILINE)
_SETTING = re.compile(
    r"SET\s+VARIABLE\s+(?P<name>\w+)\s*=\s*(?:"
    r"getvariable\('(?P=name)'\)::(?P<bare>\w+)"
    r"|coalesce\(getvariable\('(?P=name)'\)::(?P<type>\w+),\s*(?P<default>.+)\))",
    re.DOTALL,
)
_SHAPE = "write: SET VARIABLE {0} = coalesce(getvariable('{0}')::TYPE, DEFAULT);"
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a report can be asked with.

    Attributes:
        type: VARCHAR, DATE, INTEGER, BIGINT, DOUBLE or BOOLEAN.
        default: SQL of the value it has when none is given; None stands for NULL.
    """

    name: str
    type: str
    description: str
    default: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """One file of SQL."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    sql: str
    path: Path


def find(own: Path | None = None) -> list[Report]:
    """Return all reports by name.

    Args:
        own: Folder of the person's own files; it need not exist.

    Raises:
        ReportError: If an own file has the name of a shipped one, or cannot be read.
    """
    shipped = {path.stem: path for path in sorted(folder("queries").glob("*.sql"))}
    added = {path.stem: path for path in sorted(own.glob("*.sql"))} if own else {}
    for name in shipped.keys() & added.keys():
        raise ReportError(f"{added[name]}: a report of this name is shipped; give the file another name")
    return [_read(name, path) for name, path in sorted((shipped | added).items())]


def get(name: str, own: Path | None = None) -> Report:
    """Return one report.

    Raises:
        ReportError: If there is none of this name (the nearest is named), or as `find`.
    """
    reports = {report.name: report for report in find(own)}
    if name not in reports:
        raise ReportError(f"no report is called {name}; {_nearest(name, list(reports))}")
    return reports[name]


def check(store: "Store", report: Report) -> None:
    """See that a report consists of SET VARIABLE statements, each for a parameter, and one harmless SELECT.

    Raises:
        ReportError: If not; the message names the file.
    """
    from geo_flywheel.store import statements

    try:
        parts = statements.script(store, report.sql)
        named = [_checked_setting(store, text) for text in parts.settings]
    except ReportError as error:
        raise ReportError(f"{report.path}: {error}") from error
    for parameter in report.parameters:
        if (parameter.name, parameter.type) not in named:
            shape = _SHAPE.format(parameter.name).replace("TYPE", parameter.type)
            raise ReportError(f"{report.path}: nothing sets the parameter {parameter.name}; {shape}")
    known = {parameter.name for parameter in report.parameters}
    for name, type_ in named:
        if name not in known:
            raise ReportError(f"{report.path}: {name} is set and not said; write: -- param {name} {type_}: what it is")


def run(store: "Store", report: Report, values: Mapping[str, object]) -> "pa.Table":
    """Return the rows of a report.

    Args:
        store: Open, best by `open_hardened`: a report of the person's own is SQL from anywhere.
        report: As `find` or `get` returned it.
        values: Value of each parameter that is given, as text or in its Python type; the others have their defaults.

    Raises:
        ReportError: If a value or a name is wrong, the file is no report, or the database cannot run it.
    """
    from geo_flywheel.store import statements

    check(store, report)
    parameters = {parameter.name: parameter for parameter in report.parameters}
    bound: dict[str, object] = {}
    for name, value in values.items():
        if name not in parameters:
            raise ReportError(f"{report.name} has no parameter {name}; {_nearest(name, list(parameters))}")
        bound[name] = _value(parameters[name], value)
    return statements.table(store, statements.script(store, report.sql), bound)


def _read(name: str, path: Path) -> Report:
    try:
        sql = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(f"{path}: cannot be read ({error}); see to the file, or take it away") from error
    described = _HEADER.search(sql)
    defaults = {found["name"]: found["default"] for found in map(_setting, _set_lines(sql)) if found}
    parameters = tuple(
        Parameter(found[1], found[2].upper(), found[3].strip(), defaults.get(found[1]))
        for found in _PARAMETER.finditer(sql)
    )
    return Report(name, described[1].strip() if described else "", parameters, sql, path)


def _set_lines(sql: str) -> list[str]:
    return [found[1] for found in re.finditer(r"^(SET\s+VARIABLE\s[^;]*);", sql, re.MULTILINE)]


def _setting(statement: str) -> re.Match[str] | None:
    return _SETTING.fullmatch(re.sub(r"^\s*--.*$", "", statement, flags=re.MULTILINE).strip())


def _checked_setting(store: "Store", statement: str) -> tuple[str, str]:
    """Name and type of the parameter a SET VARIABLE statement sets."""
    from geo_flywheel.store import statements

    found = _setting(statement)
    if found is None:
        raise ReportError(f"{' '.join(statement.split())[:80]}: not of the one form allowed; {_SHAPE.format('NAME')}")
    if found["default"]:
        statements.selection(store, f"SELECT {found['default']}")
    type_ = (found["type"] or found["bare"]).upper()
    if type_ not in _READERS:
        raise ReportError(f"the parameter {found['name']} is of type {type_}; known are {', '.join(_READERS)}")
    return found["name"], type_


def _value(parameter: Parameter, value: object) -> object:
    read, form = _READERS[parameter.type]
    try:
        return read(str(value))
    except ValueError:
        raise ReportError(f"{parameter.name} = {value}: not {form}") from None


def _boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError(text)
    return _BOOLEANS[text.lower()]


def _integer(text: str, bits: int) -> int:
    number = int(text)
    if number.bit_length() >= bits:
        raise ValueError(text)
    return number


_READERS: dict[str, tuple[Callable[[str], object], str]] = {
    "VARCHAR": (str, "text"),
    "DATE": (date.fromisoformat, "a date; write it as 2026-01-31"),
    "INTEGER": (lambda text: _integer(text, 32), "a whole number; write it as 20"),
    "BIGINT": (lambda text: _integer(text, 64), "a whole number; write it as 20"),
    "DOUBLE": (float, "a number; write it as 0.5"),
    "BOOLEAN": (_boolean, "true or false"),
}


def _nearest(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known) or 'none'}"
