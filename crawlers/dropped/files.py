"""The bytes of a dropped file: unpacked while they are read, counted, and never written to disk."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Protocol

from crawlers.base import DroppedFile
from geo_flywheel.errors import Unreadable

MAX_UNPACKED = 2 * 1024**3
"""Bytes one gzip file may unpack to; a larger table can be handed in unpacked."""
MAX_MEMBER = 512 * 1024**2
"""Bytes one member of a zip may unpack to."""
MAX_MEMBERS = 2 * 1024**3
"""Bytes all members that are read from one zip may unpack to."""

ZIP = (b"PK\x03\x04", b"PK\x05\x06")
"""How a zip begins."""

_BUFFER = 64 * 1024
_GZIP = b"\x1f\x8b"
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGED = (EOFError, OSError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error)


def opened(file: DroppedFile, limit: int = MAX_UNPACKED) -> BinaryIO:
    """Return the bytes of a file as a stream, decompressed when it is gzip.

    Args:
        file: The file.
        limit: Bytes it may unpack to; a file that is not compressed has no limit.

    Raises:
        Unreadable: If it cannot be opened; while it is read: if it is damaged, or unpacks to more than the limit.
    """
    try:
        raw = file.path.open("rb")
    except OSError as error:
        raise Unreadable(f"{file.name}: cannot be opened ({error.strerror}); check the path and its rights") from error
    if raw.read(2) != _GZIP:
        raw.seek(0)
        return raw
    raw.close()
    unpacked = gzip.open(file.path)  # noqa: SIM115 - the stream that is returned closes it
    return io.BufferedReader(_Counted(unpacked, file.name, limit, "unpack it yourself and hand in the result"), _BUFFER)


@contextmanager
def archive(file: DroppedFile) -> Iterator[zipfile.ZipFile]:
    """Open a zip for its list of members; `member` reads one of them.

    Raises:
        Unreadable: If it is not a zip, or its list is damaged.
    """
    try:
        opened_zip = zipfile.ZipFile(file.path)
    except (*_DAMAGED, NotImplementedError, OverflowError) as error:
        raise Unreadable(f"{file.name}: a zip that is cut off or damaged ({error}); export it again") from error
    with opened_zip:
        yield opened_zip


def bounded(members: list[zipfile.ZipInfo], name: str) -> list[zipfile.ZipInfo]:
    """Return the members that are to be read, once what they say of themselves is found harmless.

    Raises:
        Unreadable: If one is encrypted, packed by a rare method, or says it unpacks to more than the limits.
    """
    for info in members:
        if info.flag_bits & 1:
            raise Unreadable(f"{name}: {info.filename} is encrypted; unpack it with its password and hand in the file")
        if info.compress_type not in _PLAIN:
            raise Unreadable(f"{name}: {info.filename} is packed by method {info.compress_type}; zip it again, plainly")
        if info.file_size > MAX_MEMBER:
            raise Unreadable(_too_large(f"{name}: {info.filename}", MAX_MEMBER, "is this really an export?"))
    if sum(info.file_size for info in members) > MAX_MEMBERS:
        raise Unreadable(_too_large(f"{name}: its members together", MAX_MEMBERS, "hand in its members one by one"))
    return members


def member(opened_zip: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> BinaryIO:
    """Return the bytes of one member as a stream.

    Raises:
        Unreadable: If it cannot be opened; while it is read: if it is damaged or goes beyond the limit.
    """
    where = f"{name}: {info.filename}"
    try:
        stream = opened_zip.open(info)
    except (*_DAMAGED, NotImplementedError) as error:
        raise Unreadable(f"{where} is damaged ({error}); export it again") from error
    return io.BufferedReader(_Counted(stream, where, MAX_MEMBER, "is this really an export?"), _BUFFER)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


class _Counted(io.RawIOBase):
    """A decompressing stream that stops at a limit and says in our words that it is damaged."""

    def __init__(self, stream: _Readable, where: str, limit: int, advice: str) -> None:
        self._stream = stream
        self._where = where
        self._limit = limit
        self._left = limit
        self._advice = advice

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]  # io hands in one of these
        try:
            data = self._stream.read(len(buffer))
        except _DAMAGED as error:
            raise Unreadable(f"{self._where}: cut off or damaged ({error}); get the file again") from error
        self._left -= len(data)
        if self._left < 0:
            raise Unreadable(_too_large(self._where, self._limit, self._advice))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


def _too_large(where: str, limit: int, advice: str) -> str:
    return f"{where}: unpacks to more than {limit:,} bytes, which is refused; {advice}"
