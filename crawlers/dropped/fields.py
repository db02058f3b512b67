"""Which column of a file is which field of ours: by its name, by another it is known under, or as a person says."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from geo_flywheel.errors import Unreadable

Names = Mapping[str, tuple[str, ...]]
"""For each field of ours the names it may have in a file, the best first, its own name left out."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Where the fields of a file come from.

    Attributes:
        columns: Column of the file for a field.
        constants: Value of a field that the person gave for every row.
    """

    columns: Mapping[str, str]
    constants: Mapping[str, str]

    def __contains__(self, field: str) -> bool:
        return field in self.columns or field in self.constants


def plain(name: str) -> str:
    """Return a column's name as names are compared: "Page URL" is page_url."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def listed(columns: Iterable[str]) -> str:
    """Return the names of columns for an error: one line, not too long, whatever a stranger called them."""
    names = ", ".join(columns)[:300]
    return "".join(letter if letter.isprintable() else " " for letter in names)


def find(columns: Sequence[str], names: Names, options: Mapping[str, str]) -> Fields:
    """Find the fields among a file's columns.

    Args:
        columns: The file's columns, in order.
        names: Names of the fields.
        options: `map.FIELD=COLUMN` (empty: no column) and `set.FIELD=VALUE`, which win over every name.

    Raises:
        Unreadable: If an option names a field or a column there is not; the message does not name the file.
    """
    there = {plain(column): column for column in reversed(columns)}
    chosen: dict[str, str] = {}
    constants: dict[str, str] = {}
    for option, value in options.items():
        verb, _, name = option.partition(".")
        if verb not in {"map", "set"}:
            continue
        typed = f"--{verb} {name}"
        field = _field(typed, name, names)
        if verb == "set":
            constants[field] = value
        elif value and plain(value) not in there:
            raise Unreadable(f"{typed}={value}: no such column; there are {listed(columns)}")
        else:
            chosen[field] = there.get(plain(value), "")
    free = {name: column for name, column in there.items() if column not in chosen.values()}
    for field, others in names.items():
        found = next((free[name] for name in (field, *others) if name in free), "")
        chosen.setdefault(field, found)
    return Fields({f: c for f, c in chosen.items() if c and f not in constants}, constants)


def _field(typed: str, name: str, names: Names) -> str:
    known = {other: field for field, others in names.items() for other in others} | {field: field for field in names}
    if plain(name) in known:
        return known[plain(name)]
    near = get_close_matches(plain(name), known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
    raise Unreadable(f"{typed}: no such field; {hint}")
