"""What the lines of a log say, chunk by chunk: large logs are walked through by compiled code, others by the query."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import duckdb

from geo_flywheel.records import LogFile
from geo_flywheel.store.log_lines import Lines, lines
from geo_flywheel.store.log_queried import Chunk, Queried

LEAST = 16 * 1024**2  # bytes of a first block that take longer by the query than compiled code takes to be loaded


def chunks(file: LogFile) -> Iterator[Chunk]:
    """Yield what the lines of a log say, made beside the store and without waiting for it."""
    taker: Queried | None = None
    with duckdb.connect() as beside, beside.cursor() as connection:
        for some in lines(file.path, has_headers=file.layout == "w3c"):
            taker = taker or _taker(file, some, connection)
            yield from taker.chunks(some)


def ahead(made: Iterator[Chunk]) -> Iterator[Chunk]:
    """Yield the same chunks, each one made while the one before it is stored."""
    with ThreadPoolExecutor(1) as worker:
        coming = worker.submit(next, made, None)
        while (chunk := coming.result()) is not None:
            coming = worker.submit(next, made, None)
            yield chunk


def _taker(file: LogFile, first: Lines, connection: duckdb.DuckDBPyConnection) -> Queried:
    """What takes the lines of a log apart that begins with these; compiled code is loaded only where it is worth it."""
    is_known = file.layout == "vhost_combined" or (file.layout == "combined" and file.host)
    if not is_known or first.text.size < LEAST:
        return Queried(file, connection)
    from geo_flywheel.store.log_walked import Walked

    return Walked(file, connection)
