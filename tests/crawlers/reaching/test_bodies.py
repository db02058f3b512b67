import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.reaching.bodies import unpacked
from geo_flywheel.errors import Unreadable


async def chunks(body: bytes, size: int = 7) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def read(body: bytes, encoding: str = "", most: int = 1000, size: int = 7) -> bytes:
    return asyncio.run(unpacked(chunks(body, size), encoding, most, "api.example"))


@given(st.binary(max_size=300), st.integers(1, 400))
def test_a_body_comes_back_whole_however_it_was_cut_and_packed(body: bytes, size: int) -> None:
    assert read(body, size=size) == body
    assert read(gzip.compress(body), "GZIP ", size=size) == body


@pytest.mark.parametrize("size", [1, 1000, 100_000])
def test_a_bomb_is_stopped_at_the_limit(size: int) -> None:
    with pytest.raises(Unreadable, match="larger than 1,000 bytes"):
        read(gzip.compress(bytes(10_000_000)), "gzip", most=1000, size=size)


def test_a_bomb_never_unfolds_beyond_the_limit_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Unpacker:
        eof = False

        def decompress(self, data: bytes, most: int) -> bytes:
            asked.append(most)
            return bytes(min(most, 1000 * len(data)))

    monkeypatch.setattr(zlib, "decompressobj", lambda _: Unpacker())
    with pytest.raises(Unreadable):
        read(bytes(100), "gzip", most=50_000)
    assert max(asked) == 50_001
    assert 0 not in asked  # which zlib takes for "no limit"


def test_a_plain_body_has_the_same_limit() -> None:
    assert read(bytes(1000), most=1000) == bytes(1000)
    with pytest.raises(Unreadable, match="larger"):
        read(bytes(1001), most=1000)


def test_what_follows_a_packed_body_counts_too() -> None:
    with pytest.raises(Unreadable, match="larger"):
        read(gzip.compress(b"end") + bytes(2000), "gzip")


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd", "deflate"])
def test_a_packing_that_was_not_asked_for_is_unreadable(encoding: str) -> None:
    with pytest.raises(Unreadable, match="not asked for"):
        read(gzip.compress(gzip.compress(b"{}")), encoding)


def test_a_packed_body_that_is_cut_off_or_garbled_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="cut off"):
        read(gzip.compress(b"an answer")[:-4], "gzip")
    with pytest.raises(Unreadable, match="cannot be unpacked"):
        read(b"no gzip at all", "gzip")


def test_a_reply_without_a_body_is_empty_whatever_it_says_of_its_packing() -> None:
    assert read(b"", "gzip") == b""
