"""What the lines of a log say, chunk by chunk: large logs are walked through by compiled code, others by the query."""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import chain

import duckdb

from geo_flywheel.records import LogFile
from geo_flywheel.store.access_logs.lines import Lines, ahead, lines
from geo_flywheel.store.access_logs.queried import Chunk, Queried

LEAST = 16 * 1024**2  # bytes of a first block that take longer by the query than compiled code takes to be loaded
_AHEAD = 8  # chunks: while a digest is taken, or visits are stored, others are made


@contextmanager
def begun(file: LogFile) -> Iterator[Iterator[Chunk]]:
    """Yield what the lines of a log say, made from now on, or since that was begun before."""
    if file.begun is not None:
        yield file.begun
        return
    with closing(chunks(file)) as made, ahead(made, _AHEAD) as taken:
        yield taken


def chunks(file: LogFile) -> Generator[Chunk]:
    """Yield what the lines of a log say, made beside the store and without waiting for it."""
    with duckdb.connect() as beside, beside.cursor() as connection:
        blocks = lines(file.path, has_headers=file.layout == "w3c")
        for first in blocks:
            yield from _taker(file, first, connection).chunks(chain([first], blocks))


def _taker(file: LogFile, first: Lines, connection: duckdb.DuckDBPyConnection) -> Queried:
    """What takes the lines of a log apart that begins so; compiled code is loaded only where that is worth it."""
    if not _is_walkable(file) or first.text.size < LEAST:
        return Queried(file, connection)
    return _walked(file, connection)


def _is_walkable(file: LogFile) -> bool:
    return file.layout == "vhost_combined" or (file.layout == "combined" and file.host != "")


def _walked(file: LogFile, connection: duckdb.DuckDBPyConnection) -> Queried:
    from geo_flywheel.store.access_logs.walked import Walked

    return Walked(file, connection)
