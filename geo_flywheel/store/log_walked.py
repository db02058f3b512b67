"""The lines of a block walked through by compiled code; those that do not fit are taken apart by the query."""

from collections.abc import Iterator

import duckdb
import numpy as np
import pyarrow as pa

from geo_flywheel.records import LogFile
from geo_flywheel.store import log_walk
from geo_flywheel.store.log_clients import Codes, Senders
from geo_flywheel.store.log_lines import Lines, padded
from geo_flywheel.store.log_queried import Chunk, Queried
from geo_flywheel.store.log_rows import ROW, SHORTEST, Form, Rows
from geo_flywheel.store.log_texts import Bytes, Texts, words
from geo_flywheel.store.log_told import Claims


class Walked(Queried):
    """Walks through the lines of one log, of the Common or Combined format."""

    def __init__(self, file: LogFile, beside: duckdb.DuckDBPyConnection) -> None:
        """Work on a connection beside the store."""
        super().__init__(file, beside)
        self._claims = Claims(self._known)
        self._rows = np.empty(0, ROW)
        self._form = Form(file.layout == "vhost_combined", 6 if file.format.startswith("Combined") else 2)

    def chunks(self, some: Lines) -> Iterator[Chunk]:
        """Yield what lines say, first what those say that fit."""
        block, at = words(some.text), 0
        if self._rows.size <= block.size // SHORTEST:
            self._rows = np.empty(block.size // SHORTEST + 1, ROW)
        while at < block.size - 1:
            begin, texts = at, self._told.texts
            row, at = log_walk.walk(block, begin, texts.table, self._rows, self._form)
            self._told.learn()
            rows = self._rows[:row]
            is_page = self._told.of["page"][rows["request"]] >= 0
            rows = rows if is_page.all() else rows[is_page]
            if rows.size:
                yield self._walked(some.text, rows)
            if others := _between(some.text[begin:at], rows, begin):
                yield self._queried(padded(others))
            if at < block.size - 1:
                _grow(texts, block.size - at)
            self._forget()

    def _walked(self, text: Bytes, rows: Rows) -> Chunk:
        """What lines say that ask for pages."""
        told = self._told.of
        request = told[rows["request"]]
        by = Senders(told["client"][rows["agent"]], told["sender"][rows["referrer"]], request["sender"])
        is_visit, is_agent = self._known.are_visits(by)
        proofs = np.zeros(rows.size, np.int64)
        proofs[is_agent] = self._proven_by(text, rows[is_agent], by.client[is_agent])
        visit, moments = request[is_visit], rows["happened_at"].copy()
        size = rows["size"][is_visit]
        visits = {
            "method": self._told.methods.texts(visit["method"]),
            "bytes": pa.array(size, mask=size < 0),
            "utm_source": self._told.sources.texts(visit["source"]),
            **self._known.visits(by.only(is_visit), proofs[is_visit], moments[is_visit]),
        }
        keys, status = rows["key"] ^ np.uint64(self._salt), rows["status"].astype(np.int64)
        return Chunk(keys, moments, request["page"], status, is_visit, self._told.pages, pa.table(visits))

    def _proven_by(self, text: Bytes, agents: Rows, clients: Codes) -> Codes:
        """What the claims of agents prove."""
        if self._claims.is_full:
            self._claims = Claims(self._known)
        numbers, block, done = np.empty(agents.size, np.int64), words(text), 0
        while True:
            known = self._claims.texts
            done += log_walk.claims(block, agents[done:], clients[done:], known.table, numbers[done:])
            if done == agents.size:
                return self._claims.proofs(text, agents, clients, numbers)
            _grow(known, block.size)


def _grow(texts: Texts, size: int) -> None:
    texts.grow(size)
    log_walk.placed(texts.table)


def _between(text: Bytes, rows: Rows, begin: int) -> bytes:
    """What stands between lines, of a text that begins at a place of the block."""
    starts, ends = np.append(0, rows["end"] + 1 - begin), np.append(rows["start"] - begin, text.size)
    gaps = ends > starts
    return b"".join(text[at:end].tobytes() for at, end in zip(starts[gaps], ends[gaps], strict=True))
