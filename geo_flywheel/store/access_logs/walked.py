"""The lines of a block walked through by compiled code; those that do not fit are taken apart by the query."""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import duckdb
import numpy as np
import pyarrow as pa

from geo_flywheel.records import LogFile
from geo_flywheel.store.access_logs import walk
from geo_flywheel.store.access_logs.clients import Codes, Senders
from geo_flywheel.store.access_logs.lines import Lines, ahead, padded
from geo_flywheel.store.access_logs.queried import Chunk, Queried
from geo_flywheel.store.access_logs.rows import ROW, SHORTEST, TEXT, Form, Judged, Rows, judged
from geo_flywheel.store.access_logs.table import placed
from geo_flywheel.store.access_logs.texts import Bytes, Texts, words
from geo_flywheel.store.access_logs.told import Claims, Told

_TEXTS = 3 * 32  # that are looked up at a time


class _Part(NamedTuple):
    """Part of a block.

    Attributes:
        text: The block.
        begin: Where in it the part begins.
        end: Where it ends.
        rows: Its lines that fit.
        texts: Where their texts stand.
        known: How many of these there are.
    """

    text: Bytes
    begin: int
    end: int
    rows: Rows
    texts: Texts
    known: int


class Walked(Queried):
    """Walks through the lines of one log, of the Common or Combined format."""

    def __init__(self, file: LogFile, beside: duckdb.DuckDBPyConnection) -> None:
        """Work on a connection beside the store."""
        super().__init__(file, beside)
        self._claims = Claims(self._known)
        self._form = Form(file.layout == "vhost_combined", 6 if file.format.startswith("Combined") else 2)

    def chunks(self, blocks: Iterator[Lines]) -> Iterator[Chunk]:
        """Yield what lines say, first those of a block that fit; a part of a block is walked through ahead."""
        with ahead(self._through(blocks)) as parts:
            for part in parts:
                if part.texts is not self._told.texts or self._told.is_full:
                    self._told = Told(self._file, self._known, self._beside, part.texts)
                self._told.learn(part.known)
                yield from self._told_of(part)

    def _through(self, blocks: Iterator[Lines]) -> Iterator[_Part]:
        """The parts of each block: as much of it as there is room for new texts."""
        texts, some, rooms = self._told.texts, np.empty(_TEXTS, TEXT), deque(np.empty(0, ROW) for _ in range(2))
        for text, _ in blocks:
            block, end = words(text), 0
            while (begin := end) < block.size - 1:
                rooms.rotate()
                if rooms[0].size <= block.size // SHORTEST:
                    rooms[0] = np.empty(block.size // SHORTEST + 1, ROW)
                row, end = walk.walk(block, begin, texts.table, rooms[0], some, self._form)
                yield _Part(text, begin, end, rooms[0][:row], texts, len(texts))
                if texts.is_full:
                    texts = Texts()
                elif end < block.size - 1:
                    _grow(texts, block.size - end)

    def _told_of(self, part: _Part) -> Iterator[Chunk]:
        """What the lines of a part say."""
        rows, lines = part.rows, judged(part.rows.size)
        walk.judge(rows, self._told.of, self._known.kinds(), lines)
        is_page = lines.page >= 0
        if not is_page.all():
            rows, lines = rows[is_page], Judged._make(column[is_page] for column in lines)
        if rows.size:
            yield self._chunk(part.text, rows, lines)
        if others := _between(part.text[part.begin : part.end], rows, part.begin):
            yield self._queried(padded(others))

    def _chunk(self, text: Bytes, rows: Rows, lines: Judged) -> Chunk:
        """What lines say that ask for pages."""
        told, visit = self._told, rows[lines.is_visit]
        request, referrer, agent = (told.of[visit[name]] for name in ("request", "referrer", "agent"))
        by = Senders(agent["client"], referrer["sender"], request["sender"])
        is_agent = self._known.are_agents(by)
        proofs = np.zeros(visit.size, np.int64)
        proofs[is_agent] = self._proofs_of(text, visit[is_agent], by.client[is_agent])
        kinds = told.kinds_of(self._known.visits(by, proofs, visit["moment"]), request["said"])
        visits = pa.table({"kind": kinds, "bytes": pa.array(visit["size"], mask=visit["size"] < 0)})
        return Chunk(lines._replace(keys=lines.keys ^ np.uint64(self._salt)), told.pages, told.kinds, visits)

    def _proofs_of(self, text: Bytes, agents: Rows, clients: Codes) -> Codes:
        """What the claims of agents prove."""
        if self._claims.texts.is_full:
            self._claims = Claims(self._known)
        claims, block, done = np.empty(agents.size, np.int64), words(text), 0
        while True:
            known = self._claims.texts
            done += walk.claim(block, agents[done:], clients[done:], known.table, claims[done:])
            if done == agents.size:
                return self._claims.proofs(text, agents, clients, claims)
            _grow(known, block.size)


def _grow(texts: Texts, size: int) -> None:
    texts.grow(size)
    placed(texts.table)


def _between(text: Bytes, rows: Rows, begin: int) -> bytes:
    """What stands between lines, of a text that begins at a place of the block."""
    starts, ends = np.append(0, rows["end"] + 1 - begin), np.append(rows["start"] - begin, text.size)
    gaps = ends > starts
    return b"".join(text[at:end].tobytes() for at, end in zip(starts[gaps], ends[gaps], strict=True))
