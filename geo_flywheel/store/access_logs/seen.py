"""The lines of a log that came so far, so that equal ones are told apart."""

from collections import Counter
from hashlib import sha256
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

Keys = np.ndarray[Any, np.dtype[np.uint64]]
Moments = np.ndarray[Any, np.dtype[np.int64]]

_MOST = 500_000  # lines at hand
_MET = (
    "SELECT line_key, count(*) FROM seen_line SEMI JOIN coming USING (line_key) WHERE moment BETWEEN ? AND ?"
    " GROUP BY line_key"
)


class Seen:
    """Keys of lines and when they happened: the latest at hand, those before on a desk, which may lay them on disk.

    Equal lines bear equal times: only lines whose times meet are compared.
    """

    def __init__(self, desk: duckdb.DuckDBPyConnection) -> None:
        """Begin with none."""
        self._desk = desk
        desk.execute("CREATE TABLE seen_line (line_key UBIGINT, moment BIGINT)")
        self._first, self._last = np.iinfo(np.int64).max, np.iinfo(np.int64).min  # moments on the desk
        self._recent: list[tuple[Keys, Moments]] = []

    def told_apart(self, keys: Keys, moments: Moments) -> Keys:
        """Return keys in which the second and a later one of equal lines have one of their own.

        Args:
            keys: Of the next lines, shape (line,), at least one.
            moments: When they happened, same shape.
        """
        ordered = np.sort(keys)
        earlier = self._earlier(keys, moments, ordered)
        self._keep(keys, moments)
        again = np.append(ordered[1:][ordered[1:] == ordered[:-1]], np.array(list(earlier), np.uint64))
        if not again.size:
            return keys
        told = keys.copy()
        for line in np.flatnonzero(np.isin(keys, again)):
            key = int(keys[line])
            if ordinal := earlier.get(key, 0):
                told[line] = _again(key, ordinal + 1)
            earlier[key] = ordinal + 1
        return told

    def _earlier(self, keys: Keys, moments: Moments, ordered: Keys) -> Counter[int]:
        """How often each key came before."""
        first, last = int(moments.min()), int(moments.max())
        recent = [old[(first <= when) & (when <= last)] for old, when in self._recent]
        before = np.concatenate([*recent, keys[:0]])
        place = np.minimum(np.searchsorted(ordered, before), ordered.size - 1)
        earlier = Counter(before[ordered[place] == before].tolist())
        meets = (self._first <= moments) & (moments <= self._last)
        if meets.any():
            self._desk.register("coming", pa.table({"line_key": keys[meets]}))
            earlier.update(dict(self._desk.execute(_MET, [first, last]).fetchall()))
            self._desk.unregister("coming")
        return earlier

    def _keep(self, keys: Keys, moments: Moments) -> None:
        self._recent.append((keys, moments))
        if sum(some.size for some, _ in self._recent) > _MOST:
            keys, moments = (np.concatenate(column) for column in zip(*self._recent, strict=True))
            self._desk.from_arrow(pa.table({"line_key": keys, "moment": moments})).insert_into("seen_line")
            self._first, self._last = min(self._first, int(moments.min())), max(self._last, int(moments.max()))
            self._recent = []


def _again(key: int, ordinal: int) -> int:
    """The key of the second or a later one of equal lines."""
    return key ^ int.from_bytes(sha256(f"#{ordinal}".encode()).digest()[:8], "big")
