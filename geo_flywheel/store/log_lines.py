"""The lines of a log, block by block: never more of a file in memory than one block, and a line is never cut in two."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pyarrow as pa

from geo_flywheel.errors import Unreadable

BLOCK = 30 * 1024**2
LONGEST = 1024**2
_ROWS = 32_768  # of one batch: batches are what the store reads at the same time
_FIELDS = b"#Fields:"


class Lines(NamedTuple):
    """Some lines of a log.

    Attributes:
        table: One column `line`; empty lines, and a line feed between each two, are among them.
        fields: Names of their columns, as the last header before them says; none where there is no header.
        text: All of them.
        ends: Where in it the line feed of each stands, shape (line,).
    """

    table: pa.Table
    fields: tuple[str, ...]
    text: bytes
    ends: np.ndarray[Any, np.dtype[np.int32]]


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
        text = block.replace(b"\r\n", b"\n") if b"\r" in block else block
        for part in _parts(text) if has_headers else (text,):
            if part.startswith(_FIELDS):
                fields = header(part.partition(b"\n")[0].decode("utf-8", "backslashreplace"))
            yield _told(part, fields)


def header(line: str) -> tuple[str, ...]:
    """Return the names of the columns that a #Fields line tells, lower case."""
    return tuple(line.removeprefix(_FIELDS.decode()).lower().split())


def _blocks(path: Path) -> Iterator[bytes]:
    """Whole lines, each with its line feed."""
    try:
        with path.open("rb") as raw:
            is_gzip = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            file: BinaryIO = gzip.GzipFile(fileobj=raw) if is_gzip else raw  # type: ignore[assignment]
            yield from _cut(file)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise Unreadable(f"{path}: the gzip data is damaged or cut off ({error}); fetch the file again") from error
    except OSError as error:
        raise Unreadable(f"{path}: cannot be read ({error.strerror}); check the path and its rights") from error


def _cut(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        if not block.endswith(b"\n"):
            rest = file.readline(LONGEST)
            block += rest if rest.endswith(b"\n") else rest + b"\n"
            while rest and not rest.endswith(b"\n"):  # what a line has beyond the longest
                rest = file.readline(LONGEST)
        yield block


def _parts(block: bytes) -> Iterator[bytes]:
    """The block, cut before each header."""
    start = 0
    while (found := block.find(b"\n" + _FIELDS, start)) >= 0:
        if found + 1 > start:
            yield block[start : found + 1]
        start = found + 1
    yield block[start:]


def _told(block: bytes, fields: tuple[str, ...]) -> Lines:
    column, ends = _column(block)
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        block = block.decode("utf-8", "backslashreplace").encode()
        column, ends = _column(block)
    return Lines(batched(column), fields, block, ends)


def batched(column: "pa.Array[pa.StringScalar]") -> pa.Table:
    """Return lines as a table of batches that are read at the same time."""
    return pa.Table.from_batches(
        [pa.record_batch({"line": column.slice(start, _ROWS)}) for start in range(0, len(column), _ROWS)]
    )


def _column(block: bytes) -> tuple["pa.Array[pa.StringScalar]", np.ndarray[Any, np.dtype[np.int32]]]:
    """The lines and what stands between them, without copying a byte; and where each ends."""
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n")).astype(np.int32)
    offsets = np.empty(2 * ends.size + 1, np.int32)
    offsets[0] = 0
    offsets[1::2] = ends
    offsets[2::2] = ends + 1
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(block)]
    return pa.Array.from_buffers(pa.string(), offsets.size - 1, buffers), ends
