"""The README is kept in step: its commands are run, and the help it prints is the program's own.

python tests/test_readme.py     writes the help of every command into the README
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click

HELP = ["-h", "--help"]
README = Path(__file__).parent.parent / "README.md"
SECTION = re.compile(r"(?<=<!-- commands -->\n).*?(?=<!-- /commands -->)", re.DOTALL)


def _helps() -> str:
    """Help of every command, as the program prints it at 80 columns; of the reports, only how to list them."""
    from geo_flywheel.cli import cli

    top = click.Context(cli, info_name="geo-flywheel", terminal_width=80, max_content_width=80, help_option_names=HELP)
    return "".join(_help(context) for context in _contexts(top))


def _contexts(context: click.Context) -> Iterator[click.Context]:
    yield context
    if isinstance(context.command, click.Group) and context.info_name != "report":
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            assert command is not None
            yield from _contexts(click.Context(command, parent=context, info_name=name, terminal_width=80))


def _help(context: click.Context) -> str:
    return f"```text\n$ {context.command_path} --help\n{context.get_help()}\n```\n\n"


def _script() -> str:
    """What the console blocks type, as one shell script."""
    lines = [
        line
        for block in re.findall(r"```console\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
        for line in block.splitlines()
    ]
    return "\n".join(line.removeprefix("$ ") for line in lines)


def test_the_readme_prints_the_help_of_every_command() -> None:
    found = SECTION.search(README.read_text("utf-8"))
    assert found is not None
    assert found[0] == _helps(), "run: python -m tests.test_readme"


def test_the_five_minutes_of_the_readme_run_as_they_stand(tmp_path: Path) -> None:
    program = f"geo-flywheel() {{ '{sys.executable}' -m geo_flywheel \"$@\"; }}\n"
    ran = subprocess.run(
        ["/bin/bash", "-euc", program + _script()], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "trailnotes.example" in ran.stdout
    assert "4 observation" in ran.stderr


if __name__ == "__main__":
    README.write_text(SECTION.sub(lambda _: _helps(), README.read_text("utf-8")), "utf-8")
