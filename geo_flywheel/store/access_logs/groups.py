"""Rows that wait until there are as many as the store lays on the disk at a time."""

from collections.abc import Callable

import pyarrow as pa

_GROUP = 122_880  # rows; what is laid down in other numbers is laid down once more when the store is closed


class Groups:
    """Stores rows by whole groups."""

    def __init__(self, groups: int, store: Callable[[pa.Table], None]) -> None:
        """Wait for so many groups, and then hand them to `store`."""
        self._most, self._store = groups * _GROUP, store
        self._waiting: list[pa.Table] = []

    def add(self, rows: pa.Table) -> None:
        """Take rows in."""
        self._waiting.append(rows)
        if sum(some.num_rows for some in self._waiting) >= self._most:
            waiting = pa.concat_tables(self._waiting).combine_chunks()  # what comes in pieces is laid down in pieces
            self._store(waiting.slice(0, self._most))
            self._waiting = [waiting.slice(self._most)]

    def finish(self) -> None:
        """Store the rest."""
        if self._waiting:
            self._store(pa.concat_tables(self._waiting).combine_chunks())
        self._waiting = []
