"""Files nobody should hand in, each with a word of the error it gives."""

import gzip
import zlib
from pathlib import Path

GOOD = Path(__file__).resolve().parents[2] / "captures" / "openai" / "search.json"

BAD: dict[str, bytes] = {
    "truncated.json": GOOD.read_bytes()[:-40],
    "page.json": b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
    "empty.json": b"",
    "blank.json": b" \n\n",
    "latin1.json": b'{"id": "resp_1", "model": "caf\xe9"}',
    "nan.json": b'{"id": "resp_1", "score": NaN}',
    "nested.json": b"[" * 10_000,
    "nested_objects.json": b'{"a":' * 10_000,
    "number.json": b"7",
    "nulls.json": b"\0" * 1_000,
    "cut.json.gz": gzip.compress(GOOD.read_bytes())[:-20],
    "damaged.json.gz": b"\x1f\x8b" + b"x" * 100,
}


def write_bad(folder: Path) -> list[Path]:
    """Write all of them, and return them with a folder and a file that is not there."""
    for name, content in BAD.items():
        (folder / name).write_bytes(content)
    (folder / "folder.json").mkdir()
    return [*(folder / name for name in BAD), folder / "folder.json", folder / "missing.json"]


def endless(head: bytes, byte: bytes, gigabytes: int, wbits: int) -> bytes:
    """A deflate stream of a head and very many times one byte, small on disk and quick to make."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    start = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    once = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = once.compress(byte * 1024**2) + once.flush(zlib.Z_FULL_FLUSH)
    return start + block * (1024 * gigabytes)
