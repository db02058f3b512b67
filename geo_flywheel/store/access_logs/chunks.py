"""What the lines of a log say, chunk by chunk: large logs are walked through by compiled code, others by the query."""

from collections import deque
from collections.abc import Iterator
from itertools import chain

import duckdb

from geo_flywheel.records import LogFile
from geo_flywheel.store.access_logs.lines import Lines, lines, padded
from geo_flywheel.store.access_logs.queried import Chunk, Queried

LEAST = 16 * 1024**2  # bytes of a first block that take longer by the query than compiled code takes to be loaded


def chunks(file: LogFile) -> Iterator[Chunk]:
    """Yield what the lines of a log say, made beside the store and without waiting for it."""
    with duckdb.connect() as beside, beside.cursor() as connection:
        blocks = lines(file.path, has_headers=file.layout == "w3c")
        for first in blocks:
            yield from _taker(file, first, connection).chunks(chain([first], blocks))


def rehearse(file: LogFile, head: bytes) -> None:
    """Take the beginning of a log apart and forget it, if that loads compiled code that the whole log is going to need.

    Args:
        file: The log.
        head: Lines of it; the last may be torn.
    """
    if file.path.stat().st_size >= LEAST and _is_walkable(file):
        with duckdb.connect() as beside, beside.cursor() as connection:
            deque(_walked(file, connection).chunks(iter([Lines(padded(head + b"\n"), ())])), 0)


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
