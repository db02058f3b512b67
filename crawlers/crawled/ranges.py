"""Large files read in ranges through the one way out, so that pace, guard and limits hold for every byte of them.

A file is never held whole: `streamed` goes through it once, `RemoteFile` gives a Parquet reader the parts it asks for.
What is archived of such a file is a note: its address, size, version and digest of what was read, and the lines kept.
"""

import asyncio
import re
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from crawlers.base import Http, Reply, Request
from geo_flywheel.errors import CrawlError, Throttled, Unreadable

PIECE = 8 * 1024**2
TAIL = 64 * 1024
"""What a Parquet reader looks at first: the end of the file."""
_STEP = 4 * 1024**2  # what is unpacked at a time
_GZIP, _MAGIC = 16 + zlib.MAX_WBITS, b"\x1f\x8b"
_TOTAL = re.compile(r"bytes (\d+)-\d+/(\d+)")
_LATER = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class RoomSpentError(CrawlError):
    """More bytes were asked for than may be read of a file."""


@dataclass(slots=True)
class Read:
    """What was read of a file, for the note about it.

    Attributes:
        size: Bytes of the whole file; None until it is known.
        version: ETag of the first reply; a file that changes while it is read is refused.
        taken: Bytes read so far.
        digest: Over the bytes read, in their order.
        reply: The last one.
    """

    url: str
    size: int | None = None
    version: str = ""
    taken: int = 0
    digest: Any = field(default_factory=sha256)
    reply: Reply | None = None

    def told(self) -> dict[str, object]:
        """Return it as it stands in a note."""
        return {
            "url": self.url,
            "size": self.size,
            "etag": self.version,
            "bytes_read": self.taken,
            "sha256_of_read": self.digest.hexdigest(),
        }


async def piece(http: Http, read: Read, wanted: str) -> bytes:
    """Return a range of a file.

    Args:
        http: The way out.
        read: What was read before; brought up to date.
        wanted: As in the header Range: "0-99", or "-99" for the last 99 bytes.

    Raises:
        Throttled: If the other side asks for patience.
        Unreadable: If it gives no such range, or another version of the file than before.
    """
    reply = await http.send(Request("GET", read.url, {"range": f"bytes={wanted}"}))
    if reply.status not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        raise trouble(reply.status, f"bytes {wanted} of {read.url}")
    headers = dict(reply.headers)
    version = headers.get("etag", "")
    if read.version and version != read.version:
        raise Unreadable(f"{read.url} changed while it was read; gather it again")
    read.version = version
    total = _TOTAL.fullmatch(headers.get("content-range", ""))
    read.size = int(total[2]) if total else _whole(reply, read.url)
    read.taken += len(reply.body)
    read.digest.update(reply.body)
    read.reply = reply
    return reply.body


def trouble(status: int, what: str) -> CrawlError:
    """Return the error for something that did not come: to be had later, or not there."""
    if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Throttled(f"{what} cannot be had now (HTTP {status}); gather again later")
    return Unreadable(f"{what} cannot be had (HTTP {status}); check the address")


def note(read: Read, body: bytes) -> Reply:
    """Return what is archived in place of a large file: a note, with the date of the last request for it.

    Raises:
        Unreadable: If nothing of the file came.
    """
    if read.reply is None:
        raise Unreadable(f"{read.url}: nothing came; gather it again")
    headers = (("content-type", "application/json"),)
    return replace(read.reply, status=HTTPStatus.OK, headers=headers, body=body, url=read.url)


async def streamed(http: Http, read: Read, most: int) -> AsyncIterator[bytes]:
    """Yield a file from its beginning, unpacked when it is gzip, in pieces; it ends early when `most` bytes were read.

    Whether it came to its end is told by `read.taken == read.size`.

    Raises:
        Throttled, Unreadable: As `piece`; also if the packing is damaged.
    """
    unpacker: zlib._Decompress | None = None
    inside = False  # a member of the packing
    while (read.size is None or read.taken < read.size) and read.taken < most:
        start = read.taken
        raw = await piece(http, read, f"{start}-{start + PIECE - 1}")
        if not raw:
            raise Unreadable(f"{read.url}: nothing came from byte {start} on; gather it again")
        if start == 0 and raw.startswith(_MAGIC):
            unpacker = zlib.decompressobj(_GZIP)
        if unpacker is None:
            yield raw
            continue
        while raw:
            try:
                yield unpacker.decompress(raw, _STEP)
            except zlib.error as error:
                raise Unreadable(f"{read.url}: the packing is damaged ({error}); gather it again") from error
            inside, raw = not unpacker.eof, unpacker.unconsumed_tail
            if unpacker.eof:  # a file may consist of several members
                raw = unpacker.unused_data
                unpacker = zlib.decompressobj(_GZIP)
    if inside and read.taken == read.size:
        raise Unreadable(f"{read.url}: the list is cut off inside its packing; gather it again")


def lines(body: bytes, name: str, most: int = 2 * PIECE) -> list[str]:
    """Return the lines of a small file, unpacked when it is gzip.

    Raises:
        Unreadable: If it is damaged or larger than `most` bytes.
    """
    if body.startswith(_MAGIC):
        unpacker = zlib.decompressobj(_GZIP)
        try:
            body = unpacker.decompress(body, most)
        except zlib.error as error:
            raise Unreadable(f"{name}: the packing is damaged ({error}); gather it again") from error
        if not unpacker.eof:
            raise Unreadable(f"{name}: it is cut off, or larger than {most:,} bytes")
    return [line.strip() for line in body.decode("utf-8", "replace").splitlines() if line.strip()]


class RemoteFile:
    """A file as a reader in another thread sees it: `read`, `seek` and `tell`, each read a range.

    Args:
        http: The way out, used on the loop that made this object.
        read: What was read so far; its size is known.
        tail: The end of the file, which is not asked for again.
        most: Bytes that may be read of it.
    """

    closed = False

    def __init__(self, http: Http, read: Read, tail: bytes, most: int) -> None:
        self._http, self._read, self._tail, self._most = http, read, tail, most
        self._loop = asyncio.get_running_loop()
        self._size = read.size or 0
        self._place = 0

    def read(self, count: int = -1) -> bytes:
        """Return the next bytes.

        Raises:
            RoomSpentError: If that is more than may be read.
            Throttled, Unreadable: As `piece`.
        """
        end = self._size if count < 0 else min(self._place + count, self._size)
        start, self._place = self._place, max(end, self._place)
        if start >= end:
            return b""
        beginning = self._size - len(self._tail)
        if start >= beginning:
            return self._tail[start - beginning : end - beginning]
        if self._read.taken + end - start > self._most:
            raise RoomSpentError(f"{self._read.url}: more than {self._most:,} bytes would be read; raise the limit")
        asked = asyncio.run_coroutine_threadsafe(piece(self._http, self._read, f"{start}-{end - 1}"), self._loop)
        return asked.result()

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place and return it."""
        self._place = offset + (0, self._place, self._size)[whence]
        return self._place

    def tell(self) -> int:
        """Return the place."""
        return self._place

    def size(self) -> int:
        """Return the size of the file."""
        return self._size

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it has places."""
        return True

    def writable(self) -> bool:
        """Return that it cannot be written."""
        return False

    def close(self) -> None:
        """Do nothing: there is nothing open."""


async def opened(http: Http, url: str, most: int) -> tuple[RemoteFile, Read]:
    """Return a file, of which the end has been read.

    Raises:
        Throttled, Unreadable: As `piece`.
    """
    read = Read(url)
    tail = await piece(http, read, f"-{TAIL}")
    return RemoteFile(http, read, tail, most), read


def _whole(reply: Reply, url: str) -> int:
    """The size of a file that came whole in place of the range."""
    if reply.status != HTTPStatus.OK:
        raise Unreadable(f"{url}: does not say which part of the file came; gather it again")
    return len(reply.body)
