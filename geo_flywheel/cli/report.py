"""`geo-flywheel report NAME`: run a report; each file of queries/ is a command with its parameters as options."""

from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import click

from geo_flywheel.cli import Session
from geo_flywheel.cli.output import Format, format_option, say, write_rows
from geo_flywheel.errors import ConfigError, ReportError
from geo_flywheel.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

    from geo_flywheel.reports import Parameter, Report

_SITES = ("site", "only_site")
_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".md": "markdown",
    ".txt": "table",
}
_RESERVED = ("format", "output", "help")


class _Reports(click.Group):
    """A command for each report; those of the workspace too, where there is one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [report.name for report in _found(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return next((_command(report) for report in _found(ctx) if report.name == cmd_name), None)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        names = self.list_commands(ctx)
        if args and not args[0].startswith("-") and args[0] not in names:
            from difflib import get_close_matches

            near = get_close_matches(args[0], names, n=1)
            hint = f"did you mean {near[0]}?" if near else "see them with: geo-flywheel report --list"
            raise click.UsageError(f"no report is called {args[0]}; {hint}", ctx)
        return super().resolve_command(ctx, args)


def _found(ctx: click.Context) -> "list[Report]":
    from geo_flywheel import reports

    try:
        own = _queries(ctx.find_root().obj.workspace())
    except (ConfigError, AttributeError):
        own = None
    return reports.find(own)


def _queries(workspace: Workspace) -> Path:
    return workspace.root / "queries"


def _list(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click calls it so
    if wanted:
        write_rows(["report", "description"], [(report.name, report.description) for report in _found(ctx)])
        ctx.exit()


command = _Reports(
    name="report",
    help="""Run a report over the store and print its rows.

    Each is a file of SQL that the DuckDB command line runs too; a workspace may hold more in its folder queries/.
    Rates stand beside their numerator and denominator, and are empty where a source does not say what was asked.
    """,
    short_help="Run a report over the store.",
    params=[
        click.Option(
            ["--list"], is_flag=True, is_eager=True, expose_value=False, callback=_list, help="List the reports."
        )
    ],
)


def _command(report: "Report") -> click.Command:
    """The command of one report, its options made from the parameters its file names."""

    @format_option()
    @click.option(
        "--output",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write to this file instead, by its ending: .parquet, .csv, .json, .ndjson, .md.",
    )
    @click.pass_obj
    def run(session: Session, /, format_: Format, output: Path | None, **values: str | None) -> None:
        workspace = session.workspace()
        given = {name: value for name, value in values.items() if value is not None}
        rows = _run(workspace, report, _with_sites(workspace, report, given))
        if output is None:
            write_rows(rows.column_names, _rows(rows), format_)
        else:
            _save(rows, output)

    options = [_option(parameter) for parameter in report.parameters if parameter.name not in _RESERVED]
    made = click.command(report.name, help=report.description)(run)
    made.params = [*options, *made.params]
    return made


def _option(parameter: "Parameter") -> click.Option:
    default = parameter.default or ""
    literal = default.removeprefix("DATE ").strip("'")
    shown = parameter.name != "site" and literal and "(" not in literal and "default:" not in parameter.description
    text = f"{parameter.description}; default: {literal}" if shown else parameter.description
    if parameter.name == "site":
        text += "; default: the first of the workspace's own sites"
    flag = f"--{parameter.name.replace('_', '-')}"
    return click.Option([flag, parameter.name], metavar=parameter.type, help=f"{text}.")


def _with_sites(workspace: Workspace, report: "Report", given: dict[str, str]) -> dict[str, str]:
    """The values given, sites as they are called in the store, and the own site where one is needed and none given."""
    from geo_flywheel import urls

    if "site" not in given and any(parameter.name == "site" for parameter in report.parameters):
        own = workspace.config().own
        if not own:
            raise ReportError(f"{report.name}: whose? name one with --site, or write own = [...] into [site]")
        given = {**given, "site": own[0]}
    sites = {name: urls.site(value) or value for name, value in given.items() if name in _SITES and value}
    for name, site in sites.items():
        if site != given[name]:
            say(f"{given[name]} is counted with its site {site}")
    return given | sites


def _run(workspace: Workspace, report: "Report", values: dict[str, str]) -> "pa.Table":
    from geo_flywheel import reports
    from geo_flywheel.store.database import open_hardened

    with open_hardened(workspace.store_path) as store:
        return reports.run(store, report, values)


def _rows(table: "pa.Table") -> Iterator[tuple[object, ...]]:
    for batch in table.to_batches():
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _save(table: "pa.Table", path: Path) -> None:
    """Write a table to a file by its ending; an old file is replaced only by a whole new one."""
    ending = path.suffix.lower()
    if ending != ".parquet" and ending not in _FORMATS:
        raise ReportError(f"{path}: no format ends in {ending or 'nothing'}; use .parquet, .csv, .json, .ndjson or .md")
    part = path.with_name(f".{path.name}.part")
    try:
        _write(table, part, ending)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ReportError(f"{path}: cannot be written ({error.strerror or error}); name another place") from error
    say(f"{path}: {table.num_rows} rows")


def _write(table: "pa.Table", path: Path, ending: str) -> None:
    if ending == ".parquet":
        from pyarrow import parquet

        parquet.write_table(table, path)
        return
    with path.open("w", encoding="utf-8", newline="") as file, redirect_stdout(file):
        write_rows(table.column_names, _rows(table), _FORMATS[ending])
