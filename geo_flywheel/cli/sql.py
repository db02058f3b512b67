"""`geo-flywheel sql "SELECT …"`: ask the store anything, and nothing else of the machine."""

import sys
from itertools import islice

import click

from geo_flywheel.cli import Session
from geo_flywheel.cli.output import Format, format_option, say, write_rows

_SHOWN = 1_000
_WHOLE: tuple[Format, ...] = ("csv", "json", "ndjson")


@click.command("sql")
@click.argument("select")
@format_option()
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    help=f"Rows at most, 0 for all; default: {_SHOWN} in a table or markdown, else all.",
)
@click.pass_obj
def command(session: Session, select: str, format_: Format, limit: int | None) -> None:
    """Run one SELECT over the store; `-` reads it from stdin.

    It can read the store's tables and views (SHOW TABLES, DESCRIBE answers) and neither write nor read a file, load an
    extension or change a setting.
    """
    from geo_flywheel.store import statements
    from geo_flywheel.store.database import open_hardened

    text = sys.stdin.read() if select == "-" else select
    most = (0 if format_ in _WHOLE else _SHOWN) if limit is None else limit
    with open_hardened(session.workspace().store_path) as store:
        result = statements.run(store, statements.selection(store, text))
        write_rows(result.columns, islice(result.rows, most) if most else result.rows, format_)
        if most and next(result.rows, None) is not None:
            say(f"only the first {most} rows; all of them: --limit 0")
