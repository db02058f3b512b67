"""How the program speaks: data on stdout in one of five formats, talk on stderr."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, TypeVar

import click

Format = Literal["table", "csv", "json", "ndjson", "markdown"]
FORMATS: tuple[Format, ...] = ("table", "csv", "json", "ndjson", "markdown")
Row = Sequence[object]
Command = TypeVar("Command", bound=Callable[..., Any])

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")


def format_option(default: Format = "table", choices: Sequence[Format] = FORMATS) -> Callable[[Command], Command]:
    """Return the `--format` option; the command gets it as `format_`."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(choices),
        default=default,
        show_default=True,
        help="How to write the rows.",
    )


def say(text: str) -> None:
    """Tell the person something on stderr; stdout is for data."""
    click.echo("\n".join(printable(line) for line in text.split("\n")), err=True)


def printable(text: str) -> str:
    """Return text as one line with nothing in it that moves a terminal's cursor, colours it or turns its direction."""
    return _CONTROL.sub(" ", text)


def fields_of(record: Any) -> dict[str, object]:
    """Return the fields of a dataclass's instance by name, in order."""
    return {name: getattr(record, name) for name in names_of(record)}


def names_of(record: Any) -> list[str]:
    """Return the names of the fields of a dataclass, or of an instance, in order."""
    from dataclasses import fields

    return [field.name for field in fields(record)]


def write_rows(columns: Sequence[str], rows: Iterable[Row], format_: Format = "table") -> None:
    """Write rows to stdout.

    Args:
        columns: Names of the columns; a name that comes again gets a number, so that no format drops its values.
        rows: Values of each row in the order of the columns: None, text, numbers, dates, lists, dicts.
        format_: "table" for people, "csv", "json" (one array), "ndjson" (one object per line) or "markdown".
            Dates are ISO 8601; a value that is not there, NaN among them, is empty in csv and null in json.
    """
    from geo_flywheel.cli._formats import write

    write(columns, rows, format_)
