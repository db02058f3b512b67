"""What comes again and again in a log, numbered."""

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

import numpy as np
import pyarrow as pa

Ints = np.ndarray[Any, np.dtype[np.int64]]

_Thing = TypeVar("_Thing", bound=Hashable)


class Numbered(Generic[_Thing]):
    """Distinct things, numbered from 0 in the order they first came.

    Attributes:
        things: By their numbers.
    """

    def __init__(self, *first: _Thing) -> None:
        """Begin with some."""
        self.things: list[_Thing] = []
        self._numbers: dict[_Thing, int] = {}
        self.numbers(first)

    def numbers(self, things: Iterable[_Thing]) -> Ints:
        """Return the number of each, new ones for those that did not come before."""
        return np.array([self._number(thing) for thing in things], np.int64)

    def _number(self, thing: _Thing) -> int:
        number = self._numbers.setdefault(thing, len(self.things))
        if number == len(self.things):
            self.things.append(thing)
        return number

    def texts(self, codes: Ints, column: Callable[[_Thing], str | None]) -> Any:
        """Return what a function makes of the things of these numbers, as a column of text."""
        return pa.array([column(thing) for thing in self.things], pa.string()).take(pa.array(codes))

    def array(self, column: Callable[[_Thing], Any]) -> np.ndarray[Any, Any]:
        """Return what a function makes of each thing."""
        return np.array([column(thing) for thing in self.things])


Pages = Numbered[tuple[str, str]]  # host and path


def distinct(*columns: Ints) -> tuple[Iterable[tuple[int, ...]], Ints]:
    """Return what stands side by side in columns of small numbers, each once, and which of them stands in each row.

    Raises:
        ValueError: If there could be more than 64 bits hold.
    """
    sizes = tuple(int(column.max(initial=0)) + 1 for column in columns)
    _, first, which = np.unique(np.ravel_multi_index(columns, sizes), return_index=True, return_inverse=True)
    return zip(*(column[first].tolist() for column in columns), strict=True), which
