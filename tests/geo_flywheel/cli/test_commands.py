"""The door of the program: what it finds, what it answers, and what it does not import to answer."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

import geo_flywheel.cli
from geo_flywheel import __version__
from geo_flywheel.cli import Session, cli
from geo_flywheel.errors import ConfigError, CrawlError, GeoFlywheelError
from geo_flywheel.workspace import CONFIG_NAME, Workspace
from tests.conftest import Run

HEAVY = (
    "pandas", "numpy", "numba", "duckdb", "pyarrow", "httpx", "networkx", "scipy", "rich", "importlib.metadata",
    "ada_url",
)  # fmt: skip


def program(code: str, **options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), **options}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom geo_flywheel.cli import main\nsys.argv = ['geo-flywheel', '--help']\n"
        f"try: main()\nfinally: print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    result = program(code)
    assert result.returncode == 0
    assert result.stderr == "[]\n"


def test_a_file_of_the_folder_is_a_command_and_help_lists_it(run: Run) -> None:
    shown = run("--help").stdout
    names = cli.list_commands(click.Context(cli))
    assert {"init", "basket"} <= set(names)
    assert all(f"\n  {name}" in shown for name in names)


def test_every_command_has_help_of_its_own(run: Run) -> None:
    for name in cli.list_commands(click.Context(cli)):
        result = run(name, "--help")
        assert result.exit_code == 0
        assert result.stdout.count("\n") > 4


def test_version(run: Run) -> None:
    assert run("--version").stdout == f"geo-flywheel {__version__}\n"


def test_the_workspace_is_taken_from_the_option_the_environment_or_upwards(
    run: Run, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("basket", "show").exit_code == 2
    assert run("basket", "show", workspace=workspace).exit_code == 0
    monkeypatch.setenv("GEO_FLYWHEEL_WORKSPACE", str(workspace.root))
    assert run("basket", "show").exit_code == 0
    monkeypatch.delenv("GEO_FLYWHEEL_WORKSPACE")
    monkeypatch.chdir(workspace.root)
    assert run("basket", "show").exit_code == 0


@pytest.mark.parametrize(("error", "code"), [(ConfigError("a\x1b[2J"), 2), (CrawlError("a\x1b[2J"), 1)])
def test_an_expected_error_is_one_line_and_its_exit_code(
    error: GeoFlywheelError, code: int, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Session) -> Workspace:
        raise error

    monkeypatch.setattr(Session, "workspace", fail)
    result = run("basket", "show")
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", "error: a [2J\n")


def test_an_interrupt_is_exit_code_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: Session) -> Workspace:
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "workspace", interrupt)
    assert run("basket", "show").exit_code == 130


def test_a_bug_is_not_dressed_up_as_an_expected_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "workspace", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("basket", "show")


def test_an_unknown_command_is_a_usage_error(run: Run) -> None:
    result = run("nonsense")
    assert result.exit_code == 2
    assert "No such command 'nonsense'" in result.stderr


def test_a_reader_that_goes_away_leaves_no_traceback(workspace: Workspace) -> None:
    with workspace.config_path.open("a") as file:
        file.writelines(f'[[basket.prompts]]\ntext = "prompt {n}"\n' for n in range(5000))
    code = "from geo_flywheel.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "--workspace", workspace.root, "basket", "show", "--format", "csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.read(10)
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


def test_text_the_terminal_cannot_show_is_escaped_not_a_traceback(tmp_path: Path) -> None:
    (tmp_path / CONFIG_NAME).write_text('[[basket.prompts]]\ntext = "日本"\n', encoding="utf-8")
    code = (
        "import sys; from geo_flywheel.cli import main; sys.argv[1:] = ['basket', 'show', '--format', 'json']; main()"
    )
    result = program(code, GEO_FLYWHEEL_WORKSPACE=str(tmp_path), PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert result.returncode == 0
    assert "\\u65e5\\u672c" in result.stdout


def test_the_folder_of_commands_holds_nothing_that_is_neither_command_nor_output() -> None:
    folder = Path(geo_flywheel.cli.__file__).parent
    silent = [
        file.name
        for file in folder.glob("[!_]*.py")
        if not {"command", "commands"} & vars(sys.modules[f"geo_flywheel.cli.{file.stem}"]).keys()
    ]
    assert silent == ["output.py"]
