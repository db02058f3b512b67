"""Texts of a log that are numbered in the order they first come, looked up by compiled code."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.lib.stride_tricks import sliding_window_view

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Words = np.ndarray[Any, np.dtype[np.uint64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

WORD = 8  # bytes
_ENTRY = np.dtype([("hash", np.uint64), ("owner", np.int64), ("start", np.int64), ("end", np.int64)])
MOST, _LARGEST = 500_000, 64 * 1024**2  # texts, and bytes of theirs, that are worth remembering
_TEXTS, _SIZE = 1 << 15, 1 << 21  # there is room for at first
_SPARE = 4  # slots for a text, at least


class Table(NamedTuple):
    """A hash table with open addressing.

    Attributes:
        slots: Number of the text that lies there, -1 for none; as many as a power of two.
        entries: Of each text its hash, to whom it belongs (equal texts of two owners are two), where in the pool it is.
        pool: All texts, one behind the other, and some room, as `words` makes them.
        filled: How many texts there are, shape (1,).
    """

    slots: np.ndarray[Any, np.dtype[np.int32]]
    entries: np.ndarray[Any, np.dtype[np.void]]
    pool: Words
    filled: Ints


class Texts:
    """Texts numbered from 0."""

    def __init__(self) -> None:
        """Begin with none."""
        self._bytes = np.empty(_SIZE, np.uint8)
        self.table = _table(_TEXTS, self._bytes)

    def __len__(self) -> int:
        """How many there are."""
        return int(self.table.filled[0])

    @property
    def size(self) -> int:
        """How many bytes they have together."""
        return int(self.table.entries["end"][len(self) - 1]) if len(self) else 0

    def grow(self, size: int) -> None:
        """Make room for twice as many, and for so many bytes besides; the slots are all empty then.

        Another thread may read texts meanwhile: nothing is put in place before it is whole.
        """
        old, count, used = self.table.entries, len(self), self.size
        pool = np.empty(2 * (used + size), np.uint8)
        pool[:used] = self._bytes[:used]
        table = _table(2 * old.size, pool)
        table.entries[:count] = old[:count]
        table.filled[0] = count
        self._bytes, self.table = pool, table

    @property
    def is_full(self) -> bool:
        """Whether they are more than is worth remembering."""
        return len(self) > MOST or self.size > _LARGEST

    def owners(self, first: int, end: int) -> Ints:
        """Return to whom each text between two numbers belongs."""
        return self.table.entries["owner"][first:end]

    def between(self, first: int, end: int) -> "pa.Array[pa.StringScalar]":
        """Return the texts between two numbers."""
        entries = self.table.entries[first:end]
        offsets = np.append(entries["start"][:1], entries["end"]).astype(np.int32)
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(self._bytes)]
        return pa.Array.from_buffers(pa.string(), entries.size, buffers)


def words(text: Bytes) -> Words:
    """Return the eight bytes from each place on as a number, the first of them the lowest, without a copy."""
    return sliding_window_view(text, WORD, writeable=True).view("<u8")[:, 0]


def _table(texts: int, pool: Bytes) -> Table:
    slots = np.full(_SPARE * texts, -1, np.int32)
    return Table(slots, np.empty(texts, _ENTRY), words(pool), np.zeros(1, np.int64))
