"""The requests of a log that are stored one by one: those of AI agents, and of people whom assistants sent."""

from typing import Any

import numpy as np
import pyarrow as pa

from geo_flywheel.store.access_logs.cells import Pages
from geo_flywheel.store.access_logs.clients import Mask
from geo_flywheel.store.access_logs.groups import Groups
from geo_flywheel.store.access_logs.queried import Chunk, Keys
from geo_flywheel.store.database import Store
from geo_flywheel.store.numbers import number_links

_VISIT = (
    "line_key", "reading_no", "happened_at", "host", "page_no", "link_no", "path", "method", "status", "bytes", "agent",
    "operator", "purpose", "verification", "assistant", "attribution", "utm_source",
)  # fmt: skip


class Visits:
    """Stores visits many at a time, each with the page it is of.

    Attributes:
        stored: How many, so far.
    """

    def __init__(self, store: Store, reading_no: int) -> None:
        """Start for a reading."""
        self.stored = 0
        self._database, self._reading_no = store, reading_no
        self._waiting = Groups(1, self._store)
        self._begin(Pages())

    def add(self, chunk: Chunk, keys: Keys, is_new: Mask) -> None:
        """Take in those visits of a chunk that are new.

        Args:
            chunk: Its pages are numbered anew where they are others than the time before.
            keys: Of its lines, shape (line,).
            is_new: Same shape.
        """
        if chunk.pages is not self._pages:
            self._waiting.finish()
            self._begin(chunk.pages)
        lines = chunk.lines
        which = lines.is_visit & is_new
        visits = chunk.visits.filter(pa.array(is_new[lines.is_visit]))
        columns = {
            "line_key": pa.array(keys[which]),
            "happened_at": pa.array(lines.moments[which]).cast(pa.timestamp("us")),
            "page": pa.array(lines.page[which]),
            "status": pa.array(lines.status[which].astype(np.int32)),
        }
        for name, column in columns.items():
            visits = visits.append_column(name, column)
        self._waiting.add(visits)

    def finish(self) -> None:
        """Store those that wait."""
        self._waiting.finish()

    def _store(self, visits: pa.Table) -> None:
        self._database.connection.from_arrow(self._placed(visits).select(_VISIT)).insert_into("visit")
        self.stored += visits.num_rows

    def _begin(self, pages: Pages) -> None:
        self._pages = pages
        self._numbers = np.zeros((0, 2), np.int32)  # page_no and link_no of each page, 0 where they are not known

    def _placed(self, visits: pa.Table) -> pa.Table:
        page = visits["page"].to_numpy()
        numbers, (hosts, paths) = self._numbered(page), self._pages.columns(page)
        columns: dict[str, Any] = {
            "reading_no": pa.array(np.full(page.size, self._reading_no, np.int32)),
            "host": hosts,
            "path": paths,
            "page_no": pa.array(numbers[:, 0]),
            "link_no": pa.array(numbers[:, 1]),
        }
        for name, column in columns.items():
            visits = visits.append_column(name, column)
        return visits

    def _numbered(self, page: Any) -> Any:
        """The numbers that the store has for pages, shape (visit, 2)."""
        missing = len(self._pages.names) - len(self._numbers)
        self._numbers = np.append(self._numbers, np.zeros((missing, 2), np.int32), axis=0)
        new = np.unique(page[self._numbers[page, 0] == 0])
        if new.size:
            names = ["https://{}{}".format(*self._pages.names[number]) for number in new.tolist()]
            distinct = sorted(set(names))
            rows = pa.table({"raw_url": pa.array(distinct), "domain": pa.nulls(len(distinct), pa.string())})
            with self._database.staged("coming", rows):
                linked = number_links(self._database, "coming")
            columns = (linked[column].to_pylist() for column in ("raw_url", "page_no", "link_no"))
            told = {name: numbers for name, *numbers in zip(*columns, strict=True)}
            self._numbers[new] = [told[name] for name in names]
        return self._numbers[page]
