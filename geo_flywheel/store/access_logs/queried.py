"""The lines of a block taken apart by the query."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from geo_flywheel.records import LogFile
from geo_flywheel.store.access_logs.clients import Codes, Known, Memory, Senders
from geo_flywheel.store.access_logs.layouts import parsed
from geo_flywheel.store.access_logs.lines import Lines, table
from geo_flywheel.store.access_logs.numbered import Numbered, Pages
from geo_flywheel.store.access_logs.rows import Judged
from geo_flywheel.store.access_logs.texts import Bytes, Texts
from geo_flywheel.store.access_logs.told import Told
from geo_flywheel.store.numbers import VisitKind

Keys = np.ndarray[Any, np.dtype[np.uint64]]


class Chunk(NamedTuple):
    """What some lines say.

    Attributes:
        lines: What they are.
        pages: What the numbers of pages stand for.
        kinds: What the numbers of kinds stand for.
        visits: Of those lines that are visits, `kind` and `bytes`.
        bad: Other lines, that say nothing.
    """

    lines: Judged
    pages: Pages
    kinds: Numbered[VisitKind]
    visits: pa.Table
    bad: Sequence[str] = ()


class Queried:
    """Takes the lines of one log apart."""

    def __init__(self, file: LogFile, beside: duckdb.DuckDBPyConnection) -> None:
        """Work on a connection beside the store."""
        self._file, self._beside = file, beside
        self._salt = int.from_bytes(sha256(file.host.encode()).digest()[:8], "big") if file.host else 0
        self._known = Known(file.visitors)
        self._told = Told(file, self._known, beside, Texts())
        self._clients, self._referrers = Memory(self._known.clients), Memory(self._known.referrers)
        self._campaigns, self._proofs = Memory(self._known.campaigns), Memory(self._known.proofs)

    def chunks(self, blocks: Iterator[Lines]) -> Iterator[Chunk]:
        """Yield what lines say."""
        for text, fields in blocks:
            yield self._queried(text, fields)
            if self._told.is_full:
                self._told = Told(self._file, self._known, self._beside, Texts())

    def _queried(self, text: Bytes, fields: tuple[str, ...] = ()) -> Chunk:
        self._beside.register("lines", table(text, self._salt))
        found = self._beside.execute(parsed(self._file, fields), {"host": self._file.host}).to_arrow_table()
        is_bad = pc.is_valid(found["bad"])
        bad, found = found["bad"].filter(is_bad).to_pylist(), found.filter(pc.invert(is_bad))
        by = Senders(
            _coded(found["agent"], self._clients),
            _coded(found["referrer"], self._referrers),
            _coded(found["utm_source"], self._campaigns),
        )
        is_visit, is_agent = self._known.are_visits(by), self._known.are_agents(by)
        proofs = np.zeros(found.num_rows, np.int64)
        proofs[is_agent] = self._proven(found.filter(pa.array(is_agent)), by.client[is_agent])
        moments, status = (found[name].cast(pa.int64()).to_numpy() for name in ("happened_at", "status"))
        whos = self._known.visits(by.only(is_visit), proofs[is_visit], moments[is_visit])
        visits = self._visits(found.filter(pa.array(is_visit)), whos)
        lines = Judged(found["line_key"].to_numpy(), moments, self._page(found), status, is_visit)
        return Chunk(lines, self._told.pages, self._told.kinds, visits, bad)

    def _visits(self, found: pa.Table, whos: Codes) -> pa.Table:
        said = zip(*(found[name].to_pylist() for name in ("method", "utm_source")), strict=True)
        return pa.table({"kind": self._told.kinds_of(whos, self._told.said.numbers(said)), "bytes": found["bytes"]})

    def _proven(self, agents: pa.Table, clients: Codes) -> Codes:
        """What the claims of agents prove."""
        names, columns = self._known.names(clients), (agents[name].to_pylist() for name in ("address", "forwarded"))
        return self._proofs.told(list(zip(names, *columns, strict=True)))

    def _page(self, found: pa.Table) -> Codes:
        """The number of the page of each line."""
        hosts, paths = (found[name].combine_chunks().dictionary_encode() for name in ("host", "path"))
        both = hosts.indices.to_numpy().astype(np.int64) << 32 | paths.indices.to_numpy()
        pairs = pa.array(both).dictionary_encode()
        host, path = np.divmod(pairs.dictionary.to_numpy(), 1 << 32)
        names = (values.dictionary.take(pa.array(of)).to_pylist() for values, of in ((hosts, host), (paths, path)))
        which: Codes = pairs.indices.to_numpy()
        return self._told.pages.numbers(zip(*names, strict=True))[which]


def _coded(column: pa.ChunkedArray, memory: Memory[Any]) -> Codes:
    """What is told of each value of a column."""
    coded = column.combine_chunks().dictionary_encode()
    distinct = coded.dictionary.to_pylist()
    which: Codes = coded.indices.fill_null(len(distinct)).to_numpy()
    return memory.told([*distinct, None])[which]
