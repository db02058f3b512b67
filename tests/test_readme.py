"""The README is kept in step: its commands are run, and the help it prints is the program's own.

python tests/test_readme.py     writes the help of every command into the README
"""

import re
import subprocess
import sys
from pathlib import Path

import click

README = Path(__file__).parent.parent / "README.md"
SECTION = re.compile(r"(?<=<!-- commands -->\n).*?(?=<!-- /commands -->)", re.DOTALL)


def _helps() -> str:
    """Help of every command, as the program prints it at 80 columns."""
    from geo_flywheel.cli import cli

    context = click.Context(cli, info_name="geo-flywheel", max_content_width=80, terminal_width=80)
    return "".join(_help(name, context) for name in ("", *cli.list_commands(context)))


def _help(name: str, parent: click.Context) -> str:
    from geo_flywheel.cli import cli

    command = cli.get_command(parent, name) if name else cli
    assert command is not None
    context = click.Context(command, info_name=name, parent=parent, terminal_width=80) if name else parent
    return f"```text\n$ geo-flywheel {name}{' ' if name else ''}--help\n{command.get_help(context)}\n```\n\n"


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
    assert found[0] == _helps(), "run: python tests/test_readme.py"


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
