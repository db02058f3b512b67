"""The command line: the composition root, where the rooms of the house are put together.

This folder is a registry: a module here with a `command` gives one command named after the file (`import_.py` gives
`import`), a module with `commands` gives each under its own name. Such a module is imported for its help text, so it
imports click and the names it needs for types at the top, and everything heavy inside its functions.
"""

import sys
from functools import cached_property
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import NamedTuple

import click

from geo_flywheel import __version__
from geo_flywheel.cli.output import say
from geo_flywheel.errors import GeoFlywheelError
from geo_flywheel.workspace import Workspace, find


class Session(NamedTuple):
    """What every command is handed (`@click.pass_obj`).

    Attributes:
        named: The folder given by --workspace or GEO_FLYWHEEL_WORKSPACE, None when none was.
    """

    named: Path | None = None

    def workspace(self) -> Workspace:
        """Return the workspace meant: the folder named, else the nearest one upwards.

        Raises:
            ConfigError: If there is none.
        """
        return find(self.named)


class _Folder(click.Group):
    """The commands found in this folder."""

    @cached_property
    def _found(self) -> dict[str, click.Command]:
        found: dict[str, click.Command] = {}
        for name in sorted(file.stem for file in Path(__file__).parent.glob("[!_]*.py")):
            there = vars(import_module(f"{__name__}.{name}"))
            if "command" in there:
                found[name.rstrip("_").replace("_", "-")] = there["command"]
            found |= {command.name: command for command in there.get("commands", ())}
        return found

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self._found})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or self._found.get(cmd_name)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except GeoFlywheelError as error:
            say(f"error: {error}")
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            ctx.exit(130)


@click.group(cls=_Folder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--workspace",
    type=click.Path(path_type=Path),
    envvar="GEO_FLYWHEEL_WORKSPACE",
    help="Folder of the workspace; default: the nearest one upwards from here.",
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, workspace: Path | None) -> None:
    """Does being cited by AI answers compound? Read, store, report and estimate AI-answer citations.

    Data goes to stdout, talk to stderr. Exit code 0: done; 1: some of it failed; 2: usage or configuration.
    """
    ctx.obj = Session(workspace)


def main() -> None:
    """Run the program; text from the web that the terminal cannot encode is escaped, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    cli(prog_name="geo-flywheel")
