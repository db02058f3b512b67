"""Other processes that hold a store or an archive while a test looks on."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HOLD = """
import sys
from pathlib import Path
from geo_flywheel.store.archive import Run
from geo_flywheel.store.database import open_store
{setup}
print("ready", flush=True)
sys.stdin.readline()
{end}
"""


@contextmanager
def another_process(setup: str, end: str = "") -> Iterator[subprocess.Popen[str]]:
    """Run `setup` in another process, which then waits; when the block ends it is let go, unless it was killed."""
    code = _HOLD.format(setup=setup, end=end)
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        if process.poll() is None and process.stdin is not None and not process.stdin.closed:
            let_go(process)


def let_go(process: "subprocess.Popen[str]") -> None:
    """Let the process go on to its end."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.close()


def holding(path: Path, *, read_only: bool = False) -> str:
    """Code that opens a store and keeps it open."""
    return f"held = open_store(Path({str(path)!r}), read_only={read_only})\nstore = held.__enter__()"


def tried(code: str) -> str:
    """What another process prints, or the last line of its error."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr.strip().rpartition("\n")[2]).strip()


def opened_elsewhere(path: Path, *, read_only: bool = False, patience: float = 0.0) -> str:
    """Whether another process can open the store: "opened", else its error."""
    return tried(
        "from pathlib import Path\nfrom geo_flywheel.store.database import open_store\n"
        f"with open_store(Path({str(path)!r}), read_only={read_only}, patience={patience}):\n    print('opened')"
    )
