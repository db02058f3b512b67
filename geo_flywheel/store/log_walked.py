"""The lines of a block walked through by compiled code; those that do not fit are taken apart by the query."""

from collections.abc import Iterator
from itertools import cycle

import duckdb
import numpy as np
import pyarrow as pa

from geo_flywheel.records import LogFile
from geo_flywheel.store import log_walk
from geo_flywheel.store.log_clients import Codes, Senders
from geo_flywheel.store.log_lines import Lines, ahead, padded
from geo_flywheel.store.log_queried import Chunk, Queried
from geo_flywheel.store.log_rows import ROW, SHORTEST, Form, Judged, Rows, judged
from geo_flywheel.store.log_texts import Bytes, Texts, words
from geo_flywheel.store.log_told import Claims


class Walked(Queried):
    """Walks through the lines of one log, of the Common or Combined format."""

    def __init__(self, file: LogFile, beside: duckdb.DuckDBPyConnection) -> None:
        """Work on a connection beside the store."""
        super().__init__(file, beside)
        self._claims = Claims(self._known)
        self._form = Form(file.layout == "vhost_combined", 6 if file.format.startswith("Combined") else 2)

    def chunks(self, blocks: Iterator[Lines]) -> Iterator[Chunk]:
        """Yield what lines say, first those of a block that fit; one block is walked through ahead."""
        for text, rows in ahead(self._through(blocks)):
            yield from self._told_of(text, rows)

    def _through(self, blocks: Iterator[Lines]) -> Iterator[tuple[Bytes, Rows]]:
        """Each block, and its lines that fit."""
        rooms = cycle([np.empty(0, ROW), np.empty(0, ROW)])
        for text, _ in blocks:
            room = next(rooms)
            if room.size <= text.size // SHORTEST:
                room.resize(text.size // SHORTEST + 1, refcheck=False)
            yield text, room[: log_walk.walk(words(text), room, self._form)]

    def _told_of(self, text: Bytes, rows: Rows) -> Iterator[Chunk]:
        """What a block says, in parts where it has many texts that are new."""
        block, begin = words(text), 0
        while begin < block.size - 1:
            texts = self._told.texts
            numbered = log_walk.number(block, rows, texts.table, self._form)
            some, rows = rows[:numbered], rows[numbered:]
            end = int(rows["start"][0]) if rows.size else block.size - 1
            self._told.learn()
            lines = judged(some.size)
            log_walk.judge(some, self._told.of, self._known.kinds(), lines)
            is_page = lines.page >= 0
            if not is_page.all():
                some, lines = some[is_page], Judged._make(column[is_page] for column in lines)
            if some.size:
                yield self._chunk(text, some, lines)
            if others := _between(text[begin:end], some, begin):
                yield self._queried(padded(others))
            if rows.size:
                _grow(texts, block.size - end)
            self._forget()
            begin = end

    def _chunk(self, text: Bytes, rows: Rows, lines: Judged) -> Chunk:
        """What lines say that ask for pages."""
        told, visit = self._told, rows[lines.is_visit]
        request, referrer, agent = (told.of[visit[name]] for name in ("request_no", "referrer_no", "agent_no"))
        by = Senders(agent["client"], referrer["sender"], request["sender"])
        is_agent = self._known.are_agents(by)
        proofs = np.zeros(visit.size, np.int64)
        proofs[is_agent] = self._proofs_of(text, visit[is_agent], by.client[is_agent])
        visits = {
            "method": told.methods.texts(request["method"]),
            "bytes": pa.array(visit["size"], mask=visit["size"] < 0),
            "utm_source": told.sources.texts(request["source"]),
            **self._known.visits(by, proofs, visit["moment"]),
        }
        return Chunk(lines._replace(keys=lines.keys ^ np.uint64(self._salt)), told.pages, pa.table(visits))

    def _proofs_of(self, text: Bytes, agents: Rows, clients: Codes) -> Codes:
        """What the claims of agents prove."""
        if self._claims.is_full:
            self._claims = Claims(self._known)
        claims, block, done = np.empty(agents.size, np.int64), words(text), 0
        while True:
            known = self._claims.texts
            done += log_walk.claim(block, agents[done:], clients[done:], known.table, claims[done:])
            if done == agents.size:
                return self._claims.proofs(text, agents, clients, claims)
            _grow(known, block.size)


def _grow(texts: Texts, size: int) -> None:
    texts.grow(size)
    log_walk.placed(texts.table)


def _between(text: Bytes, rows: Rows, begin: int) -> bytes:
    """What stands between lines, of a text that begins at a place of the block."""
    starts, ends = np.append(0, rows["end"] + 1 - begin), np.append(rows["start"] - begin, text.size)
    gaps = ends > starts
    return b"".join(text[at:end].tobytes() for at, end in zip(starts[gaps], ends[gaps], strict=True))
