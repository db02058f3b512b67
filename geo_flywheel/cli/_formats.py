"""The five formats of rows.

Text from the web is hostile to whoever opens it: control characters never reach a terminal, and a CSV cell that a
spreadsheet would run as a formula is led by an apostrophe.
"""

import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import Any

from geo_flywheel.cli.output import Format, Row, printable

_UNBOUNDED = 100_000
_FORMULA = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def write(columns: Sequence[str], rows: Iterable[Row], format_: Format) -> None:
    """Write rows to stdout; see `geo_flywheel.cli.output.write_rows`."""
    writer = {"table": _table, "csv": _csv, "json": _json, "ndjson": _ndjson, "markdown": _markdown}[format_]
    writer(_distinct(columns), ([plain(value) for value in row] for row in rows))
    sys.stdout.flush()


def plain(value: object) -> Any:
    """Return a value as JSON knows it: dates as ISO text, NaN and infinity as None, decimals and numpy as numbers."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if isfinite(value) else None
        case Decimal():
            return plain(int(value) if value.is_finite() and value == value.to_integral_value() else float(value))
        case datetime() | date() | time():
            return value.isoformat()
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case bytes():
            return value.hex()
    return plain(value.item()) if hasattr(value, "item") else str(value)


def _csv(columns: Sequence[str], rows: Iterator[list[Any]]) -> None:
    writer = csv.writer(_UnixLines(), lineterminator="\r\n")
    writer.writerow([_no_formula(name) for name in columns])
    writer.writerows([_no_formula(_cell(value)) for value in row] for row in rows)


class _UnixLines:
    """Ends lines with a newline; told so itself, the csv module would leave a carriage return in a cell unquoted."""

    def write(self, line: str) -> None:
        sys.stdout.write(line.removesuffix("\r\n") + "\n")


def _no_formula(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def _json(columns: Sequence[str], rows: Iterator[list[Any]]) -> None:
    lead = "[\n"
    for row in rows:
        sys.stdout.write(lead + _object(columns, row))
        lead = ",\n"
    sys.stdout.write("[]\n" if lead == "[\n" else "\n]\n")


def _ndjson(columns: Sequence[str], rows: Iterator[list[Any]]) -> None:
    sys.stdout.writelines(f"{_object(columns, row)}\n" for row in rows)


def _object(columns: Sequence[str], row: list[Any]) -> str:
    return json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False, allow_nan=False)


def _markdown(columns: Sequence[str], rows: Iterator[list[Any]]) -> None:
    sys.stdout.write(_line(columns))
    sys.stdout.write(_line(["---"] * len(columns)))
    sys.stdout.writelines(_line([_cell(value) for value in row]) for row in rows)


def _line(cells: Sequence[str]) -> str:
    safe = (re.sub(r"([\\|])", r"\\\1", printable(cell)).replace("<", "&lt;") for cell in cells)
    return f"| {' | '.join(safe)} |\n"


def _table(columns: Sequence[str], rows: Iterator[list[Any]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    kept = list(rows)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name, values in zip(columns, zip(*kept, strict=True) if kept else [()] * len(columns), strict=True):
        table.add_column(Text(printable(name)), justify="right" if _numeric(values) else "left")
    for row in kept:
        table.add_row(*(Text(_shown(value)) for value in row))
    width = None if sys.stdout.isatty() else _UNBOUNDED
    Console(file=sys.stdout, width=width, highlight=False).print(table)


def _numeric(values: Iterable[object]) -> bool:
    present = [value for value in values if value is not None]
    return bool(present) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in present)


def _shown(value: Any) -> str:
    """A value as a person reads it: three decimals, a dash for what is not there."""
    match value:
        case None:
            return "-"
        case float() if value.is_integer():
            return f"{value:.0f}"
        case float():
            return f"{value:.3f}" if abs(value) >= 0.001 else f"{value:.1e}"  # noqa: PLR2004
        case _:
            return printable(_cell(value))


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case _:
            return json.dumps(value, ensure_ascii=False)


def _distinct(columns: Sequence[str]) -> list[str]:
    """Names of columns with a number behind each one that came before: a, b, a -> a, b, a_2."""
    taken: list[str] = []
    for name in columns:
        number, free = 1, name
        while free in taken:
            number += 1
            free = f"{name}_{number}"
        taken.append(free)
    return taken
