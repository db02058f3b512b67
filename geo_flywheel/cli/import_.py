"""`geo-flywheel import`: take files into the archive and the store."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from geo_flywheel.cli import Session
from geo_flywheel.cli.output import say
from geo_flywheel.errors import ConfigError
from geo_flywheel.workspace import Workspace

if TYPE_CHECKING:
    from crawlers.intake import Outcome


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--set", "constants", multiple=True, metavar="OURS=VALUE", help="A value the files do not say themselves."
)
@click.option("--map", "columns", multiple=True, metavar="OURS=THEIRS", help="The column or key that holds a value.")
@click.option("--site", metavar="HOST", help="The host an access log is of whose lines do not say it.")
@click.option("--keep", is_flag=True, help="Keep in the archive also what holds personal data: access logs.")
@click.option("--as", "plugin", metavar="FORMAT", help="Read them as this format, in place of recognising it.")
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[Path, ...],
    constants: tuple[str, ...],
    columns: tuple[str, ...],
    site: str | None,
    keep: bool,  # noqa: FBT001 - click names it
    plugin: str | None,
) -> None:
    """Take files into the store: saved replies, exports, dated observations, training-presence tables, access logs.

    The format is recognised; every file is kept in the archive before it is read, and taking it in again adds nothing.
    Access logs hold personal data: they are read where they lie, and kept only with --keep.

    \b
    geo-flywheel import replies/*.json
    geo-flywheel import chatgpt-export.zip
    geo-flywheel import citations.csv --set engine=perplexity
    geo-flywheel import answers.jsonl --set observed_at=2026-05-01 --map cited=sources
    geo-flywheel import access.log access.log.*.gz --site example.com
    """  # noqa: D301 - click is to see the sign
    from crawlers.intake import KEEP, Places, take_in

    session: Session = ctx.obj
    workspace = session.workspace()
    options = _pairs("set", constants) | _pairs("map", columns)
    options |= ({"set.site": site} if site else {}) | ({KEEP: "yes"} if keep else {})
    places = Places(workspace.store_path, workspace.archive_path)
    ctx.exit(report(workspace, take_in(places, files, options, plugin)))


def _pairs(kind: str, pairs: tuple[str, ...]) -> dict[str, str]:
    """Options of the import by name ("set.engine"), from NAME=VALUE words."""
    for pair in pairs:
        if "=" not in pair:
            raise ConfigError(f"--{kind} {pair}: write it as NAME=VALUE, for example --{kind} engine=perplexity")
    return {f"{kind}.{name.strip()}": value for name, _, value in (pair.partition("=") for pair in pairs)}


def report(workspace: Workspace, outcomes: "Iterable[Outcome]") -> int:
    """Say what came of each file on stderr, publish a closed copy of the store, and return the exit code."""
    from geo_flywheel.store.copies import publish

    failed = 0
    for outcome in outcomes:
        if outcome.state == "failed":
            failed += 1
            say(f"error: {outcome.problem}")
        elif outcome.state == "held":
            say(f"{outcome.name}: {outcome.plugin}, in the store already")
        else:
            added = ", ".join(f"{count:,} {table}" for table, count in sorted(outcome.added.items()) if count)
            say(f"{outcome.name}: {outcome.plugin}, {added or 'nothing new'}")
    publish(workspace.store_path, workspace.published_path)
    return int(failed > 0)
