"""Which rung of the ladder is taken, with stubs in place of Python and uv: nothing is installed here."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = ("sh", "awk", "dirname", "rm", "mkdir", "cp", "chmod", "cat")
LOCKED_UV = "uv==9 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"
LOCK = f"other==1 \\\n    --hash=sha256:aa\n{LOCKED_UV}zebra==1 \\\n    --hash=sha256:dd\n"
UV = """#!/bin/sh
echo "uv $*" >>calls
case "$1" in venv) mkdir -p .venv/bin && cp "$(command -v "$5")" .venv/bin/python ;; esac
"""
PYTHON = """#!/bin/sh
case "$1 $2 $3" in
"-c import sys; sys.exit"*) exit {unfit} ;;
"-c import sys; print"*) echo {version} ;;
"-m venv .venv") mkdir -p .venv/bin && exit_code={no_venv} && [ $exit_code = 0 ] && cp "$0" .venv/bin/python ;;
"-m pip --version") exit {no_pip} ;;
"-m pip install") echo "{name} $*" >>calls
    case "$*" in *--target*) mkdir -p .tools/bin && cp uv.stub .tools/bin/uv ;; esac ;;
esac
"""


@dataclass
class Machine:
    """A checkout and a PATH that holds only what the test puts there."""

    home: Path

    def has_python(self, name: str = "python3", **lacks: object) -> Path:
        facts = {"unfit": 0, "version": "3.12", "no_venv": 0, "no_pip": 0, "name": name} | lacks
        return self._program(name, PYTHON.format(**facts))

    def has_uv(self) -> None:
        self._program("uv", UV)

    def has(self, name: str) -> None:
        self._program(name, "#!/bin/sh\n")

    def _program(self, name: str, text: str) -> Path:
        program = self.home / "path" / name
        program.write_text(text)
        program.chmod(0o755)
        return program

    def bootstrap(self, **environment: str) -> "subprocess.CompletedProcess[str]":
        (self.home / "checkout" / "calls").write_text("")
        return subprocess.run(
            ["/bin/sh", "scripts/bootstrap.sh", ".venv", "requirements.lock"],
            cwd=self.home / "checkout",
            env={"PATH": str(self.home / "path"), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        return (self.home / "checkout" / "calls").read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "path").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (tmp_path / "path" / tool).symlink_to(found)
    checkout = tmp_path / "checkout"
    (checkout / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "bootstrap.sh", checkout / "scripts")
    (checkout / "requirements.lock").write_text(LOCK)
    (checkout / "uv.stub").write_text(UV)
    (checkout / "uv.stub").chmod(0o755)
    return Machine(tmp_path)


LAST = ["install --quiet --require-hashes -r requirements.lock", "install --quiet --no-deps --no-build-isolation -e ."]


def by_uv(arguments: str) -> str:
    return f"uv pip {arguments.replace('--quiet', '--quiet --python .venv/bin/python')}"


def test_first_uv_on_the_path(machine: Machine) -> None:
    machine.has_python()
    machine.has_uv()
    assert machine.bootstrap().returncode == 0
    assert machine.calls == ["uv --version", "uv venv --quiet --no-project --python python3 .venv", *map(by_uv, LAST)]


def test_then_venv_and_its_pip(machine: Machine) -> None:
    machine.has_python()
    assert machine.bootstrap().returncode == 0
    assert machine.calls == [f"python3 -m pip {arguments}" for arguments in LAST]


def test_then_a_private_uv_of_the_locked_digest(machine: Machine) -> None:
    machine.has_python(no_venv=1)
    assert machine.bootstrap().returncode == 0
    private = "--quiet --require-hashes --no-deps --upgrade --target .tools -r .tools/uv.lock"
    assert machine.calls[0] == f"python3 -m pip install {private}"
    assert machine.calls[-2:] == [by_uv(arguments) for arguments in LAST]
    asked = (machine.home / "checkout" / ".tools" / "uv.lock").read_text()
    assert asked == LOCKED_UV


def test_else_one_line_that_names_the_package(machine: Machine) -> None:
    machine.has_python(no_venv=1, no_pip=1)
    result = machine.bootstrap()
    assert result.returncode == 1
    assert result.stderr == "error: python3 has neither venv nor pip; install python3-pip, then run make again\n"
    machine.has("apt-get")
    assert "sudo apt install python3.12-venv" in machine.bootstrap().stderr


def test_a_python_too_old_is_passed_over(machine: Machine) -> None:
    machine.has_python(unfit=1)
    machine.has_python("python3.13")
    machine.bootstrap()
    assert machine.calls[0].startswith("python3.13 ")


def test_no_fitting_python_is_one_line(machine: Machine) -> None:
    machine.has_python(unfit=1)
    result = machine.bootstrap()
    assert result.returncode == 1
    assert result.stderr.startswith("error: no Python 3.11 to 3.14 on PATH; install python3")
    assert result.stderr.count("\n") == 1


def test_the_python_that_was_named_is_taken_or_refused(machine: Machine) -> None:
    machine.has_python()
    named = machine.has_python("mine")
    machine.bootstrap(PYTHON=str(named))
    assert machine.calls[0].startswith("mine ")
    machine.has_python("mine", unfit=1)
    result = machine.bootstrap(PYTHON=str(named))
    assert result.returncode == 1
    assert result.stderr == f"error: PYTHON={named} is not a Python 3.11 to 3.14; name one that is\n"


def test_an_environment_that_works_stays_unless_another_python_is_named(machine: Machine) -> None:
    machine.has_python(version="3.12")
    machine.bootstrap()
    kept = machine.home / "checkout" / ".venv" / "kept"
    kept.write_text("")
    machine.bootstrap()
    assert kept.exists()
    machine.bootstrap(PYTHON=str(machine.has_python("other", version="3.13")))
    assert not kept.exists()


def test_an_environment_without_pip_is_made_anew_where_there_is_no_uv(machine: Machine) -> None:
    machine.has_python()
    machine.has_uv()
    machine.bootstrap()
    (machine.home / "path" / "uv").unlink()
    environment = machine.home / "checkout" / ".venv"
    (environment / "bin" / "python").write_text(PYTHON.format(unfit=0, version="3.12", no_venv=0, no_pip=1, name="old"))
    assert machine.bootstrap().returncode == 0
    assert machine.calls[0].startswith("python3 -m pip install")


def test_an_environment_that_is_broken_is_made_anew(machine: Machine) -> None:
    broken = machine.home / "checkout" / ".venv" / "bin"
    broken.mkdir(parents=True)
    (broken / "python").symlink_to("/nowhere/python")
    machine.has_python()
    assert machine.bootstrap().returncode == 0
    assert (broken / "python").is_file()


def test_make_alone_lists_every_recipe() -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True, env=environment).stdout  # noqa: S607 - the make of the person who runs the tests
    recipes = (ROOT / "Makefile").read_text().partition(".PHONY:")[2].partition("\n")[0].split()
    assert [line.split()[1] for line in listed.splitlines()] == recipes
