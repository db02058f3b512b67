"""Replications kept in files as they are made, so that a study can be stopped at any time and taken up again.

A row holds for as long as what made it is unchanged: it carries a digest of the world and of the source of all that
draws and estimates, docstrings and layout left out. Rows of another source are passed over, unless `adopted` finds that
the present source gives the same numbers for the first of them.
"""

import ast
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.validation.cells import Cell

Row = dict[str, Any]

TRIED = 2
_ROOMS = ("geo_flywheel.estimate", "geo_flywheel.estimators", "geo_flywheel.simulate", "geo_flywheel.panel")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The rows of one cell.

    Attributes:
        path: File of JSON lines; each has `digest` and `seed`.
        digest: Of the present source and world.
    """

    path: Path
    digest: str

    def rows(self) -> dict[int, Row]:
        """Return by seed the rows made by the present source."""
        return {row["seed"]: row for row in self._all() if row["digest"] == self.digest}

    def add(self, row: Row) -> None:
        """Append one row."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps({"digest": self.digest, **row}) + "\n")

    def adopted(self, again: Callable[[int], Row]) -> int:
        """Take over rows of another source if the present one gives the same for the first `TRIED`; return how many."""
        held = set(self.rows())
        theirs: dict[str, list[Row]] = {}
        for row in self._all():
            if row["digest"] != self.digest:
                theirs.setdefault(row.pop("digest"), []).append(row)
        before = len(held)
        for rows in sorted(theirs.values(), key=len, reverse=True):
            new = {row["seed"]: row for row in rows if row["seed"] not in held}
            if all(alike(json.loads(json.dumps(again(seed))), new[seed]) for seed in list(new)[:TRIED]):
                for row in new.values():
                    self.add(row)
                held |= set(new)
        return len(held) - before

    def _all(self) -> Iterator[Row]:
        if not self.path.exists():
            return
        for line in self.path.read_text().splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue  # a line that a kill cut off


def alike(one: Any, other: Any) -> bool:
    """Tell whether two JSON values are the same, numbers to nine digits."""
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
        case list(), list():
            return len(one) == len(other) and all(map(alike, one, other))
        case float(), float():
            return one == other or one != one or abs(one - other) <= 1e-9 * max(1.0, abs(other))  # noqa: PLR0124  NaN
        case _:
            return bool(one == other)


def digest(cell: Cell, modules: tuple[str, ...]) -> str:
    """Return the digest of a cell's world and of these modules with all they import of the same rooms."""
    found: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name], imported = _source(name)
            waiting += imported
    told = [repr(cell.world), str(cell.crawlers), *([str(cell.missing)] if cell.missing else [])]
    told += (found[name] for name in sorted(found))
    return sha256("\n".join(told).encode()).hexdigest()[:16]


def _source(module: str) -> tuple[str, list[str]]:
    """The syntax of a module without docstrings, and what it imports of the same rooms."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return "", []
    tree = ast.parse(Path(spec.origin).read_text())
    imported = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(_ROOMS):
            imported += [node.module, *(_submodule(node.module, alias.name) for alias in node.names)]
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [line for line in node.body if not _is_text(line)]
    return ast.dump(tree), [name for name in imported if name]


def _submodule(package: str, name: str) -> str:
    try:
        return f"{package}.{name}" if find_spec(f"{package}.{name}") else ""
    except ModuleNotFoundError:
        return ""


def _is_text(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)
