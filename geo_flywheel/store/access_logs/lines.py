"""The lines of a log, block by block: never more of a file in memory than one block, and a line is never cut in two."""

import gzip
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BufferedIOBase
from itertools import cycle
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from xxhash import xxh64_intdigest

from geo_flywheel.errors import Unreadable
from geo_flywheel.store.access_logs.texts import WORD, Bytes

BLOCK = 30 * 1024**2
LONGEST = 1024**2
_ROWS = 32_768  # of one batch: batches are what the store reads at the same time
_FIELDS = b"#Fields:"
_FEED = ord("\n")

_Made = TypeVar("_Made")


class Lines(NamedTuple):
    """Some lines of a log.

    Attributes:
        text: Each with its line feed, and `WORD` bytes of padding, shape (byte,). Overwritten by the next but one.
        fields: Names of their columns, as the last header before them says; none where there is no header.
    """

    text: Bytes
    fields: tuple[str, ...]


def lines(path: Path, *, has_headers: bool) -> Iterator[Lines]:
    """Yield the lines of a log.

    Bytes that are no UTF-8 come as their escapes, and a line that is longer than `LONGEST` comes cut off there.

    Args:
        path: Plain or gzip.
        has_headers: Whether lines that begin with #Fields: say what the columns are from there on.

    Raises:
        Unreadable: If the file cannot be read, or its gzip data is damaged.
    """
    fields: tuple[str, ...] = ()
    for block in _blocks(path):
        if not has_headers:
            yield Lines(block, fields)
            continue
        for part in _parts(block[:-WORD].tobytes()):
            if part.startswith(_FIELDS):
                fields = header(part.partition(b"\n")[0].decode())
            yield Lines(padded(part), fields)


@contextmanager
def ahead(made: Iterator[_Made], most: int = 1) -> Iterator[Iterator[_Made]]:
    """Yield the same things, made from now on while those before them are worked on: at most so many wait."""
    worker = ThreadPoolExecutor(1)
    coming = deque(worker.submit(next, made, None) for _ in range(most))

    def taken() -> Iterator[_Made]:
        while (thing := coming.popleft().result()) is not None:
            coming.append(worker.submit(next, made, None))
            yield thing

    try:
        yield taken()
    finally:
        worker.shutdown(cancel_futures=True)


def header(line: str) -> tuple[str, ...]:
    """Return the names of the columns that a #Fields line tells, lower case."""
    return tuple(line.removeprefix(_FIELDS.decode()).lower().split())


def table(text: Bytes, salt: int) -> pa.Table:
    """Return lines as a table of batches that are read at the same time, without the empty ones.

    Args:
        text: Lines, as `Lines` has them.
        salt: Is mixed into the keys.

    Returns:
        `line`, and `line_key`: XXH64 of its bytes, xor the salt.
    """
    ends = np.flatnonzero(text[:-WORD] == _FEED).astype(np.int32)
    starts = np.append(np.int32(0), ends[:-1] + 1)
    is_told = ends > starts
    starts, ends = starts[is_told], ends[is_told]
    offsets = np.append(np.stack([starts, ends], axis=1).ravel(), ends[-1:] if ends.size else np.int32(0))
    both = pa.Array.from_buffers(pa.string(), offsets.size - 1, [None, pa.py_buffer(offsets), pa.py_buffer(text)])
    column = both.take(pa.array(np.arange(0, offsets.size - 1, 2)))
    view = text.data
    keys = np.fromiter(
        (xxh64_intdigest(view[start:end]) for start, end in zip(starts, ends, strict=True)), np.uint64, ends.size
    )
    whole = pa.table({"line": column, "line_key": keys ^ np.uint64(salt)})
    return pa.Table.from_batches(whole.to_batches(max_chunksize=_ROWS), whole.schema)


def padded(text: bytes) -> Bytes:
    """Return lines as `Lines` has them."""
    block = np.zeros(len(text) + WORD, np.uint8)
    block[: len(text)] = np.frombuffer(text, np.uint8)
    return block


def _blocks(path: Path) -> Iterator[Bytes]:
    """Whole lines, as `Lines` has them."""
    try:
        with path.open("rb") as raw:
            is_gzip = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            file: BufferedIOBase = gzip.GzipFile(fileobj=raw) if is_gzip else raw
            for block in _cut(file):
                yield _as_text(block)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise Unreadable(f"{path}: the gzip data is damaged or cut off ({error}); fetch the file again") from error
    except OSError as error:
        raise Unreadable(f"{path}: cannot be read ({error.strerror}); check the path and its rights") from error


def _cut(file: BufferedIOBase) -> Iterator[Bytes]:
    rooms = cycle([bytearray(BLOCK + LONGEST + 1 + WORD) for _ in range(2)])
    for room in rooms:
        block = np.frombuffer(room, np.uint8)
        if not (size := file.readinto(block.data[:BLOCK])):
            return
        if room[size - 1] != _FEED:
            rest = file.readline(LONGEST)
            end = rest if rest.endswith(b"\n") else rest + b"\n"
            block[size : size + len(end)] = np.frombuffer(end, np.uint8)
            size += len(end)
            while rest and not rest.endswith(b"\n"):  # what a line has beyond the longest
                rest = file.readline(LONGEST)
        is_plain = room.find(b"\r", 0, size) < 0
        yield block[: size + WORD] if is_plain else padded(bytes(room[:size]).replace(b"\r\n", b"\n"))


def _as_text(block: Bytes) -> Bytes:
    """The same lines as UTF-8."""
    whole = [None, pa.py_buffer(np.array([0, block.size - WORD], np.int32)), pa.py_buffer(block)]
    try:
        pa.Array.from_buffers(pa.string(), 1, whole).validate(full=True)
    except pa.ArrowInvalid:
        return padded(block[:-WORD].tobytes().decode("utf-8", "backslashreplace").encode())
    return block


def _parts(block: bytes) -> Iterator[bytes]:
    """The block, cut before each header."""
    start = 0
    while (found := block.find(b"\n" + _FIELDS, start)) >= 0:
        if found + 1 > start:
            yield block[start : found + 1]
        start = found + 1
    yield block[start:]
