"""Put the estimators to the proof and write docs/validation.md.

    python -m tests.validation [--grid named|full] [--cells NAME ...] [--replications N] [--jobs N] [--seed N]
                               [--minutes M] [--adopt] [--page-only]
    python -m tests.validation.citation_rate [replications]

Replications go in turns through the cells, so that all grow evenly; each is kept in build/validation/<cell>.jsonl as
soon as it is made, and a run that was stopped goes on from there. Exit code 1: a promise is broken, or the study is
not finished. `--grid full` prints its page and leaves docs/ alone.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from functools import partial
from itertools import islice, takewhile
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")  # before numpy is loaded: replications are what runs in parallel

from tests.validation.cells import BEYOND, NAMED, Cell, full_grid  # noqa: E402
from tests.validation.checkpoint import Checkpoint, digest  # noqa: E402
from tests.validation.judging import Summary, summary  # noqa: E402
from tests.validation.page import broken, page  # noqa: E402
from tests.validation.replicating import modules_of, replicate, seed_of  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "validation"
PAGE = ROOT / "docs" / "validation.md"
SEED = 20261125
REPLICATIONS = 200
MINUTES = 85.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing of the study and write its page."""
    asked = _asked(arguments)
    cells = _chosen(asked.grid, asked.cells)
    kept = {cell.name: Checkpoint(KEPT / f"{cell.name}.jsonl", digest(cell, modules_of(cell))) for cell in cells}
    if asked.adopt:
        _adopt(cells, kept)
    if not asked.page_only:
        _run(cells, kept, asked)
    found = _found(cells, kept, asked)
    told = page(cells, found, _command(arguments), asked.seed, asked.replications)
    if asked.grid == "named" and not asked.cells:
        PAGE.write_text(told)
        _say(f"{PAGE.relative_to(ROOT)} written")
    else:
        sys.stdout.write(told)
    failures = broken(cells, found)
    for cell, check in failures:
        _say(f"{cell.name}: {check.name} is {check.figure.value:.3f}, promised {check.bound}")
    unfinished = any(found.get(cell.name, None) is None or found[cell.name].replications < asked.replications
                     for cell in cells)  # fmt: skip
    return 1 if failures or unfinished else 0


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.validation", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--grid", choices=("named", "full"), default="named")
    parser.add_argument("--cells", nargs="+", default=[], metavar="NAME", help="only these")
    parser.add_argument("--replications", type=int, default=REPLICATIONS)
    parser.add_argument("--jobs", type=int, default=2, help="processes; 1 for none beside this one")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="start no replication after so many")
    parser.add_argument("--adopt", action="store_true", help="keep rows of another source that this one reproduces")
    parser.add_argument("--page-only", action="store_true", help="run nothing, write the page from what there is")
    return parser.parse_args(arguments)


def _chosen(grid: str, names: Sequence[str]) -> list[Cell]:
    cells = list((*NAMED, *BEYOND) if grid == "named" else full_grid())
    unknown = set(names) - {cell.name for cell in cells}
    if unknown:
        sys.exit(f"no cell {', '.join(sorted(unknown))} in the {grid} grid: {' '.join(c.name for c in cells[:30])} …")
    return [cell for cell in cells if not names or cell.name in names]


def _run(cells: Sequence[Cell], kept: dict[str, Checkpoint], asked: argparse.Namespace) -> None:
    """Make what is missing, in turns through the cells, until the time is over."""
    until = monotonic() + 60 * asked.minutes
    due = _due(cells, kept, asked)
    if asked.jobs == 1:
        for cell, seed in takewhile(lambda _: monotonic() < until, due):
            kept[cell.name].add(replicate(cell, seed))
        return
    with ProcessPoolExecutor(asked.jobs, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(replicate, cell, seed): cell for cell, seed in islice(due, 2 * asked.jobs)}
        made = 0
        while running:
            for task in wait(running, return_when=FIRST_COMPLETED).done:
                cell = running.pop(task)
                kept[cell.name].add(task.result())
                made += 1
                following = next(due, None) if monotonic() < until else None
                if following:
                    running[pool.submit(replicate, *following)] = following[0]
            if made % 100 == 0:
                _say(f"{made} replications made")


def _due(
    cells: Sequence[Cell], kept: dict[str, Checkpoint], asked: argparse.Namespace
) -> Iterator[tuple[Cell, int]]:  # fmt: skip
    done = {name: set(checkpoint.rows()) for name, checkpoint in kept.items()}
    for number in range(asked.replications):
        for cell in cells:
            seed = seed_of(cell, asked.seed, number)
            if seed not in done[cell.name]:
                yield cell, seed


def _adopt(cells: Sequence[Cell], kept: dict[str, Checkpoint]) -> None:
    for cell in cells:
        taken = kept[cell.name].adopted(partial(replicate, cell))
        _say(f"{cell.name}: {taken} replications of another source hold")


def _found(cells: Sequence[Cell], kept: dict[str, Checkpoint], asked: argparse.Namespace) -> dict[str, Summary]:
    found = {}
    for cell in cells:
        rows = kept[cell.name].rows()
        seeds = (seed_of(cell, asked.seed, number) for number in range(asked.replications))
        if mine := [rows[seed] for seed in seeds if seed in rows]:
            found[cell.name] = summary(cell.truth, mine)
    return found


def _command(arguments: Sequence[str] | None) -> str:
    given = list(sys.argv[1:] if arguments is None else arguments)
    shown = [word for word in given if word not in {"--page-only", "--adopt"}]
    return " ".join(["python -m tests.validation", *shown])


def _say(words: str) -> None:
    sys.stderr.write(words + "\n")


if __name__ == "__main__":
    sys.exit(main())
