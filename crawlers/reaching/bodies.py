"""The body of a reply, unpacked within a limit whatever its packing promises."""

import zlib
from collections.abc import AsyncIterable

from geo_flywheel.errors import Unreadable

ENCODING = "gzip"
_GZIP = 16 + zlib.MAX_WBITS


async def unpacked(chunks: AsyncIterable[bytes], encoding: str, most: int, name: str) -> bytes:
    """Return the bytes of a body.

    Neither what travels nor what comes of it grows beyond the limit in memory, so that a bomb never unfolds.

    Args:
        chunks: As they travelled.
        encoding: Content-Encoding of the reply, "" when none.
        most: Limit in bytes.
        name: Who sent it, for the errors.

    Raises:
        Unreadable: If it is larger than the limit, cut off, or packed in a way that was not asked for.
    """
    unpacker = _unpacker(encoding.strip().lower(), name)
    travelled, body = 0, bytearray()
    async for chunk in chunks:
        travelled += len(chunk)
        try:
            body += unpacker.decompress(chunk, most + 1 - len(body)) if unpacker else chunk
        except zlib.error as error:
            raise Unreadable(f"{name}: the reply cannot be unpacked ({error}); ask again") from None
        if max(travelled, len(body)) > most:
            raise Unreadable(f"{name}: the reply is larger than {most:,} bytes; ask for less")
    if unpacker and travelled and not unpacker.eof:
        raise Unreadable(f"{name}: the reply is cut off inside its packing; ask again")
    return bytes(body)


def _unpacker(encoding: str, name: str) -> "zlib._Decompress | None":
    if encoding in {"", "identity"}:
        return None
    if encoding not in {"gzip", "x-gzip"}:
        raise Unreadable(f"{name}: the reply is packed as {encoding[:40]!r}, which was not asked for; ask another way")
    return zlib.decompressobj(_GZIP)
