import asyncio
import gzip
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.base import Reply, Request
from crawlers.crawled import ranges
from crawlers.crawled.parquet_rows import Found, keys, matching
from crawlers.crawled.ranges import Read, RemoteFile, RoomSpentError, lines, opened, piece, streamed
from geo_flywheel.errors import Throttled, Unreadable
from tests.crawlers.loopback import NOW

URL = "https://data.example/file"


class Served:
    """A file that is given in ranges, and what was asked for."""

    def __init__(self, body: bytes, change: Callable[[Reply], Reply] | None = None) -> None:
        self.body, self.asked, self._change = body, list[str](), change

    async def send(self, request: Request) -> Reply:
        first, _, last = request.headers["range"].removeprefix("bytes=").partition("-")
        self.asked.append(f"{first}-{last}")
        start = int(first) if first else max(0, len(self.body) - int(last))
        part = self.body[start : int(last) + 1] if first else self.body[start:]
        told = (("content-range", f"bytes {start}-{start + len(part) - 1}/{len(self.body)}"), ("etag", '"1"'))
        reply = Reply(206, told, part, request.url, NOW, 0.1)
        return self._change(reply) if self._change else reply


def remote(body: bytes, use: Callable[[RemoteFile], bytes], most: int = 10**9) -> tuple[bytes, list[str], Read]:
    served = Served(body)

    async def go() -> tuple[bytes, list[str], Read]:
        file, read = await opened(served, URL, most)
        return await asyncio.to_thread(use, file), served.asked, read

    return asyncio.run(go())


@settings(deadline=None, max_examples=40)
@given(
    st.binary(max_size=300),
    st.lists(st.tuples(st.integers(0, 320), st.integers(0, 2), st.integers(-1, 120)), max_size=8),
)
def test_a_remote_file_reads_like_one_on_disk(body: bytes, steps: list[tuple[int, int, int]]) -> None:
    def use(file: RemoteFile) -> bytes:
        here = BytesIO(body)
        for offset, whence, count in steps:
            start = offset if whence == 0 else 0 if whence == 1 else -min(offset, len(body))
            assert file.seek(start, whence) == here.seek(start, whence)
            assert file.read(count) == here.read(count)
            assert file.tell() == here.tell() or here.tell() > len(body)
        return b""

    if body:
        remote(body, use)


def test_the_end_is_asked_for_once_and_the_rest_as_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "TAIL", 10)
    body = bytes(range(100))

    def use(file: RemoteFile) -> bytes:
        file.seek(95)
        end = file.read()
        file.seek(3)
        return file.read(4) + end

    came, asked, read = remote(body, use)
    assert (came, asked) == (body[3:7] + body[95:], ["-10", "3-6"])
    assert (read.taken, read.size) == (14, 100)
    assert read.told()["sha256_of_read"] == sha256(body[90:] + body[3:7]).hexdigest()


def test_more_than_may_be_read_is_refused_before_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "TAIL", 10)
    with pytest.raises(RoomSpentError, match="more than 50 bytes would be read"):
        remote(bytes(100), lambda file: file.read(41), most=50)


@pytest.mark.parametrize(
    ("status", "kind"), [(403, Throttled), (503, Throttled), (500, Throttled), (404, Unreadable), (416, Unreadable)]
)
def test_a_range_that_does_not_come_is_an_error(status: int, kind: type[Exception]) -> None:
    served = Served(b"x" * 10, lambda reply: Reply(status, (), b"", reply.url, NOW, 0.1))
    with pytest.raises(kind, match="bytes 0-3 of"):
        asyncio.run(piece(served, Read(URL), "0-3"))


def test_a_part_that_does_not_say_which_is_refused() -> None:
    served = Served(b"x" * 10, lambda reply: Reply(206, (), reply.body, reply.url, NOW, 0.1))
    with pytest.raises(Unreadable, match="does not say which part"):
        asyncio.run(piece(served, Read(URL), "0-3"))


def test_a_stream_that_stands_still_ends() -> None:
    served = Served(b"x" * 10, lambda reply: Reply(206, reply.headers, b"", reply.url, NOW, 0.1))

    async def go() -> None:
        async for _ in streamed(served, Read(URL), 10**6):
            pass

    with pytest.raises(Unreadable, match="nothing came from byte 0 on"):
        asyncio.run(go())


def test_a_list_is_unpacked_within_its_limit() -> None:
    assert lines(gzip.compress(b"a\n\n b \n"), "x") == lines(b"a\n\n b \n", "x") == ["a", "b"]
    with pytest.raises(Unreadable, match="larger than 100 bytes"):
        lines(gzip.compress(bytes(10**6)), "x", most=100)
    with pytest.raises(Unreadable, match="cut off"):
        lines(gzip.compress(b"abc")[:-3], "x")


def table(rows: list[tuple[str, str, str]], group: int = 2) -> bytes:
    packed = BytesIO()
    columns = {
        name: [row[place] for row in rows]
        for place, name in enumerate(("url_host_tld", "url_host_registered_domain", "url"))
    }
    pq.write_table(pa.table(columns), packed, row_group_size=group)
    return packed.getvalue()


ROWS = [
    (domain.rpartition(".")[2], domain, f"https://{domain}/{n}")
    for domain in ("a.com", "b.com", "m.com", "b.org", "z.org")
    for n in range(4)
]


def found(body: bytes, *units: str) -> Found:
    return asyncio.run(matching(Served(body), URL, keys(units), ["url"], 10**9))


@pytest.mark.parametrize("unit", ["a.com", "b.com", "m.com", "b.org", "z.org", "x.b.org"])
def test_rows_of_a_domain_are_found_in_few_row_groups(unit: str) -> None:
    domain = unit.removeprefix("x.")
    came = found(table(ROWS), unit)
    assert [row["url"] for row in came.rows] == [f"https://{domain}/{n}" for n in range(4)]
    assert len(came.note["row_groups_read"]) == 2  # type: ignore[arg-type]  # a list
    assert came.note["row_groups"] == 10


def test_both_filters_prune_where_one_does_not() -> None:
    mixed = [("com", "a.com", "https://a.com/"), ("com", "z.com", "https://z.com/")]
    assert found(table(mixed), "m.org").note["row_groups_read"] == []
    assert found(table(mixed), "m.com").note["row_groups_read"] == [0]


def test_a_file_of_anything_else_is_refused() -> None:
    packed = BytesIO()
    pq.write_table(pa.table({"x": [1]}), packed)
    with pytest.raises(Unreadable, match="has no columns url_host_tld"):
        found(packed.getvalue(), "a.com")
    with pytest.raises(Unreadable, match="no Parquet file"):
        found(b"<html>" * 100, "a.com")


def test_every_parent_of_a_unit_is_a_key_but_its_last_label() -> None:
    assert keys(["x.blogspot.com", "a.example"]) == {
        "x.blogspot.com": "com",
        "blogspot.com": "com",
        "a.example": "example",
    }
