"""Ready files that start `crawl --due` every so often: systemd units, a line of crontab, a workflow of GitHub.

They tick often and ask `crawl --due` what is due, so that cron expressions, zones and daylight saving are understood in
one place. Keys of providers never stand in them.
"""

import json
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from geo_flywheel.cli.output import say
from geo_flywheel.errors import ConfigError

ENVIRONMENT = ".config/geo-flywheel/environment"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_SERVICE = """\
# Put this file and geo-flywheel.timer into ~/.config/systemd/user/, then:
#   systemctl --user daemon-reload && systemctl --user enable --now geo-flywheel.timer
#   loginctl enable-linger    # so that it runs while you are logged out
# Keys of providers stand in ~/{environment}, one NAME=value per line, readable by you alone.
[Unit]
Description=Ask what the schedule of geo-flywheel says is due
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
EnvironmentFile=-%h/{environment}
ExecStart={command}
KillMode=mixed
KillSignal=SIGINT
TimeoutStopSec=10min
"""

_TIMER = """\
# Looks every quarter of an hour; geo-flywheel itself knows what is due.
[Unit]
Description=Look at the schedule of geo-flywheel

[Timer]
OnCalendar=*:0/15
Persistent=true

[Install]
WantedBy=timers.target
"""

_WORKFLOW = """\
# Looks every hour; geo-flywheel itself knows what is due. What a run finds is committed to this repository: keep it
# private unless everybody may read the answers. Keys of providers are secrets of the repository.
name: geo-flywheel
on:
  schedule:
    - cron: "17 * * * *"
  workflow_dispatch:
permissions:
  contents: write
concurrency:
  group: geo-flywheel
  cancel-in-progress: false
jobs:
  due:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - uses: actions/setup-python@v6
        with:
          python-version: "3.13"
      - run: pip install geo-flywheel=={version}
      - name: Make the store of what was kept
        run: if [ -d "$WORKSPACE/archive" ]; then geo-flywheel --workspace "$WORKSPACE" rebuild; fi
        env:
          WORKSPACE: {workspace}
      - name: Ask what is due
        run: geo-flywheel --workspace "$WORKSPACE" crawl --due
        env:
          WORKSPACE: {workspace}
{secrets}      - name: Keep what was found
        if: always()
        run: |
          cd "$WORKSPACE"
          git config user.name geo-flywheel
          git config user.email geo-flywheel@users.noreply.github.com
          for kept in archive basket schedule.sqlite*; do if [ -e "$kept" ]; then git add --force "$kept"; fi; done
          git diff --cached --quiet || {{ git commit --message "Keep what was found" && git push; }}
        env:
          WORKSPACE: {workspace}
"""


def systemd(program: Path, workspace: Path) -> dict[str, str]:
    """Return the units of systemd, by file name.

    Args:
        program: The command `geo-flywheel`; absolute.
        workspace: The folder; absolute.

    Raises:
        ConfigError: If a path holds a line break or another control character.
    """
    words = (program, "--workspace", workspace, "crawl", "--due")
    command = " ".join(_systemd_word(_one_line(str(word))) for word in words)
    return {
        "geo-flywheel.service": _SERVICE.format(command=command, environment=ENVIRONMENT),
        "geo-flywheel.timer": _TIMER,
    }


def crontab(program: Path, workspace: Path) -> str:
    """Return a line of crontab; arguments and errors as `systemd`."""
    command = shlex.join([_one_line(str(program)), "--workspace", _one_line(str(workspace)), "crawl", "--due"])
    keys = f'if [ -r "$HOME/{ENVIRONMENT}" ]; then set -a; . "$HOME/{ENVIRONMENT}"; fi'
    return f"*/15 * * * * {keys}; {command}".replace("%", r"\%")


def github_actions(workspace: Path, repository: Path, version: str, keys: Iterable[str]) -> dict[str, str]:
    """Return the workflow of GitHub, by path in the repository.

    Args:
        workspace: The folder; absolute, inside the repository.
        repository: Its root; absolute.
        version: Of this program.
        keys: Names of the secrets that the configured providers need.

    Raises:
        ConfigError: If the workspace lies elsewhere, or its path cannot stand in a workflow.
    """
    if not workspace.is_relative_to(repository):
        raise ConfigError(f"{workspace}: does not lie in {repository}; name the root of its repository with --output")
    path = _one_line(workspace.relative_to(repository).as_posix())
    if "${{" in path:
        raise ConfigError(f"{workspace}: GitHub would run what stands in its name; give the folder another name")
    secrets = "".join(f"          {key}: ${{{{ secrets.{key} }}}}\n" for key in dict.fromkeys(keys))
    text = _WORKFLOW.format(workspace=json.dumps(path, ensure_ascii=False), version=version, secrets=secrets)
    return {".github/workflows/geo-flywheel.yml": text}


def program() -> Path:
    """Return the command `geo-flywheel` of this installation.

    Raises:
        ConfigError: If there is none.
    """
    beside = Path(sys.executable).with_name("geo-flywheel")
    found = beside if beside.exists() else shutil.which("geo-flywheel")
    if not found:
        raise ConfigError("the command geo-flywheel is not installed; install the package, then try again")
    return Path(found).absolute()


def write(files: Mapping[str, str], folder: Path) -> None:
    """Write files into a folder.

    Raises:
        ConfigError: If one is there already and differs; then none is written.
    """
    for name, text in files.items():
        if (folder / name).exists() and (folder / name).read_text("utf-8") != text:
            raise ConfigError(f"{folder / name}: is there already and differs; move it away or choose another --output")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
        say(f"{folder / name}: written")


def _one_line(path: str) -> str:
    if _CONTROL.search(path):
        raise ConfigError(f"{path!r}: no such file can name a path with a control character; rename the folder")
    return path


def _systemd_word(word: str) -> str:
    """A word of ExecStart: quoted, and nothing in it expanded."""
    quoted = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return quoted if re.fullmatch(r"[\w./-]+", word) else f'"{quoted}"'
