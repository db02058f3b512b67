"""`reread`, `rebuild` and `backup`: the store made anew from its evidence, or copied."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from geo_flywheel.cli import Session
from geo_flywheel.cli.import_ import report
from geo_flywheel.cli.output import say
from geo_flywheel.workspace import Workspace

if TYPE_CHECKING:
    from crawlers.intake import Places


@click.command()
@click.option("--all", "every", is_flag=True, help="Read every file again, whether its reader has changed or not.")
@click.pass_context
def reread(ctx: click.Context, *, every: bool) -> None:
    """Read the archived files again whose reader or URL rules have changed.

    The new readings supersede the old ones; nothing is asked again, and nothing counts twice.
    """
    from crawlers.intake import reread as again

    workspace = ctx.obj.workspace()
    ctx.exit(report(workspace, again(_places(workspace), every=every)))


@click.command()
@click.pass_context
def rebuild(ctx: click.Context) -> None:
    """Make the store anew from the archive alone; the old one is kept beside it."""
    from crawlers.intake import rebuild as anew

    workspace = ctx.obj.workspace()
    ctx.exit(report(workspace, anew(_places(workspace))))


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.pass_obj
def backup(session: Session, target: Path) -> None:
    """Write a closed copy of the store to TARGET, a file that does not exist yet."""
    from geo_flywheel.store.copies import backup as write

    write(session.workspace().store_path, target)
    say(f"{target}: written")


def _places(workspace: Workspace) -> "Places":
    from crawlers.intake import Places

    return Places(workspace.store_path, workspace.archive_path)


commands = [reread, rebuild, backup]
