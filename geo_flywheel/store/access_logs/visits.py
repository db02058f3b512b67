"""The requests of a log that are stored one by one: those of AI agents, and of people whom assistants sent."""

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import numpy as np
import pyarrow as pa

from geo_flywheel.store.access_logs.clients import Mask
from geo_flywheel.store.access_logs.groups import Groups
from geo_flywheel.store.access_logs.numbered import Ints, Numbered, Pages
from geo_flywheel.store.access_logs.queried import Chunk, Keys
from geo_flywheel.store.database import Store
from geo_flywheel.store.numbers import VisitKind, number_log_pages, number_visit_kinds

_Thing = TypeVar("_Thing", bound=Hashable)


class Visits:
    """Stores visits many at a time, each with the numbers that the store has for its page and its kind.

    Attributes:
        stored: How many, so far.
    """

    def __init__(self, store: Store, reading_no: int) -> None:
        """Start for a reading."""
        self.stored = 0
        self._database, self._reading_no = store, reading_no
        self._waiting = Groups(1, self._store)
        self._begin(Pages(), Numbered())

    def add(self, chunk: Chunk, keys: Keys, is_new: Mask) -> None:
        """Take in those visits of a chunk that are new.

        Args:
            chunk: Its pages and kinds are numbered anew where they are others than the time before.
            keys: Of its lines, shape (line,).
            is_new: Same shape.
        """
        if chunk.pages is not self._pages.of:
            self._waiting.finish()
            self._begin(chunk.pages, chunk.kinds)
        lines = chunk.lines
        which = lines.is_visit & is_new
        visits = chunk.visits.filter(pa.array(is_new[lines.is_visit]))
        rows = {
            "key": keys[which],
            "reading_no": np.full(visits.num_rows, self._reading_no, np.int32),
            "happened_at": lines.moments[which].astype("datetime64[us]"),
            "page": lines.page[which],
            "kind": visits["kind"],
            "status": lines.status[which].astype(np.int32),
            "bytes": visits["bytes"],
        }
        self._waiting.add(pa.table(rows))

    def finish(self) -> None:
        """Store those that wait."""
        self._waiting.finish()

    def _begin(self, pages: Pages, kinds: Numbered[VisitKind]) -> None:
        self._pages = _Stored(pages, lambda new: number_log_pages(self._database, new))
        self._kinds = _Stored(kinds, lambda new: number_visit_kinds(self._database, new))

    def _store(self, visits: pa.Table) -> None:
        for column, stored in ((3, self._pages), (4, self._kinds)):
            numbers = stored.numbers(visits.column(column).to_numpy())
            visits = visits.set_column(column, visits.column_names[column], pa.array(numbers))
        self._database.connection.from_arrow(visits).insert_into("visit")
        self.stored += visits.num_rows


class _Stored(Generic[_Thing]):
    """The numbers that the store has for things that a log numbers otherwise."""

    def __init__(self, of: Numbered[_Thing], ask: Callable[[list[_Thing]], list[int]]) -> None:
        self.of, self._ask = of, ask
        self._numbers = np.zeros(0, np.int32)  # 0 where not known

    def numbers(self, codes: Ints) -> "np.ndarray[Any, np.dtype[np.int32]]":
        """Return the store's number of each, asking for those that are new."""
        missing = len(self.of.things) - self._numbers.size
        self._numbers = np.append(self._numbers, np.zeros(missing, np.int32))
        new = np.unique(codes[self._numbers[codes] == 0])
        if new.size:
            self._numbers[new] = self._ask([self.of.things[code] for code in new.tolist()])
        return self._numbers[codes]
