"""The lines of a log taken apart, block by block: at once where they are laid out alike, the others by the query."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import duckdb
import numpy as np
import pyarrow as pa

from geo_flywheel.records import LogFile
from geo_flywheel.store.log_cuts import Mask, cut
from geo_flywheel.store.log_layouts import KEY, parsed
from geo_flywheel.store.log_lines import Lines, batched, lines

CODED = ("host", "path", "method", "referrer", "agent", "utm_source")


def chunks(file: LogFile) -> Iterator[pa.Table]:
    """Yield what `log_layouts.parsed` says of the lines of a log, the columns `CODED` as dictionaries.

    Made beside the store and without waiting for it; those lines of a block that are laid out alike come first.
    """
    with duckdb.connect() as beside, beside.cursor() as connection:
        for some in lines(file.path, has_headers=file.layout == "w3c"):
            alike, is_alike = cut(some, file, connection)
            if alike is not None:
                yield _keyed(alike, some, is_alike, file, connection)
            if not is_alike.all():
                connection.register("lines", some.table if alike is None else _others(some, is_alike))
                values = {"host": file.host, "salt": _salt(file.host)}
                yield _coded(connection.execute(parsed(file, some.fields), values).to_arrow_table())


def ahead(made: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Yield the same chunks, each one made while the one before it is stored."""
    with ThreadPoolExecutor(1) as worker:
        coming = worker.submit(next, made, None)
        while (chunk := coming.result()) is not None:
            coming = worker.submit(next, made, None)
            yield chunk


def _keyed(
    alike: pa.Table, some: Lines, is_alike: Mask, file: LogFile, connection: duckdb.DuckDBPyConnection
) -> pa.Table:
    connection.register("lines", some.table)
    query = f"SELECT {KEY} FROM lines WHERE line <> chr(10)"
    keys = connection.execute(query, {"salt": _salt(file.host)}).to_arrow_table()["line_key"].combine_chunks()
    keyed = alike.append_column("line_key", keys.filter(pa.array(is_alike)))
    return keyed.append_column("bad", pa.nulls(keyed.num_rows, pa.string()))


def _others(some: Lines, is_alike: Mask) -> pa.Table:
    places = 2 * np.flatnonzero(~is_alike)  # between each two stands what divides them
    return batched(some.table["line"].combine_chunks().take(pa.array(places)))


def _coded(chunk: pa.Table) -> pa.Table:
    for name in CODED:
        column = chunk[name].combine_chunks().dictionary_encode()
        chunk = chunk.set_column(chunk.column_names.index(name), name, column)
    return chunk


def _salt(host: str) -> int:
    """What tells the lines of two hosts apart that do not name their host."""
    return int.from_bytes(sha256(host.encode()).digest()[:8], "big") if host else 0
